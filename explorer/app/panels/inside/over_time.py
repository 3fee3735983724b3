"""The gradient of each layer, and its dead units or saturated activations, epoch by epoch."""

from time import monotonic
from typing import Any

from explorer.app.layout import figure_row
from explorer.app.panels.inside.pacing import Leisure, Pace
from explorer.app.panels.inside.subject import Subject, Weights, probe, probe_size
from explorer.app.view_state import ViewState
from explorer.app.views import Views
from explorer.figures.layers import (
    LayerMeasure,
    layers_data,
    layers_figure,
    layers_style,
    layers_summary,
)
from explorer.figures.palette import Theme
from explorer.network.diagnostics import LayerDiagnostics, diagnose
from explorer.widgets.caption import Caption
from explorer.widgets.live_figure import LiveFigure

__all__ = ["OverTime"]

_MOST_IMAGES, _LEAST_IMAGES = 512, 64
_SECONDS_BETWEEN = 0.25
_MEASURES: tuple[LayerMeasure, ...] = ("gradient", "stuck")


class OverTime:
    """Two figures over the epochs.

    The moments of a run are diagnosed one by one, when there is time for it, and what was found is kept while the
    run is shown.
    """

    def __init__(self, views: Views) -> None:
        self.gradient, self.stuck = self._figures = tuple(_figure(what, views.theme) for what in _MEASURES)
        self.captions = (Caption(), Caption())
        self.view = figure_row(self._figures, self.captions)
        self._pace = Pace()
        self._leisure = Leisure(self._go_on, views.on_loop)
        self._seen: tuple[ViewState, Subject] | None = None
        self._known: dict[float, tuple[LayerDiagnostics, ...]] = {}
        self._drawn: tuple[Any, ...] = ()
        self._drawn_at = float("-inf")

    def show(self, state: ViewState, subject: Subject) -> None:
        """Show what is known of the run, and learn more of it."""
        if self._seen is None or self._seen[1].run.key != subject.run.key:
            self._known = {}
        self._seen = state, subject
        for figure in self._figures:
            figure.set_theme(state.theme)
        if self._pace.is_due(state):
            with self._pace.drawing():
                more = self._diagnose_next()
                self._draw()
            if more and not state.is_training:
                self._leisure.go_on()

    def _go_on(self) -> bool:
        """Diagnose one moment; return whether more are left."""
        more = self._diagnose_next()
        if not more or monotonic() - self._drawn_at >= _SECONDS_BETWEEN:
            self._draw()
        return more

    def _diagnose_next(self) -> bool:
        """Diagnose the selected epoch, else the first that isn't yet; return whether more are left."""
        if self._seen is None:
            return False
        left = self._left(self._seen[1])
        if left:
            epoch = next(iter(left))
            self._known[epoch] = self._diagnosed(self._seen[1], left[epoch])
        return len(left) > 1

    def _left(self, subject: Subject) -> dict[float, Weights]:
        """Return the weights of the moments that nothing is known of yet, by epoch."""
        moments = {subject.epoch: subject.weights}
        if subject.run.parent is None:
            # its own first weights: drawn at epoch 0, or a file's at the file's epoch
            moments[float(subject.run.first_epoch)] = subject.first
        moments |= {moment.epoch: moment.weights for moment in subject.run.timeline.moments}
        return {epoch: weights for epoch, weights in moments.items() if epoch not in self._known}

    def _diagnosed(self, subject: Subject, weights: Weights) -> tuple[LayerDiagnostics, ...]:
        images = probe(subject.run.dataset, self._n_images(subject))
        with subject.network(weights) as network:
            return diagnose(network, images.X, images.d)

    def _n_images(self, subject: Subject) -> int:
        n = probe_size(subject.n_parameters, most=_MOST_IMAGES, least=_LEAST_IMAGES)
        return min(n, len(subject.run.dataset.test_labels))

    def _draw(self) -> None:
        if self._seen is None:
            return
        state, subject = self._seen
        n_epochs = max(subject.run.config.epochs, subject.run.epochs_done)
        wanted = (subject.run.key, len(self._known), subject.epoch, n_epochs, state.theme)
        if wanted == self._drawn:
            return
        self._drawn, self._drawn_at = wanted, monotonic()
        for figure, measure in zip(self._figures, _MEASURES, strict=True):
            marks: Any = {"n_epochs": n_epochs, "epoch": subject.epoch, "theme": state.theme}
            figure.show(*layers_data(self._known, measure, **marks))
        self._say(subject)

    def _say(self, subject: Subject) -> None:
        layers = self._known.get(subject.epoch)
        if layers is not None:
            gradient, stuck = layers_summary(layers, self._n_images(subject), subject.run.held_out)
            self.captions[0].text = f"epoch {subject.epoch:g}, {gradient}"
            self.captions[1].text = stuck
            self.gradient.summary, self.stuck.summary = (caption.text for caption in self.captions)


def _figure(measure: LayerMeasure, theme: Theme) -> LiveFigure:
    empty = layers_figure({}, measure, n_epochs=1, theme=theme)
    name = {"gradient": "Gradient of each layer", "stuck": "Dead and saturated units"}[measure]
    return LiveFigure(empty, fills=True, theme=theme, style=layers_style, name=name)
