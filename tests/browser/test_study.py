"""The Study tab in a real Chromium: planned, drawn as its runs end, stopped, saved, opened, and looked into."""

from __future__ import annotations

import re

import pytest
from browser.page_object import enter
from playwright.sync_api import expect

CELLS = """() => {
  const plot = document.querySelector('.explorer-study-figures .js-plotly-plot');
  const map = plot.data.find((trace) => trace.type === 'heatmap');
  return map ? map.z.flat().filter((z) => z !== null).length : 0;
}"""
POINT = """([x, y]) => {
  const plot = document.querySelector('.explorer-study-figures .js-plotly-plot');
  const { left, top } = plot.getBoundingClientRect();
  const { xaxis, yaxis } = plot._fullLayout;
  return [left + xaxis._offset + xaxis.d2p(x), top + yaxis._offset + yaxis.d2p(y)];
}"""


@pytest.fixture
def study(app, open_page):
    """The tab of an app whose runs are short."""
    found = open_page(f"{app.url}?n=2000&epochs=1&tab=study")
    expect(found.page.locator(".explorer-study p")).to_contain_text("about")
    yield found
    found.assert_clean()


def ask(page, **texts):
    """Type into fields, by their label or, of several, its place: ``values_1``."""
    for name, text in texts.items():
        label, _, place = name.partition("_")
        panel = page.locator(".explorer-panel:has(> .explorer-study-start)")
        enter(panel.get_by_role("textbox", name=label, exact=False).nth(int(place or 0)), text)


def progress(page):
    return page.locator(".explorer-study p")


def press(page, words):
    page.locator(".explorer-study").get_by_role("button", name=words).press("Enter")


def ask_for_a_map(page):
    page.get_by_role("combobox", name="What varies", exact=True).select_option("learning_rate")
    page.get_by_role("combobox", name="and", exact=True).select_option("hidden_sizes")
    expect(page.get_by_role("textbox", name="Values").last).to_have_value("8, 32, 128")  # offered
    ask(page, values_0="0.001..1 ×2", values_1="4, 8, 32", Epochs="1", Seeds="2")
    expect(progress(page)).to_contain_text("12 runs, about")


@pytest.mark.long
def test_a_map_fills_in_and_a_click_opens_a_run_with_equal_figures(study):
    page = study.page
    ask_for_a_map(page)
    press(page, "Run the study")
    study.tab("runs")  # the page answers meanwhile
    expect(page.locator(".explorer-runs tbody tr[data-present]")).to_have_count(1)
    study.tab("study")
    expect(progress(page)).to_contain_text("12 of 12 runs · done", timeout=180_000)
    expect(page.locator(".explorer-study-choice option")).to_have_count(12)  # drawn last
    assert page.evaluate(CELLS) == 6
    chosen, point = page.get_by_role("combobox", name="Run", exact=True), None
    while point != (point := page.evaluate(POINT, [0, 2])):  # the page takes its final shape
        page.evaluate("() => new Promise((done) => setTimeout(done, 300))")
    page.mouse.move(*point)
    expect(chosen.locator("option:checked")).to_have_text(re.compile("learning rate 0.001 · hidden units 32"))
    reached = re.match(r"[\d.]+", chosen.locator("option:checked").inner_text()).group()
    page.mouse.click(*point)
    expect(page.get_by_role("tab", name="Explore")).to_have_attribute("aria-selected", "true")
    study.tab("runs")
    present = page.locator(".explorer-runs tbody tr[data-present] td")
    expect(present.nth(2)).to_have_text(re.compile(rf"^{re.escape(reached)}"))
