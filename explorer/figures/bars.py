"""Bar charts by class: recall, or a network's outputs."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme
from explorer.figures.template import drawn
from explorer.network import per_class
from explorer.wording import counted


def recall_figure(
    counts: NDArray[np.integer], class_names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Return a chart of the recall of each class, the most difficult first.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes, n_classes)
        Rows are the true class, columns the predicted.
    """
    scores = per_class(counts)
    order = np.argsort(scores.recall, kind="stable")
    recall = 100 * scores.recall[order]
    bars = {
        "type": "bar",
        "x": [class_names[i] for i in order],
        "y": recall.astype(np.float32),
        "text": [f"{share:.1f}" for share in recall],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [counted(int(n), "test image") for n in scores.support[order]],
        "marker": {"color": PALETTES[theme].test},
        "hovertemplate": "%{x}: %{y:.1f} % of %{customdata}<extra></extra>",
    }
    floor = 10 * np.floor(max(0.0, float(recall.min()) - 5) / 10)
    y_axis = {"title": {"text": "recall (%)"}, "range": [floor, 100]}
    return _figure([bars], theme, "true class", bargap=0.4, yaxis=y_axis)


def answers_figure(
    answers: Mapping[str, NDArray[np.floating]], class_names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Return a chart of the outputs of networks for one sample, next to each other.

    Parameters
    ----------
    The outputs, 0 to 1, by the network's name.
        The outputs, 0 to 1, by the network's name.
    """
    bars = [
        {
            "type": "bar",
            "name": name,
            "x": list(class_names),
            "y": np.asarray(outputs, np.float32),
            "marker": {"color": colour},
            "hovertemplate": f"{name}: output %{{x}} is %{{y:.3f}}<extra></extra>",
        }
        for (name, outputs), colour in zip(answers.items(), cycle(RUN_COLOURS[theme]), strict=False)
    ]
    y_axis = {"title": {"text": "output"}, "range": [0, 1.02]}
    return _figure(bars, theme, "output unit", showlegend=len(answers) > 1, yaxis=y_axis)


def _figure(bars: list[dict[str, Any]], theme: Theme, x_title: str, **fixed: Any) -> go.Figure:
    x_axis = {"title": {"text": x_title}, "type": "category", "dtick": 1, "showgrid": False}
    return drawn(bars, theme, height=280, xaxis=x_axis, **fixed)
