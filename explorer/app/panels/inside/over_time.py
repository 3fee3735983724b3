"""The gradient of each layer, and its dead units or saturated activations, epoch by epoch."""

from time import monotonic
from typing import Any

from explorer.app.panels.inside.pacing import Leisure
from explorer.app.panels.inside.section import FigurePair, Subject, Weights, probe, probe_size
from explorer.app.views import Views, ViewState
from explorer.figures import layers as figures
from explorer.figures.palette import Theme
from explorer.network.diagnostics import LayerDiagnostics, diagnose
from explorer.widgets.live_figure import LiveFigure

_MOST_IMAGES, _LEAST_IMAGES = 512, 64
_SECONDS_BETWEEN = 0.25
_MEASURES: tuple[figures.LayerMeasure, ...] = ("gradient", "stuck")


class OverTime(FigurePair):
    """Two figures over the epochs.

    A run's moments are diagnosed one by one when the event loop is idle, and the results are kept while the run is
    shown.
    """

    def __init__(self, views: Views) -> None:
        super().__init__([_figure(what, views.theme) for what in _MEASURES])
        self.gradient, self.stuck = self.figures
        self._leisure = Leisure(self._go_on, views.on_loop)
        self._known: dict[float, tuple[LayerDiagnostics, ...]] = {}
        self._plotted_at = float("-inf")

    def show(self, state: ViewState, subject: Subject) -> None:
        """Show the results so far, and diagnose further moments."""
        if self._seen is None or self._seen[1].run.key != subject.run.key:
            self._known = {}
        super().show(state, subject)
        if not state.is_training and self._left(subject):
            self._leisure.go_on()

    def _draw(self, state: ViewState, subject: Subject) -> None:
        self._diagnose_next(subject)
        self._plot(state, subject)

    def _go_on(self) -> bool:
        """Diagnose one moment; return whether more remain."""
        if self._seen is None:
            return False
        state, subject = self._seen
        more = self._diagnose_next(subject)
        if not more or monotonic() - self._plotted_at >= _SECONDS_BETWEEN:
            self._plot(state, subject)
        return more

    def _diagnose_next(self, subject: Subject) -> bool:
        """Diagnose the selected epoch, or else the first pending one; return whether more remain."""
        left = self._left(subject)
        if left:
            epoch = next(iter(left))
            images = probe(subject.run.dataset, self._n_images(subject))
            with subject.network(left[epoch]) as network:
                self._known[epoch] = diagnose(network, *images)
        return len(left) > 1

    def _left(self, subject: Subject) -> dict[float, Weights]:
        """Return the weights of the moments not yet diagnosed, by epoch."""
        moments = {subject.epoch: subject.weights}
        if subject.run.parent is None:
            # The run's own initial weights: those at epoch 0, or a file's at the file's epoch.
            moments[float(subject.run.first_epoch)] = subject.first
        moments |= {moment.epoch: moment.weights for moment in subject.run.timeline.moments}
        return {epoch: weights for epoch, weights in moments.items() if epoch not in self._known}

    def _n_images(self, subject: Subject) -> int:
        n = probe_size(subject.n_parameters, most=_MOST_IMAGES, least=_LEAST_IMAGES)
        return min(n, len(subject.run.dataset.test_labels))

    def _plot(self, state: ViewState, subject: Subject) -> None:
        n_epochs = max(subject.run.config.epochs, subject.run.epochs_done)
        wanted = (subject.run.key, len(self._known), subject.epoch, n_epochs, state.theme)
        if wanted == self._drawn:
            return
        self._drawn, self._plotted_at = wanted, monotonic()
        for figure, measure in zip(self.figures, _MEASURES, strict=True):
            marks: Any = {"n_epochs": n_epochs, "epoch": subject.epoch, "theme": state.theme}
            figure.show(*figures.layers_data(self._known, measure, **marks))
        layers = self._known.get(subject.epoch)
        if layers is not None:
            gradient, stuck = figures.layers_summary(layers, self._n_images(subject), subject.run.held_out)
            self._say(f"epoch {subject.epoch:g}, {gradient}", stuck)


def _figure(measure: figures.LayerMeasure, theme: Theme) -> LiveFigure:
    empty = figures.layers_figure({}, measure, n_epochs=1, theme=theme)
    name = {"gradient": "Gradient of each layer", "stuck": "Dead and saturated units"}[measure]
    return LiveFigure(empty, fills=True, theme=theme, style=figures.layers_style, name=name)
