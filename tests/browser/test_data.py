"""The Data tab in a real Chromium: what there is to learn, and another data set in its place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.long

QUERY = "hidden=8&batch=16&epochs=1&lr=0.05&n=500"
PICTURES = """() => [...document.querySelectorAll('.explorer-data .explorer-row-picture')]
  .map((picture) => getComputedStyle(picture).backgroundImage)"""


@pytest.fixture(scope="module")
def shared(start_server, open_shared_page, folder):
    server = start_server(["-m", "explorer", "--no-browser", "--port", "0", "--dataset", folder])
    found = open_shared_page(f"{server.url}?{QUERY}&tab=data")
    found.until_finished()
    return found


@pytest.fixture
def visit(shared):
    yield shared
    shared.assert_clean()


def test_each_class_shows_its_mean_and_a_few_images_and_others_at_a_press(visit):
    page = visit.page
    rows = page.locator(".explorer-data .explorer-picture-rows section > ul > li")
    expect(rows).to_have_count(10)
    expect(rows.nth(3).get_by_role("img")).to_have_count(11)
    expect(rows.nth(3).get_by_role("img", name="3: the mean image")).to_be_visible()
    expect(page.locator(".explorer-data .explorer-prose")).to_contain_text("600 training images")
    before = page.evaluate(PICTURES)
    assert len({*before}) == 1
    assert before[0].startswith('url("blob:')
    visit.button("Show others").press("Enter")
    page.wait_for_function(f"(before) => ({PICTURES})()[0] !== before", arg=before[0])
    expect(visit.button("Show others")).to_be_focused()
    tabs = page.get_by_role("tablist", name="Views")
    for width, height in ((390, 844), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator(".explorer-data").evaluate("(panel) => panel.scrollWidth <= panel.clientWidth")
        page.get_by_role("tab", name="Find the bug").scroll_into_view_if_needed()
        assert tabs.evaluate("(list) => list.scrollHeight <= list.clientHeight")


def test_another_data_set_is_chosen_by_keyboard_and_back_returns(visit):
    page, header = visit.page, visit.page.locator(".explorer-dataset")
    choice = page.get_by_role("combobox", name="Data set")
    own = choice.input_value()
    expect(header).to_have_text(f"{own} · 600 train, 200 test images")
    choice.focus()
    choice.press("ArrowDown")
    expect(header).to_have_text(re.compile("^MNIST · 60.000 train"))
    expect(choice).to_be_focused()
    expect(choice).to_have_value("MNIST")
    expect(visit.tiles).to_contain_text(re.compile("of 10.000"))
    page.wait_for_function("() => new URLSearchParams(location.search).get('data') === 'mnist'")
    visit.until_finished()

    visit.tab("runs")
    expect(page.locator(".explorer-runs tbody tr[data-present]")).to_contain_text("MNIST")
    expect(page.locator(".explorer-runs-curves .explorer-caption").first).to_contain_text(f"on {own}")

    page.go_back()
    expect(header).to_have_text(f"{own} · 600 train, 200 test images")
    expect(visit.tiles).to_contain_text("of 200")
    visit.until_finished()
