"""Loss and accuracy over the epochs of a run, on top of earlier runs in gray; and of many runs, in their colors.

A summary is one line of text, complete in itself: read by screen readers, and shown below the figure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.axes import (
    FACTORS,
    HOVERS,
    Metric,
    Scale,
    accuracy_range,
    as_float32,
    epoch_axis,
    epoch_mark,
    line_mode,
    linear_range,
    log_range,
)
from explorer.figures.palette import PALETTES, RUN_COLORS, Theme
from explorer.figures.template import FigureData, axis, drawn, legend_text, merged, scatter
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.records import BatchStep, EpochRecord, History, SampleRecord
from explorer.wording import counted, grouped, percent, plain

EARLIER_SLOTS = 6
"""Maximum number of earlier runs shown; older ones are left out."""

_RUNNING_POINTS = 400  # more than a plot of 900 px can show, and cheap to send
_HEIGHT = 280  # px
_UNDRAWN = as_float32([np.nan])  # until there is a point: Plotly leaves an empty trace out of the legend

SLOTS = 12
"""Maximum number of runs drawn."""

_DASHES = ("solid", "dash", "dot")
_NAME_GAP = 0.1  # of the plot's height, between names if there is room
_PX_OF_LETTER = 6.2  # and one more, for wide ones

Axis = Literal["epochs", "steps", "seconds"]

_AXIS_TITLES: Mapping[Axis, str] = MappingProxyType(
    {"epochs": "epoch", "steps": "steps (updates of the weights)", "seconds": "seconds of training"}
)


def curves_data(
    history: History,
    earlier: Sequence[History] = (),
    *,
    metric: Metric,
    theme: Theme = "light",
    earlier_name: str = "earlier",
    samples: Sequence[SampleRecord] = (),
    names: Sequence[str] = (),
) -> FigureData:
    """Return the traces and the layout of `curves_figure`; its parameters apply.

    `samples` are figures within the first epoch, a thin line that leads to its end; a mid-run change has a mark.
    `names`, for each of the earlier runs, empty for none, and the run, stand at the curves' ends. The axes fit the
    run's values, and the best epochs of earlier runs within limits: one that diverged doesn't flatten the others.

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
    """Return a figure of a run's loss per sample, or accuracy in percent, by epoch, on top of earlier runs."""
    traces, layout = curves_data(history, earlier, metric=metric, theme=theme)
    title, legend = {"text": metric.capitalize()}, {"x": 1.02, "xanchor": "right", "indentation": -7}
    return drawn(traces, theme, layout, height=_HEIGHT, showlegend=True, title=title, legend=legend)


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
    # Without a line: Plotly draws one before it has placed an overlaying axis that has just become visible.
    place = {"overlaying": "y", "side": "right", "visible": is_visible, "showgrid": False, "showline": False}
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


def curves_summary(history: History, at: float | None = None, sample: SampleRecord | None = None) -> str:
    """Describe the status of a run: ``"epoch 5 of 10, test accuracy 93.2 %, test loss 0.0612"``.

    `at` is the selected epoch, by default the newest, or the one whose weights early stopping restored. Epochs
    without a record count as the newest. `sample` has the figures instead within the first epoch.
    """
    if sample is not None:
        right = f"{100 * sample.test_accuracy:.1f} % of a sample of {grouped(len(sample.sample))} right"
        return f"step {grouped(sample.step)} of epoch 1, {right}"
    at = at or history.restored
    last = next((record for record in history if record.epoch == at), history.last)
    of, held_out = f"of {history.config.epochs}", history.config.held_out
    if last is None:
        if not history.batches:
            return "not trained yet" if history.end is None else f"{history.end.status} in epoch 1 {of}"
        newest = history.batches[-1]
        epoch = f"epoch {math.ceil(newest.epoch)} {of}"
        place = f"{epoch} under way" if history.end is None else f"{history.end.status} in {epoch}"
        return f"{place}, train accuracy so far {100 * newest.train_accuracy:.1f} %"
    line = f"epoch {last.epoch} {of}, {held_out} accuracy {100 * last.test_accuracy:.1f} %"
    diverged = next((r.epoch for r in history if not math.isfinite(r.train_loss + r.test_loss)), None)
    if diverged is not None and diverged <= last.epoch:
        return f"{line}, the loss has not been a number since epoch {diverged}"
    line = f"{line}, {held_out} loss {last.test_loss:.3g}"
    if history.config.has_one_rate or math.isnan(last.learning_rate):  # from a file without the rate
        return line
    return f"{line}, rate {plain(float(f'{last.learning_rate:.2g}'))}"


@dataclass(frozen=True, slots=True)
class RunCurve:
    """The data of a run that the figures need."""

    number: int
    """1 for the session's first run; determines the color."""
    title: str
    """Name of the run; any text."""
    epochs: tuple[EpochRecord, ...]
    steps_at_ends: Sequence[int]
    """Mini-batches by the end of each epoch, 0 for epoch 0."""
    loss: Mapping[str, float]
    """The terms of the recorded loss, each with its factor."""
    first_epoch: int = 0
    first_step: int = 0
    first_seconds: float = 0.0
    """Epochs, updates of the weights and seconds of training before a fork."""
    is_present: bool = False
    """Whether it is the run shown in the other tabs."""
    held_out: str = "test"
    """Kind of the held-out images: ``"validation"`` or ``"test"``."""


def run_color(number: int, theme: Theme) -> str:
    """Return the color of a run, by its number in the session."""
    colors = RUN_COLORS[theme]
    return colors[(number - 1) % len(colors)]


def runs_data(
    runs: Sequence[RunCurve],
    metric: Metric,
    axis: Axis = "epochs",
    *,
    scale: Scale = "linear",
    theme: Theme = "light",
) -> FigureData:
    """Return the traces and the layout of `runs_figure`: `SLOTS` traces, the unused ones first.

    `axis`, the unit of x, includes training before a fork; `scale` is that of the loss per sample. Accuracy is in
    percent.
    """
    shown, none, look = runs[-SLOTS:], as_float32(()), scatter(f"%{{meta}}<br>%{{x:.4~g}} · {HOVERS[metric]}")
    unused = {"visible": False, "x": none, "y": none, "name": "", "meta": ""}
    known = (x[np.isfinite(x)] for x in (_positions(run, axis) for run in shown))
    ranges = [(float(x[0]), float(x[-1])) for x in known if len(x)]
    last = max((end for _, end in ranges), default=1.0)
    low = -0.02 * last if any(begin == 0 for begin, _ in ranges) else 0  # a marker at 0 is fully visible
    across = {"title": {"text": _AXIS_TITLES[axis]}, "range": [low, 1.02 * last]}
    held_out = shown[-1].held_out if shown else "test"
    losses = {" + ".join(run.loss) for run in shown}  # the caller leaves out runs with another than the last
    loss = f"{losses.pop() if len(losses) == 1 else 'loss'} per sample"
    title = {"text": f"{held_out} {'accuracy (%)' if metric == 'accuracy' else loss}"}
    up = _y_axis(shown, metric, scale)
    traces = [look | _trace(run, metric, axis, theme) for run in shown]
    layout = {"xaxis": across, "yaxis": {"title": title, **up}, **names_at_ends(traces, up)}
    return [*(look | unused for _ in range(SLOTS - len(shown))), *traces], layout


def runs_figure(runs: Sequence[RunCurve], metric: Metric, *, theme: Theme = "light") -> go.Figure:
    """Return a figure of the curves of the last `SLOTS` runs on the images that all hold out."""
    traces, layout = runs_data(runs, metric, theme=theme)
    return drawn(traces, theme, layout, height=300, showlegend=False)


def names_at_ends(traces: Sequence[Mapping[str, Any]], y_axis: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layout of the curves' names in the right margin, each as near to its curve's end as fits."""
    low, high = y_axis["range"]
    ends = []
    for trace in traces:
        if len(trace["y"]):
            y = float(trace["y"][-1])
            y = math.log10(y) if y_axis["type"] == "log" and y > 0 else y
            ends.append((min(max((y - low) / (high - low), 0.0), 1.0) if math.isfinite(y) else 1.0, trace))
    ends.sort(key=lambda end: end[0])
    places = spread([place for place, _ in ends], min(_NAME_GAP, 1 / (len(ends) or 1)))
    margin = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 6, "yref": "paper", "yanchor": "middle"}
    names = [
        {**margin, "y": place, "text": trace["name"], "font": {"color": trace["line"]["color"]}}
        for place, (_, trace) in zip(places, ends, strict=True)
    ]
    longest = max((len(name["text"]) for name in names), default=-1)
    return {"annotations": names, "margin": {"r": 18 + _PX_OF_LETTER * longest}}


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return ascending places moved as little as possible to be `gap` apart, the last at most at 1."""
    moved = list[float]()
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    limit = 1.0
    for index in reversed(range(len(moved))):
        moved[index] = limit = min(moved[index], limit)
        limit -= gap
    return moved


def _trace(run: RunCurve, metric: Metric, axis: Axis, theme: Theme) -> dict[str, Any]:
    values = [FACTORS[metric] * value for value in map(attrgetter(f"test_{metric}"), run.epochs)]
    dash = _DASHES[(run.number - 1) // len(RUN_COLORS[theme]) % len(_DASHES)]
    color = run_color(run.number, theme)
    title = legend_text(run.title, f" (run {run.number})")
    width, size = (3, 5) if run.is_present else (1.5, 3)
    return {
        "visible": True,
        "x": _positions(run, axis),
        "y": as_float32(values),
        "mode": line_mode(len(values)),
        "line": {"color": color, "dash": dash, "width": width},
        "marker": {"color": color, "size": size},
        "name": title,
        "meta": title,
    }


def _positions(run: RunCurve, axis: Axis) -> NDArray[np.float32]:
    epochs = np.array([record.epoch for record in run.epochs])
    if axis == "epochs":
        return as_float32(epochs)
    own = epochs - run.first_epoch
    if axis == "steps":
        ends = np.asarray(run.steps_at_ends)
        return as_float32(run.first_step + ends[epochs.astype(int)] - ends[run.first_epoch])
    seconds = np.array([record.seconds or np.nan for record in run.epochs])
    return as_float32(run.first_seconds + np.cumsum(np.where(own > 0, seconds, 0.0)))


def _y_axis(runs: Sequence[RunCurve], metric: Metric, scale: Scale) -> dict[str, Any]:
    """Fit the axis to the top run; the others extend it at most twofold, or by one step and to their best."""
    if not runs:
        return {"type": "linear", "range": [0, 100 if metric == "accuracy" else 1]}
    if metric == "accuracy":
        best = [100 * max((record.test_accuracy for record in run.epochs), default=1.0) for run in runs]
        own, *others = ([100 * record.test_accuracy for record in run.epochs] for run in reversed(runs))
        return {"type": "linear", "range": accuracy_range([*own, *best], chain(*others))}
    losses = [record.test_loss for run in runs for record in run.epochs]
    if scale == "log":
        return {"type": "log", "range": log_range(losses)}
    own = [record.test_loss for record in runs[-1].epochs]
    return {"type": "linear", "range": linear_range(own, losses)}
