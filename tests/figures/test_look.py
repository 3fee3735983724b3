"""The look of every figure: its styles, words and axes are those of a copy that somebody has looked at.

After a change that is wanted, ``EXPLORER_NEW_LOOK=1 pytest tests/figures/test_look.py`` writes the copy again.
"""

import copy
import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from made_trials import diverged, finished, swept

from explorer.datasets.augmentation import CORRUPTIONS
from explorer.figures import charts, confusion
from explorer.figures.curves import RunCurve, curves_figure, runs_figure
from explorer.figures.layers import histograms_figure, layers_figure
from explorer.figures.palette import PALETTES
from explorer.figures.reliability import reliability, reliability_figure, robustness_figure
from explorer.figures.studies import StudyView, ranking_figure, study_figure
from explorer.figures.template import merged, template
from explorer.network.diagnostics import LayerDiagnostics
from explorer.network.gradient_check import CheckedWeight, Place
from explorer.training.fields import Change

COPY = Path(__file__).with_name("look.txt")


def percent_figure(counts, names, *, theme="light"):
    cells, layout = confusion.confusion_data(counts, names, normalize="row")
    return confusion.drawn_matrix(merged(confusion.confusion_style(names, theme), cells), layout, theme)


@pytest.fixture
def figures(make_history, counts, digits):
    """The builder of each figure, by name, with its arguments."""
    changed = make_history(2, changes=(Change(50, 0.001, 512),), l2=0.001)
    earlier = [make_history(2, seed=seed, l2=0.001) for seed in range(2)]
    layers = [np.linspace(-1, 1, 60).reshape(6, 10), np.linspace(-2, 0, 12)]
    named = ("sigmoid", "relu", "softmax")
    stuck = {e: [LayerDiagnostics(n, f, 8, 0.1, 0.2, 0.01) for n, f in enumerate(named)] for e in (0.0, 1.0)}
    records = tuple(make_history(2))
    runs = [RunCurve(n, f"run {n}", records, range(3), {"squared error": 1.0}) for n in range(1, 9)]
    trials = [finished(0.9, reduction="mean"), finished(0.8, seed=1), diverged(batch_size=8)]
    cells = swept("batch_size", {8: (0.9, 0.92), 64: (None,)}, learning_rate=0.1)
    outputs = np.array([[0.9, 0.6, 0.2], [0.1, 0.4, 0.8]])
    bins = reliability(outputs, np.array([0, 0, 0]))
    turns, amounts = CORRUPTIONS["rotation"], {0.0: 0.93, 60.0: 0.2}
    checked = [CheckedWeight(Place(f"W{n}", 0, 1), 0.5, 0.4, 0.0, False) for n in (1, 2)]
    points, labels = np.array([[0.1, -0.2], [0.4, 0.5]]), np.array([1, 0])
    return {
        "loss": (curves_figure, (changed, earlier), {"metric": "loss"}),
        "accuracy": (curves_figure, (make_history(2), ()), {"metric": "accuracy"}),
        "confusion": (confusion.confusion_figure, (counts, digits), {}),
        "confusion in percent": (percent_figure, (counts, ("a coat",) * 10), {}),
        "no confusion": (confusion.confusion_figure, (None, digits), {}),
        "difference": (confusion.difference_figure, (counts, counts.T, digits), {}),
        "weights": (histograms_figure, (layers, layers), {"names": ("layer 1", "output")}),
        "gradients of layers": (layers_figure, (stuck, "gradient"), {"n_epochs": 10}),
        "stuck units": (layers_figure, (stuck, "stuck"), {"n_epochs": 10}),
        "calibration": (reliability_figure, (bins,), {}),
        "robustness": (robustness_figure, ([("this run", amounts), ("run 1", amounts)], turns), {}),
        "losses of runs": (runs_figure, (runs, "loss"), {}),
        "accuracies of runs": (runs_figure, (runs, "accuracy"), {}),
        "study": (study_figure, (StudyView(trials, ("batch_size", "reduction")),), {}),
        "ranking": (ranking_figure, (StudyView(trials, ("batch_size",)),), {}),
        "heat map": (study_figure, (StudyView(cells, ("batch_size", "learning_rate")),), {}),
        "lines": (charts.lines_figure, ({"a": ([0, 1], [1, 2]), "b": ([0], [1])},), {"x_title": "x"}),
        "contrast": (charts.contrast_figure, ([3, np.nan], [2, 1]), {"measured": "loss"}),
        "recall": (charts.recall_figure, (counts, digits), {}),
        "answers": (charts.answers_figure, ({"one": outputs[:, 0], "two": outputs[:, 1]}, ("a", "b")), {}),
        "gradients": (charts.gradients_figure, (checked,), {}),
        "plane": (charts.plane_figure, (points, labels, np.eye(2)), {}),
    }


def plain(value):
    """A property as text: of arrays only their kind, of lists only the beginning."""
    if isinstance(value, dict):
        return value["dtype"] if "bdata" in value else {k: plain(v) for k, v in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value[:4]] + ["…"] * (len(value) > 4)
    return float(f"{value:.6g}") if isinstance(value, float) else value


def look(figure, theme):
    """The lines that describe a figure's visible traces and its layout; the theme's colors by their names."""
    parts = [*(trace for trace in figure["data"] if trace.get("visible", True)), figure["layout"]]
    text = "\n".join(str(plain({k: v for k, v in part.items() if k != "template"})) for part in parts)
    for field in fields(PALETTES[theme]):
        text = text.replace(f"'{getattr(PALETTES[theme], field.name)}'", field.name)
    return text.splitlines()


def test_the_look_is_the_one_that_was_looked_at(figures):
    shown, light = [], set()
    for theme in PALETTES:
        bare = {"data": [], "layout": template(theme).to_plotly_json()}
        shown += [f"# template, {theme}", *look(bare, theme)]
        for name, (make, given, options) in figures.items():
            themed = {} if make.__module__ == charts.__name__ else {"theme": theme}  # lessons are in light
            lines = look(make(*given, **options, **themed).to_plotly_json(), "light" if not themed else theme)
            shown += [f"# {name}, {theme}", *(line for line in lines if line not in light)]
        light = {*shown}
    if os.environ.get("EXPLORER_NEW_LOOK"):
        COPY.write_text("\n".join(shown), encoding="utf-8")
    assert shown == COPY.read_text(encoding="utf-8").split("\n")


def test_the_builders_are_pure_and_send_arrays_as_binary(figures):
    for name, (make, given, options) in figures.items():
        before = copy.deepcopy(given)
        figure = make(*given, **options)
        assert figure.to_json() == make(*given, **options).to_json(), name
        assert repr(given) == repr(before), name
        sent = [axis for trace in figure.data if trace.type == "scatter" for axis in (trace.x, trace.y)]
        assert {axis.dtype.name for axis in sent if isinstance(axis, np.ndarray)} <= {"float32"}, name
