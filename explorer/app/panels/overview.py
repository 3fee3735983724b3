"""The tab Explore: the network, loss, accuracy, the confusion matrix, and the images in a cell of it."""

from collections.abc import Sequence
from functools import partial

from explorer.app.layout import box, framed, set_hidden
from explorer.app.panels.confusion import ChosenImages, Matrix
from explorer.app.panels.step_player import PlayedNetwork
from explorer.app.views import ANY, Pace, Panel, Views, ViewState
from explorer.figures import curves as figures
from explorer.figures.axes import Metric, epoch_mark
from explorer.figures.curves import steps_data, steps_summary
from explorer.figures.palette import Theme
from explorer.figures.summaries import curves_summary
from explorer.figures.template import merged
from explorer.session import SessionRun
from explorer.training import History
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption
from explorer.wording import counted

_MATRIX_SECONDS = 0.35  # during training: every second tick, and so mostly not together with the images
_TEXTBOOK = "the textbook’s network"  # trained next to a user's own class
_OTHERS_FOLLOW = "Each step fits the images of its mini-batch; the next mini-batch has others."


class Curve:
    """Loss or accuracy over the epochs, with earlier runs in gray."""

    def __init__(self, metric: Metric, views: Views) -> None:
        self._metric, theme = metric, views.theme
        self._shows_steps = False
        empty = figures.curves_figure(History(views.session.config), metric=metric, theme=theme)
        self._style, name = partial(figures.curves_style, metric=metric), metric.capitalize()
        self.figure = LiveFigure(empty, fills=True, theme=theme, style=self._style, name=name)
        self.caption = Caption()
        if metric == "accuracy":
            self.caption.add_class("explorer-spoken")  # the figure and the results show it
        self.view = framed(metric, self.figure, self.caption)

    def show(self, state: ViewState) -> None:
        """Show the run's records and the selected epoch; while the user steps through batches, the steps."""
        run = state.run
        if run is not None and run.stepped and state.looks_back_to is None:
            self._show_steps(run, state.history, state.theme)
            return
        metric, history = self._metric, state.history
        shown = state.comparable.shown[-figures.EARLIER_SLOTS :]
        is_own = run is not None and run.own is not None
        called = {"earlier_name": _TEXTBOOK} if is_own and all(one.own is None for one in shown) else {}
        earlier = [one.curve for one in shown]
        self.figure.set_theme(state.theme)
        samples = () if run is None else run.early
        traces, layout = figures.curves_data(history, earlier, metric=metric, samples=samples, **called)
        layout |= figures.curves_marks(history, state.theme, metric=metric)
        layout["shapes"] += epoch_mark(state.marked_epoch, state.theme)
        summary = curves_summary(history, state.looks_back_to, sample=state.early)
        if self._shows_steps:  # its lines have other names
            self._shows_steps = False
            traces = merged(self._style(state.theme), traces)
        self.figure.show(traces, layout | {"uirevision": "epochs"}, summary)
        self.caption.text = _left_out(state, earlier) if metric == "loss" else summary

    def _show_steps(self, run: SessionRun, history: History, theme: Theme) -> None:
        metric, steps, place = self._metric, run.stepped, run.position
        self._shows_steps = True
        self.figure.set_theme(theme)
        about = {"loss": run.config.loss_name, "held_out": run.held_out}
        traces, layout = steps_data(steps, place, history, metric=metric, **about)
        summary = steps_summary(steps[-1], place, run.held_out)
        traces = merged(self._style(theme), traces)
        self.figure.show(traces, layout | {"shapes": [], "annotations": [], "uirevision": "steps"}, summary)
        self.caption.text = _OTHERS_FOLLOW if metric == "loss" else summary


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
    name, is_same_kind = run.dataset.name, run.held_out == state.scored_on.held_out
    return name if name != state.dataset.name else f"{'other ' if is_same_kind else ''}{run.held_out} images"


class ChosenMatrix:
    """The confusion matrix of the selected epoch; selecting a cell affects all views."""

    def __init__(self, views: Views) -> None:
        self.matrix = Matrix(views.dataset.class_names, views.theme, views.on_loop, views.toggle)
        self.caption = Caption()
        self.view = framed("confusion", self.matrix.figure, self.caption, tool=self.matrix.counted)
        self._pace = Pace(_MATRIX_SECONDS)

    def show(self, state: ViewState) -> None:
        """Show the counts; they have 200 texts, so during training not every time."""
        self.matrix.mark(state.cell)
        is_new = state.theme != self.matrix.figure.theme or state.looks_back_to is not None
        if self._pace.rests(state) and not is_new:
            return
        self._pace.rest(state)
        counts = None if state.pictured is None else state.pictured.confusion
        self.matrix.show(counts, state.theme, state.scored_kind)
        self.caption.text = self.matrix.caption(state)


def chosen_images(views: Views, *, opens: bool = False) -> ChosenImages:
    """Return the images of the selected cell, or the worst mistakes overall, which may open under Look inside."""
    on_open = views.look_into if opens else None
    images = ChosenImages(views.dataset, views.on_loop, views.choose, lambda: views.state, on_open=on_open)
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
            self.network = PlayedNetwork(views)
            self._parts.insert(2, self.network)
            shown.insert(0, self.network.view)
        self.view = box(classes, *shown, self.gallery.view)

    def show(self, state: ViewState) -> None:
        """Show the run's records and the selected epoch; images only once their classes are chosen."""
        is_chosen = state.chosen != (ANY, ANY)
        set_hidden(self.gallery.view, not is_chosen)
        moving = [self.loss, self.accuracy] if self._views.replayed else []  # curves don't move in a replay
        for part in (*self._parts, self.gallery) if is_chosen else self._parts:
            if part not in moving:
                self._views.in_turn(part.show, state)
