"""Lessons as pages from the disk: with no other host to ask, in both themes, on a phone."""

import pytest
from browser.page_object import SURFACE
from lessons import execute, tutorial_before
from nbconvert import HTMLExporter

PHONE = {"width": 390, "height": 844}
ALL_DRAWN = "n => document.querySelectorAll('.lesson-plot:has(.main-svg)').length === n"
UNREACHABLE = """() => [...document.querySelectorAll('.highlight > pre, .lesson-code, .lesson-table')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'auto')
    .map((e) => e.textContent)"""
BACKGROUND = "() => document.querySelector('.lesson-plot .main-svg').style.background"


def lesson(executed, theme, open_file, folder):
    """Open a notebook as a page on which every figure is drawn."""
    text, _ = HTMLExporter(theme=theme).from_notebook_node(executed)
    path = folder / f"{theme}.html"
    path.write_text(text, encoding="utf-8")
    found = open_file(path)
    found.page.wait_for_function(ALL_DRAWN, arg=text.count('class="lesson-plot"'))
    return found


@pytest.mark.long
def test_the_tutorial_draws_all_figures_without_any_host_and_fits_a_phone(open_file, tmp_path):
    executed = execute(tutorial_before(part=4))
    for theme, other in (("light", "dark"), ("dark", "light")):
        found = lesson(executed, theme, open_file, tmp_path)
        page = found.page
        assert page.evaluate(BACKGROUND) == SURFACE[theme]
        assert page.locator(f"img.lesson-{theme}").first.is_visible()
        assert not page.locator(f"img.lesson-{other}").first.is_visible()
        page.set_viewport_size(PHONE)
        page.wait_for_function("() => document.documentElement.scrollWidth === 390")
        assert page.evaluate(UNREACHABLE) == []
        assert found.page_errors == []
