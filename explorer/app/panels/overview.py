"""The tab Explore: the network, loss, accuracy, the confusion matrix, and the images in a cell of it."""

from collections.abc import Sequence
from typing import Any

from explorer.app.layout import box, framed
from explorer.app.panels.confusion import ChosenImages, Matrix
from explorer.app.panels.network import NetworkPanel
from explorer.app.panels.step_player import StepPlayback
from explorer.app.redrawing import Pace
from explorer.app.views import ANY, Panel, Views, ViewState
from explorer.figures import curves as figures
from explorer.figures.axes import Metric, epoch_mark
from explorer.figures.curves import curves_summary
from explorer.session import SessionRun
from explorer.training import History
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption
from explorer.wording import counted

_TEXTBOOK = "the textbook’s network"  # trained next to a user's own class


class Curve:
    """Loss or accuracy over the epochs, with earlier runs in gray."""

    def __init__(self, metric: Metric, views: Views) -> None:
        self._metric, self._pace, theme = metric, Pace(), views.theme
        empty = figures.curves_figure(History(views.session.config), metric=metric, theme=theme)
        self.figure = LiveFigure(empty, fills=True, theme=theme, name=metric.capitalize())
        self.caption = Caption()
        if metric == "accuracy":
            self.caption.add_class("explorer-spoken")  # the figure and the results show it
        self.view = framed(metric, self.figure, self.caption)

    def show(self, state: ViewState) -> None:
        """Show the run's records and the selected epoch."""
        if not self._pace.is_due(state, state.figured):
            return
        run, metric, history = state.run, self._metric, state.history
        samples = () if run is None else run.early
        if state.is_replay and (moment := state.pictured) is not None:
            history = history.until(moment.epoch)
            samples = tuple(one for one in samples if one.epoch <= moment.epoch)
        self.figure.set_theme(state.theme)
        shown = state.comparable.shown[-figures.EARLIER_SLOTS :]
        earlier = [one.curve for one in shown]
        about: Any = {"metric": metric, "theme": state.theme, "samples": samples}
        about["names"] = [_at_end(one) * (one.number in state.rivals) for one in shown] + [_at_end(run)]
        if run and run.own and not any(one.own for one in shown):
            about["earlier_name"] = _TEXTBOOK
        traces, layout = figures.curves_data(history, earlier, **about)
        layout["shapes"] += epoch_mark(state.marked_epoch, state.theme)
        summary = curves_summary(history, state.looks_back_to, sample=state.early)
        self.figure.show(traces, layout, summary)
        self.caption.text = _left_out(state, earlier) if metric == "loss" else summary


def _left_out(state: ViewState, earlier: Sequence[History]) -> str:
    """Name earlier runs that this axis can't show, with another loss or other images; empty if there are none."""
    own = state.history.config.loss_terms
    losses = [run.config.loss_name for run in earlier if run.config.loss_terms != own]
    others = [_images_of(run, state) for run in state.not_comparable.shown]
    left_out = [f"{counted(len(losses), 'earlier run')} with {losses[0]}"] if losses else []
    left_out += [f"{counted(len(others), 'earlier run')} on {others[0]}"] if others else []
    return f"Not shown: {' and '.join(left_out)}." if left_out else ""


def _images_of(run: SessionRun, state: ViewState) -> str:
    """Return a name for a run's images: ``"Fashion-MNIST"``, ``"test images"``, ``"other test images"``."""
    name, is_same_kind = run.dataset.name, run.config.held_out == state.scored_on.held_out
    images = f"{'other ' if is_same_kind else ''}{run.dataset.held_out_noun}s"
    return name if name != state.dataset.name else images


def _at_end(run: SessionRun | None) -> str:
    """Return the name of an entry of a race, at the end of its curve: ``"Adam"``, ``"batch 32"``."""
    return "" if run is None else run.name or run.label.partition(",")[0] or "this run"


class ChosenMatrix(Matrix):
    """The confusion matrix of the selected epoch; selecting a cell affects all views."""

    def __init__(self, views: Views) -> None:
        super().__init__(views)
        self.view = framed("confusion", self.figure, self.caption, tool=self.counted)


def chosen_images(views: Views, *, opens: bool = False) -> ChosenImages:
    """Return the images of the selected cell, or the worst mistakes overall, which may open in the network."""
    images = ChosenImages(views, on_open=views.look_into if opens else None)
    images.view = framed("gallery", images.gallery)
    return images


class Overview:
    """The network, curves, matrix and images of a run."""

    def __init__(self, views: Views, classes: str = "explorer-overview", *, opens: bool = True) -> None:
        self.loss, self.accuracy = Curve("loss", views), Curve("accuracy", views)
        self.confusion, self.gallery = ChosenMatrix(views), chosen_images(views, opens=opens)
        self._views = views
        self._parts: list[Panel] = [self.loss, self.accuracy, self.confusion]  # curves answer first
        shown = [part.view for part in self._parts]
        if opens:
            self.network = NetworkPanel(views, StepPlayback(views))
            self._parts.insert(2, self.network)
            shown.insert(0, self.network.view)
        self.view = box(classes, *shown, self.gallery.view)

    def show(self, state: ViewState) -> None:
        """Show the run's records and the selected epoch; images only once their classes are chosen."""
        is_chosen = state.chosen != (ANY, ANY)
        set_hidden(self.gallery.view, not is_chosen)
        for part in (*self._parts, self.gallery) if is_chosen else self._parts:
            self._views.in_turn(part.show, state)
