"""Every part of the page can be reached in every window, and what belongs together is in sight at once."""

from __future__ import annotations

from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError as TooLateError
from playwright.sync_api import expect

from explorer.app.panels.tabs import VIEWS

SIZES = [(1024, 600), (1280, 720), (1366, 768), (1440, 900), (1536, 730), (1920, 969), (1920, 1080)]
FEW_SIZES = SIZES[0], SIZES[3]

OUT_OF_REACH = """() => {
  const found = [];
  const parts = 'button, input, select, summary, .explorer-gallery-tile, .explorer-caption p, .explorer-value';
  for (const part of document.querySelector('.explorer-app').querySelectorAll(parts)) {
    const isUnseen = part.matches('.explorer-unseen') || part.closest('[popover]:not(:popover-open)');
    if (isUnseen || !part.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    part.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const { left, top, right, bottom, width, height } = part.getBoundingClientRect();
    const at = document.elementFromPoint(left + width / 2, top + height / 2);
    const isInside = left >= -1 && top >= -1 && right <= innerWidth + 1 && bottom <= innerHeight + 1;
    const isFree = at !== null && (part.contains(at) || at.contains(part) || at.closest('label')?.contains(part));
    const name = part.ariaLabel ?? part.textContent;
    if (!isInside || !isFree) found.push([part.className, name, left, top, bottom, at?.className]);
  }
  scrollTo(0, 0);
  return found;
}"""
ROWS_OF_DIGITS = """() => {
  const boxes = [...document.querySelectorAll('.explorer-place-confusion .heatmap-label')]
    .map((text) => text.getBoundingClientRect()).filter(({ height }) => height > 0);
  const rows = [...new Set(boxes.map(({ top }) => Math.round(top)))].sort((a, b) => a - b);
  const apart = Math.min(...rows.slice(1).map((row, index) => row - rows[index]));
  return { n: boxes.length, digit: Math.max(...boxes.map(({ height }) => height)), apart };
}"""
AT_FIRST_SIGHT = """() => {
  const isSeen = (part) =>
    part.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    part.getBoundingClientRect().top < innerHeight && !part.disabled;
  const parts = 'button, input, select, summary, a[href], [role=listbox], [role=application], [tabindex="0"]';
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let words = 0;
  while (texts.nextNode()) {
    const within = texts.currentNode.parentElement;
    if (within.closest('.explorer-unseen, .explorer-run-word, script, style, svg') || !isSeen(within)) continue;
    words += texts.currentNode.data.match(/[A-Za-z]{2,}/g)?.length ?? 0;
  }
  return [[...document.querySelectorAll(parts)].filter(isSeen).length, words];
}"""
LAYERS = """() => [...document.querySelectorAll('.explorer-network-layer')].map((layer) => {
  const { left, right } = layer.getBoundingClientRect();
  return [left, right, layer.scrollWidth - layer.clientWidth];
})"""
STILL = """() => {
  const plots = [...document.querySelectorAll('.explorer-live-plot')];
  return plots.length >= 3 && plots.filter((plot) => plot.clientHeight > 0).every((plot) => {
    const { width, height } = plot.querySelector('.main-svg')?.getBoundingClientRect() ?? { width: 0, height: 0 };
    return Math.abs(plot.clientWidth - width) < 3 && Math.abs(plot.clientHeight - height) < 3;
  });
}"""


def resized(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(STILL)


def assert_all_is_in_reach(page, *where):
    with suppress(TooLateError):  # parts may still be on their way
        page.wait_for_function(f"() => ({OUT_OF_REACH})().length === 0", timeout=60_000)
    assert page.evaluate(OUT_OF_REACH) == [], where


@pytest.fixture(scope="module")
def visit(app, open_shared_page):
    found = open_shared_page(f"{app.url}?epochs=2")
    found.until_finished(2)
    found.choose_cell(1, 0)
    yield found
    found.assert_clean()


def test_a_newcomer_sees_few_things_to_press_and_few_words(app, open_page):
    found = open_page(app.url, is_newcomer=True)
    found.until_finished()
    expect(found.button("No, thanks")).to_be_visible()
    for width, height in ((1440, 900), (1280, 720)):
        resized(found.page, width, height)
        presses, words = found.page.evaluate(AT_FIRST_SIGHT)
        assert 30 < presses <= 45
        assert 60 < words <= 100
    found.assert_clean()


def test_six_layers_are_next_to_each_other_and_the_card_of_a_unit_covers_nothing(app, open_page):
    found = open_page(f"{app.url}?hidden=32,16,16,8,8,8&epochs=1&n=600")
    found.until_finished(1)
    found.page.locator(".explorer-network-unit").nth(3).click()
    expect(found.page.locator(".explorer-network-card")).to_be_visible()
    resized(found.page, 1280, 720)
    assert_all_is_in_reach(found.page)
    for width, height in ((1280, 720), (390, 844)):
        resized(found.page, width, height)
        layers = found.page.evaluate(LAYERS)
        assert len(layers) == 7
        ends = [end for left, right, _ in layers for end in (left, right)]
        assert ends == sorted(ends)
        assert ends[-1] <= width
        assert max(hidden for *_, hidden in layers) <= 1
    found.assert_clean()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_is_out_of_reach_and_no_digit_is_on_another(visit, width, height):
    resized(visit.page, width, height)
    assert_all_is_in_reach(visit.page)
    matrix = visit.page.evaluate(ROWS_OF_DIGITS)
    assert matrix["n"] > 50
    assert matrix["apart"] >= matrix["digit"] + 3


def test_nothing_is_out_of_reach_in_any_tab_of_a_low_window_and_none_moves_the_bar_of_tabs(visit):
    page, tops = visit.page, set()
    resized(page, *SIZES[0])
    for name in VIEWS:
        visit.tab(name)
        page.wait_for_function(STILL)
        assert_all_is_in_reach(page, name)
        tops.add(page.locator(".explorer-tab-bar").bounding_box()["y"])
    visit.tab("overview")
    assert len(tops) == 1


@pytest.mark.long
def test_nothing_of_the_explorer_in_the_talk_is_out_of_reach(start_server, open_page):
    talk = start_server(["-m", "explorer", "present", "--no-browser", "--port", "0"])
    page = open_page(f"{talk.url}#/questions").page
    slide = page.locator("article:has(.explorer-slide-playground)")
    expect(slide.locator(".explorer-place-confusion .heatmap-label").first).to_be_attached()
    expect(slide).to_have_attribute("data-present", "")
    for width, height in FEW_SIZES:
        resized(page, width, height)
        assert_all_is_in_reach(page, width, height)
