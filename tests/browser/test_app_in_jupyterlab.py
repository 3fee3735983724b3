"""The explorer's notebook in JupyterLab, as a student runs it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explorer.ipynb"
DRAWN = "document.querySelectorAll('.explorer-figure .js-plotly-plot .main-svg').length >= 6"
IDLE = (
    "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel?.status === 'idle'"
)


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
    assert visit.own_errors == []
