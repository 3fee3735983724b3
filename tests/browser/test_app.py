"""The app, served by the command, in a real Chromium: its figures, its settings, and the control of a run."""

import re
from functools import partial

import pytest
from browser.page_object import exercise
from playwright.sync_api import expect
from reference_runs import records, snapshots

from explorer.wording import grouped

RANGES = """() => {
  const { xaxis, yaxis } = document.querySelector('.explorer-place-loss .js-plotly-plot')._fullLayout;
  return [...xaxis.range, ...yaxis.range];
}"""
IS_WHOLE = f"""(least) => {{
  const [low, high, bottom, top] = ({RANGES})();
  return low === 0 && high > 10 && bottom === 0 && top > least;
}}"""
TRUE_9_PREDICTED_4 = 0.45, 0.95
"""Where that cell is, as shares of the matrix."""
QUERY = exercise(n=6000, batch=64)
KNOWN = partial(records, n_train=6000, batch_size=64)
"""The records of the run of that link, or of one with other settings."""
HIDDEN = """() => document.querySelector('.explorer-place-accuracy .js-plotly-plot')._fullData
  .filter(({ visible }) => visible === 'legendonly').map(({ name }) => name).join()"""


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    found = open_shared_page(app.url + QUERY)
    found.until_drawn()
    return found


@pytest.fixture
def trained(shared):
    """The page with the run that it opened with; clean when the test has ended."""
    shared.page.evaluate("document.fullscreenElement && document.exitFullscreen()")  # a test has failed there
    shared.go(QUERY)
    shared.until_matrix(KNOWN()[-1].confusion)
    shared.until_finished(10)
    expect(shared.page.locator(".explorer-time output")).to_have_text("epoch 10")
    shared.until_fitted()
    yield shared
    shared.assert_clean()


def test_a_figures_numbers_are_a_table_by_keys_alone(trained):
    page, menu = trained.page, trained.button("Loss: picture")
    menu.focus()
    page.keyboard.press("Enter")
    expect(trained.button("Save as PNG", exact=True)).to_be_focused()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    dialog = page.get_by_role("dialog", name="Loss: data")
    rows = dialog.locator("table").first.locator("tbody tr")
    expect(rows).to_have_count(10)
    assert rows.locator("td:nth-child(3)").all_inner_texts() == [f"{r.test_loss:.4f}" for r in KNOWN()]
    page.keyboard.press(" ")  # scrolls, and trains nothing
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(menu).to_be_focused()
    trained.choose("Confusion matrix", "Data table")
    cells = page.get_by_role("dialog", name="Confusion matrix: data").locator("tbody td")
    expect(cells).to_have_count(100)
    assert [int(text) for text in cells.all_inner_texts()] == KNOWN()[-1].confusion.ravel().tolist()
    trained.button("Close").click()


def test_a_figure_is_saved_as_a_picture(trained, tmp_path):
    for kind, magic in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        trained.button("Confusion matrix: picture").click()
        path = trained.download(trained.button(f"Save as {kind}", exact=True), tmp_path)
        content = path.read_bytes()
        assert path.name == f"confusion-matrix.{kind.lower()}"
        assert content.startswith(magic)
        assert kind == "SVG" or int.from_bytes(content[16:20]) >= 1500


def test_a_figure_fills_the_screen_and_hears_clicks_there(trained):
    page = trained.page
    heading = trained.gallery.locator(".explorer-gallery-heading")
    matrix = page.locator(".explorer-place-confusion")
    matrix.locator(".js-plotly-plot").press("Escape")
    expect(heading).to_be_hidden()  # a second click on a chosen cell would let go of it
    trained.choose("Confusion matrix", "Full screen")
    page.wait_for_function("document.fullscreenElement?.matches('.explorer-live-figure')")
    cells = "document.querySelector('.explorer-place-confusion .nsewdrag').getBoundingClientRect()"
    page.wait_for_function(f"{cells}.width > innerWidth / 2")
    trained.until_fitted()
    plot = matrix.locator(".nsewdrag").first
    box, (x, y) = plot.bounding_box(), TRUE_9_PREDICTED_4
    at = box["x"] + x * box["width"], box["y"] + y * box["height"]
    page.mouse.move(*at)
    expect(matrix.locator(".explorer-figure-cell")).to_be_in_viewport(ratio=1)
    page.mouse.click(*at)
    expect(heading).to_contain_text("9 read as 4")
    trained.choose("Confusion matrix", "Leave full screen")
    page.wait_for_function("!document.fullscreenElement")
    matrix.locator(".js-plotly-plot").press("Escape")
    expect(heading).to_be_hidden()


def test_an_image_shows_its_outputs_and_leads_to_its_way_through_the_network(trained):
    page = trained.page
    trained.choose_cell(9, 4)
    for kind, digit in (("[data-true]", "9"), ("[data-kind=bad]", "4")):  # its first image lights the network
        expect(page.locator(f".explorer-network-class{kind}")).to_have_text(re.compile(f"^{digit}"))
    first, third = (trained.gallery.locator("li button").nth(place) for place in (0, 2))
    expect(trained.gallery.locator(".explorer-gallery-note").first).to_have_text(re.compile(r"^\d+ % sure$"))
    third.hover()
    card = page.get_by_role("tooltip")
    expect(card.locator("li")).to_have_count(10)
    index = int(re.search(r"test image ([\d\u202f]+)", card.inner_text()).group(1).replace("\u202f", ""))
    y = snapshots(n_train=6000, batch_size=64)[-1].test_outputs[:, index].astype(float)
    shares = [f"{share:.0f} %" for share in 100 * y / y.sum()]
    assert card.locator(".explorer-bars-text").all_inner_texts() == shares
    page.mouse.move(5, 5)
    expect(card).to_have_count(0)
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(third).to_be_focused()
    expect(card).to_contain_text(f"test image {grouped(index)}")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    page.keyboard.press("Enter")
    expect(third).to_be_focused()
    caption = page.locator(".explorer-network-source .explorer-caption p").first
    expect(caption).to_contain_text(f"Test image {grouped(index)}, ")
    trained.tab("mistakes")
    page.locator(".explorer-mistakes-all li button").nth(1).press("Enter")
    expect(page.get_by_role("tab", name="Explore")).to_be_focused()


def test_a_unit_is_joined_to_the_pixels_that_speak_for_and_against_it(trained):
    page = trained.page
    rays, units = page.locator(".explorer-network-rays path"), page.locator(".explorer-network-unit")
    ground, unit = page.locator(".explorer-place-network .explorer-drawing-ground"), units.nth(5)
    expect(rays).to_have_count(0)
    unit.hover()
    expect(rays).to_have_count(12)
    expect(page.locator(".explorer-network-unit[data-faded]")).to_have_count(units.count() - 1)
    pad, tile = ground.bounding_box(), unit.bounding_box()
    ends = rays.evaluate_all(
        """paths => paths.map((path) => [0, path.getTotalLength()].map((at) => {
          const { x, y } = path.getPointAtLength(at).matrixTransform(path.getScreenCTM());
          return [x, y];
        }))"""
    )
    for (x, y), (u, v) in ends:
        assert pad["x"] <= x <= pad["x"] + pad["width"]
        assert pad["y"] <= y <= pad["y"] + pad["height"]
        assert abs(u - tile["x"]) < 5
        assert abs(v - tile["y"] - tile["height"] / 2) < 5
    page.mouse.move(5, 5)
    expect(rays).to_have_count(0)
    page.get_by_role("listbox", name=re.compile("units")).first.press("Enter")  # the first unit
    expect(rays).to_have_count(12)
    page.get_by_role("listbox", name=re.compile("units")).first.press("Enter")
    expect(rays).to_have_count(0)


def test_a_zoom_and_a_hidden_curve_are_kept_while_it_trains_and_reset(trained):
    page = trained.page
    loss = page.locator(".explorer-place-loss")
    reset = loss.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_hidden()
    whole = page.evaluate(RANGES)
    while page.evaluate(RANGES)[:2] == whole[:2]:  # a drawing that comes in between ends a drag
        box = loss.locator(".nsewdrag").first.bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 0.3 * box["width"], y)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.6 * box["width"], y, steps=5)  # across: only x
        page.mouse.up()
    expect(reset).to_be_in_viewport(ratio=1)
    zoomed = page.evaluate(RANGES)
    assert zoomed[1] - zoomed[0] < 5
    curve = page.locator(".explorer-place-accuracy .legendtoggle").first
    curve.click()
    page.wait_for_function(f"({HIDDEN})() !== ''")
    hidden = page.evaluate(HIDDEN)
    trained.set(hidden_sizes=2)  # whose loss is far higher
    trained.until_finished(10)
    trained.until_matrix(KNOWN(hidden_sizes=2)[-1].confusion)
    assert page.evaluate(RANGES) == zoomed
    assert page.evaluate(HIDDEN) == hidden
    curve.click()
    page.wait_for_function(f"({HIDDEN})() === ''")
    reset.click()
    expect(reset).to_be_hidden()
    page.wait_for_function(IS_WHOLE, arg=1.2 * zoomed[3])


def test_pause_step_and_stop(trained):
    page, bar = trained.page, trained.bar
    trained.go(exercise(epochs=500))  # on all images: there is time to press
    expect(bar).to_contain_text("of 500")  # not the run of another test, which may go on until then
    trained.press("Pause")
    expect(bar).to_contain_text("paused")
    exact = trained.tiles.locator("span[data-help*='all 60\u202f000 training images']")
    expect(exact).to_be_visible()
    moment = page.locator(".explorer-time output")
    paused_at = moment.inner_text()
    note = bar.get_by_text(re.compile(r"^Its \d+ images: loss .* It moved the weights by "))
    told = ""
    for _ in range(3):  # mini-batches: two or three of them change the second decimal of the epoch
        trained.press("+1 step")
        expect(note).not_to_have_text(told)
        told = note.inner_text()
    expect(moment).not_to_have_text(paused_at)
    place = re.compile(r"epoch (\d+) of 500 · step (\d+) of 118 · paused")
    expect(bar).to_contain_text(place)
    epoch, step = map(int, place.search(bar.text_content()).groups())
    trained.press("+1 epoch")
    before = epoch + (step == 118)  # an epoch that the last mini-batch has ended is not gone through again
    trained.until_points(f"=== {before}")
    trained.press("Resume")
    trained.press("Stop")
    expect(bar).to_contain_text("stopped")
    after = trained.curve("accuracy", "test").size
    assert before <= after < 500
    trained.press("Resume")
    trained.until_points(f"> {after + 1}")
    trained.press("Stop")
    trained.button("Train again, reset").click()
    expect(trained.button("Train again", exact=True)).to_be_enabled()
    trained.page.keyboard.press("Escape")
