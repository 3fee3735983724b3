"""The learning rate of a run that has begun, in a real Chromium; and the settings that are folded away."""

from __future__ import annotations

import re

import pytest
from browser.page_object import TRACES
from playwright.sync_api import expect
from reference_runs import records

from explorer.training.fields import Change

pytestmark = pytest.mark.long

SETTINGS = {"hidden_sizes": 16, "n_train": 6000}  # 12 steps an epoch
CHANGE = Change(13, 0.001, 512)
LINES = f"""() => {{
  const line = (place, name) => ({TRACES})(place).find((trace) => trace.name === name)?.y;
  const {{ shapes, annotations }} = document.querySelector('.explorer-place-loss .js-plotly-plot')?.layout ?? {{}};
  return {{
    accuracy: line('accuracy', 'test'),
    rate: line('loss', 'learning rate'),
    marks: (shapes ?? []).map((shape) => shape.x0),
    words: (annotations ?? []).map((words) => words.text),
  }};
}}"""
ENDS = f"(last) => Math.abs((({LINES})().accuracy ?? []).at(-1) - last) < 1e-3"


@pytest.fixture
def begun(app, open_page):
    """Open the app with settings, or at an address, and wait until the run bar says something."""
    visits = []

    def begin(query, until, **options):
        address = query if query.startswith("http") else f"{app.url}?hidden=16&n=6000&{query}"
        visits.append(open_page(address, **options))
        expect(visits[-1].bar).to_contain_text(re.compile(until))
        return visits[-1]

    yield begin
    for visit in visits:
        visit.assert_clean()


def of_this_run(visit, name="learning_rate"):
    """What stands under a setting while a run trains or is paused."""
    return visit.page.locator(f"[data-name={name}]").get_by_role("group", name="This run")


def test_the_rate_lowered_in_mid_run_bends_the_curve_and_the_link_repeats_it(begun):
    visit = begun("epochs=6", "finished")
    page, bar = visit.page, visit.bar
    expect(of_this_run(visit)).to_be_hidden()
    visit.press("Reset")
    visit.press("+1 epoch")
    expect(bar).to_contain_text("step 12 of 12 · paused")
    visit.press("+1 step")
    expect(bar).to_contain_text("step 1 of 12 · paused")
    of_this_run(visit).get_by_role("button", name="Divide the learning rate of this run by 10").click()
    expect(of_this_run(visit)).to_contain_text("this run: 0.001")
    visit.press("Resume")
    visit.until_finished(6)
    expect(of_this_run(visit)).to_be_hidden()
    expect(page.get_by_text("Changed in mid-run: 0.01 → 0.001 from step 13")).to_be_visible()
    expect(visit.number("learning_rate")).to_have_value("0.01")

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

    visit.button("Copy link").click()
    expect(visit.button("Copy link")).to_contain_text("Link copied")
    other = begun(page.url, "finished · 6 of 6").page
    other.wait_for_function(ENDS, arg=changed[-1])
    assert other.evaluate(LINES) == found
    expect(other.get_by_text("Changed in mid-run")).to_be_visible()
    other.get_by_role("button", name="Train without changes in mid-run").click()
    expect(other.get_by_text("Changed in mid-run")).to_be_hidden()
    other.wait_for_function(ENDS, arg=steady[-1])
