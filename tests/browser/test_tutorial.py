"""The tutorial as a static page with no other host to ask."""

from __future__ import annotations

import pytest
from lessons import execute, tutorial_before
from nbconvert import HTMLExporter

from explorer.figures.palette import PALETTES

ALL_DRAWN = "n => document.querySelectorAll('.lesson-plot:has(.main-svg)').length === n"
UNREACHABLE = """() => [...document.querySelectorAll('.highlight > pre, .lesson-code, .lesson-table')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'auto')
    .map((e) => e.textContent)"""
BACKGROUND = "() => document.querySelector('.lesson-plot .main-svg').style.background"


def rgb(colour):
    return "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))


@pytest.fixture(scope="module")
def executed():
    return execute(tutorial_before(part=4))


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_static_page_draws_all_figures_without_any_host_and_fits_a_phone(
    theme, executed, browser, tmp_path
):
    text, _ = HTMLExporter(theme=theme).from_notebook_node(executed)
    (tmp_path / "tutorial.html").write_text(text, encoding="utf-8")
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    page.goto((tmp_path / "tutorial.html").as_uri())
    page.wait_for_function(ALL_DRAWN, arg=text.count('class="lesson-plot"'))
    assert page.evaluate(BACKGROUND) == rgb(PALETTES[theme].surface)
    other = {"light": "dark", "dark": "light"}[theme]
    assert page.locator(f"img.lesson-{theme}").first.is_visible()
    assert not page.locator(f"img.lesson-{other}").first.is_visible()
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_function("() => document.documentElement.scrollWidth === 390")
    assert page.evaluate(UNREACHABLE) == []
    assert errors == []
    page.close()
