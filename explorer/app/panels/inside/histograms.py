"""How weights and activations of each layer are spread, against the start."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import figure_row
from explorer.app.panels.inside.pacing import Pace
from explorer.app.panels.inside.subject import Subject, Weights, probe, probe_size
from explorer.app.view_state import ViewState
from explorer.app.views import Views
from explorer.figures.formulas import written
from explorer.figures.histograms import (
    histograms_data,
    histograms_figure,
    histograms_style,
)
from explorer.figures.palette import Theme
from explorer.widgets.caption import Caption
from explorer.widgets.live_figure import LiveFigure
from explorer.wording import counted

__all__ = ["Histograms"]

Layers = list[NDArray[np.floating[Any]]]

_MOST_IMAGES, _LEAST_IMAGES = 512, 32
_WHAT = ("weight", "activation")


class Histograms:
    """Two figures: weights, and activations on a few hundred held-out images."""

    def __init__(self, views: Views) -> None:
        self.weights, self.activations = self._figures = tuple(_figure(what, views.theme) for what in _WHAT)
        self.captions = (Caption(), Caption())
        self.view = figure_row(self._figures, self.captions)
        self._pace = Pace()
        self._drawn: Subject | None = None
        self._first_activations: Layers = []

    def show(self, state: ViewState, subject: Subject) -> None:
        """Show the layers at this moment."""
        for figure in self._figures:
            figure.set_theme(state.theme)
        if subject is not self._drawn and self._pace.is_due(state):
            with self._pace.drawing():
                self._draw(subject)

    def _draw(self, subject: Subject) -> None:
        if self._drawn is None or self._drawn.first is not subject.first:
            self._first_activations = self._activations(subject, subject.first)
        self._drawn = subject
        weights = list(subject.weights[::2]), list(subject.first[::2])
        activations = self._activations(subject, subject.weights), self._first_activations
        names = subject.layer_names
        layers = (weights, activations)
        for figure, what, (now, start) in zip(self._figures, _WHAT, layers, strict=True):
            figure.show(*histograms_data(now, start, names, what=what))
        spreads = [_spreads(names, *both) for both in layers]
        n = activations[0][0].shape[1]
        self.captions[0].text = f"standard deviation of the weights: {spreads[0]}"
        self.captions[
            1
        ].text = f"on {counted(n, f'{subject.run.held_out} image')}; standard deviation: {spreads[1]}"
        self.weights.summary, self.activations.summary = (caption.text for caption in self.captions)

    @np.errstate(all="ignore")  # weights that are no numbers show in the figure
    def _activations(self, subject: Subject, weights: Weights) -> Layers:
        n = probe_size(subject.n_parameters, most=_MOST_IMAGES, least=_LEAST_IMAGES)
        with subject.network(weights) as network:
            network.forward(probe(subject.run.dataset, n).X)
            return [*network.h.values()]


def _figure(what: str, theme: Theme) -> LiveFigure:
    empty = histograms_figure([], names=[], what=what, theme=theme)
    style = partial(histograms_style, what=what)
    return LiveFigure(empty, fills=True, theme=theme, style=style, name=f"Histograms of the {what}s")


def _spreads(names: tuple[str, ...], now: Layers, start: Layers) -> str:
    """Return each layer's standard deviation, at the start and now."""
    with np.errstate(all="ignore"):
        return ", ".join(
            f"{name} {written(float(first.std()))} → {written(float(layer.std()))}"
            for name, layer, first in zip(names, now, start, strict=True)
        )
