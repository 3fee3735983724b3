"""The explorer's notebook in JupyterLab, as a student runs it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explorer.ipynb"
DRAWN = "document.querySelectorAll('.explorer-figure .js-plotly-plot .main-svg').length >= 6"
IDLE = (
    "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel?.status === 'idle'"
)

DISCONNECTED = "document.querySelectorAll('.explorer-app .jupyter-widgets-disconnected').length > 5"
BROKEN_LINKS = """() => [...document.querySelectorAll('.explorer-app, .explorer-app *')]
  .filter((element) => element.classList.contains('jupyter-widgets-disconnected'))
  .filter((element) => getComputedStyle(element, '::before').content !== 'none').length"""


def test_the_app_trains_in_a_cell(jupyterlab, open_page):
    url, root = jupyterlab
    (root / "explorer.ipynb").write_text(NOTEBOOK.read_text(encoding="utf-8"), encoding="utf-8")
    visit = open_page(f"{url}lab/tree/explorer.ipynb?reset")
    page = visit.page
    page.wait_for_function(IDLE)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(DRAWN)
    tiles, bar = page.locator(".explorer-tiles"), page.locator(".explorer-run")
    expect(tiles).to_contain_text("469 steps an epoch")  # the last cell has set the batch size
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
    assert visit.own_errors == []


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
