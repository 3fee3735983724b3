"""Loss and accuracy over the epochs of a run, on top of earlier runs in gray."""

from collections.abc import Mapping, Sequence
from functools import cache
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
from explorer.figures.runs import names_at_ends
from explorer.figures.template import FigureData, axis, drawn, legend_text, merged, scatter
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.records import BatchStep, History, SampleRecord
from explorer.wording import counted, percent

EARLIER_SLOTS = 6
"""Maximum number of earlier runs shown; older ones are left out."""

_RUNNING_POINTS = 400  # more than a plot of 900 px can show, and cheap to send
_HEIGHT = 280  # px
_UNDRAWN = as_float32([np.nan])  # until there is a point: Plotly leaves an empty trace out of the legend


def curves_data(
    history: History,
    earlier: Sequence[History] = (),
    *,
    metric: Metric,
    theme: Theme = "light",
    earlier_name: str = "earlier runs",
    samples: Sequence[SampleRecord] = (),
    names: Sequence[str] = (),
) -> FigureData:
    """Return the traces and the layout of `curves_figure`; its parameters apply.

    `samples` are figures within the first epoch, a thin line that leads to its end; a mid-run change has a mark.
    `names`, for each of the earlier runs, empty for none, and the run, stand at the curves' ends.
    The axes fit the run's train and test values (before the first epoch ends, the mini-batches), and the best
    epochs of earlier runs within the limits of `linear_range` and `accuracy_range`: one that diverged doesn't
    flatten the others.

    The traces are `EARLIER_SLOTS` earlier runs, the newest last; the learning rate, visible over the loss unless
    it is constant; the samples; the mini-batches; train; the held-out images. `x` in epochs and `y` in loss per
    image or percent are float32, NaN if not finite.
    """
    config, shown, factor = history.config, _comparable(history, earlier, metric), FACTORS[metric]
    called_at_end, palette, ends = dict(zip(map(id, earlier), names, strict=False)), PALETTES[theme], []
    train, test = f"train_{metric}", f"test_{metric}"
    hover = f"epoch %{{x}} · {config.held_out} {HOVERS[metric]}<br>%{{meta}}<extra></extra>"
    has_rates = metric == "loss" and not config.has_one_rate
    named = {} if history.epochs else {"x": _UNDRAWN, "y": _UNDRAWN}
    batches, rates = _thinned(history.batches), _thinned(history.batches or history.epochs)
    traces = [_line((), test, visible=False, name=earlier_name, meta="")] * (EARLIER_SLOTS - len(shown))
    for run in shown:
        options = {"name": earlier_name, "meta": _difference(config, run.config), "hovertemplate": hover}
        traces.append(_line(run.epochs, test, factor, **options))
        if (name := called_at_end.get(id(run))) and not has_rates:  # whose axis is in the right margin
            ends.append({**traces[-1], "name": legend_text(name), "line": {"color": palette.muted}})
    traces += [
        # Each rate is that of the steps since the previous point.
        _line(rates, "learning_rate", mode="lines", visible=has_rates),
        _line((*samples, *history.epochs[:1]), test, factor, mode="lines", visible=bool(samples))
        | {"opacity": 0.35 if history.epochs else 1.0},
        _line(batches, train, factor, mode="lines", name="during training"),
        _line(history.epochs, train, factor) | named,
        _line(history.epochs, test, factor, name=config.held_out) | named,
    ]
    own = [getattr(record, name) for record in history.epochs for name in (train, test)]
    if metric == "loss":
        own = own or [record.train_loss for record in history.batches]
        best = [min((record.test_loss for record in run.epochs), default=0.0) for run in shown]
        title, limits = f"{config.loss_name} per sample", linear_range(own, best)
    else:
        best = [100 * run.best.test_accuracy for run in shown if run.best]
        title, limits = "accuracy (%)", accuracy_range([100 * share for share in own], best)
    ends += [{**traces[-1], "name": legend_text(names[-1]), "line": {"color": palette.test}}] if ends else []
    marks, at_ends = _marks(history, theme, metric), names_at_ends(ends, {"type": "linear", "range": limits})
    return merged(_looks(theme, metric), traces), {
        "shapes": marks["shapes"],
        "annotations": marks["annotations"] + at_ends["annotations"],
        "margin": at_ends["margin"],
        "xaxis": epoch_axis(config.epochs, first=history[0].epoch if history else 1),
        "yaxis": axis(title, type="linear", range=limits),
        "yaxis2": _rate_axis(config, is_visible=has_rates),
    }


def _marks(history: History, theme: Theme, metric: Metric) -> dict[str, list[dict[str, Any]]]:
    """Return the layout's marks of mid-run changes, a line and a label each."""
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
        below = down * 15 * (number % 4)  # none covers the next
        place = {"xanchor": anchor, "xshift": shift, "yshift": below}
        marks["annotations"].append({"x": at, "text": words, **look, **place})
    return marks


@cache
def _looks(theme: Theme, metric: Metric) -> Sequence[Mapping[str, Any]]:
    """Return the traces' names, hover texts and colors."""
    palette, named = PALETTES[theme], f"· %{{fullData.name}} {HOVERS[metric]}"
    line, marker = {"color": palette.earlier, "width": 1.5}, {"color": palette.earlier, "size": 3}
    earlier = scatter(line=line, marker=marker, legendgroup="earlier", legendrank=4)
    looks = [
        earlier | {"opacity": 0.4 + 0.6 * (slot + 1) / EARLIER_SLOTS, "showlegend": slot == EARLIER_SLOTS - 1}
        for slot in range(EARLIER_SLOTS)
    ]
    dots = {"color": palette.muted, "width": 1, "dash": "dot", "shape": "vh"}
    rate = {"name": "learning rate", "yaxis": "y2", "line": dots, "legendrank": 5, "showlegend": False}
    thin, test = {"color": palette.train, "width": 1}, {"color": palette.test}
    batches = {"line": thin, "opacity": 0.35, "legendrank": 3, "showlegend": False}
    looks += [
        scatter("epoch %{x:.2f} · learning rate %{y:.4~g}", **rate),
        scatter(f"epoch %{{x:.2~g}} {named}", **batches | {"name": "sample", "line": {**thin, **test}}),
        scatter(f"epoch %{{x:.2f}} {named}", **batches),
    ]
    for rank, (name, color) in enumerate((("train", palette.train), ("test", palette.test)), 1):
        colors = {"line": {"color": color}, "marker": {"color": color}}
        looks.append(scatter(f"epoch %{{x}} {named}", name=name, legendrank=rank, **colors))
    return looks


def curves_figure(
    history: History, earlier: Sequence[History] = (), *, metric: Metric, theme: Theme = "light"
) -> go.Figure:
    """Return a figure of a run's loss per sample, or accuracy in percent, over its epochs, on top of earlier runs.

    It shows the mini-batches (thin), train and test, or validation if images are held out.
    """
    traces, layout = curves_data(history, earlier, metric=metric, theme=theme)
    return drawn(traces, theme, layout, height=_HEIGHT, showlegend=True)


def _comparable(history: History, earlier: Sequence[History], metric: Metric) -> Sequence[History]:
    """Return the earlier runs that share the axis: losses with different terms are not comparable."""
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


def _rate_axis(config: TrainingConfig, *, is_visible: bool) -> dict[str, Any]:
    highest = max(config.learning_rate, *(change.learning_rate for change in config.changes), 0)
    ticks = {"tickmode": "array", "tickvals": [0, highest], "ticktext": ["0", f"{highest:.3g}"]}
    place = {"overlaying": "y", "side": "right", "visible": is_visible, "showgrid": False}
    return axis("learning rate (dotted)", range=[0, 1.05 * highest], **place, **ticks)


def _thinned(records: Sequence[Any]) -> Sequence[Any]:
    """Return every 2ᵏ-th record, so that points keep their positions, at most `_RUNNING_POINTS`, and the last."""
    stride = 1
    while len(records) > stride * (_RUNNING_POINTS - 1):
        stride *= 2
    kept = records[stride - 1 :: stride]
    return kept if len(records) % stride == 0 else (*kept, records[-1])


def _difference(config: TrainingConfig, other: TrainingConfig) -> str:
    """Describe how an earlier run differs: ``"earlier run: batch size 64"``."""
    parts = [f"{FIELDS[name].label.lower()} {other.text(name)}" for name in config.differences(other)]
    return "earlier run" + (": " + ", ".join(parts[:3]) if parts else "") + (", …" if len(parts) > 3 else "")


def step_in_words(step: BatchStep, noun: str = "image") -> str:
    """Describe a step: ``"Its 512 images: loss 0.9123 → 0.8740, 11.3 % → 14.1 % right. It moved …"``."""
    images = f"Its {counted(step.n_images, noun)}"
    loss = f"loss {step.train_loss:#.4g} → {step.loss_after:#.4g}"
    right = f"{percent(step.train_accuracy)} → {percent(step.accuracy_after)} right"
    return f"{images}: {loss}, {right}. It moved the weights by {100 * step.moved:.2g}\u00a0%."
