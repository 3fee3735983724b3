"""Whether a network's confidence matches its accuracy, and how that falls as images are made harder to read.

For the calibration, test images are put in bins by the confidence of the decision: the largest probability. In
each bin, the share classified correctly should equal the confidence; the mean distance between the two is the
expected calibration error (C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural
Networks", ICML 2017, equations 2 and 3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.datasets.augmentation import Corruption
from explorer.figures.axes import HOVERS, as_float32, epoch_mark
from explorer.figures.data_table import GUIDE
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import FigureData, axis, drawn, drawn_data, legend_text, scatter
from explorer.network.metrics import confidences
from explorer.wording import grouped, percent

RobustnessCurve = tuple[str, Mapping[float, float]]
"""A name, and the accuracy, 0 to 1, at each known amount."""

_HEIGHT = 340  # px
_SLOTS = 2  # curves of robustness
_MARGIN = 0.02  # of the x axis, on either side: markers at its ends are fully visible
_LARGEST_MARKER = 18.0  # px, for a bin that holds everything


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """The bins of a reliability diagram; a bin without samples has NaN as confidence and accuracy."""

    edges: NDArray[np.float64]
    """Bin edges, 0 to 1, shape (n_bins + 1,); a bin includes its upper edge."""
    counts: NDArray[np.int64]
    """Samples in each bin, shape (n_bins,)."""
    right: NDArray[np.int64]
    """Samples in each bin that were classified correctly, shape (n_bins,)."""
    confidence: NDArray[np.float64]
    """Mean confidence of the bin's samples, 0 to 1, shape (n_bins,)."""

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of each bin's samples that were classified correctly, 0 to 1."""
        return np.where(self.counts > 0, self.right / np.maximum(self.counts, 1), np.nan)

    @property
    def error(self) -> float:
        """The expected calibration error Σ_bins count/n · |accuracy − confidence|, 0 to 1; NaN without samples."""
        if not self.counts.any():
            return float("nan")
        return float(np.nansum(self.counts * np.abs(self.accuracy - self.confidence)) / self.counts.sum())

    @property
    def chance(self) -> float:
        """The error that a perfectly calibrated network would show on as many samples, by chance: 0 to 1.

        Of n samples with mean confidence c, the share that is right has the standard deviation √(c(1 − c)/n), and
        its mean distance from c is √(2/π) times that.
        """
        used = self.counts > 0
        spreads = np.sqrt(2 / np.pi * self.counts[used] * self.confidence[used] * (1 - self.confidence[used]))
        return float(spreads.sum() / max(self.counts.sum(), 1))


def reliability(outputs: NDArray[np.floating], labels: NDArray[np.integer], n_bins: int = 10) -> Reliability:
    """Sort decisions into bins of equal width by confidence: the largest output as a share of the outputs' sum.

    `outputs` in [0, 1] have shape (n_classes, n_samples), the true `labels` (n_samples,). Samples with infinite or
    NaN outputs are left out.
    """
    outputs = np.asarray(outputs)
    confidence = confidences(outputs)
    sure = np.isfinite(confidence)
    confidence, hits = confidence[sure], (outputs.argmax(axis=0) == labels)[sure]
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    # side="left": a confidence on an edge belongs to the bin below it
    bins = np.searchsorted(edges[1:-1], confidence, side="left")
    counts = np.bincount(bins, minlength=n_bins)
    sums = np.bincount(bins, confidence, minlength=n_bins)
    mean = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return Reliability(edges, counts, np.bincount(bins[hits], minlength=n_bins), mean)


def reliability_data(bins: Reliability | None) -> FigureData:
    """Return the properties of `reliability_figure` that depend on the data; None before the first epoch ends.

    The traces are the diagonal and the bins in use, in percent; the area of a marker grows with the bin's samples.
    """
    if bins is None or not bins.counts.any():
        nothing = np.zeros(0, np.float32)
        unused = {"x": nothing, "y": nothing, "hovertext": [], "marker": {"size": nothing}}
        return [{}, unused], {"title": {"text": "Calibration · no results"}}
    used, texts = bins.counts > 0, []
    share = np.sqrt(bins.counts[used] / bins.counts.sum())
    for i in np.flatnonzero(used).tolist():
        low, high = 100 * bins.edges[i : i + 2]
        share_right = f"{100 * bins.accuracy[i]:.1f} %"
        right = f"{grouped(bins.right[i])} of {grouped(bins.counts[i])} right ({share_right})"
        mean = f"{100 * bins.confidence[i]:.1f} % on average"
        texts.append(f"confidence {low:.0f}–{high:.0f} %, {mean}:<br>{right}")
    values = {
        "x": (100 * bins.confidence[used]).astype(np.float32),
        "y": (100 * bins.accuracy[used]).astype(np.float32),
        "hovertext": texts,
        "marker": {"size": np.maximum(5.0, _LARGEST_MARKER * share).astype(np.float32)},
    }
    return [{}, values], {"title": {"text": f"Expected calibration error {100 * bins.error:.1f} %"}}


def reliability_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `reliability_figure` that depend on the theme or are constant."""
    palette = PALETTES[theme]
    ends, dots = [0, 100], {"color": palette.muted, "width": 1, "dash": "dot"}
    line, edge = {"color": palette.test, "width": 1.5}, {"color": palette.surface, "width": 1}
    hidden, points = {"showlegend": False}, {"color": palette.test, "opacity": 1, "line": edge}
    test = {"name": "test", "mode": "lines+markers", "line": line, "marker": points, "cliponaxis": False}
    perfect = {"name": "perfect", "meta": GUIDE, "mode": "lines", "line": dots, "hoverinfo": "skip"}
    return [scatter(x=ends, y=ends, **perfect, **hidden), scatter("%{hovertext}", **test, **hidden)]


def reliability_figure(bins: Reliability | None, *, theme: Theme = "light") -> go.Figure:
    """Return a figure of accuracy against confidence, one point per bin; parameters as in `reliability_data`."""
    traces, layout = reliability_data(bins)
    both = {"range": [0, 103], "dtick": 20, "constrain": "domain"}
    across = axis("confidence (%)", **both, constraintoward="left")
    up = axis("accuracy (%)", **both, scaleanchor="x", constraintoward="top")
    words = [{"x": 25, "y": 80, "text": "underconfident"}, {"x": 75, "y": 20, "text": "overconfident"}]
    fixed = {"height": _HEIGHT, "xaxis": across, "yaxis": up, "annotations": words}
    figure = drawn(reliability_style(theme), theme, layout, **fixed)
    for trace, values in zip(figure.data, traces, strict=True):
        trace.update(values)  # merges the marker's size with its color
    return figure


def robustness_data(
    curves: Sequence[RobustnessCurve],
    corruption: Corruption,
    amount: float | None = None,
    *,
    theme: Theme = "light",
) -> FigureData:
    """Return the properties of `robustness_figure` that depend on the data; a line marks the `amount`."""
    none: RobustnessCurve = ("", {})
    hover = f"%{{fullData.name}} at %{{x}}{corruption.unit}: {HOVERS['accuracy']}<extra></extra>"
    traces = [
        {
            "name": legend_text(name),
            "x": as_float32(sorted(known)),
            "y": as_float32([100 * known[amount] for amount in sorted(known)]),
            "visible": bool(name),
            "hovertemplate": hover,
        }
        for name, known in [*curves, none, none][:_SLOTS]
    ]
    least, most = corruption.amounts[0], corruption.amounts[-1]
    margin, name = _MARGIN * (most - least), f"{corruption.label.lower()} ({corruption.unit.strip()})"
    marks = [{**mark, "layer": "above"} for mark in epoch_mark(amount, theme)]  # also on a grid line
    return traces, {"xaxis": axis(name, range=[least - margin, most + margin], nticks=9), "shapes": marks}


def robustness_style(theme: Theme = "light") -> list[dict[str, Any]]:
    """Return the properties of the traces of `robustness_figure` that depend on the theme or are constant."""
    palette = PALETTES[theme]
    looks = zip((palette.test, palette.muted), ("solid", "dash"), ("circle", "diamond"), strict=True)
    lines = (({"color": c, "dash": d}, {"color": c, "symbol": m, "size": 6}) for c, d, m in looks)
    return [scatter(mode="lines+markers", line=line, marker=at, cliponaxis=False) for line, at in lines]


def robustness_figure(
    curves: Sequence[RobustnessCurve], corruption: Corruption, *, theme: Theme = "light"
) -> go.Figure:
    """Return a figure of the accuracy of at most two networks against the amount of a corruption of the images."""
    data = robustness_data(curves, corruption)
    up = axis("accuracy (%)", range=[0, 102])
    return drawn_data(robustness_style(theme), data, theme, height=_HEIGHT, showlegend=True, yaxis=up)


def robustness_summary(curves: Sequence[RobustnessCurve], corruption: Corruption) -> str:
    """Describe what is known at 0 and both ends: ``"this run 93.1 % unchanged, 41.2 % at −60°"``."""
    ends = [amount for amount in (corruption.amounts[0], corruption.amounts[-1]) if amount]
    places = {0.0: "unchanged"} | {end: f"at {end:g}{corruption.unit}".replace("-", "−") for end in ends}
    words = []
    for name, known in curves:
        values = ", ".join(f"{percent(known[at])} {place}" for at, place in places.items() if at in known)
        words += [f"{name} {values}"] if values else []
    return "; ".join(words)
