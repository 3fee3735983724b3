"""The app as its users meet it: served by the command, in a real Chromium, on all of MNIST."""

from __future__ import annotations

import re

import numpy as np
import pytest
from browser.page_object import SHEETS, SURFACE, WATCH
from playwright.sync_api import expect
from reference_runs import records, snapshots

from explorer.training import TrainingConfig
from explorer.training.presets import START
from explorer.wording import grouped

ENDS_WITHIN = """(height) => {
  const seen = document.querySelectorAll('.explorer-figure .js-plotly-plot, .explorer-place-network');
  return [...seen].every((one) => one.getBoundingClientRect().bottom <= height);
}"""
LEGENDS_ABOVE = """() => [...document.querySelectorAll('.explorer-figure:has(.legend)')].every((figure) => {
  const [legend, area] = ['.legend', '.nsewdrag'].map((name) => figure.querySelector(name));
  return legend.getBoundingClientRect().bottom < area?.getBoundingClientRect().top + 2;
})"""
RANGES = """() => {
  const { xaxis, yaxis } = document.querySelector('.explorer-place-loss .js-plotly-plot')._fullLayout;
  return [...xaxis.range, ...yaxis.range];
}"""
TRUE_9_PREDICTED_4 = 0.45, 0.95
"""Where that cell is, as shares of the matrix."""


def opened(visit, address, **options):
    found = visit(address, **options)
    found.until_drawn()
    found.until_finished()
    return found


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    return opened(open_shared_page, app.exercise)


@pytest.fixture
def app_page(shared):
    """The shared page with the exercise's settings, whose run may be under way; clean when the test has ended."""
    leave = "document.fullscreenElement && document.exitFullscreen()"  # a test that failed has left it
    shared.page.evaluate(leave)
    newest = shared.button("Latest epoch")
    if newest.is_visible() and newest.is_enabled():
        newest.click()
    shared.button("The exercise").click()
    expect(shared.tiles).to_contain_text("784-32-10")
    yield shared
    shared.assert_clean()


@pytest.fixture
def trained(app_page):
    """The shared page with the exercise's settings, at the end of their run."""
    app_page.until_matrix(records()[-1].confusion)
    app_page.until_finished(10)
    expect(app_page.page.locator(".explorer-time output")).to_have_text("epoch 10")
    app_page.until_fitted()
    return app_page


def percent(share):
    return f"{100 * share:.1f} %"


def test_it_opens_trained_in_the_systems_colors_and_comes_back_whole_from_a_reload(app, open_page):
    found = opened(open_page, app.url, color_scheme="dark", prepare=lambda page: page.add_init_script(WATCH))
    found.page.wait_for_function("document.documentElement.dataset.explorerTheme === 'dark'")
    surface = found.page.locator(".explorer-figure .main-svg").first
    expect(surface).to_have_css("background-color", SURFACE["dark"])
    start = {name: getattr(START, name) for name in TrainingConfig().differences(START)}
    known = records(**start)
    accuracies = [100 * r.test_accuracy for r in known]
    np.testing.assert_allclose(found.curve("accuracy", "test"), accuracies, rtol=1e-5)
    np.testing.assert_allclose(found.curve("loss", "test"), [r.test_loss for r in known], rtol=1e-5)
    np.testing.assert_array_equal(found.matrix(), known[-1].confusion)
    expect(found.tiles).to_contain_text(percent(known[-1].test_accuracy))
    expect(found.gallery).to_be_hidden()
    found.until_fitted()
    assert found.page.evaluate(SHEETS) == ["explorer.widgets", "explorer.app"]
    assert found.page.evaluate("globalThis.unstyled") == []
    found.assert_clean()
    assert found.socket_bytes <= 8_000_000
    (*_, last) = records(**start, hidden_sizes=8)
    found.set(hidden_sizes=8)
    found.until_matrix(last.confusion)
    found.page.reload()
    found.until_drawn()
    expect(found.tiles).to_contain_text("784-8-10")
    found.until_matrix(last.confusion)


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
    assert rows.locator("td:nth-child(3)").all_inner_texts() == [f"{r.test_loss:.4f}" for r in records()]
    page.keyboard.press(" ")  # scrolls, and trains nothing
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(menu).to_be_focused()
    trained.choose("Confusion matrix", "Data table")
    cells = page.get_by_role("dialog", name="Confusion matrix: data").locator("tbody td")
    expect(cells).to_have_count(100)
    assert [int(text) for text in cells.all_inner_texts()] == records()[-1].confusion.ravel().tolist()
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
    expect(matrix.locator(".explorer-figure-cell")).to_be_visible()
    page.mouse.click(*at)
    expect(heading).to_contain_text("9 read as 4")
    trained.choose("Confusion matrix", "Leave full screen")
    page.wait_for_function("!document.fullscreenElement")
    matrix.locator(".js-plotly-plot").press("Escape")
    expect(heading).to_be_hidden()


def test_an_image_shows_its_outputs_and_leads_to_its_way_through_the_network(trained):
    page = trained.page
    trained.choose_cell(9, 4)
    first, third = (trained.gallery.locator("li button").nth(place) for place in (0, 2))
    expect(trained.gallery.locator(".explorer-gallery-note").first).to_have_text(re.compile(r"^\d+ % sure$"))
    third.hover()
    card = page.get_by_role("tooltip")
    expect(card.locator("li")).to_have_count(10)
    index = int(re.search(r"test image ([\d\u202f]+)", card.inner_text()).group(1).replace("\u202f", ""))
    y = snapshots()[-1].test_outputs[:, index].astype(float)
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


def test_a_zoom_is_kept_on_both_axes_while_it_trains_and_reset_on_both(trained):
    page = trained.page
    loss = page.locator(".explorer-place-loss")
    reset = loss.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_hidden()
    box = loss.locator(".nsewdrag").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], y, steps=5)  # across: only x
    page.mouse.up()
    expect(reset).to_be_visible()
    zoomed = page.evaluate(RANGES)
    assert zoomed[1] - zoomed[0] < 5
    trained.set(hidden_sizes=2)  # whose loss is far higher
    trained.until_finished(10)
    trained.until_matrix(records(hidden_sizes=2)[-1].confusion)
    assert page.evaluate(RANGES) == zoomed
    reset.click()
    expect(reset).to_be_hidden()
    low, high, bottom, top = page.evaluate(RANGES)
    assert (low, bottom) == (0, 0)
    assert high > 10
    assert top > 1.2 * zoomed[3]


def test_pause_step_and_stop(trained):
    page, bar = trained.page, trained.bar
    trained.set(epochs=500)
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
    expect(trained.button("Train again")).to_be_enabled()


def test_each_changed_setting_changes_curves_and_matrix_and_of_fast_changes_the_last_counts(app_page):
    slider = app_page.slider("hidden_sizes")
    slider.press("ArrowLeft")
    expect(app_page.number("hidden_sizes")).not_to_have_value("32")
    units = app_page.number("hidden_sizes").input_value()
    expect(app_page.tiles).to_contain_text(f"784-{units}-10")
    app_page.set(hidden_sizes=300)
    changes = {}
    for name, value in (("hidden_sizes", 16), ("batch_size", 1024), ("epochs", 4)):
        changes[name] = value
        app_page.set(**{name: value})
        known = records(**changes)
        app_page.until_matrix(known[-1].confusion)
        app_page.until_finished(len(known))
        expect(app_page.tiles).to_contain_text(percent(known[-1].test_accuracy))
        app_page.until_points(f"=== {len(known)}")
        shown = [100 * r.test_accuracy for r in known]
        np.testing.assert_allclose(app_page.curve("accuracy", "test"), shown, rtol=1e-5)


@pytest.fixture(scope="module")
def linked(app, open_shared_page):
    """A page that a link opened on a phone: its figures are drawn again as its settings come."""
    return opened(open_shared_page, app.url + "?epochs=2", viewport={"width": 390, "height": 844})


@pytest.mark.parametrize(("width", "height"), [(390, 844), (880, 660), (1440, 900)])
def test_it_fits_the_screen(linked, width, height):
    page = linked.page
    page.set_viewport_size({"width": width, "height": height})
    linked.until_fitted()
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    expect(linked.bar.locator("[data-primary]")).to_have_text("10 more epochs")
    assert linked.bar.locator("section").evaluate("(run) => run.scrollWidth <= run.clientWidth")
    boxes = [place.bounding_box() for place in page.locator(".explorer-figure .js-plotly-plot").all()]
    assert len(boxes) == 3
    assert all(box["width"] > 250 and box["height"] > 150 for box in boxes)
    page.wait_for_function(LEGENDS_ABOVE)
    if width >= 1280:  # at once in sight: the network, and what it has learned
        page.wait_for_function(ENDS_WITHIN, arg=height)
