"""The tour and the help in a real Chromium: by keyboard alone, on a phone, during a run, with few controls."""

from __future__ import annotations

import re

import pytest
from browser.page_object import number
from playwright.sync_api import expect

from explorer.training import FIELDS

pytestmark = pytest.mark.long

APART = """() => {
  const [card, ring] = ['card', 'ring'].map((name) =>
    document.querySelector(`.explorer-tour-${name}:popover-open`).getBoundingClientRect());
  const isIn = card.left >= 0 && card.top >= 0 && card.right <= innerWidth && card.bottom <= innerHeight;
  const covers = card.left < ring.right && card.right > ring.left
    && card.top < ring.bottom && card.bottom > ring.top;
  return isIn && ring.width > 20 && ring.height > 20 && ring.bottom > 0 && ring.top < innerHeight && !covers;
}"""
"""The card is whole in the window, something is framed there, and the card covers none of it."""


@pytest.fixture(scope="module")
def newcomer(app, open_shared_page):
    """A page that is opened for the first time."""
    found = open_shared_page(app.url, is_newcomer=True)
    found.until_finished(10)
    return found


def card(page):
    return page.locator(".explorer-tour-card")


def told(page):
    return page.locator(".explorer-tour-told")


def test_it_is_offered_once_and_taken_by_keyboard_alone(newcomer):
    page, press = newcomer.page, newcomer.page.keyboard.press
    expect(card(page)).to_contain_text("New here?")
    assert page.evaluate("document.activeElement === document.body")  # it takes the focus from nobody
    press("?")
    dialog = page.get_by_role("dialog", name="Help")
    expect(dialog).to_contain_text("learns to read handwritten digits")
    expect(dialog.get_by_role("row", name="Space Train, pause or resume")).to_be_visible()
    assert newcomer.severe() == []
    press("Escape")
    expect(dialog).to_be_hidden()
    press("?")
    press("Enter")  # the first button starts it
    expect(dialog).to_be_hidden()
    expect(card(page)).to_contain_text("This is the network")
    expect(card(page)).to_be_focused()
    expect(card(page)).to_have_accessible_name("This is the network")
    page.wait_for_function(APART)
    assert newcomer.severe() == []
    press("Tab")
    press("Enter")
    expect(card(page)).to_contain_text("A network that learns")
    page.wait_for_function(APART)
    press("Enter")

    units, tiles = newcomer.number("hidden_sizes"), newcomer.tiles
    expect(card(page)).to_contain_text("3 of 7")
    expect(units).to_have_value("32")
    page.wait_for_function(APART)
    press("Enter")
    expect(units).to_have_value("8")
    expect(tiles).to_contain_text("784-8-10")
    expect(told(page)).to_have_text(
        re.compile(FIELDS["hidden_sizes"].label + r" 8: [\d.]+\s% .* with 32, it was 9\d\.\d\s%\.$")
    )
    page.wait_for_function(APART)
    press("Enter")

    press("Enter")
    expect(told(page)).to_contain_text("After epoch 1:")
    expect(page.locator(".explorer-time output")).to_have_text("epoch 1")
    press("Enter")
    expect(page.locator(".explorer-time output")).to_have_text("epoch 10")  # it puts back what it did

    press("Enter")
    expect(told(page)).to_have_text(re.compile(r"^\d read as \d: \d+ images, the worst mistake first\.$"))
    true, predicted = re.findall(r"\d", told(page).inner_text())[:2]
    expect(newcomer.gallery.locator(".explorer-gallery-caption").first).to_have_text(f"{true} → {predicted}")
    page.wait_for_function(APART)
    assert newcomer.severe() == []
    press("Enter")

    expect(page.get_by_role("application", name="Sketch pad")).to_be_visible()
    page.wait_for_function(APART)
    press("Enter")
    expect(told(page)).to_contain_text("Your drawing, read as a 7")
    press("Enter")
    expect(page.get_by_role("tab", name="Explore")).to_have_attribute("aria-selected", "true")
    expect(card(page)).to_contain_text("7 of 7")
    press("Enter")
    expect(card(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Help", exact=True)).to_be_focused()

    # All is as it was.
    expect(units).to_have_value("32")
    expect(tiles).to_contain_text("784-32-10")
    expect(page.locator(".explorer-time output")).to_have_text("epoch 10")
    expect(newcomer.gallery).to_be_hidden()
    newcomer.tab("runs")
    expect(page.locator(".explorer-run-name")).to_have_count(1)
    newcomer.tab("overview")
    expect(page.locator(".explorer-network-source")).to_contain_text("Test image 0")
    newcomer.assert_clean()


def test_on_a_phone_with_few_controls_while_a_run_trains_without_auto_train(newcomer, app):
    """No second offer in the same browser; what is not there is left out; the run under way is named."""
    page = newcomer.page.context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app.url}?controls=batch,epochs&epochs=500&tab=runs", wait_until="commit")
    expect(page.locator(".explorer-run")).to_contain_text("of 500")
    expect(card(page)).to_be_hidden()
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("switch", name="Auto-train").uncheck()
    page.get_by_role("button", name="Help", exact=True).click()
    page.get_by_role("button", name="Take the tour").click()
    expect(card(page)).to_contain_text("This is the network")
    page.wait_for_function(APART)
    go = card(page).get_by_role("button")
    go.filter(has_text="Next").click()
    expect(card(page)).to_contain_text("A network that learns")
    go.filter(has_text="Next").click()
    expect(card(page)).to_contain_text("The run under way stops there, and is back at the end of the tour.")
    page.wait_for_function(APART)
    go.filter(has_text="Move it").click()
    expect(number(page, "batch_size")).to_have_value("64")
    expect(told(page)).to_contain_text("It trains again")
    expect(page.locator(".explorer-tiles span[data-help*='938 steps']")).to_be_visible()
    page.wait_for_function(APART)
    card(page).press("Escape")
    expect(card(page)).to_be_hidden()
    expect(page.get_by_role("switch", name="Auto-train")).not_to_be_checked()
    page.close(run_before_unload=True)
