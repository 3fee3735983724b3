"""The tab Layers at the selected epoch: histograms, gradients over time, and a gradient check."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import isfinite
from time import monotonic
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.sections import Section, SectionedPanel, probe, probe_size
from explorer.app.views import IdleWork, InspectedNetwork, Views, ViewState, Weights
from explorer.figures import layers
from explorer.figures.formulas import written
from explorer.figures.palette import Theme
from explorer.network.diagnostics import LayerDiagnostics, diagnose
from explorer.network.gradient_check import STEP, CheckedWeight, check_gradient, choose_weights
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.numbers import CheckedWeights
from explorer.widgets.rendered import Caption, Display
from explorer.wording import counted

Layers = list[NDArray[np.floating[Any]]]

_WHATS = ("weight", "activation")
_MEASURES: tuple[layers.LayerMeasure, ...] = ("gradient", "stuck")
_MOST_IMAGES = 512
_LEAST_HISTOGRAM_IMAGES, _LEAST_DIAGNOSED_IMAGES = 32, 64
_SECONDS_BETWEEN = 0.25  # between two plots of diagnoses
_N_CHECKED, _MOST_CHECKED_IMAGES, _LEAST_CHECKED_IMAGES = 8, 32, 2
_CHECK_PRODUCTS = 2**21  # a check takes some 17 passes, in float64
_DIGITS = 7  # enough to show a difference between two gradients


class FigurePair(Section):
    """Two figures side by side, each with a caption; one below the other if there is no room.

    `looks` has for each figure its name, and what returns its style in a theme; `empty` are those without data.
    """

    def __init__(
        self, views: Views, empty: Iterable[Any], looks: Mapping[str, Callable[[Theme], Any]]
    ) -> None:
        parts = zip(empty, looks.items(), strict=True)
        common: Any = {"fills": True, "theme": views.theme}
        self.figures = [LiveFigure(one, name=name, style=style, **common) for one, (name, style) in parts]
        self.captions = Caption(), Caption()
        pairs = zip(self.figures, self.captions, strict=True)
        boxes = (box("explorer-panel-figure", *pair) for pair in pairs)
        super().__init__(views, *boxes, classes="explorer-two explorer-fills")

    def _describe(self, *summaries: str) -> None:
        for figure, caption, summary in zip(self.figures, self.captions, summaries, strict=True):
            figure.summary = caption.text = summary


class Histograms(FigurePair):
    """The weights, and the activations on a few hundred held-out images, compared with the initial ones."""

    def __init__(self, views: Views) -> None:
        empty = (layers.histograms_figure([], names=[], what=what, theme=views.theme) for what in _WHATS)
        looks = {f"Histograms of the {what}s": partial(layers.histograms_style, what=what) for what in _WHATS}
        super().__init__(views, empty, looks)
        self.weights, self.activations = self.figures
        self._first: Weights = ()
        self._first_activations: Layers = []

    def _draw(self, _state: ViewState, inspected: InspectedNetwork) -> None:
        if self._first is not inspected.first:
            self._first = inspected.first
            self._first_activations = self._activations(inspected, self._first)
        names = (*(f"layer {number}" for number in range(1, inspected.n_layers)), "output")
        activations = self._activations(inspected, inspected.weights)
        weights = list(inspected.weights[::2]), list(inspected.first[::2])
        pairs = weights, (activations, self._first_activations)
        for figure, what, (now, first) in zip(self.figures, _WHATS, pairs, strict=True):
            figure.show(*layers.histograms_data(now, first, names, what=what))
        images = counted(activations[0].shape[1], inspected.run.dataset.held_out_noun)
        of_weights, of_activations = (_spreads(names, *pair) for pair in pairs)
        what = "standard deviation"
        self._describe(f"{what} of the weights: {of_weights}", f"on {images}; {what}: {of_activations}")

    @np.errstate(all="ignore")  # non-finite weights show in the figure
    def _activations(self, inspected: InspectedNetwork, weights: Weights) -> Layers:
        n = probe_size(inspected.n_parameters, most=_MOST_IMAGES, least=_LEAST_HISTOGRAM_IMAGES)
        with inspected.network(weights) as network:
            network.forward(probe(inspected.run.dataset, n)[0])
            return network.h[1:]


@np.errstate(all="ignore")
def _spreads(names: tuple[str, ...], now: Layers, first: Layers) -> str:
    return ", ".join(
        f"{name} {written(float(before.std()))} → {written(float(layer.std()))}"
        for name, layer, before in zip(names, now, first, strict=True)
    )


class OverTime(FigurePair):
    """Each layer's gradient, and stuck units, over the epochs, diagnosed when the event loop is idle."""

    def __init__(self, views: Views) -> None:
        names = "Gradient of each layer", "Dead and saturated units"
        empty = [layers.layers_figure({}, measure, n_epochs=1, theme=views.theme) for measure in _MEASURES]
        super().__init__(views, empty, dict.fromkeys(names, layers.layers_style))
        self.gradient, self.stuck = self.figures
        self._idle_work = IdleWork(self._go_on, views.loop)
        self._run: tuple[int, int] | None = None  # the one that is diagnosed
        self.known: dict[float, tuple[LayerDiagnostics, ...]] = {}  # by epoch
        self._plotted_at = float("-inf")

    def show(self, state: ViewState) -> None:
        super().show(state)
        if self._seen is not None and not state.is_training and self._left(self._seen[1]):
            self._idle_work.go_on()

    def _content(self, inspected: InspectedNetwork) -> object:
        return inspected, len(self.known)

    def _draw(self, state: ViewState, inspected: InspectedNetwork) -> None:
        self._diagnose_next(inspected)
        self._plot(state, inspected)

    def _go_on(self) -> bool:
        """Diagnose one moment; return whether more remain."""
        if self._seen is None:
            return False
        state, inspected = self._seen
        more = self._diagnose_next(inspected)
        if not more or monotonic() - self._plotted_at >= _SECONDS_BETWEEN:
            self._plot(state, inspected)
        return more

    def _diagnose_next(self, inspected: InspectedNetwork) -> bool:
        """Diagnose the selected epoch, or else the first pending one; return whether more remain."""
        if inspected.run.key != self._run:
            self._run, self.known = inspected.run.key, {}
        left = self._left(inspected)
        if left:
            epoch = next(iter(left))
            images = probe(inspected.run.dataset, self._n_images(inspected))
            with inspected.network(left[epoch]) as network:
                self.known[epoch] = diagnose(network, *images)
        return len(left) > 1

    def _left(self, inspected: InspectedNetwork) -> dict[float, Weights]:
        moments = {inspected.epoch: inspected.weights}
        if inspected.run.origin.parent is None:
            # The run's own initial weights: those at epoch 0, or a file's at the file's epoch.
            moments[float(inspected.run.origin.epoch)] = inspected.first
        moments |= {moment.epoch: moment.weights for moment in inspected.run.timeline.moments}
        return {epoch: weights for epoch, weights in moments.items() if epoch not in self.known}

    def _n_images(self, inspected: InspectedNetwork) -> int:
        n = probe_size(inspected.n_parameters, most=_MOST_IMAGES, least=_LEAST_DIAGNOSED_IMAGES)
        return min(n, len(inspected.run.dataset.test_labels))

    def _plot(self, state: ViewState, inspected: InspectedNetwork) -> None:
        n_epochs = max(inspected.run.config.epochs, inspected.run.epochs_done)
        self._plotted_at = monotonic()
        for figure, measure in zip(self.figures, _MEASURES, strict=True):
            marks: Any = {"n_epochs": n_epochs, "epoch": inspected.epoch, "theme": state.theme}
            figure.show(*layers.layers_data(self.known, measure, **marks))
        found = self.known.get(inspected.epoch)
        if found is not None:
            n, noun = self._n_images(inspected), inspected.run.dataset.held_out_noun
            gradient, stuck = layers.layers_summary(found, n, noun)
            self._describe(f"epoch {inspected.epoch:g}, {gradient}", stuck)


class GradientCheck(Section):
    """A table that compares the gradient of a few weights by backpropagation and by central differences."""

    def __init__(self, views: Views, *, at_start: bool = False) -> None:
        self._at_start, self._draw_number, self.table = at_start, 0, Display(CheckedWeights())
        super().__init__(views, self.table, classes="explorer-gradient-check")
        self.table.on_press(views.on_loop(self._check_others))

    def _content(self, inspected: InspectedNetwork) -> object:
        return inspected.run.key if self._at_start else inspected, self._draw_number

    def _check_others(self, _press: str) -> None:
        self._draw_number += 1
        self._redraw()

    def _draw(self, _state: ViewState, inspected: InspectedNetwork) -> None:
        weights, epoch = (inspected.first, 0.0) if self._at_start else (inspected.weights, inspected.epoch)
        limits = {"most": _MOST_CHECKED_IMAGES, "least": _LEAST_CHECKED_IMAGES}
        n = probe_size(inspected.n_parameters, products=_CHECK_PRODUCTS, **limits)
        X, d = probe(inspected.run.dataset, n)
        rng = np.random.default_rng(self._draw_number)
        with inspected.network(weights) as network:
            checked = check_gradient(network, X, d, choose_weights(network, X, rng, _N_CHECKED))
        verdict, agrees = gradient_verdict(checked)
        images = counted(len(d.T), inspected.run.dataset.held_out_noun)
        how = (
            f"L is the summed loss of {images}, in float64. Analytic: backpropagation. "
            f"Numeric: (L(w + ε) − L(w − ε)) / 2ε with ε = {written(STEP)}. Epoch {epoch:g}."
        )
        self.table.show(CheckedWeights(verdict, how, tuple(map(_row, checked)), agrees))


def gradient_verdict(checked: Sequence[CheckedWeight]) -> tuple[str, bool | None]:
    """Return a summary of the checked weights, and whether they pass; None if none can be judged."""
    n = len(checked)
    if not all(isfinite(weight.numeric) and isfinite(weight.analytic) for weight in checked):
        return "The loss or a gradient is not a number: there is nothing to compare.", False
    smooth = [weight for weight in checked if not weight.has_kink]
    if not smooth:
        return f"None can be judged: all {n} are on a kink, where the loss has no slope.", None
    kinks = f" {n - len(smooth)} on a kink, where the loss has no slope, left out." if len(smooth) < n else ""
    wrong = sum(not weight.agrees for weight in smooth)
    if wrong:
        of = f"{wrong} of {len(smooth)} differ{'s' if wrong == 1 else ''}"
        return f"{of}: backpropagation does not give the slope of this loss.{kinks}", False
    agree, all_are = f"All {len(smooth)} agree", "all are"
    if len(smooth) == 1:
        agree, all_are = "The one that can be judged agrees", "it is"
    if all(weight.analytic == 0 for weight in smooth):
        return f"{agree}, and {all_are} 0: these weights learn nothing from these images.{kinks}", True
    largest = max(weight.relative_difference for weight in smooth)
    return f"{agree}: the largest relative difference is {written(largest)}.{kinks}", True


def _row(weight: CheckedWeight) -> tuple[str, ...]:
    words = "kink" if weight.has_kink else "agree" if weight.agrees else "differ"
    gradients = written(weight.analytic, _DIGITS), written(weight.numeric, _DIGITS)
    return str(weight.place), *gradients, written(weight.relative_difference), words


SECTIONS: Mapping[str, tuple[str, Callable[[Views], Section]]] = MappingProxyType(
    {
        "histograms": ("Histograms", Histograms),
        "time": ("Over time", OverTime),
        "check": ("Gradient check", GradientCheck),
    }
)
"""The sections by their names, also used in links; the first is the default."""


layers_panel = partial(SectionedPanel, sections=SECTIONS)
"""Makes the tab."""
