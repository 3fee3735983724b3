"""The app as its users meet it: served by the command, in a real Chromium, on all of MNIST."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from reference_runs import records, snapshots

from explorer import TrainingConfig, load_mnist
from explorer.training import new_network
from explorer.wording import grouped

FIGURES = """() => {
  const plain = (values) => values && Array.from(values, (v) => (v && typeof v === 'object' ? Array.from(v) : v));
  const drawn = (place) => {
    const plot = place.querySelector('.js-plotly-plot');
    return plot && plot.data.map(({ name, y, z }) => ({ name, y: plain(y), z: plain(z) }));
  };
  const named = (place) => [...place.classList].find((name) => name.startsWith('explorer-place-')).slice(15);
  return Object.fromEntries([...document.querySelectorAll('.explorer-figure')].map((p) => [named(p), drawn(p)]));
}"""
DRAWN = "document.querySelectorAll('.explorer-figure .js-plotly-plot .main-svg').length >= 6"
FITTED = """() => {
  const near = (plot, side, length) => Math.abs(plot.querySelector('.main-svg')?.getAttribute(side) - length) < 2;
  const fills = (plot) => near(plot, "width", plot.clientWidth) && near(plot, "height", plot.clientHeight);
  return [...document.querySelectorAll('.explorer-figure .js-plotly-plot')].every(fills);
}"""


LEGENDS_ABOVE = """() => [...document.querySelectorAll('.explorer-figure:has(.legend)')].every((figure) => {
  const [legend, area] = ['.legend', '.nsewdrag'].map((name) => figure.querySelector(name));
  return legend.getBoundingClientRect().bottom < area?.getBoundingClientRect().top + 2;
})"""


def opened(visit, address, **options):
    found = visit(address, **options)
    found.page.wait_for_function(DRAWN)
    expect(found.page.locator(".explorer-run")).to_contain_text("finished", timeout=60_000)
    return found


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    return opened(open_shared_page, app.url)


@pytest.fixture
def page(shared):
    """The shared page with the exercise's settings, whose run may be under way."""
    page = shared.page
    page.evaluate("document.fullscreenElement && document.exitFullscreen()")  # left by a test that failed
    newest = page.get_by_role("button", name="Newest")
    if newest.is_visible() and newest.is_enabled():
        newest.click()
    page.get_by_role("button", name="The exercise").click()
    expect(page.locator(".explorer-tiles")).to_contain_text("784-32-10")
    return page


@pytest.fixture
def trained(page):
    """The shared page with the exercise's settings, at the end of their run."""
    until_matrix(page, records()[-1].confusion)
    until_finished(page, epochs=10)
    expect(page.locator(".explorer-time output")).to_have_text("epoch 10")
    return page


def curve(page, figure, name):
    trace = next(t for t in page.evaluate(FIGURES)[figure] if t["name"] == name)
    return np.array(trace["y"], dtype=float)


def until_tested(page, number):
    """Wait for a number of epochs, such as "> 3", on the curve of the test accuracy; a redraw may take it away."""
    curve = "accuracy?.find((t) => t.name === 'test')?.y"
    page.wait_for_function(f"(({FIGURES})().{curve}.length ?? 0) {number}")


def matrix(page):
    mistakes, right = page.evaluate(FIGURES)["confusion"][:2]
    return np.array(
        [
            [a or b or 0 for a, b in zip(*rows, strict=True)]
            for rows in zip(mistakes["z"], right["z"], strict=True)
        ],
        dtype=int,
    )


def until_finished(page, *, epochs):
    done = re.compile(rf"finished · {epochs} of {epochs} epochs")
    expect(page.locator(".explorer-run")).to_contain_text(done, timeout=90_000)


def until_matrix(page, counts):
    """Wait until the page shows this confusion matrix: each part of the page is drawn when its news comes."""
    wanted = [[str(count) if count else "" for count in row] for row in counts.tolist()]
    page.wait_for_function(
        """(wanted) => {
          const place = document.querySelector('.explorer-place-confusion .js-plotly-plot');
          const [mistakes, right] = place.data;
          const shown = (i, j) => mistakes.z[i][j] || right.z[i][j] || '';
          return wanted.every((row, i) => row.every((text, j) => shown(i, j) == text));
        }""",
        arg=wanted,
    )


def number(page, label):
    return page.get_by_role("textbox", name=label).or_(page.get_by_role("spinbutton", name=label)).first


def set_number(page, label, value):
    field = number(page, label)
    field.fill(str(value))
    field.press("Enter")


def test_it_opens_trained_in_the_systems_colours_and_comes_back_whole_from_a_reload(app, open_page):
    found = opened(open_page, app.url, color_scheme="dark")
    page = found.page
    page.wait_for_function("document.documentElement.dataset.explorerTheme === 'dark'")
    surface = page.locator(".explorer-figure .main-svg").first
    expect(surface).to_have_css("background-color", "rgb(23, 28, 35)")
    known = records()
    np.testing.assert_allclose(
        curve(page, "accuracy", "test"), [100 * r.test_accuracy for r in known], rtol=1e-5
    )
    np.testing.assert_allclose(curve(page, "loss", "test"), [r.test_loss for r in known], rtol=1e-5)
    np.testing.assert_array_equal(matrix(page), known[-1].confusion)
    expect(page.locator(".explorer-tiles")).to_contain_text(f"{100 * known[-1].test_accuracy:.1f} %")
    found.assert_clean()
    assert found.socket_bytes <= 8_000_000
    (*_, last) = records(hidden_sizes=8)
    set_number(page, "Hidden units", 8)
    until_matrix(page, last.confusion)
    page.reload()
    page.wait_for_function(DRAWN)
    expect(page.locator(".explorer-tiles")).to_contain_text("784-8-10")
    until_matrix(page, last.confusion)


def test_a_bad_value_is_said_next_to_its_control(trained):
    page = trained
    shown = matrix(page)
    set_number(page, "Learning rate", 1000)
    expect(page.get_by_role("alert").filter(has_text="0.00001 to 100").first).to_be_visible()
    np.testing.assert_array_equal(matrix(page), shown)


def test_a_cell_of_the_matrix_shows_its_images(shared, trained):
    page = trained
    page.wait_for_function(FITTED)  # it is drawn once before its place has its size
    plot = page.locator(".explorer-place-confusion .nsewdrag").first
    box = plot.bounding_box()
    at = {"x": box["width"] * 0.45, "y": box["height"] * 0.95}  # true 9, predicted 4
    plot.hover(position=at)
    plot.click(position=at)
    gallery = page.locator(".explorer-gallery")
    count = matrix(page)[9, 4]
    expect(gallery).to_contain_text(f"{count} mistakes")
    expect(gallery.locator("li")).to_have_count(min(24, count))
    captions = gallery.locator(".explorer-gallery-caption").all_inner_texts()
    assert set(captions) == {"9 → 4"}
    shared.assert_clean()


def edges(tile):
    """Pixels of a tile near its left and its right edge, without its round corners."""
    pixels = np.asarray(Image.open(BytesIO(tile.screenshot())).convert("L"))
    middle = pixels[pixels.shape[0] // 5 : -pixels.shape[0] // 5]
    return np.hstack([middle[:, 2:4], middle[:, -4:-1]])


def test_a_tile_shows_its_image_alone_when_the_number_of_images_changes(shared, trained, wait_for):
    page, gallery = trained, trained.locator(".explorer-place-gallery")
    gallery.get_by_label("True class").select_option("9")
    for predicted in (4, 2, 7, 3):
        gallery.get_by_label("Predicted class").select_option(str(predicted))
        expect(gallery.locator("h2")).to_contain_text(f"9 read as {predicted}")
        tiles = gallery.locator(".explorer-gallery-picture")
        expect(tiles).to_have_count(min(24, int(matrix(page)[9, predicted])))
        for tile in tiles.all()[:8]:  # MNIST has no ink at an edge
            wait_for(
                lambda tile=tile: np.unique(edges(tile)).size == 1, 20, f"9 read as {predicted}: a strip"
            )
    gallery.get_by_label("True class").select_option("-1")
    gallery.get_by_label("Predicted class").select_option("-1")
    expect(gallery.locator("h2")).not_to_contain_text("read as")
    shared.assert_clean()


RANGES = """() => {
  const { xaxis, yaxis } = document.querySelector('.explorer-place-loss .js-plotly-plot')._fullLayout;
  return [...xaxis.range, ...yaxis.range];
}"""


def choose_in_menu(page, figure, words):
    page.get_by_role("button", name=f"{figure}: picture, data, full screen").click()
    page.get_by_role("button", name=words, exact=True).click()


def test_a_figures_numbers_are_a_table_by_keys_alone(shared, trained):
    page = trained
    page.get_by_role("button", name="Loss: picture").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Save as PNG", exact=True)).to_be_focused()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    dialog = page.get_by_role("dialog", name="Loss: data")
    rows = dialog.locator("table").first.locator("tbody tr")
    expect(rows).to_have_count(10)
    assert rows.locator("td:nth-child(3)").all_inner_texts() == [f"{r.test_loss:.4f}" for r in records()]
    page.keyboard.press(" ")  # scrolls, and trains nothing
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Loss: picture")).to_be_focused()
    choose_in_menu(page, "Confusion matrix", "Data table")
    cells = page.get_by_role("dialog", name="Confusion matrix: data").locator("tbody td")
    expect(cells).to_have_count(100)
    assert [int(text) for text in cells.all_inner_texts()] == records()[-1].confusion.ravel().tolist()
    page.get_by_role("button", name="Close").click()
    shared.assert_clean()


def test_a_figure_is_saved_as_a_picture(shared, trained):
    page = trained
    page.wait_for_function(FITTED)
    for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        with page.expect_download() as download:
            choose_in_menu(page, "Confusion matrix", f"Save as {kind}")
        assert download.value.suggested_filename == f"confusion-matrix.{kind.lower()}"
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(start)
        if kind == "PNG":
            assert int.from_bytes(content[16:20]) >= 1500
    shared.assert_clean()


def test_a_figure_fills_the_screen_and_hears_clicks_there(shared, trained):
    page = trained
    heading = page.locator(".explorer-gallery-heading")
    page.locator(".explorer-place-confusion .js-plotly-plot").press("Escape")
    expect(heading).not_to_contain_text("read as")  # a second click on a chosen cell would let go of it
    choose_in_menu(page, "Confusion matrix", "Full screen")
    page.wait_for_function("document.fullscreenElement?.matches('.explorer-live-figure')")
    plot = page.locator(".explorer-place-confusion .nsewdrag").first
    cells = "document.querySelector('.explorer-place-confusion .nsewdrag').getBoundingClientRect()"
    page.wait_for_function(f"{cells}.width > innerWidth / 2")
    page.wait_for_function(FITTED)
    box = plot.bounding_box()
    true_9_predicted_4 = box["x"] + 0.45 * box["width"], box["y"] + 0.95 * box["height"]
    page.mouse.move(*true_9_predicted_4)
    frame = page.locator(".explorer-place-confusion .explorer-figure-cell")
    expect(frame).to_be_visible()
    framed = frame.bounding_box()
    assert framed["x"] == pytest.approx(box["x"] + 0.4 * box["width"], abs=3)
    assert framed["width"] == pytest.approx(0.1 * box["width"], abs=3)
    expect(plot).to_have_css("cursor", "pointer")
    page.mouse.click(*true_9_predicted_4)
    expect(heading).to_contain_text("9 read as 4")
    choose_in_menu(page, "Confusion matrix", "Leave full screen")
    page.wait_for_function("!document.fullscreenElement")
    page.locator(".explorer-place-confusion .js-plotly-plot").press("Escape")
    expect(heading).not_to_contain_text("9 read as 4")
    shared.assert_clean()


def test_a_zoom_is_kept_on_both_axes_while_it_trains_and_reset_on_both(shared, trained):
    page = trained
    page.wait_for_function(FITTED)
    reset = page.locator(".explorer-place-loss").get_by_role("button", name="Reset zoom")
    expect(reset).to_be_hidden()
    box = page.locator(".explorer-place-loss .nsewdrag").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], y, steps=5)  # across: only x
    page.mouse.up()
    expect(reset).to_be_visible()
    zoomed = page.evaluate(RANGES)
    assert zoomed[1] - zoomed[0] < 5
    set_number(page, "Hidden units", 2)  # whose loss is far higher
    until_finished(page, epochs=10)
    until_matrix(page, records(hidden_sizes=2)[-1].confusion)
    assert page.evaluate(RANGES) == zoomed
    reset.click()
    expect(reset).to_be_hidden()
    low, high, bottom, top = page.evaluate(RANGES)
    assert (low, bottom) == (0, 0)
    assert high > 10
    assert top > 1.2 * zoomed[3]
    shared.assert_clean()


def test_an_image_shows_its_outputs_and_leads_to_its_way_through_the_network(shared, trained):
    page = trained
    outputs = snapshots()[-1]
    gallery = page.locator(".explorer-place-gallery")
    first, third = (gallery.locator("li button").nth(place) for place in (0, 2))
    expect(gallery.locator(".explorer-gallery-note").first).to_have_text(re.compile(r"^\d+ % sure$"))
    third.hover()
    card = page.get_by_role("tooltip")
    expect(card.locator("li")).to_have_count(10)
    index = int(re.search(r"test image ([\d\u202f]+)", card.inner_text()).group(1).replace("\u202f", ""))
    y = outputs.test_outputs[:, index].astype(float)
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
    expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("spinbutton", name=re.compile("Test image"))).to_have_value(str(index))
    expect(page.locator(".explorer-sample-picker p")).to_be_focused()
    page.wait_for_url("**tab=inside&section=image")
    page.get_by_role("tab", name="Overview").click()
    shared.assert_clean()


def test_the_slider_goes_back_to_the_first_epoch(trained):
    page = trained
    slider = page.get_by_role("slider", name="Epoch shown")
    slider.focus()
    slider.press("Home")
    (first,) = records(epochs=1)
    expect(page.locator(".explorer-tiles")).to_contain_text(f"{100 * first.test_accuracy:.1f} %")
    until_matrix(page, first.confusion)


def test_pause_step_and_stop(trained):
    page = trained
    set_number(page, "Epochs", 500)
    bar = page.locator(".explorer-run")
    page.get_by_role("button", name="Pause").click()
    expect(bar).to_contain_text("paused")
    expect(page.locator(".explorer-tiles")).to_contain_text(
        re.compile(r"of 60\s000 training images")
    )  # exact by now
    moment = page.locator(".explorer-time output")
    paused_at = moment.inner_text()
    note = bar.get_by_text(re.compile(r"^Its \d+ images: loss .* It moved the weights by "))
    told = ""
    for _ in range(3):  # mini-batches: two or three of them change the second decimal of the epoch
        page.get_by_role("button", name="Step batch").click()
        expect(note).not_to_have_text(told)
        told = note.inner_text()
    expect(moment).not_to_have_text(paused_at)
    place = re.compile(r"epoch (\d+) of 500 · step (\d+) of 118 · paused")
    expect(bar).to_contain_text(place)
    epoch, step = map(int, place.search(bar.text_content()).groups())
    loss = page.locator(".explorer-place-loss")
    expect(loss.locator(".xtitle")).to_have_text(re.compile(r"^step of epoch \d+$"))
    expect(loss.locator(".legend")).to_contain_text("mini-batch before")
    page.get_by_role("button", name="Step epoch").click()
    expect(loss.locator(".xtitle")).to_have_text("epoch")
    expect(loss.locator(".legend")).not_to_contain_text("mini-batch before")
    before = epoch + (step == 118)  # an epoch that the last mini-batch has ended is not gone through again
    until_tested(page, f"=== {before}")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Stop").click()
    expect(bar).to_contain_text("stopped")
    after = curve(page, "accuracy", "test").size
    assert before <= after < 500
    page.get_by_role("button", name="Resume").click()
    until_tested(page, f"> {after + 1}")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Train again")).to_be_enabled()


def test_a_finished_run_goes_on_and_settings_that_wait_are_named(trained):
    page = trained
    page.get_by_role("button", name="10 more epochs").click()
    until_finished(page, epochs=20)
    assert curve(page, "accuracy", "test").size == 20
    expect(number(page, "Epochs")).to_have_value("20")
    page.get_by_role("switch", name="Auto-train").click()
    set_number(page, "Batch size", 1024)
    message = page.locator('.explorer-message[data-id="waiting"]')
    expect(message).to_contain_text(re.compile(r"Not trained yet: batch size 512 → 1\s024\."))
    expect(page.locator(".explorer-run [data-primary]")).to_have_text("Train")
    page.get_by_role("switch", name="Auto-train").click()
    message.get_by_role("button", name="Train with them").click()
    expect(message).to_have_count(0)


def test_reset_shows_the_untrained_network_and_train_begins_again(shared, trained):
    page = trained
    page.locator(".explorer-run").get_by_role("button", name="Reset").click()
    data = load_mnist()
    decided = new_network(TrainingConfig(), data).predict(data.X_test)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (data.test_labels, decided), 1)
    until_matrix(page, counts)
    tiles = page.locator(".explorer-tiles")
    expect(tiles).to_contain_text(f"Test accuracy{100 * np.trace(counts) / 10_000:.1f} %")
    expect(page.locator(".explorer-gallery li")).to_have_count(24)
    expect(page.locator(".explorer-messages")).to_contain_text("This network is not trained yet")
    expect(page.locator(".explorer-run")).to_contain_text("not trained yet")
    page.locator(".explorer-run").get_by_role("button", name="Train", exact=True).click()
    until_matrix(page, records()[-1].confusion)
    shared.assert_clean()


def test_no_point_of_the_run_lies_off_the_axes(trained):
    for figure, end, outermost in (("accuracy", 0, min), ("loss", 1, max)):
        points = [y for name in ("train", "test") for y in curve(trained, figure, name)]
        plot = trained.locator(f".explorer-place-{figure} .js-plotly-plot")
        limits = plot.evaluate("plot => plot.layout.yaxis.range")
        assert limits[0] <= min(points) <= max(points) <= limits[1]
        assert abs(limits[end] - outermost(points)) < 0.6 * (limits[1] - limits[0])


def test_hidden_layers_are_typed_as_the_page_writes_them(page):
    page.get_by_text("More settings").click()
    layers = page.get_by_label("Hidden layers", exact=True)
    layers.fill("784-32-16")
    layers.press("Enter")
    error = page.locator("[data-kind=layers]").get_by_role("alert")
    expect(error).to_contain_text("from 784 inputs to 10 outputs, 784-32-16-10. 32 stays in use.")
    expect(error).to_be_in_viewport()
    layers.fill("784-32-16-10")
    layers.press("Enter")
    expect(page.locator(".explorer-tiles")).to_contain_text("784-32-16-10")
    expect(layers).to_have_value("32, 16")
    expect(error).to_have_count(0)  # an empty one has no role
    page.get_by_text("More settings").click()


def test_each_changed_setting_changes_curves_and_matrix(shared, page):
    changes = {}
    for label, name, value in (
        ("Hidden units", "hidden_sizes", 16),
        ("Batch size", "batch_size", 256),
        ("Epochs", "epochs", 4),
    ):
        changes[name] = value
        set_number(page, label, value)
        known = records(**changes)
        until_matrix(page, known[-1].confusion)
        until_finished(page, epochs=len(known))
        expect(page.locator(".explorer-tiles")).to_contain_text(f"{100 * known[-1].test_accuracy:.1f} %")
        shown = [100 * r.test_accuracy for r in known]
        until_tested(page, f"=== {len(shown)}")
        np.testing.assert_allclose(curve(page, "accuracy", "test"), shown, rtol=1e-5)
    shared.assert_clean()


def test_the_curves_say_what_a_point_is_and_which_loss_they_show(page):
    """A step each where there are at most 20 an epoch, else means; another loss is never on the same axis."""
    plot = page.locator(".explorer-place-loss")
    expect(plot.locator(".legend")).to_contain_text("means of 6 mini-batches")
    set_number(page, "Batch size", 20_000)
    until_finished(page, epochs=10)
    expect(plot.locator(".legend")).to_contain_text("each mini-batch")
    # Ten epochs of three: "finished" may still have been said of the run before.
    page.wait_for_function(f"({FIGURES})().loss.find((t) => t.name === 'each mini-batch')?.y.length === 30")
    expect(plot.locator(".ytitle")).to_have_text("squared error per sample")
    page.get_by_role("button", name="Modern").click()
    until_finished(page, epochs=10)
    expect(plot.locator(".ytitle")).to_have_text("cross-entropy per sample")
    expect(plot.locator(".legend")).not_to_contain_text("earlier runs")
    expect(page.get_by_title(re.compile(r"Not shown: \d earlier runs? with squared error\."))).to_be_visible()
    expect(page.locator(".explorer-place-accuracy .legend")).to_contain_text("earlier runs")


def test_a_slider_retrains_on_release(page):
    slider = page.get_by_role("slider", name=re.compile("Hidden units"))
    slider.focus()
    slider.press("ArrowLeft")
    expect(number(page, "Hidden units")).not_to_have_value("32")
    units = number(page, "Hidden units").input_value()
    expect(page.locator(".explorer-tiles")).to_contain_text(f"784-{units}-10")
    until_finished(page, epochs=10)


def test_two_fast_changes_leave_one_run(shared, page):
    set_number(page, "Hidden units", 300)
    set_number(page, "Hidden units", 8)
    until_finished(page, epochs=10)
    known = records(hidden_sizes=8)
    until_matrix(page, known[-1].confusion)
    shared.assert_clean()


def test_a_run_that_fails_to_learn_is_explained_and_fixed(shared, page, begin):
    begin(page, "?init=uniform&epochs=3")
    message = page.locator(".explorer-messages")
    expect(message).to_contain_text("saturat", timeout=60_000)
    message.get_by_role("button", name=re.compile("→")).first.click()
    expect(page.locator(".explorer-tiles")).to_contain_text(
        re.compile(r"Test accuracy\s*9\d\.\d %"), timeout=60_000
    )
    expect(message).not_to_contain_text("saturat")
    shared.assert_clean()


@pytest.fixture(scope="module")
def linked(app, open_shared_page):
    """A page that a link opened on a phone: its figures are drawn again as its settings come."""
    return opened(open_shared_page, app.url + "?epochs=2", viewport={"width": 390, "height": 844})


@pytest.mark.parametrize(("width", "height"), [(390, 844), (880, 660), (1440, 900), (1920, 1080)])
def test_it_fits_the_screen(linked, width, height):
    page = linked.page
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(FITTED)
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".explorer-run [data-primary]")).to_have_text("10 more epochs")
    assert page.locator(".explorer-run section").evaluate("(run) => run.scrollWidth <= run.clientWidth")
    boxes = [place.bounding_box() for place in page.locator(".explorer-figure .js-plotly-plot").all()]
    assert len(boxes) == 3
    assert all(box["width"] > 250 and box["height"] > 150 for box in boxes)
    page.wait_for_function(LEGENDS_ABOVE)
    if width < 600:  # nothing lies over the buttons that stay, and none of them is cut
        over = """() => {
          const [run, tool] = document.querySelectorAll('.explorer-figure-tool, .explorer-place-run');
          scrollBy(0, tool.getBoundingClientRect().top - run.getBoundingClientRect().top - 10);
          const { left, top, width, height } = tool.getBoundingClientRect();
          return run.contains(document.elementFromPoint(left + width / 2, top + height / 2));
        }"""
        assert page.evaluate(over)
        fork = page.get_by_role("button", name="Train on from here")
        expect(fork).to_have_text("Train on from here")
        assert fork.evaluate(
            "(b) => b.getBoundingClientRect().right <= innerWidth - 8 && b.scrollWidth <= b.clientWidth"
        )
    if width >= 1440:
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert all(box["y"] + box["height"] <= height for box in boxes)
        images = page.locator(".explorer-gallery li")
        expect(images).to_have_count(24)
        assert images.last.evaluate("(image) => image.getBoundingClientRect().bottom") <= height
