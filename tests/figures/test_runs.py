"""Curves of many runs: slots, colours, axes, and titles that stay text."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.palette import PALETTES
from explorer.figures.runs import (
    RUN_COLOURS,
    SLOTS,
    RunCurve,
    run_colour,
    runs_figure,
    runs_layout,
    runs_traces,
)


@pytest.fixture
def runs(make_history):
    return [
        RunCurve(number, f"run {number}", make_history(3).epochs, 100, "squared_error")
        for number in range(1, 21)
    ]


def test_the_last_runs_fill_the_slots(runs):
    assert [trace["name"] for trace in runs_traces(runs, "loss")] == [f"run {n}" for n in range(9, 21)]
    few = runs_figure(runs[:2], "loss")
    assert len(few.data) == SLOTS
    assert [trace.name for trace in few.data if trace.visible] == ["run 1", "run 2"]


def test_a_colour_depends_on_the_number_alone_and_is_neither_train_nor_test(runs):
    for theme, colours in RUN_COLOURS.items():
        assert not set(colours) & {PALETTES[theme].train, PALETTES[theme].test}
        assert run_colour(1, theme) == run_colour(1 + len(colours), theme) == colours[0]
    looks = {(t["line"]["color"], t["line"]["dash"]) for t in runs_traces(runs, "loss")}
    assert len(looks) == SLOTS


def test_the_y_axis_names_what_it_holds(runs, make_history):
    other = RunCurve(21, "run 21", make_history(3).epochs, 100, "cross_entropy")
    for shown, title in (
        (runs, "test squared error per sample"),
        ([other], "test cross-entropy per sample"),
        ([*runs, other], "test loss per sample"),
        ([], "test loss per sample"),
    ):
        assert runs_figure(shown, "loss").layout.yaxis.title.text == title
    assert runs_figure(runs, "accuracy").layout.yaxis.title.text == "test accuracy (%)"


def test_the_x_axis_counts_what_is_asked_for(runs):
    for axis, expected in (("epochs", [1, 2, 3]), ("steps", [100, 200, 300]), ("seconds", [1, 2, 3])):
        np.testing.assert_array_equal(runs_traces(runs, "accuracy", axis)[-1]["x"], expected)


def test_no_epoch_of_the_present_run_lies_off_the_axis(make_history):
    slow, fast = (
        RunCurve(n, f"run {n}", make_history(2, test_accuracies=shares).epochs, 100, "squared_error")
        for n, shares in enumerate(([0.62, 0.95], [0.91, 0.96]), 1)
    )
    for runs, floor in (([fast, slow], 60), ([slow, fast], 80)):  # others stretch it by one step
        assert runs_layout(runs, "accuracy")["yaxis"]["range"][0] == floor


def test_a_fork_goes_on_where_its_parent_was(make_history):
    """Also where its epochs have fewer steps: each axis counts what came before it."""
    before = {"first_epoch": 2, "first_step": 200, "first_seconds": 2.5}
    fork = RunCurve(2, "fork", make_history(4).epochs[1:], 10, "squared_error", **before)
    for axis, expected in (("epochs", [2, 3, 4]), ("steps", [200, 210, 220]), ("seconds", [2.5, 3.5, 4.5])):
        np.testing.assert_array_equal(runs_traces([fork], "accuracy", axis)[-1]["x"], expected)


def test_a_title_is_text_and_short(make_history):
    run = RunCurve(1, "<b>" + "x" * 60, make_history(1).epochs, 1, "squared_error")
    name = runs_traces([run], "loss")[-1]["name"]
    assert name.startswith("&lt;b&gt;x")
    assert name.endswith("…")
