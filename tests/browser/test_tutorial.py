"""The tutorial as its readers see it: in JupyterLab, and as a static page with no other host to ask."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from lessons import execute, read
from nbconvert import HTMLExporter

from explorer.figures.palette import PALETTES

TUTORIAL = Path(__file__).parents[2] / "notebooks" / "tutorial.ipynb"
IDLE = (
    "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel?.status === 'idle'"
)
ALL_DRAWN = "n => document.querySelectorAll('.lesson-plot:has(.main-svg)').length === n"
CLIPPED = """() =>
    [...document.querySelectorAll('.cm-scroller, .lesson-code, .lesson-table, .jp-OutputArea-output')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map((e) => e.textContent)"""
UNREACHABLE = """() => [...document.querySelectorAll('.highlight > pre, .lesson-code, .lesson-table')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'auto')
    .map((e) => e.textContent)"""
BACKGROUND = "() => document.querySelector('.lesson-plot .main-svg').style.background"


def parts(last):
    """The tutorial's cells up to the heading of part `last`, without the study of batch sizes."""
    notebook = read(TUTORIAL)
    end = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith(f"## {last} "))
    notebook.cells = [c for c in notebook.cells[:end] if "slow" not in c.metadata.get("tags", ())]
    return notebook


def rgb(colour):
    return "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))


@pytest.fixture(scope="module")
def executed():
    return execute(parts(4))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_static_page_draws_all_figures_without_any_host(theme, executed, browser, tmp_path):
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
    assert errors == []
    page.close()


def test_a_narrow_static_page_scrolls_what_is_too_wide_for_it(executed, browser, tmp_path):
    text, _ = HTMLExporter().from_notebook_node(executed)
    (tmp_path / "tutorial.html").write_text(text, encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    page.goto((tmp_path / "tutorial.html").as_uri())
    page.wait_for_function(ALL_DRAWN, arg=text.count('class="lesson-plot"'))
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert page.evaluate(UNREACHABLE) == []
    page.close()


def test_figures_follow_jupyterlabs_theme(jupyterlab, open_page):
    url, root = jupyterlab
    nbformat.write(parts(3), root / "tutorial.ipynb")
    visit = open_page(f"{url}lab/tree/tutorial.ipynb?reset")
    page = visit.page
    page.wait_for_function(IDLE)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(ALL_DRAWN, arg=2)
    assert page.locator(".jp-FileBrowser").is_visible()
    assert page.evaluate(CLIPPED) == []  # at 1440 px, with the side bar open
    background = BACKGROUND.removeprefix("() => ")
    page.wait_for_function(f"c => {background} === c", arg=rgb(PALETTES["light"].surface))
    change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
    for name, theme in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        page.evaluate(change, name)
        page.wait_for_function(f"c => {background} === c", arg=rgb(PALETTES[theme].surface))
        # JupyterLab covers itself while it changes, and fails at a second change in that time.
        page.wait_for_selector("#jupyterlab-splash", state="detached")
    assert page.locator(".lesson-check").count() == 4
    assert visit.own_errors == []
    assert visit.foreign == []
