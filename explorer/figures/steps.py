"""Loss and accuracy step by step: what single mini-batches did that were trained one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from explorer.figures.axes import FACTORS, HOVERS, Metric, as_float32, line_mode
from explorer.figures.curves import EARLIER_SLOTS
from explorer.figures.template import FigureData
from explorer.training.records import BatchStep, History
from explorer.wording import counted, grouped, percent

__all__ = ["step_in_words", "steps_data", "steps_summary"]

Place = tuple[int, int, int]

_FEWEST_SHOWN = 10  # steps on the axis: the first few don't push each other about
_MOST_BEFORE = 50  # steps of the run before them that are in sight


def steps_data(
    steps: Sequence[BatchStep],
    place: Place,
    history: History | None = None,
    *,
    metric: Metric,
    loss: str,
    held_out: str = "test",
) -> FigureData:
    """Return what `curves_figure` shows in place of epochs: the end of the run so far, then the steps.

    Parameters
    ----------
    steps : sequence of BatchStep
        Steps that follow each other within an epoch, at least one.
    place : tuple of int
        The epoch of the last of them, its number within it, and how many mini-batches that epoch has.
    history : History, optional
        The run: its mini-batches and its tests before the first of the steps begin the curves that these go on.
    metric : {"loss", "accuracy"}
        Loss per sample, or accuracy in percent.
    loss : str
        The name of the loss.
    held_out : str
        What the held-out images are: ``"validation"`` or ``"test"``.

    Returns
    -------
    traces, layout
        No earlier run and no learning rate; the images of each mini-batch before its step; the same images after
        it; those held out after it. `x` is the number of the step within its epoch, 0 or less for the epochs
        before, `y` NaN where it is not known.
        The y axis holds the values, with some room, and doesn't begin at 0: what one step changes is little.
    """
    numbers = [step.step - steps[-1].step + place[1] for step in steps]
    trained = _before(numbers[0], place, history)
    runs = trained, trained[:0], _before(numbers[0], place, history, tested=True)
    shown = {
        "mode": line_mode(len(steps)),
        "visible": True,
        "hovertemplate": f"step %{{x}} · %{{fullData.name}} {HOVERS[metric]}<extra></extra>",
    }
    nothing = {"x": as_float32([]), "y": as_float32([]), "visible": False}
    attributes = f"train_{metric}", f"{metric}_after", f"test_{metric}"
    values = [
        [FACTORS[metric] * getattr(record, name) for record in (*(one for _, one in run), *steps)]
        for run, name in zip(runs, attributes, strict=True)
    ]
    places = [[*(at for at, _ in run), *numbers] for run in runs]
    names = ("mini-batch before", "mini-batch after", f"{held_out} after")
    before, *after = (
        shown | {"x": as_float32(x), "y": as_float32(y), "name": name, "legendrank": rank}
        for rank, (name, x, y) in enumerate(zip(names, places, values, strict=True))
    )
    last = max(numbers[-1], numbers[0] + _FEWEST_SHOWN - 1)
    first = max(min(chain(*places)), numbers[0] - _MOST_BEFORE)
    points = zip(chain(*places), chain(*values), strict=True)
    in_sight = [y for x, y in points if x >= first]
    title = f"{loss} per sample" if metric == "loss" else "accuracy (%)"
    layout = {
        "xaxis": {
            "title": {"text": f"step of epoch {place[0]}"},
            "range": [first - 0.5, last + 0.5],
            "dtick": max(1, math.ceil((last - first) / 10)),
        },
        "yaxis": {"type": "linear", "range": _around(in_sight), "title": {"text": title}},
        "yaxis2": {"visible": False},
    }
    return [*({**nothing} for _ in range(EARLIER_SLOTS + 1)), before | {"opacity": 0.7}, *after], layout


def _before(
    first: int, place: Place, history: History | None, *, tested: bool = False
) -> list[tuple[float, Any]]:
    """Return the mini-batches of a run before a step, or its tests, each with its place counted in steps."""
    records: Sequence[Any] = () if history is None else history.epochs if tested else history.batches
    placed = (((record.epoch - place[0] + 1) * place[2], record) for record in records)
    return [(at, record) for at, record in placed if at < first]


def steps_summary(step: BatchStep, place: Place, held_out: str = "test") -> str:
    """Return where the steps are: ``"step 7 of 118 in epoch 1, test accuracy 15.0 %, test loss 0.912"``."""
    epoch, number, n_steps = place
    words = f"step {grouped(number)} of {grouped(n_steps)} in epoch {epoch}"
    if math.isnan(step.test_accuracy):
        return words
    return f"{words}, {held_out} accuracy {percent(step.test_accuracy)}, {held_out} loss {step.test_loss:.3g}"


def step_in_words(step: BatchStep) -> str:
    """Return what a step did, in two sentences.

    As ``"Its 512 images: loss 0.9123 → 0.8740, 11.3 % → 14.1 % right. It moved the weights by 0.31 %."``
    """
    images = f"Its {counted(step.n_images, 'image')}"
    loss = f"loss {step.train_loss:#.4g} → {step.loss_after:#.4g}"
    right = f"{percent(step.train_accuracy)} → {percent(step.accuracy_after)} right"
    return f"{images}: {loss}, {right}. It moved the weights by {100 * step.moved:.2g}\u00a0%."


def _around(values: Iterable[float]) -> list[float]:
    """Return a range that holds all finite values, with a tenth of their spread on both sides."""
    shown = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(shown), max(shown)
    room = 0.1 * (high - low) or 0.05 * abs(high) or 1.0
    return [low - room, high + room]
