"""Every part of the page can be reached in every window, and what belongs together is in sight at once."""

import re

import pytest
from browser.page_object import OUT_OF_REACH, assert_becomes, exercise
from playwright.sync_api import expect
from thinned import swept

from explorer.app.panels.tabs import offered_tabs

SIZES = [(620, 900), (800, 900), (1024, 600), (1280, 720), (1366, 768), (1440, 900), (1536, 730)]
SIZES += [(1920, 969), (1920, 1080)]

HEIGHT = "document.querySelector('.explorer-value').getBoundingClientRect().height"
ROWS_OF_DIGITS = """() => {
  const boxes = [...document.querySelectorAll('.explorer-place-confusion .heatmap-label')]
    .map((text) => text.getBoundingClientRect()).filter(({ height }) => height > 0);
  const rows = [...new Set(boxes.map(({ top }) => Math.round(top)))].sort((a, b) => a - b);
  const apart = Math.min(...rows.slice(1).map((row, index) => row - rows[index]));
  return { n: boxes.length, digit: Math.max(...boxes.map(({ height }) => height)), apart };
}"""
HALL = ["Data set: MNIST", "Leave the presentation"]
LAYERS = """() => [...document.querySelectorAll('.explorer-network-layer')].map((layer) => {
  const { left, right } = layer.getBoundingClientRect();
  return [left, right, layer.scrollWidth - layer.clientWidth];
})"""
ENDS_WITHIN = """(height) => {
  const seen = document.querySelectorAll('.explorer-figure .js-plotly-plot, .explorer-place-network');
  return [...seen].every((one) => one.getBoundingClientRect().bottom <= height);
}"""
LEGENDS_AFTER_TITLES = """() => [...document.querySelectorAll('.explorer-figure:has(.legend)')].every((figure) => {
  const parts = ['.legend', '.nsewdrag', '.gtitle', '.legend .layers'].map((name) => figure.querySelector(name));
  const [legend, area, title, line] = parts.map((part) => part?.getBoundingClientRect());
  return legend.bottom < area?.top + 2 && title.bottom < area.top && title.right < line.left;
})"""


WIDE = {(1280, 720): 42, (1366, 768): 48, (1440, 900): 60, (1536, 730): 46, (1920, 969): 80, (1920, 1080): 80}
"""Windows with room for the network next to the settings, and the least width of its units, in px."""

BOXES = """() => Object.fromEntries(Object.entries({
  drawing: '.explorer-place-network', unit: '.explorer-network-unit', row: '.explorer-transport',
  pad: '.explorer-place-network .explorer-drawing-ground',
  loss: '.explorer-place-loss', accuracy: '.explorer-place-accuracy', matrix: '.explorer-place-confusion',
}).map(([name, selector]) => {
  const { left, top, width, height } = document.querySelector(`.explorer-app ${selector}`).getBoundingClientRect();
  return [name, [left, top + scrollY, width, height].map(Math.round)];
}))"""

AT_REST = f"""async () => {{
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame); // sizes are observed in frames
  const [before, now] = [globalThis.boxes, JSON.stringify(({BOXES})())];
  globalThis.boxes = now;
  return before === now;
}}"""


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    """A page that a link opened on a phone: its figures are drawn again as its settings come."""
    query = "?hidden=32,16,16,8,8,8&epochs=1&n=600"
    found = open_shared_page(app.url + query, viewport={"width": 390, "height": 844})
    found.until_drawn()
    found.until_finished(1)
    return found


@pytest.fixture
def visit(shared):
    yield shared
    shared.assert_clean()


def assert_within_its_width(page):
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")


def test_it_fits_the_screen_and_six_layers_are_next_to_each_other(visit):
    page = visit.page
    for width, height in ((390, 844), (880, 660), (1440, 900), (1280, 720)):
        visit.resize(width, height)
        assert_within_its_width(page)
        expect(visit.bar.locator("[data-primary]")).to_have_text("10 more epochs")
        assert visit.bar.locator("section").evaluate("(run) => run.scrollWidth <= run.clientWidth")
        boxes = [place.bounding_box() for place in page.locator(".explorer-figure .js-plotly-plot").all()]
        assert len(boxes) == 3
        assert all(box["width"] > 250 and box["height"] > 150 for box in boxes)
        page.wait_for_function(LEGENDS_AFTER_TITLES)
        layers = page.evaluate(LAYERS)
        assert len(layers) == 7
        ends = [end for left, right, _ in layers for end in (left, right)]
        assert ends == sorted(ends)
        assert ends[-1] <= width
        assert max(hidden for *_, hidden in layers) <= 1
    page.locator(".explorer-network-unit").nth(3).click()
    card = page.locator(".explorer-network-card")
    expect(card).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Dismiss").click()
    visit.until_fitted()
    assert_becomes(page, OUT_OF_REACH, [])  # the card covers curves alone
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


@pytest.mark.long
def test_nothing_is_out_of_reach_and_no_digit_is_on_another(visit):
    visit.go(exercise(epochs=2))
    visit.until_finished(2)
    visit.resize(1440, 900)
    visit.page.wait_for_function(ENDS_WITHIN, arg=900)  # in sight: the network, and what it has learned
    visit.choose_cell(1, 0)
    for width, height in SIZES:
        visit.resize(width, height)
        assert_becomes(visit.page, OUT_OF_REACH, [], width, height)
        matrix = visit.page.evaluate(ROWS_OF_DIGITS)
        assert matrix["n"] > 50
        assert matrix["apart"] >= matrix["digit"] + 3


def test_a_warning_covers_no_sentence_of_a_step(visit):
    visit.resize(1440, 900)
    visit.go(exercise(epochs=2, lr=1))
    warning = visit.page.locator(".explorer-message[data-kind=warning]")
    expect(warning).to_be_in_viewport(ratio=1)
    visit.button("Play a step").click()
    expect(visit.page.locator(".explorer-step-told")).to_be_in_viewport(ratio=1)
    expect(warning).to_be_hidden()
    visit.page.keyboard.press("Escape")
    expect(warning).to_be_in_viewport(ratio=1)


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", *swept(("dark",))])
def test_the_network_takes_half_of_the_window_and_nothing_below_moves_as_cards_open(visit, theme):
    page, figures = visit.page, ("loss", "accuracy", "matrix")
    page.emulate_media(color_scheme=theme)
    visit.tab("overview")
    visit.go("?epochs=2")
    visit.until_finished(2)
    for width, height in [*WIDE, (1024, 600), (390, 844)]:
        visit.resize(width, height)
        visit.until_fitted()
        page.wait_for_function(AT_REST, polling=100)
        before = page.evaluate(BOXES)
        if least := WIDE.get((width, height)):
            assert before["unit"][2] >= least
            assert before["row"][3] <= 48
            assert before["drawing"][3] >= (0.5 * height if height >= 800 else 300) - 1
            assert before["pad"][2] >= (260 if height >= 900 else 150)
            assert all(before[name][1] + before[name][3] <= height + 1 for name in figures)
            assert all(before[name][2] > 300 and before[name][3] >= 260 for name in figures)
        page.locator(".explorer-network-unit").nth(5).click()
        expect(page.locator(".explorer-network-card")).to_be_in_viewport(ratio=1)
        opened = [page.evaluate(BOXES)]
        page.keyboard.press("Escape")
        expect(page.locator(".explorer-network-card")).to_be_hidden()
        if least:
            visit.button("Train again, reset").click()
            page.get_by_role("switch").click()  # Python asks for a guess
            page.keyboard.press("Escape")
            expect(page.get_by_role("group", name="Your guess")).to_be_in_viewport(ratio=1)
            opened.append(page.evaluate(BOXES))
            visit.button("Train again, reset").click()
            page.get_by_role("switch").click()
            page.keyboard.press("Escape")
            visit.button("Play a step").click()
            for _ in range(4):
                page.keyboard.press("ArrowRight")
                opened.append(page.evaluate(BOXES))
            page.keyboard.press("Escape")
        for after in opened:
            assert [after[name] for name in figures] == [before[name] for name in figures], (width, height)


@pytest.mark.long
def test_nothing_is_out_of_reach_in_any_tab_of_a_low_window_and_none_moves_the_bar_of_tabs(visit):
    page, tops = visit.page, set()
    visit.resize(1024, 600)
    for name in offered_tabs():
        visit.tab(name)
        visit.until_fitted()
        assert_becomes(page, OUT_OF_REACH, [], name)
        tops.add(tuple(page.locator(".explorer-tab-bar").bounding_box().values()))
    assert len(tops) == 1  # of one row, with the tabs of a group after all groups
    visit.tab("inside")
    panel = page.locator(".explorer-panel.explorer-sectioned:visible")
    for section, name in {"Over time": "time", "Gradient check": "check", "Histograms": ""}.items():
        visit.section(section)
        there = "(name) => (new URLSearchParams(location.search).get('section') ?? '') === name"
        page.wait_for_function(there, arg=name)
        for width in (390, 1440):
            visit.resize(width, 844)
            assert_within_its_width(page)
            assert panel.evaluate("(panel) => panel.scrollWidth <= panel.clientWidth"), section


def test_presented_it_is_larger_and_in_sight_until_a_key_ends_it(visit):
    page, matrix = visit.page, visit.page.locator(".explorer-overview .explorer-place-confusion")
    visit.tab("overview")
    visit.go(exercise(epochs=2))
    visit.until_finished(2)
    for width, height, scale in ((1280, 720, 1.2), (1440, 900, 1.4)):
        visit.resize(width, height)
        before = page.evaluate(HEIGHT)
        page.keyboard.press("p")
        expect(page).to_have_url(re.compile("[?&]size=hall"))
        page.wait_for_function(f"Math.abs({HEIGHT} / {before} - {scale}) < 0.01")
        visit.until_fitted()
        page.wait_for_function(ENDS_WITHIN, arg=height)
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        buttons = page.locator(".explorer-place-header button:visible")
        assert [button.get_attribute("aria-label") for button in buttons.all()] == HALL
        box = matrix.locator(".nsewdrag").bounding_box()
        page.mouse.move(box["x"] + 0.95 * box["width"], box["y"] + 0.95 * box["height"])
        expect(matrix.locator(".hoverlayer")).to_contain_text("true 9→ predicted 9")
        assert visit.severe() == []
        page.keyboard.press("Escape")
        expect(page).not_to_have_url(re.compile("size="))
        page.wait_for_function(f"{HEIGHT} === {before}")
