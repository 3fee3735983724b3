"""Distributions of each layer's weights and activations, compared with their initial ones."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.panels.inside.section import FigurePair, Subject, Weights, probe, probe_size
from explorer.app.views import Views, ViewState
from explorer.figures import histograms as figures
from explorer.figures.formulas import written
from explorer.figures.palette import Theme
from explorer.widgets.live_figure import LiveFigure
from explorer.wording import counted

Layers = list[NDArray[np.floating[Any]]]

_MOST_IMAGES, _LEAST_IMAGES = 512, 32
_WHAT = ("weight", "activation")


class Histograms(FigurePair):
    """Two figures: weights, and activations on a few hundred held-out images."""

    def __init__(self, views: Views) -> None:
        super().__init__([_figure(what, views.theme) for what in _WHAT])
        self.weights, self.activations = self.figures
        self._first: Weights = ()
        self._first_activations: Layers = []

    def _draw(self, _state: ViewState, subject: Subject) -> None:
        if self._drawn == (subject,):
            return
        if self._first is not subject.first:
            self._first, self._first_activations = subject.first, self._activations(subject, subject.first)
        self._drawn = (subject,)
        weights = list(subject.weights[::2]), list(subject.first[::2])
        activations = self._activations(subject, subject.weights), self._first_activations
        names = subject.layer_names
        layers = (weights, activations)
        for figure, what, (now, start) in zip(self.figures, _WHAT, layers, strict=True):
            figure.show(*figures.histograms_data(now, start, names, what=what))
        spreads = [_spreads(names, *both) for both in layers]
        images = counted(activations[0][0].shape[1], f"{subject.run.held_out} image")
        self._say(
            f"standard deviation of the weights: {spreads[0]}",
            f"on {images}; standard deviation: {spreads[1]}",
        )

    @np.errstate(all="ignore")  # non-finite weights show in the figure
    def _activations(self, subject: Subject, weights: Weights) -> Layers:
        n = probe_size(subject.n_parameters, most=_MOST_IMAGES, least=_LEAST_IMAGES)
        with subject.network(weights) as network:
            network.forward(probe(subject.run.dataset, n)[0])
            return network.h[1:]


def _figure(what: str, theme: Theme) -> LiveFigure:
    empty = figures.histograms_figure([], names=[], what=what, theme=theme)
    style = partial(figures.histograms_style, what=what)
    return LiveFigure(empty, fills=True, theme=theme, style=style, name=f"Histograms of the {what}s")


def _spreads(names: tuple[str, ...], now: Layers, start: Layers) -> str:
    with np.errstate(all="ignore"):
        return ", ".join(
            f"{name} {written(float(first.std()))} → {written(float(layer.std()))}"
            for name, layer, first in zip(names, now, start, strict=True)
        )
