"""Curves of many runs: slots, colors, axes, and titles that stay text."""

import numpy as np
import pytest

from explorer.figures.curves import RUN_COLORS, SLOTS, RunCurve, run_color, runs_data, runs_figure, spread
from explorer.figures.palette import PALETTES
from explorer.training import TrainingConfig
from explorer.training.fields import Change

SQUARED_ERROR = {"squared error": 1.0}


@pytest.fixture
def curve(make_history):
    """Makes the curve of a run of three epochs, or of as many as it has accuracies or losses."""

    def curve(number, label="", loss_terms=SQUARED_ERROR, **figures):
        epochs = len(next(iter(figures.values()), range(3)))
        records = make_history(epochs, **figures).epochs
        return RunCurve(number, label or f"run {number}", records, range(0, 400, 100), loss_terms)

    return curve


@pytest.fixture
def runs(curve):
    return [curve(number) for number in range(1, 21)]


def test_the_last_runs_fill_the_slots(runs):
    assert [trace["name"] for trace in runs_data(runs, "loss")[0]] == [f"run {n}" for n in range(9, 21)]
    few = runs_figure(runs[:2], "loss")
    assert len(few.data) == SLOTS
    assert [trace.name for trace in few.data if trace.visible] == ["run 1", "run 2"]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_each_curve_is_named_at_its_end_and_no_name_covers_another(curve, scale):
    ends = ([0.9], [0.9], [0.89], [0.1, np.inf], [0.1, np.nan], [])
    runs = [curve(n, f"<i>{n}</i>", test_losses=y) for n, y in enumerate(ends, 1)]
    names = runs_data(runs, "loss", scale=scale)[1]["annotations"]
    assert {name["text"] for name in names} == {f"&lt;i&gt;{n}&lt;/i&gt;" for n in range(1, 6)}
    heights = [name["y"] for name in names]
    assert 0 <= heights[0] < heights[-1] <= 1
    assert min(np.diff(heights)) >= 0.1 - 1e-9


def test_names_move_no_further_than_they_must():
    assert spread([0.2, 0.6], 0.1) == [0.2, 0.6]
    assert spread([0.95, 0.99, 1.0], 0.1) == pytest.approx([0.8, 0.9, 1.0])


def test_a_color_depends_on_the_number_alone_and_is_neither_train_nor_test(runs):
    for theme, colors in RUN_COLORS.items():
        assert not set(colors) & {PALETTES[theme].train, PALETTES[theme].test}
        assert run_color(1, theme) == run_color(1 + len(colors), theme) == colors[0]
    looks = {(t["line"]["color"], t["line"]["dash"]) for t in runs_data(runs, "loss")[0]}
    assert len(looks) == SLOTS


def test_the_y_axis_names_what_it_holds(runs, curve):
    other = curve(21, loss_terms={"cross-entropy": 1.0})
    for shown, title in (
        (runs, "test squared error per sample"),
        ([other], "test cross-entropy per sample"),
        ([*runs, other], "test loss per sample"),
        ([], "test loss per sample"),
    ):
        assert runs_figure(shown, "loss").layout.yaxis.title.text == title
    assert runs_figure(runs, "accuracy").layout.yaxis.title.text == "test accuracy (%)"


def test_no_epoch_of_the_present_run_lies_off_the_axis(curve):
    slow, fast = curve(1, test_accuracies=[0.62, 0.95]), curve(2, test_accuracies=[0.91, 0.96])
    for runs, floor in (([fast, slow], 60), ([slow, fast], 80)):  # others stretch it by one step
        assert runs_data(runs, "accuracy")[1]["yaxis"]["range"][0] == floor


def test_a_fork_goes_on_where_its_parent_was(make_history):
    """Also where its epochs have fewer steps: each axis counts what came before it."""
    before = {"first_epoch": 2, "first_step": 200, "first_seconds": 2.5}
    fork = RunCurve(2, "fork", make_history(4).epochs[1:], range(0, 50, 10), SQUARED_ERROR, **before)
    for axis, expected in (("epochs", [2, 3, 4]), ("steps", [200, 210, 220]), ("seconds", [2.5, 3.5, 4.5])):
        np.testing.assert_array_equal(runs_data([fork], "accuracy", axis)[0][-1]["x"], expected)


def test_the_steps_are_those_of_the_batch_sizes_that_it_had(make_history):
    config = TrainingConfig(epochs=3, batch_size=60, changes=(Change(15, 0.01, 12),))
    ends = config.steps_at_ends(600)
    assert ends == (0, 10, 10 + 5 + 25, 10 + 5 + 25 + 50)
    run = RunCurve(1, "run 1", make_history(3).epochs, ends, SQUARED_ERROR)
    np.testing.assert_array_equal(runs_data([run], "accuracy", "steps")[0][-1]["x"], ends[1:])
