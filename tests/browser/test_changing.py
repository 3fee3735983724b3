"""The learning rate of a run that has begun, in a real Chromium; and the settings that are folded away."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from reference_runs import records

from explorer.training.fields import Change

pytestmark = pytest.mark.long

SETTINGS = {"hidden_sizes": 16, "n_train": 6000}  # 12 steps an epoch
CHANGE = Change(13, 0.001, 512)
LINES = """() => {
  const of = (place) => document.querySelector(`.explorer-place-${place} .js-plotly-plot`);
  const line = (place, name) => {
    const found = of(place)?.data?.find((trace) => trace.name === name && trace.visible !== false);
    return found ? [...found.y] : null;
  };
  const { shapes, annotations } = of('loss')?.layout ?? {};
  return {
    accuracy: line('accuracy', 'test'),
    rate: line('loss', 'learning rate'),
    marks: (shapes ?? []).map((shape) => shape.x0),
    words: (annotations ?? []).map((words) => words.text),
  };
}"""
ENDS = f"(last) => Math.abs((({LINES})().accuracy ?? []).at(-1) - last) < 1e-3"


@pytest.fixture
def begun(app, open_page):
    """Open the app with settings, or at an address, and wait until the run bar says something."""
    visits = []

    def begin(query, until, **options):
        address = query if query.startswith("http") else f"{app.url}?hidden=16&n=6000&{query}"
        visits.append(open_page(address, **options))
        page = visits[-1].page
        expect(page.locator(".explorer-run")).to_contain_text(re.compile(until), timeout=90_000)
        return page

    yield begin
    for visit in visits:
        visit.assert_clean()


def now(page):
    """What stands under the slider of the learning rate while a run trains or is paused."""
    return page.locator("[data-name=learning_rate]").get_by_role("group", name="This run")


def press(page, name):
    """Press a button of the run bar."""
    page.locator(".explorer-run").get_by_role("button", name=name).click()


def test_the_rate_lowered_in_mid_run_bends_the_curve_and_the_link_repeats_it(begun):
    page = begun("epochs=6", "finished")
    expect(now(page)).to_be_hidden()
    press(page, "Reset")
    press(page, "Step epoch")
    expect(page.locator(".explorer-run")).to_contain_text("step 12 of 12 · paused")
    press(page, "Step batch")
    expect(page.locator(".explorer-run")).to_contain_text("step 1 of 12 · paused")
    now(page).get_by_role("button", name="Divide the learning rate of this run by 10").click()
    expect(now(page)).to_contain_text("this run: 0.001")
    press(page, "Resume")
    expect(page.locator(".explorer-run")).to_contain_text("finished · 6 of 6", timeout=90_000)
    expect(now(page)).to_be_hidden()
    chip = page.get_by_text("Changed in mid-run: 0.01 → 0.001 from step 13")
    expect(chip).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Learning rate")).to_have_value("0.01")

    changed = [100 * record.test_accuracy for record in records(epochs=6, changes=(CHANGE,), **SETTINGS)]
    steady = [100 * record.test_accuracy for record in records(epochs=6, **SETTINGS)]
    page.wait_for_function(ENDS, arg=changed[-1])
    found = page.evaluate(LINES)
    found["accuracy"] = found["accuracy"][
        -6:
    ]  # without that of the initial weights, if there was time for it
    assert found["accuracy"] == pytest.approx(changed, rel=1e-5)
    assert changed[0] == steady[0]
    assert all(abs(one - other) > 0.5 for one, other in zip(changed[1:], steady[1:], strict=True))
    assert (found["marks"], found["words"]) == ([pytest.approx(1 + 512 / 6000)], ["0.01 → 0.001"])
    assert {round(rate, 6) for rate in found["rate"]} == {0.01, 0.001}

    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copy link")).to_contain_text("Link copied")
    other = begun(page.url, "finished · 6 of 6")
    other.wait_for_function(ENDS, arg=changed[-1])
    assert other.evaluate(LINES) == found
    expect(other.get_by_text("Changed in mid-run")).to_be_visible()
    other.get_by_role("button", name="Train without changes in mid-run").click()
    expect(other.get_by_text("Changed in mid-run")).to_be_hidden()
    other.wait_for_function(ENDS, arg=steady[-1])


def test_a_run_that_trains_is_changed_without_a_new_one(begun):
    page = begun("epochs=500", "epoch [1-9]")
    page.locator("[data-name=batch_size]").get_by_role("button", name="Halve the batch size").click()
    expect(page.get_by_text("batch size 512 → 256 from step")).to_be_visible()
    expect(page.locator(".explorer-tiles")).to_contain_text("24 steps an epoch")
    press(page, "Stop")
    expect(page.locator(".explorer-run")).to_contain_text(re.compile("stopped|finished"))
    expect(now(page)).to_be_hidden()
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator(".explorer-runs tr[data-number]")).to_have_count(2)  # with the page's first


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.sweep)])
def test_settings_are_folded_under_headings_and_shown_where_they_apply(begun, width):
    page = begun("epochs=1", "finished", viewport={"width": width, "height": 844})
    panel = page.get_by_role("region", name="Settings")
    panel.get_by_role("button", name="More settings").click()
    heading = panel.get_by_role("button", name="Regularization")
    dropout = panel.get_by_role("spinbutton", name="Dropout", exact=True)
    expect(dropout).to_be_hidden()
    heading.click()
    expect(dropout).to_be_visible()
    dropout.fill("0.25")
    dropout.press("Enter")
    expect(panel.get_by_label("Dropout", exact=True).last).to_have_attribute("aria-valuetext", "0.25 dropout")
    heading.click()
    expect(heading).to_have_accessible_name("Regularization Dropout 0.25")
    panel.get_by_label("Optimizer", exact=True).select_option("adam")
    expect(panel.get_by_label("Batch gradient", exact=True)).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
