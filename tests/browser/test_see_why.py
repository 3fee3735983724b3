"""What the user does to see why: provoke a fault and fix it, go back in time, fork, compare."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from reference_runs import records

TEST_CURVES = """() => [...(document.querySelector('.explorer-place-accuracy .js-plotly-plot')?.data ?? [])]
  .filter((trace) => trace.visible === true && ['earlier runs', 'test'].includes(trace.name))
  .map((trace) => Array.from(trace.x, (x, place) => [x, trace.y[place]]))"""


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    found = open_shared_page(app.exercise)
    found.until_drawn()
    found.until_finished(10)
    expect(found.button("Export")).to_be_visible()  # what hears the history is there
    return found


@pytest.fixture
def found(shared):
    """The page of all these tests; clean when the test has ended."""
    shared.tab("overview")
    yield shared
    shared.assert_clean()


@pytest.mark.long
def test_a_hint_is_provoked_and_fixed_by_its_button(found):
    page = found.page
    found.begin("?hidden=64&epochs=3")
    message = page.locator('.explorer-message[data-id="step_too_large"]')
    expect(message).to_be_attached(timeout=90_000)
    if message.is_hidden():
        found.button(re.compile(r"^\d+ more$")).click()
    message.get_by_text("Why", exact=True).click()
    expect(message.locator("details p")).to_be_visible()
    query = page.url
    message.locator(".explorer-fix").click()
    expect(message).to_have_count(0)
    expect(page).not_to_have_url(query)
    found.until_finished()
    expect(message).to_have_count(0)


@pytest.mark.long
def test_a_fork_at_2_parts_from_its_parent_after_2(found):
    page = found.page
    found.begin("?epochs=4")
    found.until_finished(4)
    slider = page.get_by_role("slider", name="Epoch shown")
    for key in ("End", "ArrowLeft", "ArrowLeft"):
        slider.press(key)
    expect(page.get_by_text("epoch 2", exact=True)).to_be_visible()
    found.set(learning_rate=0.002)
    expect(page.get_by_text("the new settings wait")).to_be_visible()
    page.locator(".explorer-time").get_by_role("button", name="Branch from epoch 2").click()
    found.until_finished(4)
    page.wait_for_function(f"({TEST_CURVES})().at(-1)?.length === 3")
    curves = page.evaluate(TEST_CURVES)
    parent, fork = ({int(x): y for x, y in curve} for curve in curves[-2:])
    assert sorted(fork) == [2, 3, 4]
    assert fork[2] == parent[2]
    assert all(fork[epoch] != parent[epoch] for epoch in (3, 4))
    found.tab("runs")
    expect(page.locator(".explorer-runs tbody tr").first).to_contain_text(
        re.compile(r"from run \d+, epoch 2")
    )
    chip = page.locator(".explorer-start[data-part=start]")
    expect(chip).to_have_text(re.compile(r"^branch of run \d+ at epoch 2$"))
    found.button("Copy link").click()
    told = page.locator(".explorer-told")
    expect(told).to_contain_text(re.compile(r"not the branch of run \d+ at epoch 2\."))
    found.tab("overview")
    chip.get_by_role("button", name="Start with freshly initialized weights").press("Enter")
    expect(chip).to_be_hidden()
    expect(found.button("Start", exact=True)).to_be_focused()
    page.wait_for_function(f"({TEST_CURVES})().at(-1)?.length === 4")
    clean = dict(map(tuple, page.evaluate(TEST_CURVES)[-1]))
    known = records(epochs=4, learning_rate=0.002)
    np.testing.assert_allclose([clean[r.epoch] for r in known], [100 * r.test_accuracy for r in known])


@pytest.mark.long
def test_the_matrix_of_mistakes_is_gone_through_with_the_keys(found):
    page = found.page
    found.begin("?epochs=2")
    found.until_finished(2)
    found.tab("mistakes")
    # Until Python has answered, the tab before is in sight, with a matrix that hears keys as well.
    matrix = page.locator(".explorer-mistakes").get_by_role(
        "application", name=re.compile("test images right")
    )
    matrix.focus()
    for key in (*("ArrowDown",) * 10, *("ArrowRight",) * 4):
        matrix.press(key)
    confusion = records(epochs=2)[-1].confusion
    count = int(confusion[9, 4])
    gallery = page.locator(".explorer-mistakes .explorer-gallery")
    said = gallery.locator(".explorer-gallery-heading")
    expect(said).to_have_attribute("aria-live", "polite")
    expect(said).to_have_text(f"9 read as 4: {count} mistakes, worst first")
    expect(gallery.locator("li")).to_have_count(min(54, count))
    assert set(gallery.locator(".explorer-gallery-caption").all_inner_texts()) == {"9 → 4"}
    for _ in range(5):
        matrix.press("ArrowRight")
    expect(said).to_have_text(f"9 classified correctly: {confusion[9, 9]} images, worst first")
    matrix.press("Escape")
    wrong = int(confusion.sum() - np.trace(confusion))
    expect(gallery).to_contain_text(re.compile(f"^{wrong:,}".replace(",", "\\s") + " mistakes"))
