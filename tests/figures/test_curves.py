"""Loss and accuracy over the epochs: traces, ranges and hover texts."""

import html
import math
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from explorer.figures.curves import EARLIER_SLOTS, curves_data, curves_figure, curves_summary, step_in_words
from explorer.training import BatchStep
from explorer.training.fields import Change

RATE, SAMPLE, RUNNING, TRAIN, TEST = range(EARLIER_SLOTS, EARLIER_SLOTS + 5)
NEWEST = EARLIER_SLOTS - 1


loss, accuracy = (partial(curves_data, metric=metric) for metric in ("loss", "accuracy"))
loss_figure, accuracy_figure = (partial(curves_figure, metric=metric) for metric in ("loss", "accuracy"))


def test_loss_is_shown_as_recorded_and_accuracy_in_percent(make_history):
    history = make_history(3)
    losses, accuracies = loss(history)[0], accuracy(history)[0]
    np.testing.assert_array_equal(losses[TEST]["x"], [1, 2, 3])
    np.testing.assert_allclose(losses[TEST]["y"], [0.12, 0.06, 0.04], rtol=1e-6)
    np.testing.assert_allclose(losses[TRAIN]["y"], [0.1, 0.05, 0.1 / 3], rtol=1e-6)
    np.testing.assert_allclose(accuracies[TEST]["y"], [88, 94, 96], rtol=1e-6)
    np.testing.assert_allclose(accuracies[TRAIN]["y"], [90, 95, 100 - 10 / 3], rtol=1e-6)
    np.testing.assert_allclose(losses[RUNNING]["x"], np.arange(1, 13) / 4)
    np.testing.assert_allclose(losses[RUNNING]["y"], 0.5 / (np.arange(1, 13) / 4), rtol=1e-6)
    np.testing.assert_allclose(accuracies[RUNNING]["y"][:2], [7.5, 15], rtol=1e-6)


def test_the_newest_earlier_runs_are_shown(make_history):
    shown = loss(make_history(3), [make_history(n) for n in range(1, 9)])[0][:EARLIER_SLOTS]
    assert [len(trace["x"]) for trace in shown] == [3, 4, 5, 6, 7, 8]


def test_two_losses_never_share_an_axis(make_history):
    """Squared error and cross-entropy are different quantities; accuracy is one for all."""
    other = [make_history(n, loss="cross_entropy", output="softmax") for n in (4, 5)]
    same, history = make_history(2), make_history(3)
    earlier = [other[0], same, other[1]]
    assert [len(trace["x"]) for trace in loss(history, earlier)[0] if trace["visible"]] == [2, 12, 3, 3]
    assert loss(history, earlier)[1] == loss(history, [same])[1]
    assert [len(t["x"]) for t in accuracy(history, earlier)[0] if t["visible"]] == [4, 2, 5, 12, 3, 3]


@pytest.mark.parametrize(("settings", "words"), [
    ({}, "earlier run"),
    ({"batch_size": 64}, "earlier run: batch size 64"),
    ({"hidden_sizes": (128, 64), "seed": 3}, "earlier run: hidden units 128-64, seed 3"),
    (
        {"hidden_sizes": 8, "batch_size": 64, "seed": 3, "learning_rate": 0.5},
        "earlier run: hidden units 8, batch size 64, learning rate 0.5, …",
    ),
])  # fmt: skip
def test_an_earlier_run_says_in_what_it_differs(make_history, settings, words):
    assert loss(make_history(3), [make_history(3, **settings)])[0][NEWEST]["meta"] == words


def test_entries_of_a_race_are_named_at_their_curves_ends(make_history):
    others = [make_history(3), make_history(2), make_history(3, loss="cross_entropy", output="softmax")]
    for draw, known in ((accuracy, ["one", "<b>", "mine"]), (loss, ["one", "mine"])):
        layout = draw(make_history(3), others, names=["one", "", "<b>", "mine"])[1]
        named = sorted(layout["annotations"], key=lambda name: name["y"])
        assert sorted(name["text"] for name in named) == sorted(html.escape(name) for name in known)
        assert all(b["y"] - a["y"] >= 0.1 - 1e-9 for a, b in pairwise(named))
        assert layout["margin"]["r"] > 30
    layout = accuracy(make_history(3), others, names=["", "", "", "mine"])[1]
    assert (layout["annotations"], layout["margin"]) == ([], pytest.approx({"r": 12}, abs=0.5))


def test_the_epoch_axis_is_as_long_as_the_settings_say(make_history):
    for n_shown in (0, 1, 7):
        layout = accuracy(make_history(n_shown, n_epochs=20))[1]
        assert layout["xaxis"]["range"] == [0, pytest.approx(20.2)]


@pytest.mark.parametrize(
    ("lowest", "floor"),
    [(0.098, 0), (0.4999, 0), (0.5, 50), (0.79, 70), (0.8, 80), (0.899, 80), (0.9, 90), (1.0, 90)],
)
def test_the_accuracy_axis_starts_at_the_step_below_the_data(make_history, lowest, floor):
    history = make_history(4, test_accuracies=[max(lowest, 0.95), 0.97, lowest, 0.99])
    start, end = accuracy(history)[1]["yaxis"]["range"]
    assert start == min(floor, 90)
    assert 100 < end <= 102


def test_no_epoch_of_the_run_lies_off_the_axes(make_history):
    """Also not the first train value, a mean over an epoch in which nearly all was learned."""
    one, two = (make_history(n, test_accuracies=[0.93, 0.94][:n]) for n in (1, 2))  # train 90 %, 95 %
    late = make_history(2, test_accuracies=[0.93, 0.94], train_accuracies=[0.58, 0.91])
    early = make_history(1, test_accuracies=[0.93], train_accuracies=[0.58])
    floors = [accuracy(history)[1]["yaxis"]["range"][0] for history in (one, two, early, late)]
    assert floors == [90, 90, 50, 50]
    steep = make_history(3, test_losses=[0.05, 0.04, 0.03])  # train 0.1 at first
    assert loss(steep)[1]["yaxis"]["range"][1] > 0.1


@pytest.mark.parametrize(("best", "floor"), [(0.95, 80), (0.7, 70), (0.1, 70)])
def test_an_earlier_run_takes_the_accuracy_axis_one_step_lower_at_most(make_history, best, floor):
    history = make_history(2, test_accuracies=[0.88, 0.9])
    other = make_history(2, test_accuracies=[0.05, best])
    assert accuracy(history, [other])[1]["yaxis"]["range"][0] == floor


@pytest.mark.parametrize(("best", "top"), [(0.1, 0.153), (0.18, 0.204), (1e6, 0.306)])
def test_an_earlier_run_stretches_the_loss_axis_twofold_at_most(make_history, best, top):
    other = make_history(2, test_losses=[best + 5, best])
    assert loss(make_history(3), [other])[1]["yaxis"]["range"] == [0, pytest.approx(top)]


def test_before_the_first_epoch_the_loss_axis_fits_the_mini_batches(make_history):
    history = make_history(0)
    assert loss(history)[1]["yaxis"]["range"] == [0, 1.02]
    history = history.followed_by(make_history(1).batches[0])  # 0.5 / 0.25
    assert loss(history)[1]["yaxis"]["range"] == [0, 2.04]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
def test_a_diverged_run_leaves_gaps(make_history, bad):
    history = make_history(3, test_losses=[0.5, bad, bad])
    loss_figure(history, earlier=[make_history(2, test_losses=[bad, bad])])
    accuracy_figure(history, earlier=[history])
    trace = loss(history)[0][TEST]
    np.testing.assert_array_equal(np.isnan(trace["y"]), [False, True, True])
    low, high = loss(history, [history])[1]["yaxis"]["range"]
    assert low < high
    assert math.isfinite(high)


def test_the_running_curve_is_thinned_and_its_points_stay_while_the_run_goes_on(make_history):
    history = make_history(500, stretches=20, n_epochs=500)
    drawn = {}
    for n in (19, 20, 57, 250, 310, 500):
        shown = replace(history, epochs=history.epochs[:n], batches=history.batches[: 20 * n])
        drawn[n] = x = loss(shown)[0][RUNNING]["x"]
        assert 200 <= len(x) <= 400
        assert x[-1] == n
        assert (np.diff(x) > 0).all()
    np.testing.assert_array_equal(drawn[310][: len(drawn[250]) - 1], drawn[250][:-1])


CHANGED = {"changes": (Change(50, 0.001, 512), Change(125, 0.001, 64), Change(900, 1.0, 64))}


def test_a_rate_that_varies_is_drawn_on_an_axis_of_its_own(make_history):
    rates = [0.01] * 2 + [0.001] * 6
    history = make_history(2, **CHANGED)
    batches = zip(history.batches, rates, strict=True)
    history = replace(history, batches=tuple(replace(one, learning_rate=rate) for one, rate in batches))
    figure = loss_figure(history)
    line, axis = figure.data[RATE], figure.layout.yaxis2
    np.testing.assert_allclose(line.y, rates, rtol=1e-6)
    np.testing.assert_allclose(line.x, np.arange(1, 9) / 4)
    assert (line.visible, line.yaxis, line.line.shape) == (True, "y2", "vh")
    assert (axis.visible, axis.side) == (True, "right")
    assert not accuracy(history)[0][RATE]["visible"]
    assert not accuracy(history)[1]["yaxis2"]["visible"]


@pytest.mark.parametrize(("settings", "varies"), [
    ({}, False),
    ({"schedule": "cosine"}, True),
    ({"warmup": 1}, True),
    ({"changes": (Change(50, 0.01, 64),)}, False),  # the batch size alone
    (CHANGED, True),
])  # fmt: skip
def test_a_rate_that_is_always_the_same_is_not_drawn(make_history, settings, varies):
    history = make_history(2, **settings)
    history = replace(history, epochs=tuple(replace(one, learning_rate=0.1) for one in history.epochs))
    assert loss(history)[0][RATE]["visible"] == loss(history)[1]["yaxis2"]["visible"] == varies
    assert (", rate " in curves_summary(history)) == varies


@pytest.mark.parametrize(
    ("rate", "said"), [(1.93e-9, "0"), (0.00123, "0.0012"), (0.1, "0.1"), (float("nan"), "")]
)
def test_a_rate_is_said_in_figures_that_can_be_read_aloud(make_history, rate, said):
    history = make_history(2, schedule="cosine")
    last = replace(history.epochs[-1], learning_rate=rate)
    line = curves_summary(replace(history, epochs=(*history.epochs[:-1], last)))
    assert line.partition(", rate ")[2] == said
    assert (", rate " in line) == bool(said)


def test_a_change_is_marked_where_it_was_and_said_there(make_history):
    marks = loss(make_history(2, **CHANGED))[1]
    assert [shape["x0"] for shape in marks["shapes"]] == [0.5, 1.25]  # the third is still to come
    said = [(one["x"], one["text"]) for one in marks["annotations"]]
    assert said == [(0.5, "0.01 → 0.001"), (1.25, "batch size 512 → 64")]
    assert len(loss_figure(make_history(2, **CHANGED)).layout.shapes) == 2
    none = loss(make_history(0, **CHANGED))[1]
    assert (none["shapes"], none["annotations"]) == ([], [])


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"l2": 1e-3}, "squared error + L2 penalty"),
        ({"l2": 1e-3, "l1": 1e-4}, "squared error + L2 penalty + L1 penalty"),
        ({"l2": 1e-3, "optimizer": "adamw"}, "squared error"),
    ],
)
def test_the_axis_says_what_is_in_the_loss(make_history, settings, name):
    assert loss(make_history(2, **settings))[1]["yaxis"]["title"]["text"] == f"{name} per sample"


def test_a_single_step_in_words():
    figures = {"train_loss": 0.9, "train_accuracy": 0.113, "loss_after": 0.8, "accuracy_after": 0.141}
    step = BatchStep(step=1, n_images=512, moved=0.0031, **figures)
    said = "Its 512 images: loss 0.9000 → 0.8000, 11.3\u00a0% → 14.1\u00a0% right."
    assert step_in_words(step) == f"{said} It moved the weights by 0.31\u00a0%."
    assert step_in_words(replace(step, n_images=1)).startswith("Its 1 image: ")
    assert "loss nan" in step_in_words(replace(step, train_loss=math.nan, moved=math.inf))
