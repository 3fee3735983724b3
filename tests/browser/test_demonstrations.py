"""Demonstrations in a real Chromium: a card, a guess, the answer, its figure, and another value of the knob."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

IS_HIGH = "() => document.querySelector('.explorer-demonstration .js-plotly-plot')?.clientHeight > 200"


@pytest.fixture
def visit(app, open_page):
    found = open_page(app.url)
    found.until_drawn()
    found.until_fitted()
    found.until_finished(10)
    found.tab("demos")
    yield found
    found.assert_clean()


@pytest.mark.long
def test_a_demonstration_is_guessed_run_stopped_and_run_again_with_another_number(visit):
    page = visit.page
    cards = page.locator(".explorer-demonstration-card:visible")
    expect(cards).to_have_count(18)
    assert visit.severe(".explorer-demonstrations") == []
    cards.filter(has_text="A little contrast fools it").click()
    page.get_by_text("80\u00a0%", exact=True).click()
    run, stop = (page.get_by_role("button", name=name, exact=True) for name in ("Run", "Stop"))
    run.last.click()
    outcome = page.locator(".explorer-demonstration-outcome")
    expect(outcome).to_contain_text("You guessed 80\u00a0%.")
    figure = page.locator(".explorer-demonstration .js-plotly-plot")
    page.wait_for_function(IS_HIGH)  # as results come, another figure takes its place
    page.get_by_text("ε = 0.02", exact=True).click()
    expect(outcome).to_contain_text("changes by 0.02 of the range")
    assert visit.severe(".explorer-demonstration") == []

    page.get_by_role("button", name="All demonstrations").click()
    expect(cards.filter(has_text="A little contrast fools it")).to_be_focused()
    cards.filter(has_text="One long silence").click()
    run.last.click()
    expect(figure).to_be_visible()
    stop.last.click()
    expect(page.locator(".explorer-demonstration")).to_contain_text("Stopped.")
    page.get_by_role("button", name="All demonstrations").click()
    expect(cards.filter(has_text="One long silence")).to_be_focused()
    cards.filter(has_text=re.compile("learning-rate finder")).focus()
    page.keyboard.press("Enter")
    heading = page.locator(".explorer-demonstration h2")
    expect(heading).to_have_text("The learning-rate finder")
    expect(heading).to_be_focused()
