"""A visitor looks at the map of a layer, opens an image by its dot, and asks why it is read as it is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

DOTS = """() => [...document.querySelector('.explorer-map .js-plotly-plot')?.data ?? []].slice(0, 10)
  .reduce((sum, { x }) => sum + x.length, 0)"""
RIGHTMOST = """() => {
  const plot = document.querySelector('.explorer-map .js-plotly-plot');
  const { xaxis, yaxis } = plot._fullLayout;
  const dots = plot.data.slice(0, 10).flatMap(({ x, y, hovertext }) =>
    Array.from(x, (place, i) => [place, y[i], hovertext[i]]));
  const [x, y, words] = dots.sort((one, other) => other[0] - one[0])[0];
  const { left, top } = plot.getBoundingClientRect();
  return [left + xaxis._offset + xaxis.l2p(x), top + yaxis._offset + yaxis.l2p(y), words];
}"""


@pytest.mark.long
def test_from_the_map_to_an_image_and_why_it_is_read_so(app, open_page):
    visit = open_page(f"{app.url}?n=6000&epochs=2&tab=map")
    page = visit.page
    visit.until_finished()
    page.wait_for_function(f"({DOTS})() === 2000")
    caption = page.locator(".explorer-panel:visible .explorer-caption p[title]").last
    expect(caption).to_contain_text("Epoch 2: 2 000 of 10 000 test images")
    page.get_by_role("radiogroup", name="Layer").get_by_text("output", exact=True).click()
    expect(page.get_by_role("figure", name=re.compile("Epoch 2"))).to_be_visible()
    assert visit.severe() == []
    across, down, words = page.evaluate(RIGHTMOST)
    page.mouse.move(across, down)
    expect(page.locator(".explorer-map .hoverlayer")).to_contain_text(words)
    page.mouse.click(across, down)
    expect(page.get_by_role("tab", name="Explore")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".explorer-network-source .explorer-caption p").first).to_contain_text("read as")
    number = re.sub(r"\D", "", words.split(",")[0])
    visit.tab("why")
    heading = page.get_by_role("heading", name=re.compile("^Test image"))
    expect(heading).to_have_text(re.compile(rf"^Test image {number[:-3]}\D?{number[-3:]}$"))
    expect(page.get_by_text(re.compile("of the ink changed"))).to_be_visible()
    page.locator(".explorer-panel:visible").get_by_label("Class").select_option("4")
    expect(page.get_by_text(re.compile("speaks for 4, purple"))).to_be_visible()
    assert visit.severe() == []
    visit.assert_clean()
