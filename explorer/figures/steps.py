"""Loss and accuracy step by step: what single mini-batches did that were trained one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from explorer.figures.axes import FACTORS, HOVERS, Metric, as_float32, line_mode
from explorer.figures.curves import EARLIER_SLOTS
from explorer.training.records import BatchStep
from explorer.wording import counted, grouped, percent

__all__ = ["step_in_words", "steps_layout", "steps_summary", "steps_traces"]

Place = tuple[int, int, int]

_FEWEST_SHOWN = 10  # steps on the axis: the first few don't push each other about


def steps_traces(
    steps: Sequence[BatchStep], place: Place, *, metric: Metric, held_out: str = "test"
) -> list[dict[str, Any]]:
    """Return what the traces of `curves_figure` show in place of epochs.

    Parameters
    ----------
    steps : sequence of BatchStep
        Steps that follow each other within an epoch, at least one.
    place : tuple of int
        The epoch of the last of them, its number within it, and how many mini-batches that epoch has.
    metric : {"loss", "accuracy"}
        Loss per sample, or accuracy in percent.
    held_out : str
        What the held-out images are: ``"validation"`` or ``"test"``.

    Returns
    -------
    list of dict
        No earlier run and no learning rate; the images of each mini-batch before its step; the same images after
        it; those held out after it. `x` is the number of the step within its epoch, `y` NaN where it is not known.
    """
    x = as_float32(_numbers(steps, place))
    shown = {
        "x": x,
        "mode": line_mode(len(steps)),
        "visible": True,
        "hovertemplate": f"step %{{x}} · %{{fullData.name}} {HOVERS[metric]}<extra></extra>",
    }
    names = ("mini-batch before", "mini-batch after", f"{held_out} after")
    nothing = {"x": x[:0], "y": x[:0], "visible": False}
    before, *after = (
        shown | {"y": as_float32(_values(steps, attribute, metric)), "name": name, "legendrank": rank}
        for rank, (attribute, name) in enumerate(zip(_attributes(metric), names, strict=True))
    )
    return [
        *({**nothing} for _ in range(EARLIER_SLOTS + 1)),
        before | {"opacity": 0.7},
        *after,
    ]


def steps_layout(steps: Sequence[BatchStep], place: Place, *, metric: Metric, loss: str) -> dict[str, Any]:
    """Return what changes with the steps in the layout of `curves_figure`; `loss` names it, the rest is as above.

    The y axis holds the values, with some room, and doesn't begin at 0: what one step changes is little.
    """
    numbers = _numbers(steps, place)
    values = (value for attribute in _attributes(metric) for value in _values(steps, attribute, metric))
    title = f"{loss} per sample" if metric == "loss" else "accuracy (%)"
    last = max(numbers[-1], numbers[0] + _FEWEST_SHOWN - 1)
    ticks = max(1, math.ceil((last - numbers[0]) / 10))
    return {
        "xaxis": {
            "title": {"text": f"step of epoch {place[0]}"},
            "range": [numbers[0] - 0.5, last + 0.5],
            "dtick": ticks,
        },
        "yaxis": {"type": "linear", "range": _around(values), "title": {"text": title}},
        "yaxis2": {"visible": False},
    }


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


def _attributes(metric: Metric) -> tuple[str, str, str]:
    return f"train_{metric}", f"{metric}_after", f"test_{metric}"


def _values(steps: Sequence[BatchStep], attribute: str, metric: Metric) -> list[float]:
    """Return an attribute of each step, accuracies in percent."""
    return [FACTORS[metric] * getattr(step, attribute) for step in steps]


def _numbers(steps: Sequence[BatchStep], place: Place) -> list[int]:
    """Return the number of each step within its epoch, 1 for the first."""
    return [step.step - steps[-1].step + place[1] for step in steps]


def _around(values: Iterable[float]) -> list[float]:
    """Return a range that holds all finite values, with a tenth of their spread on both sides."""
    shown = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(shown), max(shown)
    room = 0.1 * (high - low) or 0.05 * abs(high) or 1.0
    return [low - room, high + room]
