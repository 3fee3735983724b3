"""The tab Explore: the network with its pad, loss, accuracy, the confusion matrix, and the images in a cell."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box, framed
from explorer.app.panels.confusion import ChosenImages, Matrix, read_images
from explorer.app.panels.data import PlaneSource
from explorer.app.panels.drawn_network import DrawnNetwork
from explorer.app.panels.step_player import StepPlayback
from explorer.app.readouts import first_words
from explorer.app.views import ANY, Drawing, Pace, Panel, Views, ViewState
from explorer.datasets.dataset import pixel_columns
from explorer.datasets.preprocessing import frame, preprocess
from explorer.figures import curves as figures
from explorer.figures.axes import Metric, epoch_mark
from explorer.figures.curves import curves_summary
from explorer.figures.digits import sprite
from explorer.session import SessionRun
from explorer.training import History, Moment, SampleRecord
from explorer.widgets.controls import Dropdown
from explorer.widgets.drawing_pad import DrawingPad
from explorer.widgets.gallery import Gallery
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption, Rendered, element
from explorer.wording import counted, percent

_MOST_DRAWINGS = 40  # kept: a pass over this many takes about a millisecond
_SECONDS_BETWEEN_READINGS = 1.0
_REPLAY_SECONDS = 3.0  # of the first epoch, when the page opens
_SMOOTHED = 16  # levels of 255 by which a browser's smoothing may make ink paler as a stroke goes on
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
    left_out = [f"{counted(len(losses), 'earlier run')} with {losses[0]}"] if losses else []
    if others := state.not_comparable.shown:
        data = others[0].dataset
        is_same_kind = others[0].config.held_out == state.scored_on.held_out
        images = f"{'other ' if is_same_kind else ''}{data.held_out_noun}s"
        name = data.name if data.name != state.dataset.name else images
        left_out.append(f"{counted(len(others), 'earlier run')} on {name}")
    return f"Not shown: {' and '.join(left_out)}." if left_out else ""


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
        is_chosen = state.chosen != (ANY, ANY)
        set_hidden(self.gallery.view, not is_chosen)
        for part in (*self._parts, self.gallery) if is_chosen else self._parts:
            self._views.in_turn(part.show, state)


class NetworkPanel:
    """The drawing of the network with its pad; with `played`, steps of training are played on it."""

    def __init__(self, views: Views, played: StepPlayback | None = None) -> None:
        dataset, on_loop = views.dataset, views.on_loop
        self._views, self.played = views, played
        self.drawn = drawn = DrawnNetwork(views) if played is None else played.drawn
        self._shown = played or drawn
        self.drawing, self.unit, self.caption = drawn.drawing, drawn.unit, drawn.caption
        self.pad = DrawingPad().add_class("explorer-photos" if dataset.is_photographic else "explorer-ink")
        self.plane = drawn.plane = PlaneSource(views, self._light) if dataset.is_plane else None
        names = {str(k): name for k, name in enumerate(dataset.class_names)}
        self.truth = Dropdown("What did you draw?", {"": "", **names})
        self.drawings = Drawings(views, lambda ink: self.pad.set_trait("ink", ink))
        self._ink = b""  # the image's
        self._drawn: int | Drawing = 0  # what the user's ink is
        self._loaded: tuple[bytes, int | Drawing] = b"", 0  # the last one put there: its ink, and the image
        self._cell: tuple[int, int] | None = None
        self.replay, self._pace = Replay(views), Pace()
        self.pad.observe(on_loop(self._on_ink), "ink")
        self.pad.on_mistake(on_loop(self._next_mistake))
        self.truth.observe(on_loop(self._on_truth), "value")
        self.drawing.observe(on_loop(self._redraw), ["chosen", "unit"])
        self.drawing.on_more(on_loop(self._on_more))
        self.drawing.on_arrival(on_loop(lambda moves: self.replay.begin(moves=moves)))
        self.question, self._said = box("explorer-hidden", self.truth), box("", self.caption)
        given = self.pad if self.plane is None else self.plane.view
        name = Rendered("explorer-network-name", element("p", "What it sees"))
        source = box("explorer-network-source", name, given, self._said, self.question)
        newcomer = Rendered("explorer-newcomer", element("p", first_words(dataset)))
        parts = source, self.unit.view, self._shown.view, self.drawings.view, newcomer
        self.view = box("explorer-figure explorer-place-network", *parts, area="network")
        self._put_on_pad()

    def show(self, state: ViewState) -> None:
        if not self._pace.is_due(state, state.figured):
            return
        if state.cell != self._cell:
            self._cell = state.cell
            chosen = dict(zip(("true", "predicted"), state.cell or (), strict=False))
            if chosen and (found := state.select(**chosen)[0]).size:
                self.look_at(int(found[0]), draw=False)
        self._put_on_pad()  # other held-out images may be fewer
        if self.plane is not None:
            self.plane.show(state)
        self._shown.show(state)
        self.drawings.show(state)

    def look_at(self, image: int | Drawing, *, draw: bool = True) -> None:
        """Choose a held-out image, by index, or a drawing."""
        self._views.image = image
        self._put_on_pad()
        if draw:
            self._redraw()

    def _put_on_pad(self) -> None:
        image, dataset = self._views.image, self._views.state.scored_on
        if isinstance(image, int):
            self._views.image = image = min(image, len(dataset.test_images) - 1)
        elif image is self._drawn:
            return
        shown = self._views.looked_at(dataset).image
        if self.plane is not None:
            self.plane.put(shown)
            return
        self._ink = self.pad.ink_of(shown)
        self._loaded = self._ink, image
        self.pad.ink = self._ink
        self._ask()

    def _on_ink(self, _change: object) -> None:
        before, ink, (loaded, image) = self._ink, self.pad.ink, self._loaded
        if ink == before:
            return
        self._ink = ink
        if ink != loaded:
            image = self.drawings.kept.get(ink) or self._drawing_after(before)
        self._views.image = self._drawn = image
        self._ask()
        self._redraw()

    def _drawing_after(self, before: bytes) -> Drawing:
        """Return what is on the pad; a labeled drawing that only grew keeps its label and its place."""
        image = preprocess(self.pad.image, self._views.dataset.image_shape[0])
        labeled, place = self.drawings.kept.get(before), frame(self.pad.image)
        has_less = any(now + _SMOOTHED < was for now, was in zip(self.pad.ink, before, strict=False))
        if labeled is None or has_less or not self.pad.ink:
            return Drawing(image, frame=place)
        self.drawings.keep(before, replace(labeled, true=None))
        changed = Drawing(image, labeled.true, place)
        self.drawings.keep(self.pad.ink, changed)
        return changed

    def _light(self, point: NDArray[Any]) -> None:
        self._views.image = self._drawn = Drawing(point)
        self._redraw()

    def _ask(self) -> None:
        """Ask what was drawn, in place of the caption; of a held-out image and of a blank pad that is known."""
        image = self._views.image
        true = image.true if isinstance(image, Drawing) else None
        self.truth.value = "" if true is None else str(true)
        is_drawn = isinstance(image, Drawing) and bool(image.image.any())
        set_hidden(self.question, not is_drawn)
        (self._said.add_class if is_drawn else self._said.remove_class)("explorer-unseen")

    def _on_truth(self, _change: object) -> None:
        image, true = self._views.image, int(self.truth.value) if self.truth.value else None
        if isinstance(image, Drawing) and true != image.true:
            self._views.image = self._drawn = image = replace(image, true=true)
            self.drawings.keep(self.pad.ink, image)
            self._redraw()

    def _next_mistake(self) -> None:
        """Show the next misclassified image, highest loss first; without one, the next of all."""
        state = self._views.state
        wrong: list[int] = state.select(mistakes_only=True)[0].tolist()
        images = wrong or range(len(state.scored_on.test_labels))
        at = self._views.image if isinstance(self._views.image, int) else -1
        after = images.index(at) + 1 if at in images else 0
        self.look_at(images[after % len(images)])

    def _on_more(self, layer: int) -> None:
        self.drawn.whole ^= {layer}
        self._redraw()

    def _redraw(self, *_event: object) -> None:
        self.replay.stop()
        self._shown.show(self._views.state, at_once=True)


class Drawings:
    """A strip of labeled drawings, newest first; `on_open` is called with the ink of one that is opened."""

    def __init__(self, views: Views, on_open: Callable[[bytes], object]) -> None:
        self.gallery = Gallery(views.dataset.class_names)
        self.gallery.on_open("Press to put it on the pad again", views.on_loop(self._open))
        self.view = box("explorer-network-drawings explorer-hidden", self.gallery)
        self._views, self._on_open = views, on_open
        self.kept: dict[bytes, Drawing] = {}
        """The drawings, by the pad's ink."""
        self._pace = Pace(_SECONDS_BETWEEN_READINGS)

    def keep(self, ink: bytes, drawing: Drawing) -> None:
        """Keep a drawing with its label; without a label, remove it."""
        others = [(other, kept) for other, kept in self.kept.items() if other != ink]
        newest = [] if drawing.true is None else [(ink, drawing)]
        self.kept = dict([*newest, *others][:_MOST_DRAWINGS])
        self.show(self._views.state)

    def show(self, state: ViewState) -> None:
        inspected, kept = self._views.networks.of(state), (*self.kept.values(),)
        if inspected is None or not self._pace.is_due(state, inspected, kept, state.theme):
            return
        set_hidden(self.view, not kept)
        if not kept:
            return
        images, names = np.stack([one.image for one in kept]), self._views.dataset.class_names
        with inspected.network() as network, np.errstate(all="ignore"):
            pixels = np.array(pixel_columns(images))  # a user's class may write there
            outputs = np.array(network.forward(pixels))
        sources = {at: f"your drawing {len(kept) - at}" for at in range(len(kept))}
        labels = [one.true for one in kept if one.true is not None]
        read = read_images(outputs, labels, inspected.run.config, names, sources)
        n, right = len(read), sum(one.right for one in read)
        tally = f"{right} of your {n} drawings read correctly ({percent(right / n, 0)})"
        if n == 1:
            tally = f"Your drawing, read {'correctly' if right else 'as something else'}"
        self.gallery.show(tally, read, sprite(images, n, theme=state.shade), columns=n)

    def _open(self, place: int) -> None:
        if 0 <= place < len(self.kept):
            self._on_open([*self.kept][place])


class Replay:
    """Shows every second moment of the first epoch of a run that has ended, in all views, in three seconds."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._left: list[Moment | SampleRecord] = []
        self._run: tuple[int, int] | None = None  # the one that is replayed
        self._seconds = 0.0

    def prepare(self) -> None:
        """Show the first moment of the current run until the page says whether it wants motion."""
        run = self._views.state.run
        if run is not None and run.status == "finished" and run.moments and self._views.loop.loop is not None:
            self._views.replayed = run.moments[0]
            self._views.refresh()

    def begin(self, *, moves: bool = True) -> None:
        """Replay the current run, or leave it; one that trains is in motion already."""
        views, run = self._views, self._views.state.run
        is_over = run is not None and run.status == "finished"
        if run is None or not is_over or views.loop.loop is None or self._left:
            return
        if views.opens_still or not moves:
            self.stop()
            return
        self._left = [one for one in run.moments if one.epoch <= 1][::2]  # later on, less changes
        self._run, self._seconds = run.key, _REPLAY_SECONDS / max(1, len(self._left))
        self._step()

    def stop(self) -> None:
        """Leave the rest out."""
        if self._left or self._views.replayed is not None:
            self._left, self._views.replayed = [], None
            self._views.refresh()

    def _step(self) -> None:
        run = self._views.state.run
        if not self._left or run is None or run.key != self._run:
            self.stop()
        else:
            self._views.replayed = self._left.pop(0)
            self._views.refresh()
            self._views.loop.call_later(self._seconds, self._views.loop.guarded, self._step)
