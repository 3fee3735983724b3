"""The Inside tab in a real Chromium, on a network that has learned all of MNIST."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

SIZES = [(390, 844), (1440, 900)]
SECTIONS = {
    "Histograms": "",
    "Over time": "time",
    "Gradient check": "check",
}
"""What a section is called, on its button and in the address, where the first needs no name."""
SETTLED = """() => {
  const section = document.querySelector('.explorer-sectioned > .explorer-sectioned:not(.explorer-hidden)');
  const fills = (place) => {
    const plot = place.querySelector('.js-plotly-plot');
    return Math.abs(plot?.querySelector('.main-svg')?.getAttribute('width') - plot?.clientWidth) < 2;
  };
  return section?.offsetHeight > 0 && [...section.querySelectorAll('.explorer-panel-figure')].every(fills);
}"""


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    found = open_shared_page(f"{app.url}?tab=inside")
    found.until_finished()
    expect(found.page.locator(".explorer-section .js-plotly-plot").first).to_be_visible(timeout=60_000)
    return found


@pytest.fixture
def page(shared):
    """The shared page in its first size, with the last of ten epochs."""
    page = shared.page
    page.set_viewport_size({"width": 1440, "height": 900})
    newest = page.get_by_role("button", name="Latest epoch")
    if newest.is_enabled():
        newest.click()
    if shared.number("epochs").input_value() != "10":
        shared.set(epochs=10)
    shared.until_finished(10)
    expect(page.locator(".explorer-time output")).to_have_text("epoch 10")
    return page


def show(page, section):
    """Go to a section; the address follows when it is there."""
    page.get_by_role("radiogroup", name="Section").get_by_text(section, exact=True).click()
    there = "(name) => (new URLSearchParams(location.search).get('section') ?? '') === name"
    page.wait_for_function(there, arg=SECTIONS[section])


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_section_fits_the_width(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    for section in SECTIONS:
        show(page, section)
        page.wait_for_function(SETTLED)
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        panel = page.locator(".explorer-panel.explorer-sectioned")
        assert panel.evaluate("(panel) => panel.scrollWidth <= panel.clientWidth"), section
