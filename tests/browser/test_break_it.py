"""The Break it tab in a real Chromium: a network is broken, its units are ranked, and all is undone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect


@pytest.mark.long
def test_a_network_is_broken_and_undone_by_keys(app, open_page):
    found = open_page(f"{app.url}?tab=break&epochs=2")
    page, panel = found.page, found.page.locator(".explorer-break")
    found.until_finished(2)
    accuracy = panel.locator(".explorer-value").first
    expect(accuracy).to_have_text(re.compile(r"^\d\d\.\d\s%$"))
    intact = accuracy.inner_text()
    expect(panel.get_by_role("combobox", name="Layer")).to_be_visible()
    panel.get_by_role("combobox", name="Damage").select_option("Add noise to all weights")
    expect(panel.get_by_role("combobox", name="Layer")).to_be_hidden()
    panel.get_by_role("slider", name="Size").fill("2.5")
    panel.get_by_role("button", name="Break it").press("Enter")
    expect(accuracy).to_have_text(re.compile(rf"^{re.escape(intact)} → \d+\.\d\s%$"))
    rows = panel.get_by_role("list", name="Damages").get_by_role("listitem")
    expect(rows).to_have_text(["Add noise to all weights: size 2.5 SD"])
    panel.get_by_role("button", name="Undo all").press("Enter")
    expect(accuracy).to_have_text(intact)
    panel.get_by_role("button", name="Which unit matters most?").press("Enter")
    unit = panel.locator(".explorer-bars").get_by_role("button").first
    name = unit.inner_text()
    unit.press("Enter")
    expect(rows).to_have_text([f"Switch off a unit: {name} of layer 1"])
    expect(accuracy).to_contain_text("→")
    expect(panel.locator(".explorer-bars li").first).to_contain_text("off")
    assert found.severe() == []
    page.set_viewport_size({"width": 390, "height": 844})
    expect(accuracy).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert found.severe() == []
    found.assert_clean()
