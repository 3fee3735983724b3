"""Loss and accuracy over the epochs of a run, before those of earlier runs in grey.

The number of traces and their order never change, so that a live figure only exchanges their data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.axes import accuracy_range, epoch_step, linear_range, log_range
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import template
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.records import BatchRecord, History
from explorer.wording import grouped

__all__ = [
    "EARLIER_SLOTS",
    "TRACE_NAMES",
    "accuracy_figure",
    "accuracy_layout",
    "accuracy_style",
    "accuracy_traces",
    "loss_figure",
    "loss_layout",
    "loss_style",
    "loss_traces",
]

EARLIER_SLOTS = 6
"""How many earlier runs are shown; older ones are left out."""

_BATCHES = "mini-batches"
TRACE_NAMES = (*("earlier runs",) * EARLIER_SLOTS, _BATCHES, "train", "test")
"""The traces in their order: what is drawn later lies on top. The newest earlier run is the last of its kind.

What a point of the mini-batches' line stands for depends on the run, and so does the name of that trace.
"""

_RUNNING_POINTS = 400  # more than a plot of 900 px can show, and cheap to send
_MOST_MARKERS = 50  # beyond, markers merge into a thick line
_HEIGHT = 280  # px

Scale = Literal["linear", "log"]


@dataclass(frozen=True, slots=True)
class _Measure:
    """What the two figures differ in.

    Parameters
    ----------
    name : str
        ``"loss"`` or ``"accuracy"``: records hold it as ``train_…`` and ``test_…``.
    factor : float
        From the record's number to the shown one.
    shown : str
        The y value within a hover text, in Plotly's template language.
    """

    name: str
    factor: float
    shown: str

    def earlier(self, history: History, runs: Sequence[History]) -> Sequence[History]:
        """Return the earlier runs that share the axis: of runs with another loss there is no loss to compare."""
        if self.name == "loss":
            runs = [run for run in runs if run.config.loss == history.config.loss]
        return runs[-EARLIER_SLOTS:]


_LOSS = _Measure("loss", 1.0, "loss %{y:.4f}")
_ACCURACY = _Measure("accuracy", 100.0, "%{y:.2f} %")


def loss_traces(history: History, earlier: Sequence[History] = ()) -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `loss_figure`.

    Parameters
    ----------
    history : History
        The run that is shown.
    earlier : sequence of History
        Earlier runs, the newest last; the last `EARLIER_SLOTS` of those with the same loss are shown.

    Returns
    -------
    list of dict
        One for each name in `TRACE_NAMES`: `x` in epochs and `y` in loss per sample (float32, NaN where the
        loss is no finite number), `visible`, `mode`; for earlier runs, `meta` says in what they differ; for the
        mini-batches, `name` says how many each point stands for.
    """
    return _traces(history, earlier, _LOSS)


def accuracy_traces(history: History, earlier: Sequence[History] = ()) -> list[dict[str, Any]]:
    """Return what changes with the data in the traces of `accuracy_figure`: as `loss_traces`, `y` in percent."""
    return _traces(history, earlier, _ACCURACY)


def loss_layout(
    history: History, earlier: Sequence[History] = (), *, scale: Scale = "linear", n_epochs: int | None = None
) -> dict[str, Any]:
    """Return what changes with the data in the layout of `loss_figure`.

    A linear axis starts at 0 and ends at a round number above the run's test losses and its last train loss:
    earlier train losses, means over whole epochs, may come in from above. (Before the first epoch ends, it fits
    the mini-batches.) An earlier run counts with its best epoch and stretches the axis to twice that at most,
    so that one that diverged doesn't flatten the others. The axis names the loss.
    """
    own = _deciding(history, "loss") or [record.train_loss for record in history.batches]
    runs = _LOSS.earlier(history, earlier)
    others = [min((record.test_loss for record in run), default=0.0) for run in runs]
    shown = log_range(own) if scale == "log" else linear_range(own, others)
    title = {"text": f"{history.config.text('loss')} per sample"}
    return {
        "xaxis": _epoch_axis(history, n_epochs),
        "yaxis": {"type": scale, "range": shown, "title": title},
    }


def accuracy_layout(
    history: History, earlier: Sequence[History] = (), *, n_epochs: int | None = None
) -> dict[str, Any]:
    """Return what changes with the data in the layout of `accuracy_figure`.

    The axis ends at 100 % and starts at the highest of 90, 80, 50 and 0 % that lies below the run's test
    accuracies and its last train accuracy. The best epochs of earlier runs can take it one step lower.
    """
    own = [100 * share for share in _deciding(history, "accuracy")]
    others = [100 * run.best.test_accuracy for run in _ACCURACY.earlier(history, earlier) if run.best]
    title = {"text": "accuracy (%)"}
    return {
        "xaxis": _epoch_axis(history, n_epochs),
        "yaxis": {"range": accuracy_range(own, others), "title": title},
    }


def loss_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `loss_figure`, and their names and hover texts."""
    return _style(_LOSS, theme)


def accuracy_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `accuracy_figure`, and their names and hover texts."""
    return _style(_ACCURACY, theme)


def loss_figure(
    history: History,
    *,
    earlier: Sequence[History] = (),
    theme: Theme = "light",
    scale: Scale = "linear",
    n_epochs: int | None = None,
) -> go.Figure:
    """Return the loss per sample over the epochs.

    Parameters
    ----------
    history : History
        The run that is shown: its mini-batches (thin), train and test.
    earlier : sequence of History
        Earlier runs, the newest last; the test curve of each of the last `EARLIER_SLOTS` is drawn in grey.
    theme : {"light", "dark"}
        Colours.
    scale : {"linear", "log"}
        Scale of the loss axis.
    n_epochs : int, optional
        End of the epoch axis; without it, as many as the run's settings say.
    """
    return _figure(
        loss_traces(history, earlier),
        loss_style(theme),
        loss_layout(history, earlier, scale=scale, n_epochs=n_epochs),
        theme,
    )


def accuracy_figure(
    history: History,
    *,
    earlier: Sequence[History] = (),
    theme: Theme = "light",
    n_epochs: int | None = None,
) -> go.Figure:
    """Return the accuracy in percent over the epochs; the parameters are those of `loss_figure`."""
    return _figure(
        accuracy_traces(history, earlier),
        accuracy_style(theme),
        accuracy_layout(history, earlier, n_epochs=n_epochs),
        theme,
    )


def _figure(
    traces: list[dict[str, Any]],
    style: list[dict[str, Any]],
    layout: dict[str, Any],
    theme: Theme,
) -> go.Figure:
    data = [look | values for look, values in zip(style, traces, strict=True)]
    fixed = {
        "template": template(theme),
        "height": _HEIGHT,
        "showlegend": True,
        "xaxis": {"title": {"text": "epoch"}},
    }
    return go.Figure(data, fixed).update_layout(layout)


def _traces(history: History, earlier: Sequence[History], measure: _Measure) -> list[dict[str, Any]]:
    shown = measure.earlier(history, earlier)
    train, test = f"train_{measure.name}", f"test_{measure.name}"
    return [
        *(
            {**_line((), test, measure), "visible": False, "meta": ""}
            for _ in range(EARLIER_SLOTS - len(shown))
        ),
        *(
            {
                **_line(run.epochs, test, measure),
                "visible": True,
                "meta": _difference(history.config, run.config),
            }
            for run in shown
        ),
        {
            **_line(_thinned(history.batches), train, measure),
            "visible": True,
            "mode": "lines",
            "name": _batches_name(history.batches),
        },
        {**_line(history.epochs, train, measure), "visible": True},
        {**_line(history.epochs, test, measure), "visible": True},
    ]


def _line(records: Sequence[Any], attribute: str, measure: _Measure) -> dict[str, Any]:
    return {
        "x": _column(records, "epoch"),
        "y": _column(records, attribute, measure.factor),
        "mode": "lines+markers" if len(records) <= _MOST_MARKERS else "lines",
    }


def _column(records: Sequence[Any], attribute: str, factor: float = 1.0) -> NDArray[np.float32]:
    """Return one attribute of all records as float32, which goes to the page as binary; NaN where not finite."""
    column = np.fromiter(map(attrgetter(attribute), records), np.float64, len(records)) * factor
    return np.where(np.abs(column) < np.finfo(np.float32).max, column, np.nan).astype(np.float32)


def _thinned(records: Sequence[Any]) -> Sequence[Any]:
    """Return every 2ᵏ-th record, at most `_RUNNING_POINTS`, and the last.

    By powers of two, because the points then stay where they are while records are added.
    """
    stride = 1
    while len(records) > stride * (_RUNNING_POINTS - 1):
        stride *= 2
    kept = records[stride - 1 :: stride]
    return kept if len(records) % stride == 0 else (*kept, records[-1])


def _batches_name(records: Sequence[BatchRecord]) -> str:
    """Return what a point of the mini-batches' line is: one of them, or the mean of several."""
    steps = max((after.step - before.step for before, after in pairwise(records[:3])), default=0)
    if steps < 2:
        return "each mini-batch" if steps else _BATCHES
    return f"means of {grouped(steps)} mini-batches"


def _difference(config: TrainingConfig, other: TrainingConfig) -> str:
    """Say in what an earlier run differs: ``"earlier run: batch size 64"``."""
    parts = [
        f"{FIELDS[name].label.lower()} {FIELDS[name].format(getattr(other, name))}"
        for name in config.differences(other)
    ]
    return "earlier run" + (": " + ", ".join(parts[:3]) if parts else "") + (", …" if len(parts) > 3 else "")


def _style(measure: _Measure, theme: Theme) -> list[dict[str, Any]]:
    palette = PALETTES[theme]
    looks = [
        *(
            {
                "line": {"color": palette.earlier, "width": 1.5},
                "marker": {"color": palette.earlier, "size": 3},
                "opacity": 0.4 + 0.6 * (slot + 1) / EARLIER_SLOTS,
                "legendgroup": "earlier",
                "legendrank": 4,
                "showlegend": slot == EARLIER_SLOTS - 1,
                "hovertemplate": f"epoch %{{x}} · test {measure.shown}<br>%{{meta}}<extra></extra>",
            }
            for slot in range(EARLIER_SLOTS)
        ),
        {
            "line": {"color": palette.train, "width": 1},
            "opacity": 0.35,
            "legendrank": 3,
            "hovertemplate": f"epoch %{{x:.2f}} · %{{fullData.name}} {measure.shown}<extra></extra>",
        },
        *(
            {
                "line": {"color": color},
                "marker": {"color": color},
                "legendrank": rank,
                "hovertemplate": f"epoch %{{x}} · {name} {measure.shown}<extra></extra>",
            }
            for name, color, rank in (("train", palette.train, 1), ("test", palette.test, 2))
        ),
    ]
    named = [{} if name == _BATCHES else {"name": name} for name in TRACE_NAMES]
    return [{"type": "scatter"} | name | look for name, look in zip(named, looks, strict=True)]


def _epoch_axis(history: History, n_epochs: int | None) -> dict[str, Any]:
    end = n_epochs or history.config.epochs
    return {"range": [0, 1.01 * end], "dtick": epoch_step(end)}


def _deciding(history: History, name: str) -> list[float]:
    """Return the values that must lie within the axis: every test value, and the last train value."""
    if history.last is None:
        return []
    test = map(attrgetter(f"test_{name}"), history)
    return [*test, getattr(history.last, f"train_{name}")]
