"""An address means one thing: what it leaves out is Start's, and Back and Forward show runs that were there."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


@pytest.fixture
def visit(app, open_page):
    """Open the page at a query in a fresh profile; a run's number tells whether another one was trained."""
    return lambda query="": open_page(f"{app.url}{query}")


def query(page):
    return page.evaluate("location.search")


def settings(visit):
    names = ("hidden_sizes", "batch_size", "epochs", "learning_rate")
    return [visit.number(name).input_value() for name in names]


@pytest.mark.parametrize(
    "query", ["", "?tab=runs", "?controls=hidden,batch,epochs", "?theme=dark", "?motion=off"]
)
def test_tab_theme_controls_and_motion_never_change_the_run(visit, query):
    found = visit(query)
    found.until_finished(10)
    expect(found.page.locator(".explorer-place-tiles")).to_contain_text("95.9 %")
