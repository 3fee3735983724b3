"""Loss and accuracy over the epochs of a run, before those of earlier runs in grey."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.figures.axes import (
    FACTORS,
    HOVERS,
    Metric,
    accuracy_range,
    as_float32,
    epoch_axis,
    epoch_mark,
    line_mode,
    linear_range,
)
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import FigureData, drawn_data
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.records import BatchRecord, History
from explorer.wording import grouped

__all__ = ["EARLIER_SLOTS", "curves_data", "curves_figure", "curves_marks", "curves_style"]

EARLIER_SLOTS = 6
"""How many earlier runs are shown; older ones are left out."""

_RUNNING_POINTS = 400  # more than a plot of 900 px can show, and cheap to send
_HEIGHT = 280  # px


def curves_data(
    history: History, earlier: Sequence[History] = (), *, metric: Metric, earlier_name: str = "earlier runs"
) -> FigureData:
    """Return what changes with the data in `curves_figure`, whose parameters these are.

    The legend calls the earlier runs `earlier_name`.

    The loss axis starts at 0 and ends at a round number above the run's train and test losses. (Before the first
    epoch ends, it fits the mini-batches; later they may come in from above.) An earlier run counts with its best
    epoch and stretches the axis to twice that at most, so that one that diverged doesn't flatten the others. The
    axis names what is in the loss. On the right, the learning rate has an axis of its own.

    The accuracy axis ends at 100 % and starts at the highest round number, as `accuracy_range` has them, that lies
    below the run's train and test accuracies. The best epochs of earlier runs can take it one step lower.

    Returns
    -------
    traces, layout
        `EARLIER_SLOTS` earlier runs, the newest last; in a figure of the loss the learning rate, where it is not
        always the same; the mini-batches; train; the held-out images, with what these are as `name`: what is
        drawn later lies on top. `x` in epochs and `y` in loss per sample or percent (float32, NaN where it is no
        finite number), `visible`, `mode`; for earlier runs, `meta` says in what they differ; for the
        mini-batches, `name` says how many each point stands for.
    """
    config, shown, factor = history.config, _comparable(history, earlier, metric), FACTORS[metric]
    train, test = f"train_{metric}", f"test_{metric}"
    hover = f"epoch %{{x}} · {config.held_out} {HOVERS[metric]}<br>%{{meta}}<extra></extra>"
    differences = [{"meta": _difference(config, run.config), "hovertemplate": hover} for run in shown]
    called: dict[str, Any] = {"name": earlier_name}
    has_rates = metric == "loss" and not config.has_one_rate
    batches, rates = _thinned(history.batches), _thinned(history.batches or history.epochs)
    traces = [
        *(_line((), test, visible=False, **called, meta="") for _ in range(EARLIER_SLOTS - len(shown))),
        *(
            _line(run.epochs, test, factor, **called, **said)
            for run, said in zip(shown, differences, strict=True)
        ),
        # Each rate is that of the steps since the point before.
        _line(rates, "learning_rate", mode="lines", visible=has_rates),
        _line(batches, train, factor, mode="lines", name=_batches_name(history.batches)),
        _line(history.epochs, train, factor),
        _line(history.epochs, test, factor, name=config.held_out),
    ]
    own = [getattr(record, name) for record in history for name in (train, test)]
    if metric == "loss":
        own = own or [record.train_loss for record in history.batches]
        best = [min((record.test_loss for record in run), default=0.0) for run in shown]
        title, limits = f"{config.loss_name} per sample", linear_range(own, best)
    else:
        best = [100 * run.best.test_accuracy for run in shown if run.best]
        title, limits = "accuracy (%)", accuracy_range([100 * share for share in own], best)
    return traces, {
        "xaxis": epoch_axis(config.epochs, first=history[0].epoch if history else 1),
        "yaxis": {"type": "linear", "range": limits, "title": {"text": title}},
        "yaxis2": _rate_axis(config, metric),
    }


def curves_marks(
    history: History, theme: Theme = "light", *, metric: Metric
) -> dict[str, list[dict[str, Any]]]:
    """Return what marks the changes in mid-run in the layout of `curves_figure`: a line each, and its words.

    The words stand where there is room: above the loss, below the accuracy.
    """
    config, batches = history.config, history.batches
    known = batches[-1].step if batches else -1
    steps, epochs = [one.step for one in batches], [one.epoch for one in batches]
    marks: dict[str, list[dict[str, Any]]] = {"shapes": [], "annotations": []}
    edge, y, down = ("top", 1, -1) if metric == "loss" else ("bottom", 0, 1)
    look = {"yref": "paper", "y": y, "yanchor": edge, "bgcolor": PALETTES[theme].surface, "borderpad": 0}
    for number, (change, words) in enumerate(zip(config.changes, config.changes_in_words, strict=True)):
        if change.step > known:
            break
        at = float(np.interp(change.step, [0, *steps], [0, *epochs]))
        marks["shapes"] += [mark | {"opacity": 0.5} for mark in epoch_mark(at, theme, "solid")]
        anchor, shift = ("left", 3) if at < config.epochs / 2 else ("right", -3)
        place = {
            "xanchor": anchor,
            "xshift": shift,
            "yshift": down * 15 * (number % 4),
        }  # none covers the next
        marks["annotations"].append({"x": at, "text": words, **look, **place})
    return marks


def curves_style(theme: Theme = "light", *, metric: Metric) -> list[dict[str, Any]]:
    """Return what changes with the theme in the traces of `curves_figure`, and their names and hover texts."""
    palette, shown = PALETTES[theme], HOVERS[metric]
    earlier = {
        "line": {"color": palette.earlier, "width": 1.5},
        "marker": {"color": palette.earlier, "size": 3},
        "legendgroup": "earlier",
        "legendrank": 4,
    }
    newest = EARLIER_SLOTS - 1
    batches = {  # what a point stands for depends on the run, and so does the name
        "line": {"color": palette.train, "width": 1},
        "opacity": 0.35,
        "legendrank": 3,
        "hovertemplate": f"epoch %{{x:.2f}} · %{{fullData.name}} {shown}<extra></extra>",
    }
    rate = {
        "name": "learning rate",
        "yaxis": "y2",
        "line": {"color": palette.muted, "width": 1, "dash": "dot", "shape": "vh"},
        "legendrank": 5,
        "showlegend": False,
        "hovertemplate": "epoch %{x:.2f} · learning rate %{y:.4~g}<extra></extra>",
    }
    own = [
        {
            "name": name,
            "line": {"color": colour},
            "marker": {"color": colour},
            "legendrank": rank,
            "hovertemplate": f"epoch %{{x}} · %{{fullData.name}} {shown}<extra></extra>",
        }
        for rank, (name, colour) in enumerate((("train", palette.train), ("test", palette.test)), 1)
    ]
    looks = [
        *(
            earlier | {"opacity": 0.4 + 0.6 * (slot + 1) / EARLIER_SLOTS, "showlegend": slot == newest}
            for slot in range(EARLIER_SLOTS)
        ),
        rate,
        batches,
        *own,
    ]
    return [{"type": "scatter"} | look for look in looks]


def curves_figure(
    history: History, earlier: Sequence[History] = (), *, metric: Metric, theme: Theme = "light"
) -> go.Figure:
    """Return loss or accuracy over the epochs.

    Parameters
    ----------
    history : History
        The run that is shown: its mini-batches (thin), train and test, or validation where images are held out.
    earlier : sequence of History
        Earlier runs, the newest last; the test curve of each of the last `EARLIER_SLOTS` is drawn in grey. Those
        whose loss holds something else are left out of a figure of the loss.
    metric : {"loss", "accuracy"}
        Loss per sample, or accuracy in percent.
    """
    traces, layout = curves_data(history, earlier, metric=metric)
    data = traces, layout | curves_marks(history, theme, metric=metric)
    return drawn_data(curves_style(theme, metric=metric), data, theme, height=_HEIGHT, showlegend=True)


def _comparable(history: History, earlier: Sequence[History], metric: Metric) -> Sequence[History]:
    """Return the earlier runs that share the axis: losses that hold different things don't compare."""
    if metric == "loss":
        earlier = [run for run in earlier if run.config.loss_terms == history.config.loss_terms]
    return earlier[-EARLIER_SLOTS:]


def _line(records: Sequence[Any], attribute: str, factor: float = 1.0, **more: Any) -> dict[str, Any]:
    values = np.array([getattr(record, attribute) for record in records], np.float64)
    return {
        "x": as_float32([record.epoch for record in records]),
        "y": as_float32(factor * values),
        "mode": line_mode(len(records)),
        "visible": True,
        **more,
    }


def _rate_axis(config: TrainingConfig, metric: Metric) -> dict[str, Any]:
    highest = max(config.learning_rate, *(change.learning_rate for change in config.changes), 0)
    return {
        "overlaying": "y",
        "side": "right",
        "visible": metric == "loss" and not config.has_one_rate,
        "range": [0, 1.05 * highest],
        "title": {"text": "learning rate (dotted)"},
        "showgrid": False,
        "tickmode": "array",
        "tickvals": [0, highest],
        "ticktext": ["0", f"{highest:.3g}"],
    }


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
        return "each mini-batch" if steps else "mini-batches"
    return f"means of {grouped(steps)} mini-batches"


def _difference(config: TrainingConfig, other: TrainingConfig) -> str:
    """Say in what an earlier run differs: ``"earlier run: batch size 64"``."""
    parts = [f"{FIELDS[name].label.lower()} {other.text(name)}" for name in config.differences(other)]
    return "earlier run" + (": " + ", ".join(parts[:3]) if parts else "") + (", …" if len(parts) > 3 else "")
