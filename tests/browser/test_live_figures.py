"""Live figures in Chromium: in the explorer's page, in a plain Voilà page and in JupyterLab."""

import pytest
from browser.page_object import SHARED

pytestmark = pytest.mark.long

PLOT = (
    "[...document.querySelectorAll('.js-plotly-plot')].find((e) => e.getAttribute('aria-label') === {name!r})"
)
SUMMARIES = ("two curves fall", "two curves rise", "it counts", "it fills its place", "a matrix")
COUNTED = "plot.layout.title?.text === 'counted' && plot.data.every((trace, n) => trace.y[0] === n + 1)"
COLOR = "getComputedStyle(plot.querySelector('.main-svg')).backgroundColor"
PLOTLY_BYTES = 4_500_000


def wait_until(page, name, condition):
    """Wait until a condition on the figure named `name`, in JavaScript as ``plot``, holds."""
    plot = PLOT.format(name=name)
    page.wait_for_function(f"() => {{ const plot = {plot}; return plot?.data && ({condition}); }}")


def ask(page, name, expression):
    return page.evaluate(f"() => {{ const plot = {PLOT.format(name=name)}; return {expression}; }}")


def check_that_it_shows_its_data(page):
    for name in SUMMARIES[:2]:
        wait_until(page, name, "plot.data.length === 3 && plot.data[2].y[0] === 3")
        assert ask(page, name, "plot.data.map((trace) => trace.y[399])") == [1, 2, 3]
        assert ask(page, name, "plot.getAttribute('role')") == "figure"


def check_that_updates_arrive(page):
    wait_until(page, "it counts", COUNTED)
    page.get_by_role("button", name="Show").click()
    wait_until(page, "two curves rise", "plot.layout.title?.text === 'shown'")
    assert ask(page, "two curves rise", "plot.data[0].y.constructor.name") == "Float32Array"
    assert ask(page, "two curves rise", "[...plot.data[0].y].slice(0, 3)") == [0, 2, 4]
    wait_until(page, "two curves fall", "plot.data[0].y.length === 0 && plot.data[1].y[0] === 11")


def check_that_a_click_arrives(page):
    page.get_by_role("tab", name="Matrix").click()
    wait_until(page, "a matrix", "plot.querySelector('.heatmaplayer image, .hm') && plot.clientWidth > 0")
    width = "Number(plot.querySelector('.main-svg').getAttribute('width'))"
    wait_until(page, "a matrix", f"{width} === plot.clientWidth")
    box = page.locator(".js-plotly-plot:visible .nsewdrag").first.bounding_box()
    for row, column in ((3, 7), (3, 7), (0, 0)):  # the same cell twice is two clicks
        said = page.get_by_text(f"row {row} column {column}")
        x, y = box["x"] + (column + 0.5) / 10 * box["width"], box["y"] + (9.5 - row) / 10 * box["height"]
        page.mouse.move(x, y)
        wait_until(page, "a matrix", f"String(plot._hoverdata?.[0].pointNumber) === '{row},{column}'")
        page.mouse.down()
        page.mouse.up()
        said.wait_for()


def show_first(page):
    """Bring the page back to what it shows at first."""
    page.get_by_role("tab", name="Curves").click()
    page.get_by_role("button", name="First").click()
    page.get_by_text("as at first", exact=True).wait_for()  # the cell says it, too
    check_that_it_shows_its_data(page)


@pytest.fixture(scope="module")
def server(serve_notebook):
    return serve_notebook("live_figures")


def test_data_updates_clicks_and_a_reload_with_what_changed_while_plotly_loaded(server, open_page):
    visit = open_page(server.url)
    page, waiting = visit.page, []
    check_that_it_shows_its_data(page)
    check_that_updates_arrive(page)
    check_that_a_click_arrives(page)
    show_first(page)
    page.route("**/plotly.js", lambda route: waiting.append(route))
    page.reload(wait_until="commit")
    page.get_by_role("button", name="Dark").click()
    page.get_by_text("went dark").wait_for()
    waiting[0].continue_()
    page.unroute("**/plotly.js")
    wait_until(page, "two curves fall", f"{COLOR} === 'rgb(23, 28, 35)'")
    check_that_it_shows_its_data(page)
    wait_until(page, "it counts", COUNTED)
    visit.assert_clean()


NO_ROOM = """
const Real = Blob;
globalThis.Blob = function (parts, options) {
  if (String(parts?.[0]).length > 1e6) throw new Error("no room");
  return new Real(parts, options);
};
"""


def test_plotly_comes_from_the_kernel_when_the_page_cannot_fetch_it_or_the_figure_says_so(server, open_page):
    visit = open_page(server.url, prepare=lambda page: page.route("**/plotly.js", lambda r: r.abort()))
    check_that_it_shows_its_data(visit.page)
    assert PLOTLY_BYTES < visit.socket_bytes < 1.3 * PLOTLY_BYTES
    assert visit.page_errors == []

    def prepare(page):
        page.route("**/plotly.js", lambda route: route.fulfill(body="throw new Error('cut off');"))
        page.add_init_script(NO_ROOM)

    page = open_page(server.url, prepare=prepare).page
    failed = page.locator(".explorer-figure-failed[role=alert]", has_text="This figure cannot be drawn")
    failed.nth(3).wait_for()


@pytest.mark.sweep
def test_data_updates_clicks_and_a_reload_in_jupyterlab(jupyterlab, notebook, open_page):
    visit = open_page(jupyterlab.address(notebook("live_figures")))
    page = visit.page
    visit.run_all()
    check_that_it_shows_its_data(page)
    check_that_updates_arrive(page)
    check_that_a_click_arrives(page)
    assert page.evaluate(SHARED) == 1
    assert visit.socket_bytes < 1.3 * PLOTLY_BYTES
    show_first(page)
    visit.command("docmanager:save")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    page.goto(page.url.removesuffix("?reset"), wait_until="commit")
    visit.until_shown("() => document.querySelector('.js-plotly-plot')")
    check_that_it_shows_its_data(page)
    wait_until(page, "it counts", COUNTED)
    assert visit.page_errors == []
