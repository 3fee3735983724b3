"""Changed test images in a real Chromium: the curves of two runs, the slider, the link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from explorer.datasets.corruption import CORRUPTIONS

QUERY = "?hidden=8&epochs=2&tab=mistakes&section=robustness"
CURVES = """() => [...document.querySelectorAll('.explorer-robustness .js-plotly-plot')].flatMap(
  (plot) => plot.data.filter((t) => t.visible === true).map((t) => [t.name, Array.from(t.y)]))"""
MARKED = "() => document.querySelector('.explorer-robustness .js-plotly-plot').layout.shapes.map((s) => s.x0)"


@pytest.mark.long
def test_curves_slider_and_link(app, open_page, wait_for):
    visit = open_page(app.url + QUERY)
    page = visit.page
    section = page.locator(".explorer-robustness")
    caption = section.locator(".explorer-caption p").first
    expect(caption).to_contain_text("at 60°")
    expect(caption).to_contain_text("Accuracy on 2 000 of 10 000 test images: this run ")
    wait_for(lambda: [len(y) for _, y in page.evaluate(CURVES)] == [len(CORRUPTIONS["rotation"].amounts)])
    slider = section.get_by_role("slider", name="Rotation")
    assert page.evaluate(MARKED) == [30]
    pictures = section.locator(".explorer-gallery-caption")
    expect(pictures).to_have_count(8)
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "−60°")
    wait_for(lambda: page.evaluate(MARKED) == [-60])
    expect(section.locator(".explorer-slider p")).to_contain_text("of these 8 test images")

    section.get_by_text("Shift", exact=True).click()
    expect(section.get_by_role("slider", name="Shift")).to_have_attribute("aria-valuetext", "5 px")
    expect(caption).to_contain_text("at 8 px")

    visit.set(hidden_sizes=16)
    section.get_by_label("compared with").select_option("2")  # the first is that of the page before the link
    expect(caption).to_contain_text("; run 2 ")
    wait_for(lambda: [len(y) for _, y in page.evaluate(CURVES)] == [8, 8])
    assert {name for name, _ in page.evaluate(CURVES)} == {"this run", "run 2"}
    assert "section=robustness" in page.url
    page.get_by_text("Mistakes", exact=True).nth(1).click()
    expect(page.locator(".explorer-mistakes")).to_be_visible()
    expect(page).not_to_have_url(re.compile("section"))
    visit.assert_clean()
