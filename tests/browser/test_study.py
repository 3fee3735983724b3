"""The Study tab in a real Chromium: many runs, drawn as they end, stopped at a press."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

SHOWN = """() => {
  const plot = document.querySelector('.explorer-study-figures .js-plotly-plot');
  const box = plot.getBoundingClientRect();
  const own = plot.data.filter((trace) => ['sum', 'mean'].includes(trace.name));
  return { right: box.right, width: box.width, points: own.map((trace) => trace.y.length) };
}"""


@pytest.mark.long
def test_a_study_of_batch_sizes_is_run_stopped_and_run_to_its_end(app, open_page):
    found = open_page(f"{app.url}?epochs=1&tab=study")
    page = found.page
    for words in ("1 epoch", "1 seed"):
        page.get_by_text(words, exact=True).click()
        expect(page.get_by_role("radio", name=words)).to_be_checked()
    text = page.locator(".explorer-study p")
    page.get_by_role("button", name="Run the study").press("Enter")
    expect(text).to_contain_text("of 16 runs", timeout=90_000)
    page.get_by_role("button", name="Stop the study").press("Enter")
    expect(text).to_contain_text("stopped")
    page.get_by_role("button", name="Run the study").press("Enter")
    expect(text).to_have_text("16 of 16 runs · done", timeout=180_000)
    expect(page.locator(".explorer-prominent").last).to_contain_text("a large batch steps too far")
    shown = page.evaluate(SHOWN)
    assert shown["points"] == [8, 8]
    assert shown["width"] > 400
    assert shown["right"] <= page.viewport_size["width"]
    found.assert_clean()
