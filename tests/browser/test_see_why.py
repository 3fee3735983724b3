"""What the user does to see why: provoke a fault and fix it, fork, change a run, split honestly."""

import re

import numpy as np
import pytest
from browser.page_object import TRACES, exercise
from playwright.sync_api import expect
from reference_runs import records

from explorer import TrainingConfig, load_mnist
from explorer.training import TrainingRun, complete, open_test_set
from explorer.training.fields import Change
from explorer.training.query import write_query

pytestmark = pytest.mark.long
TEST_CURVES = """() => [...(document.querySelector('.explorer-place-accuracy .js-plotly-plot')?.data ?? [])]
  .filter((trace) => trace.visible === true && ['earlier', 'test'].includes(trace.name))
  .map((trace) => Array.from(trace.x, (x, place) => [x, trace.y[place]]))"""
SHORT = {"hidden_sizes": 16, "n_train": 6000}  # 12 steps an epoch
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
HONEST = {
    "hidden_sizes": 64, "hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy",
    "initializer": "he", "batch_size": 16, "learning_rate": 0.1, "reduction": "mean", "n_train": 3000,
    "n_validation": 500, "epochs": 60, "patience": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    found = open_shared_page(app.exercise)
    found.until_drawn()
    found.until_finished(10)
    expect(found.button("Export")).to_be_in_viewport(ratio=1)  # what hears the history is there
    return found


@pytest.fixture
def found(shared):
    """The page of all these tests; clean when the test has ended."""
    shared.tab("overview")
    yield shared
    shared.assert_clean()


def test_a_fork_at_2_parts_from_its_parent_after_2(found):
    page = found.page
    found.begin(exercise(epochs=4))
    found.until_finished(4)
    slider = page.get_by_role("slider", name="Epoch shown")
    for key in ("End", "ArrowLeft", "ArrowLeft"):
        slider.press(key)
    expect(page.get_by_text("epoch 2", exact=True)).to_be_in_viewport(ratio=1)
    found.set(learning_rate=0.002)
    expect(page.get_by_text("the new settings wait")).to_be_in_viewport(ratio=1)
    page.locator(".explorer-time").get_by_role("button", name="Branch from epoch 2").click()
    found.until_finished(4)
    page.wait_for_function(f"({TEST_CURVES})().at(-1)?.length === 3")
    curves = page.evaluate(TEST_CURVES)
    parent, fork = ({int(x): y for x, y in curve} for curve in curves[-2:])
    assert sorted(fork) == [2, 3, 4]
    assert fork[2] == parent[2]
    assert all(fork[epoch] != parent[epoch] for epoch in (3, 4))
    found.tab("runs")
    newest = page.locator(".explorer-runs tbody tr").first
    expect(newest).to_contain_text(re.compile(r"from run \d+, epoch 2"))
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


def of_this_run(visit, name="learning_rate"):
    """What stands under a setting while a run trains or is paused."""
    return visit.page.locator(f"[data-name={name}]").get_by_role("group", name="This run")


def test_the_rate_lowered_in_mid_run_bends_the_curve_and_the_link_repeats_it(app, open_page):
    visit = open_page(app.url + exercise(hidden=16, n=6000, epochs=6))
    visit.until_finished(6)
    page, bar = visit.page, visit.bar
    expect(of_this_run(visit)).to_be_hidden()
    visit.press("Train again, reset, auto-train")
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
    expect(page.get_by_text("Changed in mid-run: 0.01 → 0.001 from step 13")).to_be_in_viewport(ratio=1)
    expect(visit.number("learning_rate")).to_have_value("0.01")

    changed = [100 * record.test_accuracy for record in records(epochs=6, changes=(CHANGE,), **SHORT)]
    steady = [100 * record.test_accuracy for record in records(epochs=6, **SHORT)]
    page.wait_for_function(ENDS, arg=changed[-1])
    found = page.evaluate(LINES)
    del found["accuracy"][:-6]  # that of the initial weights, if there was time for it
    assert found["accuracy"] == pytest.approx(changed, rel=1e-5)
    assert changed[0] == steady[0]
    assert all(abs(one - other) > 0.5 for one, other in zip(changed[1:], steady[1:], strict=True))
    assert (found["marks"], found["words"]) == ([pytest.approx(1 + 512 / 6000)], ["0.01 → 0.001"])
    assert {round(rate, 6) for rate in found["rate"]} == {0.01, 0.001}

    visit.button("Copy link").click()
    expect(visit.button("Copy link")).to_contain_text("Link copied")
    again = open_page(page.url)
    again.until_finished(6)
    other = again.page
    other.wait_for_function(ENDS, arg=changed[-1])
    assert other.evaluate(LINES) == found
    expect(other.get_by_text("Changed in mid-run")).to_be_in_viewport(ratio=1)
    other.get_by_role("button", name="Train without changes in mid-run").click()
    expect(other.get_by_text("Changed in mid-run")).to_be_hidden()
    other.wait_for_function(ENDS, arg=steady[-1])
    for one in (visit, again):
        one.assert_clean()


def test_the_best_epoch_is_back_and_the_test_set_is_opened_once(app, open_page):
    config = TrainingConfig(**HONEST)
    history = complete(run := TrainingRun(config, load_mnist()))
    best, test = history.restored, open_test_set(run.network, load_mnist())
    assert best + 3 == len(history) < 60
    found = open_page(f"{app.url}?{write_query(config)}")
    page = found.page
    bar, tiles, said = found.bar, found.tiles, found.messages
    expect(bar).to_contain_text(f"stopped early · weights of epoch {best}")
    expect(said).to_contain_text(f"the validation loss was lowest after epoch {best}, whose weights are back")
    expect(tiles).to_contain_text("Validation accuracy")
    expect(tiles).to_contain_text(f"{100 * history.end.final.test_accuracy:.1f} %")
    expect(tiles).not_to_contain_text("Test accuracy")
    expect(page.locator(".explorer-time output")).to_have_text(f"epoch {best}")
    expect(page.locator(".explorer-overview .shapelayer path").first).to_be_attached()

    expect(said).to_contain_text("The test set is closed: 10\u202f000 images that nothing was chosen by.")
    found.button("Open the test set").click()
    expect(tiles).to_contain_text("Test accuracy")
    expect(tiles).to_contain_text(f"{100 * test.accuracy:.1f} %")
    expect(tiles).to_contain_text("opened once")
    expect(said).to_contain_text(f"Test accuracy is {100 * test.accuracy:.2f}")
    expect(found.button("Open the test set")).to_have_count(0)

    found.tab("runs")
    row = page.locator(".explorer-runs tbody tr[data-present]")
    expect(row).to_contain_text(f"{100 * test.accuracy:.2f}\u00a0%")
    expect(row).to_contain_text(re.compile(rf"{best} of {best + 3} · early"))

    if not found.number("seed").is_visible():
        page.get_by_text("More settings").click()
    found.set(seed=1)
    expect(bar).to_contain_text(re.compile(r"stopped early · weights of epoch"))
    since = re.compile(r"You have seen the test score \(run \d\): later ones are no longer unbiased")
    expect(said).to_contain_text(since)
    found.button("Open the test set as well").click()
    expect(said).to_contain_text("these images are no longer unseen")
    expect(tiles).to_contain_text("opened for the 2nd time")
    found.assert_clean()
