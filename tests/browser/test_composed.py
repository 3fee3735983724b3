"""The app, its parts and stock widgets in cells of one's own: in JupyterLab, and served by Voilà as it comes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from explorer.exports.files import KINDS

IDLE = (
    "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel?.status === 'idle'"
)
POINTS = """() => {
  const plot = document.querySelector('.alone .js-plotly-plot');
  const test = plot?.data?.find((trace) => trace.name === 'test');
  return test && plot.querySelector('.main-svg') ? test.y.length : -1;
}"""
BAR = "() => document.querySelector('.progress-bar, .jupyter-widgets .progress .progress-bar').style.width"
LATE = """(() => {
  const { withResolvers } = Promise;
  Promise.withResolvers = () => {
    const made = withResolvers.call(Promise);
    return { ...made, resolve: (found) => setTimeout(made.resolve, 12_000, found) };
  };
})()"""
"""Gives the parts their scripts when anywidget's patience, of ten seconds here, has ended."""
COMPOSE = Path(__file__).parents[2] / "notebooks" / "compose.ipynb"


@pytest.fixture(params=["Voilà", pytest.param("JupyterLab", marks=pytest.mark.sweep)])
def run(request, open_page):
    """Run a notebook in each of them, and return the visit."""

    def run(path):
        if request.param == "Voilà":
            url = request.getfixturevalue("serve_plainly")(path).url
            return open_page(url, patience=10, prepare=lambda page: page.add_init_script(LATE))
        url, root = request.getfixturevalue("jupyterlab")
        shutil.copy(path, root)
        visit = open_page(f"{url}lab/tree/{path.name}?reset", viewport={"width": 1440, "height": 2400})
        run_all(visit.page)
        return visit

    return run


def run_all(page):
    page.wait_for_function(IDLE)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")


@pytest.mark.long
def test_parts_and_stock_widgets_follow_one_app(run, notebook):
    visit = run(notebook("composed"))
    page = visit.page
    apps = page.locator(".explorer-app")
    expect(apps).to_have_count(3)  # the second is shown twice
    expect(page.get_by_text("next to the app", exact=True)).to_be_visible()
    for app, epochs in ((apps.nth(0), 2), (apps.nth(1), 1), (apps.nth(2), 1)):
        expect(app.locator(".explorer-run")).to_contain_text(f"finished · {epochs} of {epochs} epoch")
    page.wait_for_function(f"() => ({POINTS})() === 2")
    test = apps.nth(0).locator(".explorer-tiles").inner_text().split("\n")[1]
    page.wait_for_function(f"() => Math.abs(parseFloat(({BAR})()) - {float(test.split()[0])}) < 0.1")

    # While the app shows another tab, a stock slider trains it, and the curve in its own cell goes on.
    other = apps.nth(1).locator(".explorer-tiles").inner_text()
    apps.nth(0).get_by_role("tab", name="Draw").click()
    expect(apps.nth(0).locator("canvas")).to_be_visible()
    slider = page.locator(".widget-slider").first.get_by_role("slider")
    slider.scroll_into_view_if_needed()
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "528")
    expect(apps.nth(0).get_by_role("spinbutton", name=re.compile("Batch size"))).to_have_value("528")
    epochs = apps.nth(0).get_by_role("spinbutton", name=re.compile("Epochs"))
    epochs.fill("4")
    epochs.press("Enter")
    expect(apps.nth(0).locator(".explorer-run")).to_contain_text("finished · 4 of 4 epochs")
    page.locator(".alone").scroll_into_view_if_needed()
    page.wait_for_function(f"() => ({POINTS})() === 4")

    assert apps.nth(1).locator(".explorer-tiles").inner_text() == other  # it is an app of its own
    apps.nth(1).get_by_role("button", name="Modern").click()
    expect(apps.nth(2).locator(".explorer-tiles")).to_contain_text("784-128-10")

    # What one app decides for the page, the others follow; what one shown twice saves comes once.
    downloads = []
    page.on("download", lambda download: downloads.append(download.suggested_filename))
    theme = apps.nth(0).get_by_role("button", name=re.compile("Theme"))
    for _ in range(2):
        theme.click()
    expect(apps.nth(1).get_by_role("button", name=re.compile("Theme"))).to_have_accessible_name(
        theme.get_attribute("aria-label")
    )
    expect(apps.nth(1).locator(".explorer-run")).to_contain_text("finished · 10 of 10 epochs")
    for kind in ("csv", "script"):
        apps.nth(1).get_by_role("button", name="Export").click()
        with page.expect_download():
            apps.nth(1).get_by_role("button", name=KINDS[kind].words).click()
    assert [Path(name).suffix for name in downloads] == [".csv", ".py"]
    assert visit.page_errors == []


def assert_dashboard(page):
    figures = page.locator(".explorer-alone .js-plotly-plot:has(.main-svg)")
    expect(figures).to_have_count(2)
    for box in (figure.bounding_box() for figure in figures.all()):
        assert box["width"] >= 240
        assert box["height"] >= 200
    expect(page.locator(".explorer-run")).to_contain_text("finished · 10 of 10 epochs")
    expect(page.locator(".widget-readout").first).to_have_text("512")


@pytest.mark.sweep
def test_the_notebook_of_a_dashboard_of_ones_own(run):
    visit = run(COMPOSE)
    assert_dashboard(visit.page)
    assert visit.page_errors == []
    if "/lab/" in visit.page.url:  # what was shown by a kernel that is gone is shown again by the next
        restart = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.restartKernel()"
        visit.page.evaluate(restart)
        run_all(visit.page)
        expect(visit.page.locator(".explorer-run")).to_have_count(1)
        assert_dashboard(visit.page)
