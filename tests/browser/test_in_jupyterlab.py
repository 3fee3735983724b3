"""The notebooks in JupyterLab, as a student opens them one after the other."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from lessons import tutorial_before
from playwright.sync_api import expect

from explorer.figures.palette import PALETTES

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explorer.ipynb"
DRAWN = "document.querySelectorAll('.explorer-figure .js-plotly-plot .main-svg').length >= 6"
IDLE = (
    "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel?.status === 'idle'"
)

DISCONNECTED = "document.querySelectorAll('.explorer-app .jupyter-widgets-disconnected').length > 5"
BROKEN_LINKS = """() => [...document.querySelectorAll('.explorer-app, .explorer-app *')]
  .filter((element) => element.classList.contains('jupyter-widgets-disconnected'))
  .filter((element) => getComputedStyle(element, '::before').content !== 'none').length"""
PLOTS = "document.querySelectorAll('.lesson-plot:has(.main-svg)').length === 2"
CLIPPED = """() =>
    [...document.querySelectorAll('.cm-scroller, .lesson-code, .lesson-table, .jp-OutputArea-output')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map((e) => e.textContent)"""
BACKGROUND = "document.querySelector('.lesson-plot .main-svg')?.style.background"


@pytest.fixture(scope="module")
def lab(jupyterlab, open_shared_page):
    """JupyterLab with both notebooks; that of the explorer is open."""
    url, root = jupyterlab
    (root / "explorer.ipynb").write_text(NOTEBOOK.read_text(encoding="utf-8"), encoding="utf-8")
    nbformat.write(tutorial_before(part=3), root / "tutorial.ipynb")
    return open_shared_page(f"{url}lab/tree/explorer.ipynb?reset")


def run_all(page):
    page.wait_for_function(IDLE)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")


@pytest.mark.long
def test_the_app_trains_in_a_cell(lab):
    page = lab.page
    run_all(page)
    page.wait_for_function(DRAWN)
    tiles, bar = page.locator(".explorer-tiles"), page.locator(".explorer-run")
    expect(tiles).to_contain_text("469 steps an epoch")  # the last cell has set the batch size
    bar.scroll_into_view_if_needed()
    expect(bar).to_contain_text("finished · 10 of 10 epochs", timeout=60_000)
    address, entries = page.url, page.evaluate("history.length")
    units = page.get_by_role("spinbutton", name="Hidden units")
    units.scroll_into_view_if_needed()
    units.fill("8")
    units.press("Enter")
    expect(tiles).to_contain_text("784-8-10")
    expect(bar).to_contain_text("finished · 10 of 10 epochs", timeout=60_000)
    assert (page.url, page.evaluate("history.length")) == (address, entries)  # they are JupyterLab's
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report (HTML)").click()
    assert download.value.suggested_filename == "explorer-784-8-10-seed0.html"
    assert Path(download.value.path()).stat().st_size > 4e6
    assert page.locator(".jp-mod-selected").count() >= 1  # the keys went to the control, not to the notebook
    assert_it_says_that_its_kernel_is_gone(page)
    assert lab.page_errors == []


def assert_it_says_that_its_kernel_is_gone(page):
    """After a restart: what to do is said, no broken link stands in the grid, and no button looks alive."""
    app = page.locator(".explorer-app")
    width = page.locator(".explorer-place-loss").bounding_box()["width"]
    notice = page.locator(".explorer-kernel-notice [role=alert]")
    expect(notice).to_be_empty()
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.restartKernel()")
    expect(notice).to_contain_text("Run the cell again")
    page.wait_for_function(DISCONNECTED)
    assert page.evaluate(BROKEN_LINKS) == 0
    assert page.locator(".explorer-place-loss").bounding_box()["width"] == width
    notice.scroll_into_view_if_needed()
    expect(notice).to_be_in_viewport()
    assert app.evaluate("e => [...e.children].filter((child) => !child.inert).length") == 1  # the notice
    page.locator(".explorer-run button").first.focus()
    assert page.evaluate("document.activeElement.closest('.explorer-app') === null")


@pytest.mark.sweep
def test_the_tutorials_figures_follow_the_theme(lab):
    page = lab.page
    page.wait_for_function(IDLE)  # the first notebook is there
    page.evaluate(
        "() => void window.jupyterapp.commands.execute('docmanager:open', {path: 'tutorial.ipynb'})"
    )
    page.wait_for_function("window.jupyterapp.shell.currentWidget?.title.label === 'tutorial.ipynb'")
    run_all(page)
    page.wait_for_function(PLOTS)
    assert page.locator(".jp-FileBrowser").is_visible()
    assert page.evaluate(CLIPPED) == []  # at 1440 px, with the side bar open
    page.wait_for_function(f"colour => {BACKGROUND} === colour", arg=rgb(PALETTES["light"].surface))
    change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
    for name, theme in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        page.evaluate(change, name)
        page.wait_for_function(f"colour => {BACKGROUND} === colour", arg=rgb(PALETTES[theme].surface))
        # JupyterLab covers itself while it changes, and fails at a second change in that time.
        page.wait_for_selector("#jupyterlab-splash", state="detached")
    assert page.locator(".lesson-check").count() == 4
    assert lab.page_errors == []
    assert lab.foreign == []


def rgb(colour):
    return "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
