"""Accuracy as images are made harder to read."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from explorer.datasets.corruption import Corruption
from explorer.figures.axes import HOVERS, as_float32, epoch_mark
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import axis, drawn_data, legend_text, scatter
from explorer.wording import percent

RobustnessCurve = tuple[str, Mapping[float, float]]
"""A name, and the accuracy, 0 to 1, at each known amount."""

_HEIGHT = 340  # px
_SLOTS = 2
_MARGIN = 0.02  # of the x axis, on either side: markers at its ends are fully visible


def robustness_traces(curves: Sequence[RobustnessCurve], corruption: Corruption) -> list[dict[str, Any]]:
    """Return the properties of the traces of `robustness_figure` that depend on the data; its parameters apply."""
    none: RobustnessCurve = ("", {})
    return [
        {
            "name": legend_text(name),
            "x": as_float32(sorted(known)),
            "y": as_float32([100 * known[amount] for amount in sorted(known)]),
            "visible": bool(name),
            "hovertemplate": f"%{{fullData.name}} at %{{x}}{corruption.unit}: {HOVERS['accuracy']}<extra></extra>",
        }
        for name, known in [*curves, none, none][:_SLOTS]
    ]


def robustness_layout(
    corruption: Corruption, amount: float | None = None, *, theme: Theme = "light"
) -> dict[str, Any]:
    """Return the layout properties of `robustness_figure` that depend on the data; a line marks the `amount`."""
    least, most = corruption.amounts[0], corruption.amounts[-1]
    margin, name = _MARGIN * (most - least), f"{corruption.label.lower()} ({corruption.unit.strip()})"
    return {
        "xaxis": axis(name, range=[least - margin, most + margin], nticks=9),
        "shapes": [{**mark, "layer": "above"} for mark in epoch_mark(amount, theme)],  # also on a grid line
    }


def robustness_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `robustness_figure` that depend on the theme or are constant."""
    palette = PALETTES[theme]
    looks = zip((palette.test, palette.muted), ("solid", "dash"), ("circle", "diamond"), strict=True)
    style = []
    for color, dash, symbol in looks:
        line, marker = {"color": color, "dash": dash}, {"color": color, "symbol": symbol, "size": 6}
        style.append(scatter(mode="lines+markers", line=line, marker=marker, cliponaxis=False))
    return style


def robustness_figure(
    curves: Sequence[RobustnessCurve], corruption: Corruption, *, theme: Theme = "light"
) -> go.Figure:
    """Return a figure of the accuracy of at most two networks against the amount of a corruption of the images."""
    data = robustness_traces(curves, corruption), robustness_layout(corruption)
    up = axis("accuracy (%)", range=[0, 102])
    return drawn_data(robustness_style(theme), data, theme, height=_HEIGHT, showlegend=True, yaxis=up)


def robustness_summary(curves: Sequence[RobustnessCurve], corruption: Corruption) -> str:
    """Describe what is known at 0 and both ends: ``"this run 93.1 % unchanged, 41.2 % at −60°"``."""
    ends = [amount for amount in (corruption.amounts[0], corruption.amounts[-1]) if amount]
    places = {0.0: "unchanged"} | {end: f"at {end:g}{corruption.unit}".replace("-", "−") for end in ends}
    words = []
    for name, known in curves:
        said = ", ".join(f"{percent(known[at])} {place}" for at, place in places.items() if at in known)
        words += [f"{name} {said}"] if said else []
    return "; ".join(words)
