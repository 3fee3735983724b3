"""Single mini-batches: their lines, their axes, and their words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.figures.curves import EARLIER_SLOTS, curves_style, step_in_words, steps_data, steps_summary
from explorer.figures.template import merged
from explorer.training import BatchStep


def step(number, **figures):
    known = {
        "n_images": 512,
        "train_loss": 0.9,
        "train_accuracy": 0.113,
        "loss_after": 0.8,
        "accuracy_after": 0.141,
        "moved": 0.0031,
        "test_loss": 0.85,
        "test_accuracy": 0.12,
    }
    return BatchStep(step=number, **(known | figures))


STEPS = [step(n, train_loss=1 / n) for n in range(119, 122)]  # the first three of the second epoch


@pytest.mark.parametrize(
    ("metric", "last"), [("loss", (1 / 121, 0.8, 0.85)), ("accuracy", (11.3, 14.1, 12.0))]
)
def test_a_mini_batch_is_shown_before_and_after_its_step(metric, last):
    traces = steps_data(STEPS, (2, 3, 118), metric=metric, loss="loss")[0]
    assert len(traces) == len(curves_style(metric=metric)) == EARLIER_SLOTS + 5
    assert [trace["visible"] for trace in traces] == [False] * (EARLIER_SLOTS + 2) + [True] * 3
    for trace, y in zip(traces[EARLIER_SLOTS + 2 :], last, strict=True):
        np.testing.assert_array_equal(trace["x"], [1, 2, 3])
        assert trace["x"].dtype == trace["y"].dtype == np.float32
        assert trace["y"][-1] == pytest.approx(y)
    named = merged(curves_style(metric=metric), traces)[EARLIER_SLOTS + 2 :]
    assert [trace["name"] for trace in named] == ["mini-batch before", "mini-batch after", "test after"]
    assert all(trace["hovertemplate"].startswith("step %{x} ") for trace in named)


def test_the_run_before_them_stays_in_sight(make_history):
    history = make_history(2)
    first = step(237)
    *_, before, after, test = steps_data([first], (3, 1, 118), history, metric="loss", loss="loss")[0]
    assert list(test["x"]) == [-118, 0, 1]  # the ends of its epochs, then the step
    assert list(test["y"][:2]) == pytest.approx([record.test_loss for record in history.epochs])
    batches = [(record.epoch - 2) * 118 for record in history.batches]
    assert list(before["x"]) == pytest.approx([*batches, 1])
    assert list(after["x"]) == [1]
    layout = steps_data([first], (3, 1, 118), history, metric="loss", loss="loss")[1]
    left, right = layout["xaxis"]["range"]
    assert left < -40 < 10 < right  # the last stretch, and room for steps to come


def test_the_axes_hold_the_steps_and_are_named():
    layout = steps_data(STEPS, (2, 3, 118), metric="loss", loss="squared error")[1]
    assert layout["xaxis"] == {"title": {"text": "step of epoch 2"}, "range": [0.5, 10.5], "dtick": 1}
    assert layout["yaxis"]["title"]["text"] == "squared error per sample"
    low, high = layout["yaxis"]["range"]
    assert low < 1 / 121
    assert high > 0.85
    long = steps_data([step(n) for n in range(5, 56)], (1, 55, 118), metric="accuracy", loss="squared error")[
        1
    ]
    assert (long["xaxis"]["range"], long["xaxis"]["dtick"]) == ([4.5, 55.5], 5)
    assert long["yaxis"]["title"]["text"] == "accuracy (%)"


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_step_that_diverged_has_axes_too(bad):
    lost = step(1, train_loss=bad, loss_after=bad, test_loss=bad, moved=bad)
    low, high = steps_data([lost], (1, 1, 118), metric="loss", loss="squared error")[1]["yaxis"]["range"]
    assert low < high
    assert "loss " in step_in_words(lost)


def test_a_step_in_words():
    assert step_in_words(step(1)) == (
        "Its 512 images: loss 0.9000 → 0.8000, 11.3\u00a0% → 14.1\u00a0% right."
        " It moved the weights by 0.31\u00a0%."
    )
    assert step_in_words(step(1, n_images=1)).startswith("Its 1 image: ")
    assert (
        steps_summary(step(125), (2, 7, 118))
        == "step 7 of 118 in epoch 2, test accuracy 12.0\u00a0%, test loss 0.85"
    )
    assert steps_summary(step(118, test_accuracy=math.nan), (1, 118, 118)) == "step 118 of 118 in epoch 1"
