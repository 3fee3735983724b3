"""The bug lab and a network of one's own, in a real Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect


@pytest.mark.long
def test_a_level_is_solved_wrong_then_right_by_keys(app, open_page):
    found = open_page(f"{app.url}?bug=1")
    page = found.page
    lab = page.locator(".explorer-lab")
    expect(page.get_by_role("tab", name="Find the bug")).to_have_attribute("aria-selected", "true")
    expect(lab.get_by_role("button", name="Level 1 of 10")).to_have_attribute("aria-current", "true")
    expect(lab.locator(".explorer-place-accuracy")).to_contain_text("epoch 8 of 8, test accuracy 3.9 %")
    lab.get_by_text("One step", exact=True).click()
    expect(lab.locator("tr", has_text="W1")).to_contain_text("−1 ×")
    lab.get_by_role("button", name="a gradient of the wrong sign").press("Enter")
    said = lab.get_by_role("status").first
    expect(said).to_contain_text("No. A gradient of the wrong sign differs in the gradient check")
    expect(lab.get_by_role("button", name="wrong: a gradient of the wrong sign")).to_be_focused()
    lab.get_by_role("button", name="plus for minus in the step").press("Space")
    expect(said).to_contain_text("Yes: plus for minus in the step.")
    expect(lab.locator(".explorer-bug-wrong")).to_have_count(1)
    assert lab.locator("pre").evaluate("(code) => code.scrollWidth <= code.clientWidth")  # none of it is cut
    lab.get_by_text("Curves", exact=True).click()
    expect(lab.locator(".explorer-place-accuracy .legend")).to_contain_text("the textbook’s network")
    lab.get_by_role("button", name="Next level").click()
    expect(lab.get_by_role("button", name="Level 1 of 10, solved")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?bug=2$"))
    expect(found.tiles).to_be_hidden()
    found.tab("overview")
    expect(found.tiles).to_contain_text("784-32-10")
    found.assert_clean()
