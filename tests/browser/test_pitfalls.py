"""The pitfalls as a static page with no other host to ask: every figure is drawn, in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest
from lessons import execute, read
from nbconvert import HTMLExporter

from explorer.figures.palette import PALETTES

PITFALLS = Path(__file__).parents[2] / "notebooks" / "pitfalls.ipynb"
ALL_DRAWN = "n => document.querySelectorAll('.lesson-plot .svg-container').length === n"
STROKES = "() => [...document.querySelectorAll('.scatterlayer .trace .lines path')].map(e => e.style.stroke)"


@pytest.fixture(scope="module")
def executed():
    return execute(read(PITFALLS))


def rgb(colour):
    return "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))


@pytest.mark.sweep
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_static_page_draws_all_figures_without_any_host(theme, executed, browser, tmp_path):
    text, _ = HTMLExporter(theme=theme).from_notebook_node(executed)
    (tmp_path / "pitfalls.html").write_text(text, encoding="utf-8")
    page, errors = browser.new_page(viewport={"width": 1440, "height": 900}), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    page.goto((tmp_path / "pitfalls.html").as_uri())
    page.wait_for_function(ALL_DRAWN, arg=text.count('class="lesson-plot"'))
    colours = set(page.evaluate(STROKES))
    assert {rgb(PALETTES[theme].error), rgb(PALETTES[theme].good)} <= colours
    raised = page.locator(".lesson-raised").first
    assert raised.evaluate("e => getComputedStyle(e).color") == rgb(PALETTES[theme].error)
    assert errors == []
    page.close()
