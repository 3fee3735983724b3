"""The notebooks in JupyterLab, as a student opens them one after the other."""

import re
from pathlib import Path

import nbformat
import pytest
from browser.page_object import SURFACE
from lessons import tutorial_before
from playwright.sync_api import expect

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explorer.ipynb"
DISCONNECTED = "document.querySelectorAll('.explorer-app .jupyter-widgets-disconnected').length > 5"
BROKEN_LINKS = """() => [...document.querySelectorAll('.explorer-app, .explorer-app *')]
  .filter((element) => element.classList.contains('jupyter-widgets-disconnected'))
  .filter((element) => getComputedStyle(element, '::before').content !== 'none').length"""
PLOTS = "document.querySelectorAll('.lesson-plot:has(.main-svg)').length === 2"
WITHIN_ITS_CELL = """() => {
  const app = document.querySelector('.explorer-app').getBoundingClientRect();
  const output = document.querySelector('.jp-OutputArea:has(.explorer-app)').getBoundingClientRect();
  return app.height > innerHeight - 1 && app.bottom <= output.bottom + 1 && app.right <= output.right + 1;
}"""
CLIPPED = """() =>
    [...document.querySelectorAll('.cm-scroller, .lesson-code, .lesson-table, .jp-OutputArea-output')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map((e) => e.textContent)"""
BACKGROUND = "document.querySelector('.lesson-plot .main-svg')?.style.background"


@pytest.fixture(scope="module")
def lab(jupyterlab, open_shared_page):
    """JupyterLab with both notebooks; that of the explorer is open."""
    nbformat.write(tutorial_before(part=3), jupyterlab.root / "tutorial.ipynb")
    return open_shared_page(jupyterlab.address(NOTEBOOK))


@pytest.mark.long
def test_the_app_trains_in_a_cell(lab, tmp_path):
    page = lab.page
    lab.run_all()
    lab.until_drawn()
    expect(lab.tiles.locator("span[data-help*='469 steps']")).to_be_attached()  # set by a later cell
    page.locator(".jp-WindowedPanel-outer").evaluate("(one) => one.scrollTo(0, 0)")
    notebook = page.locator(".jp-WindowedPanel-outer").bounding_box()
    drawn = page.locator(".explorer-place-network").first.bounding_box()
    assert (
        drawn["y"] + drawn["height"] < notebook["y"] + notebook["height"]
    )  # at 1440 px, with the side bar open
    lab.bar.scroll_into_view_if_needed()
    lab.until_finished(10)
    address, entries = page.url, page.evaluate("history.length")
    lab.number("hidden_sizes").scroll_into_view_if_needed()
    lab.set(hidden_sizes=8, epochs=2)
    expect(lab.tiles).to_contain_text("784-8-10")
    lab.until_finished(2)
    assert (page.url, page.evaluate("history.length")) == (address, entries)  # they are JupyterLab's
    page.keyboard.press("p")  # in a field
    app, tab = page.locator(".explorer-app"), page.get_by_role("tab", name="Explore", exact=True)
    tab.press("p")
    expect(app).to_have_class(re.compile("explorer-hall"))
    page.wait_for_function(WITHIN_ITS_CELL)
    tab.press("Escape")
    expect(app).not_to_have_class(re.compile("explorer-hall"))
    report = lab.export("report", tmp_path)
    assert report.name == "explorer-784-8-10-seed0.html"
    assert report.stat().st_size > 4e6
    assert page.locator(".jp-mod-selected").count() >= 1  # the keys went to the control, not to the notebook
    assert_it_says_that_its_kernel_is_gone(lab)
    assert lab.page_errors == []


def assert_it_says_that_its_kernel_is_gone(lab):
    """After a restart: what to do is said, no broken link stands in the grid, and no button looks alive."""
    page, app = lab.page, lab.page.locator(".explorer-app")
    width = page.locator(".explorer-place-loss").bounding_box()["width"]
    notice = page.locator(".explorer-kernel-notice [role=alert]")
    expect(notice).to_be_empty()
    lab.restart()
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
    lab.until_idle()  # the first notebook is there
    lab.command("docmanager:open", path="tutorial.ipynb")
    page.wait_for_function("window.jupyterapp.shell.currentWidget?.title.label === 'tutorial.ipynb'")
    lab.run_all()
    page.wait_for_function(PLOTS)
    assert page.locator(".jp-FileBrowser").is_visible()
    assert page.evaluate(CLIPPED) == []  # at 1440 px, with the side bar open
    page.wait_for_function(f"color => {BACKGROUND} === color", arg=SURFACE["light"])
    for theme in ("dark", "light"):
        lab.command("apputils:change-theme", theme=f"JupyterLab {theme.capitalize()}")
        page.wait_for_function(f"color => {BACKGROUND} === color", arg=SURFACE[theme])
        # JupyterLab covers itself while it changes, and fails at a second change in that time.
        page.wait_for_selector("#jupyterlab-splash", state="detached")
    assert page.locator(".lesson-check").count() == 4
    assert lab.page_errors == []
    assert lab.foreign == []
