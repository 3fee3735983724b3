"""No sentence of the page is cut, and nothing pushes a button off it, in any tab and window."""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError as TooLateError
from playwright.sync_api import expect
from thinned import swept

from explorer.app.panels.inside import SECTIONS
from explorer.app.panels.mistakes import MISTAKES
from explorer.app.panels.tabs import offered_tabs

pytestmark = pytest.mark.long
SIZES = [(1280, 720), (390, 844), *swept((1920, 969), (1440, 900), (1366, 768), (800, 900))]
SECTIONED = {"inside": SECTIONS, "mistakes": MISTAKES}
PLACES = [
    (view, words) for view in offered_tabs() for words, _ in SECTIONED.get(view, {"": ("", 0)}).values()
]

CONTENT = ":is(.explorer-panel, .explorer-figure) :is(.main-svg, td, .explorer-picture, [data-press]):visible"
CUT = """() => {
  const found = new Set();
  const texts = document.createTreeWalker(document.querySelector('.explorer-app'), NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (texts.nextNode()) {
    const node = texts.currentNode, element = node.parentElement;
    if (!node.data.trim()) continue;
    if (element.closest('svg, .explorer-unseen, option, [popover]:not(:popover-open)')) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    range.selectNodeContents(node);
    const { left, right, width } = range.getBoundingClientRect();
    if (width < 2 || getComputedStyle(element).clipPath !== 'none') continue;
    for (let at = element; at.matches('.explorer-app, .explorer-app *'); at = at.parentElement) {
      const clips = getComputedStyle(at).overflowX, box = at.getBoundingClientRect();
      if (clips === 'auto' || clips === 'scroll') break;
      if (clips !== 'visible' && (right > box.right + 1 || left < box.left - 1))
        found.add(`${element.className} | ${node.data.trim()} | by ${at.className}`);
    }
  }
  return [...found];
}"""
OFF = """() => [...document.querySelectorAll('.explorer-time > *')].filter((one) => {
  const { left, right, width } = one.getBoundingClientRect();
  return width > 1 && (left < 0 || right > innerWidth + 0.5);
}).map((one) => one.className)"""


@pytest.fixture(scope="module")
def visit(app, open_shared_page):
    """The page with a run of 500 epochs, of which some are kept, and all its settings."""
    found = open_shared_page(f"{app.url}?hidden=64&n=200&validation=100&epochs=500&shift=1&dropout=0.1")
    found.until_finished(500)
    found.choose_cell(2, 3)
    found.button("More settings").click()
    expect(found.page.locator(".explorer-time-note")).to_have_text(re.compile("1 epoch in [0-9]+"))
    assert "is kept, to stay within" in found.page.locator(".explorer-time").get_attribute("title")
    yield found
    found.assert_clean()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_sentence_is_cut_in_any_tab(visit, width, height):
    page, found = visit.page, {}
    page.set_viewport_size({"width": width, "height": height})
    for name, section in PLACES:
        visit.tab(name)
        if section:
            visit.section(section)
        expect(page.locator(CONTENT).first).to_be_visible()
        with suppress(TooLateError):  # parts may still be on their way
            page.wait_for_function(f"() => ({CUT})().length + ({OFF})().length === 0", timeout=5000)
        if cut := page.evaluate(CUT) + page.evaluate(OFF):
            found[name, section] = cut
    visit.tab("overview")
    assert found == {}
