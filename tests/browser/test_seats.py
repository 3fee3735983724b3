"""The page in line, and the reload of a seated page."""

from __future__ import annotations

import pytest
from browser.page_object import SURFACE
from playwright.sync_api import expect

SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
FIGURE = ".js-plotly-plot .main-svg"


@pytest.fixture(scope="module")
def server(start_server):
    """One with a single seat."""
    return start_server(["-m", "explorer", "--no-browser", "--port", "0", "--seats", "1"])


@pytest.mark.long
def test_a_seated_page_is_reloaded_in_its_seat_and_the_next_in_line_gets_it_by_itself(server, open_page):
    seated = open_page(server.url).page
    seated.wait_for_selector(FIGURE)
    next_one = open_page(server.url)
    waiting = next_one.page
    expect(waiting.locator("#place")).to_have_text("You are next in line.")
    assert_good_looks(next_one)
    last = open_page(server.url).page
    expect(last.locator("#place")).to_have_text("You are 2nd in line.")
    seated.reload(wait_until="commit")
    seated.wait_for_selector(FIGURE)
    seated.close(run_before_unload=True)
    waiting.wait_for_selector(FIGURE)
    expect(last.locator("#place")).to_have_text("You are next in line.")


def assert_good_looks(visit):
    page = visit.page
    for theme, color in SURFACE.items():
        page.emulate_media(color_scheme=theme)
        assert page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") == color
        for size in SIZES.values():
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert visit.severe() == []
