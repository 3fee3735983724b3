"""Settings in cells of a plain notebook: the whole panel, single ones, and stock widgets next to them."""

from __future__ import annotations

import re

import pytest
from browser.page_object import enter, number
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def shared_page(serve_plainly, open_shared_page):
    found = open_shared_page(serve_plainly("settings").url)
    described(found.page, "Images per step").wait_for()
    yield found.page
    assert found.page_errors == []


@pytest.fixture
def page(shared_page):
    """The page, with the panel at its start."""
    for fold in shared_page.get_by_role("button", name="More settings", expanded=True).all():
        fold.click()
    for preset, query in (("Start", "lr=0.5&reduction=mean"), ("The exercise", "")):
        panel(shared_page).get_by_role("button", name=preset, exact=True).click()
        expect(log(shared_page)).to_have_text(re.compile(rf'[&"]{query}"\]$'))
    return shared_page


def panel(page):
    return page.get_by_role("region", name="Settings")


def described(page, words):
    """The number of a setting that has a description of its own."""
    return page.get_by_role("spinbutton", name=words, exact=True)


def alert(place, name):
    return place.locator(f"[data-name={name}] [role=alert]")  # an empty one has no role


def log(page):
    """The queries of the panel's configs, oldest first."""
    return page.locator(".widget-label").first


def test_a_bad_field_that_is_folded_away_is_said_on_the_fold(page):
    fold = panel(page).get_by_role("button", name="More settings")
    fold.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")
    layers = panel(page).get_by_label("Hidden layers", exact=True)
    enter(layers, "128,, 64")
    expect(panel(page).locator("[data-kind=layers]").get_by_role("alert")).to_contain_text("32 stays in use")
    fold.press("Enter")
    expect(layers).to_be_hidden()
    expect(fold).to_have_accessible_name("More settings · 1 needs attention")
    expect(panel(page).get_by_role("status")).to_have_text("More settings: 1 needs attention")
    enter(number(panel(page), "learning_rate"), "0.5")
    expect(log(page)).to_contain_text('"lr=0.5"]')
    expect(fold).to_have_accessible_name("More settings · 1 needs attention")
    fold.click()
    expect(layers).to_have_value("128,, 64")
    expect(panel(page).get_by_role("status")).to_be_empty()
    enter(layers, "128, 64")
    expect(fold).to_have_accessible_name("More settings")


def test_the_programs_value_waits_while_the_user_edits(page):
    batch = described(page, "Images per step")
    batch.fill("12")
    page.get_by_role("button", name="From the program").dispatch_event("click")
    expect(page.locator(".widget-readout").first).to_have_text("77")
    expect(batch).to_have_value("12")
    batch.press("Control+z")
    batch.fill("77")
    batch.press("Tab")
    expect(batch).to_have_value("77")


def test_what_was_edited_and_taken_back_gives_way_to_the_programs_value(page):
    batch = described(page, "Images per step")
    enter(batch, "50")
    expect(page.locator(".widget-readout").first).to_have_text("50")
    batch.press("End")
    batch.press_sequentially("1")
    page.get_by_role("button", name="From the program").dispatch_event("click")
    expect(page.locator(".widget-readout").first).to_have_text("77")
    batch.press("Backspace")
    expect(batch).to_have_value("50")
    batch.blur()
    expect(batch).to_have_value("77")


def follows_and_leads(page):
    """A stock slider, linked in Python to a setting, goes both ways."""
    batch, readout = described(page, "Images per step"), page.locator(".widget-readout").first
    enter(batch, "100")
    expect(readout).to_have_text("100")
    page.locator(".noUi-handle").first.press("ArrowRight")
    expect(batch).to_have_value("101")
    enter(batch, "0")
    expect(alert(page, "batch_size").last).to_contain_text("101 stays in use")
    expect(readout).to_have_text("101")
    page.locator(".noUi-handle").first.press("ArrowRight")
    expect(alert(page, "batch_size").last).to_be_empty()
    expect(batch).to_have_value("102")


def test_a_stock_slider_linked_on_the_page_leads_and_is_checked(page):
    units, handle = described(page, "Units"), page.locator(".noUi-handle").nth(1)
    handle.press("ArrowRight")
    expect(units).to_have_value("33")
    handle.press("End")
    unit_alert = page.locator("[data-name=hidden_sizes][data-kind=scale]").get_by_role("alert").last
    expect(unit_alert).to_contain_text("33 stays in use")
    expect(units).to_have_value("33")


@pytest.mark.long
def test_in_jupyterlab_too(jupyterlab, notebook, open_page):
    visit = open_page(jupyterlab.address(notebook("settings")))
    visit.run_all()
    described(visit.page, "Images per step").wait_for()
    follows_and_leads(visit.page)
    enter(number(panel(visit.page), "epochs"), "5000")
    expect(alert(panel(visit.page), "epochs")).to_contain_text("10 stays in use")
    enter(number(panel(visit.page), "batch_size"), "64")
    expect(log(visit.page)).to_have_text('["batch=64"]')
    assert visit.page.locator(".jp-mod-selected").count() >= 1  # Enter stayed with the control
    assert visit.page_errors == []
