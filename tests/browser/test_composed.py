"""The app, its parts and stock widgets in cells of one's own: in JupyterLab, and served by Voilà as it comes."""

from pathlib import Path

import pytest
from browser.page_object import enter, number
from playwright.sync_api import expect

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
    return { ...made, resolve: (found) => setTimeout(made.resolve, 7_000, found) };
  };
})()"""
"""Gives the parts their scripts when anywidget's patience, of five seconds here, has ended."""


@pytest.fixture(params=["Voilà", pytest.param("JupyterLab", marks=pytest.mark.sweep)])
def run(request, open_page):
    """Run a notebook in each of them, and return the visit."""

    def run(path):
        if request.param == "Voilà":
            url = request.getfixturevalue("serve_plainly")(path).url
            return open_page(url, patience=5, prepare=lambda page: page.add_init_script(LATE))
        address = request.getfixturevalue("jupyterlab").address(path)
        visit = open_page(address, viewport={"width": 1440, "height": 2400})
        visit.run_all()
        return visit

    return run


@pytest.mark.long
def test_parts_and_stock_widgets_follow_one_app(run, notebook, tmp_path):
    visit = run(notebook("composed"))
    page = visit.page
    apps = [page.locator(".explorer-app").nth(place) for place in range(3)]  # the second is shown twice
    tiles, bars = ([app.locator(part) for app in apps] for part in (".explorer-tiles", ".explorer-run"))
    expect(page.get_by_text("next to the app", exact=True)).to_be_visible()
    for bar, epochs in zip(bars, (2, 1, 1), strict=True):
        expect(bar).to_contain_text(f"finished · {epochs} of {epochs} epoch")
    page.wait_for_function(f"() => ({POINTS})() === 2")
    test = tiles[0].inner_text().split("\n")[1]
    page.wait_for_function(f"() => Math.abs(parseFloat(({BAR})()) - {float(test.split()[0])}) < 0.1")

    # While the app shows another tab, a stock slider trains it, and the curve in its own cell goes on.
    other = tiles[1].inner_text()
    apps[0].get_by_role("tab", name="Look inside").click()
    apps[0].get_by_role("tab", name="Layers").click()
    expect(apps[0].locator(".explorer-section").first).to_be_visible()
    slider = page.locator(".widget-slider").first.get_by_role("slider")
    slider.scroll_into_view_if_needed()
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "528")
    expect(number(apps[0], "batch_size")).to_have_value("528")
    enter(number(apps[0], "epochs"), 4)
    expect(bars[0]).to_contain_text("finished · 4 of 4 epochs")
    page.locator(".alone").scroll_into_view_if_needed()
    page.wait_for_function(f"() => ({POINTS})() === 4")

    assert tiles[1].inner_text() == other  # it is an app of its own
    apps[1].get_by_role("button", name="Start", exact=True).click()
    expect(tiles[2].locator("span[data-help*='469 steps']")).to_be_visible()

    # What one app decides for the page, the others follow; what one shown twice saves comes once.
    downloads = []
    page.on("download", lambda download: downloads.append(download.suggested_filename))
    themes = [app.locator("button.explorer-theme") for app in apps[:2]]
    apps[0].get_by_role("button", name="Export").click()
    for _ in range(2):
        themes[0].click()
    expect(themes[1]).to_have_text(themes[0].text_content())
    page.keyboard.press("Escape")
    expect(bars[1]).to_contain_text("finished · 10 of 10 epochs")
    for kind in ("csv", "script"):
        visit.export(kind, tmp_path, place=apps[1])
    assert [Path(name).suffix for name in downloads] == [".csv", ".py"]
    assert visit.page_errors == []


@pytest.mark.sweep
def test_a_part_of_which_half_is_in_sight_reaches_the_last_epoch(serve_plainly, open_page):
    visit = open_page(serve_plainly("half_seen").url, viewport={"width": 1440, "height": 900})
    page = visit.page
    page.wait_for_function(f"() => ({POINTS})() === 8")
    box = page.locator(".alone").bounding_box()
    assert 450 < box["y"] < 700
    assert box["y"] + box["height"] > 950
    assert page.evaluate("scrollY") == 0
    assert visit.page_errors == []
