"""A race in a real Chromium: one click, curves of all at once; what was done is kept when it is stopped."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect
from reference_runs import records

CURVES = """() => [...document.querySelectorAll('.explorer-runs-curves .js-plotly-plot')].map((plot) => plot.data
  .filter((trace) => trace.visible === true && trace.name.includes(', lr '))
  .map(({ name, y }) => [name, [...y]]))"""
LENGTHS = (
    f"(least) => [({CURVES})()].every((plots) => plots.length === 2"
    " && plots.every((plot) => plot.length === 5 && plot.every(([, y]) => y.length >= least)))"
)
PERCENT = re.compile(r"\d+\.\d\d\s%")


@pytest.fixture
def race(app, open_page):
    """Start a race of optimizers on the Runs tab, of so many epochs."""
    visits = []

    def start(epochs):
        found = open_page(f"{app.url}?hidden=8&n=6000&batch=64&epochs={epochs}&tab=runs")
        visits.append(found)
        if epochs > 100:
            found.press("Stop")
        expect(found.bar).to_contain_text(re.compile("finished|stopped"))
        race = found.page.get_by_role("group", name="Race against other")
        race.get_by_role("button", name="Optimizers").click()
        return found

    yield start
    for found in visits:
        found.assert_clean()


@pytest.mark.long
def test_one_click_draws_all_methods_and_each_becomes_a_run_to_open(race):
    found = race(3)
    page = found.page
    page.wait_for_function(LENGTHS, arg=3)
    found.until_finished(3)
    methods = {"sgd": "plain SGD", "momentum": "momentum", "adam": "Adam"}
    curves = dict(page.evaluate(CURVES)[0])
    for method, words in methods.items():
        (name,) = (name for name in curves if name.startswith(f"{words}, lr"))
        rate = float(re.search(r"lr ([\d.]+)", name).group(1))
        reference = records(
            hidden_sizes=8, n_train=6000, batch_size=64, epochs=3, optimizer=method, learning_rate=rate
        )
        assert curves[name] == pytest.approx([100 * r.test_accuracy for r in reference], rel=1e-5)

    found.tab("overview")
    for place in ("loss", "accuracy"):
        ends = page.locator(f".explorer-place-{place} .annotation-text")
        expect(ends.filter(has_text="Adam")).to_be_visible()
        boxes = sorted((one.bounding_box() for one in ends.all()), key=lambda box: box["y"])
        assert len(boxes) == 5
        assert all(a["y"] + a["height"] <= b["y"] + 3 for a, b in pairwise(boxes))
        plot = page.locator(f".explorer-place-{place} .main-svg").first.bounding_box()
        assert all(box["x"] + box["width"] <= plot["x"] + plot["width"] for box in boxes)
    found.tab("runs")
    adam = page.locator(".explorer-runs tbody tr", has_text="Adam")
    expect(adam).to_be_visible()  # a hidden button takes no focus, and so no key
    accuracy = PERCENT.search(adam.inner_text()).group()
    adam.locator('[data-verb="open"]').press("Enter")
    expect(page.locator(".explorer-run-status")).to_contain_text("All tabs show run")
    expect(adam).to_have_attribute("data-present", "")
    reached = f"{float(accuracy.split()[0]):.1f}"
    expect(found.tiles).to_contain_text(reached)
    found.tab("overview")
    expect(page.locator(".explorer-overview")).to_contain_text(f"epoch 3 of 3, test accuracy {reached}")
