"""Images of one's own in a real Chromium: dropped, refused, drawn, trained, saved and opened."""

import base64
import io
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

DROP = """async ([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  for (const type of ['dragover', 'drop']) {
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture
def visit(app, open_page):
    found = open_page(app.url)
    found.until_finished()
    yield found
    found.assert_clean()


def photographs(n_each=30, side=(90, 120)):
    """A .zip of a folder of photographs: warm ones are brighter above, cold ones below."""
    rng, content = np.random.default_rng(3), io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, first, last in (("dawn", 220, 40), ("dusk", 40, 220)):
            for i in range(n_each):
                noise = rng.normal(0, 20, (*side, 3))
                sky = np.clip(np.linspace(first, last, side[0])[:, None, None] + noise, 0, 255)
                Image.fromarray(sky.astype(np.uint8)).save(stream := io.BytesIO(), "jpeg")
                packed.writestr(f"sky/{name}/{i}.jpg", stream.getvalue())
    return content.getvalue()


def drop(page, name, content):
    page.evaluate(DROP, [name, base64.b64encode(content).decode()])


@pytest.mark.long
def test_dropped_photographs_are_trained_saved_and_opened(visit, app, open_page, tmp_path):
    page = visit.page
    drop(page, "sky.zip", photographs())
    expect(visit.messages).to_contain_text("sky.zip (yours) is open")
    visit.until_finished(100)
    assert visit.curve("accuracy", "test")[-1] == 100
    visit.button("Export").click()
    path = visit.download(visit.button("Save session"), tmp_path)
    visit.tab("data")
    assert visit.severe() == []
    other = open_page(app.url)
    other.until_finished()
    other.open_file(path)
    expect(other.messages).to_contain_text("is open: 1 run")
    expect(other.page.locator(".explorer-dataset")).to_contain_text("sky.zip (yours)")
    assert other.curve("accuracy", "test")[-1] == 100
    other.assert_clean()


def drag(page, path):
    """Drop a file or a folder as a user does, from outside the browser."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})


@pytest.mark.long
def test_a_folder_is_dropped_with_all_that_is_in_it(visit, tmp_path):
    with zipfile.ZipFile(io.BytesIO(photographs(120, (20, 20)))) as packed:  # the browser lists 100 at once
        packed.extractall(tmp_path)
    drag(visit.page, tmp_path / "sky")
    expect(visit.messages).to_contain_text("sky (yours) is open")
    visit.tab("data")
    expect(visit.page.locator(".explorer-data")).to_contain_text("sky (yours) has 204 training images")
    visit.until_finished(100)
    visit.resize(1280, 720)
    visit.tab("overview")


@pytest.mark.long
def test_an_upload_is_canceled(visit, tmp_path):
    page, path = visit.page, tmp_path / "large.zip"
    path.write_bytes(bytes(60 << 20))
    drag(page, path)
    sending = page.locator(".explorer-sending")
    expect(sending).to_contain_text("Sending large.zip: ")
    sending.get_by_role("button", name="Cancel").click()
    expect(sending).to_contain_text("large.zip was not opened.")
    drop(page, "sky.zip", photographs(20))  # another one is sent after it
    expect(visit.messages).to_contain_text("sky.zip (yours) is open")


def test_a_refused_file_changes_nothing(visit):
    drop(visit.page, "notes.zip", photographs(1)[:300])
    expect(visit.messages).to_contain_text("notes.zip can't be read. notes.zip: found damaged data")
    expect(visit.page.locator(".explorer-dataset")).to_contain_text("MNIST")


def draw(page, pad, name):
    """A cross or a ring, never twice the same."""
    box, rng = pad.bounding_box(), np.random.default_rng()
    angle, size = rng.uniform(-0.2, 0.2), rng.uniform(0.25, 0.35)
    for turns in [np.arange(13) / 6] if name == "ring" else [[1 / 4, 5 / 4], [3 / 4, 7 / 4]]:
        for turn in turns:
            at = angle + np.pi * turn
            x, y = 0.5 + size * np.cos(at), 0.5 + size * np.sin(at)
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            page.mouse.down()
        page.mouse.up()


@pytest.mark.long
def test_drawings_at_390_px_with_touch(app, open_page):
    found = open_page(f"{app.url}?tab=data", viewport={"width": 390, "height": 844}, has_touch=True)
    own = found.page.locator(".explorer-own")
    own.get_by_text("Draw them").tap()
    pad = own.locator("canvas[role=application]")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert 0 <= box["x"] <= 390 - box["width"]
    pad.tap()
    own.get_by_role("button", name="Add the drawing").tap()
    own.get_by_role("textbox", name="Name of class 2").tap()
    pad.tap()
    own.get_by_role("button", name="Add the drawing").tap()
    expect(own.get_by_role("button", name="Remove this drawing")).to_have_count(2)
    expect(own.get_by_role("button", name="Train on them")).to_be_disabled()
    own.get_by_role("button", name="Remove this drawing").first.tap()
    expect(own.get_by_role("radio", name="Draw for class 1")).to_be_focused()
    assert found.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert found.severe() == []
    found.assert_clean()


@pytest.mark.long
def test_what_the_room_draws_is_trained_and_reads_a_drawing(visit, tmp_path):
    page = visit.page
    visit.button("Data set").click()
    visit.button("More about the data, or your own").click()
    own = page.locator(".explorer-own")
    own.get_by_text("Draw them").click()
    pad = own.locator("canvas[role=application]")
    pad.scroll_into_view_if_needed()
    for number, name in enumerate(("cross", "ring"), 1):
        own.get_by_role("textbox", name=f"Name of class {number}").fill(name)
        for _ in range(7):
            draw(page, pad, name)
            own.get_by_role("button", name="Add the drawing").click()
    paper = Image.linear_gradient("L").resize((400, 300)).point(lambda level: 170 + level // 4)
    ImageDraw.Draw(paper).ellipse((130, 80, 270, 220), outline=40, width=16)
    paper.save(tmp_path / "ring.jpg")
    with page.expect_file_chooser() as chooser:
        own.get_by_role("button", name="Add photographs").click()
    chooser.value.set_files(tmp_path / "ring.jpg")
    expect(own.get_by_role("button", name="Remove this drawing")).to_have_count(15)
    assert visit.severe() == []
    own.get_by_role("button", name="Train on them").click()
    expect(visit.messages).to_contain_text("Drawings (yours) is open")
    visit.until_finished(100)
    visit.tab("overview")
    hero = page.locator(".explorer-place-network")
    pad = hero.get_by_role("application", name="Sketch pad")
    for name in ("ring", "cross"):
        hero.get_by_role("button", name="Clear").click()
        draw(page, pad, name)
        expect(hero.locator(".explorer-caption p").first).to_contain_text(f"read as {name}")
