"""The parts of a slide that show a run: the app's figures, in the theme and at the size of the room."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.app import Explorer
from explorer.app.layout import box, close_all
from explorer.app.panels.confusion import ChosenImages
from explorer.app.panels.drawn_network import FirstWeights
from explorer.app.panels.image_tabs import LayerMap
from explorer.app.panels.overview import ChosenMatrix, NetworkPanel
from explorer.app.panels.step_player import StepPlayback, learning_rate, scenes_of
from explorer.app.views import Pace, Panel, Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.dataset import one_hot_columns
from explorer.experiments import Result, offered_demonstrations
from explorer.extensions.talk.file import TalkFile
from explorer.extensions.talk.recordings import parts_of
from explorer.figures.axes import Metric
from explorer.figures.confusion import confusion_data, confusion_figure, confusion_style, confusion_summary
from explorer.figures.curves import EARLIER_SLOTS, curves_data, curves_figure, curves_summary
from explorer.figures.digits import sprite
from explorer.figures.layers import histograms_data, histograms_figure, histograms_style
from explorer.figures.palette import Theme
from explorer.figures.studies import StudyView, study_figure
from explorer.figures.template import FigureData, merged, template
from explorer.network import most_confused
from explorer.session import SessionRun
from explorer.session.new_runs import recorded_start
from explorer.training import History, TrainingConfig
from explorer.training.studies import read_journal
from explorer.training.studies.summary import varied
from explorer.widgets.code_view import CodeView
from explorer.widgets.gallery import Gallery, GalleryImage
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.network_drawing import SCENES
from explorer.widgets.rendered import Rendered, element

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # of the other runs' curves
_PER_PAGE = 32  # images of a cell, or mistakes
_N_READ, _N_READ_IN_WORDS = 40, 15  # images of the title slide; where words are read, which need more room
_PROBE = 500  # test images for the histogram of activations
_LENGTHS = frozenset({"size", "width", "standoff", "ticklabelstandoff", "l", "r", "t", "b"})  # pixels


@dataclass(frozen=True, slots=True)
class Look:
    """Theme and size of a slide's figures."""

    theme: Theme = "light"
    scale: float = 1.0
    """Size of text and lines relative to the app's page, 1 or more."""

    @property
    def template(self) -> Mapping[str, Any]:
        """The figures' template in this theme, enlarged."""
        return self.enlarged(template(self.theme).to_plotly_json())

    def enlarged(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties of a trace or layout with all lengths enlarged."""
        return {name: self._enlarged(name, value) for name, value in properties.items()}

    def _enlarged(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.enlarged(value)
        if isinstance(value, list | tuple) and any(isinstance(part, Mapping) for part in value):
            return [self.enlarged(part) if isinstance(part, Mapping) else part for part in value]
        if name in _LENGTHS and isinstance(value, int | float) and not isinstance(value, bool):
            # Plotly accepts only integers for some lengths: integers stay integers.
            return round(value * self.scale) if isinstance(value, int) else round(value * self.scale, 2)
        return value


class SlideViews(Views):
    """The views of one slide: panels of the app ask them for the slide's run, recorded or live."""

    file: TalkFile
    title: str
    recorded: SessionRun | None = None
    found: Result | None = None
    """What the slide's demonstration has found."""
    current: ViewState | None = None

    def on_choice(self, show: Callable[[ViewState], object]) -> None:
        """Call ``show(state)`` when a cell of the confusion matrix is chosen."""
        self._shows.append(show)

    @property
    def state(self) -> ViewState:
        """The slide's state to show."""
        own = super().state
        if self.current is None:
            return own
        figured = self.current, own.figured
        return replace(self.current, theme=self.theme, chosen=self.chosen, figured=figured)


class Picture(Protocol):
    """A part of a slide."""

    view: DOMWidget

    def show(self, state: ViewState, look: Look) -> None:
        """Draw a run at a moment; neither is ever missing."""


class _Figure:
    """A figure that fills its space on the slide, in the slide's theme and size."""

    def __init__(self, figure: Any, name: str) -> None:
        self.view = LiveFigure(figure, fills=True, name=name)
        self._look: Look | None = None

    def _draw(self, look: Look, data: FigureData, summary: str) -> None:
        traces, layout = data
        colors = {} if look == self._look else {"template": look.template}
        self.view.show([look.enlarged(one) for one in traces], layout | colors, summary)
        self._look = look


class Curve(_Figure):
    """Loss or accuracy over the epochs, in front of the curves of other runs."""

    def __init__(self, metric: Metric) -> None:
        super().__init__(curves_figure(History(TrainingConfig()), metric=metric), metric.capitalize())
        self._metric = metric

    def show(self, state: ViewState, look: Look) -> None:
        """Draw the curves; each gray one has its run's name, and a dash style of its own."""
        history, earlier = state.history, [run.curve for run in state.earlier]
        traces, layout = curves_data(history, earlier, metric=self._metric, theme=look.theme)
        slots = traces[EARLIER_SLOTS - len(earlier) : EARLIER_SLOTS]
        for trace, dash, run in zip(slots, _DASHES, state.earlier, strict=False):
            trace.update(name=run.title, showlegend=True, legendgroup=run.title)
            trace["line"] = trace["line"] | {"dash": dash}
        self._draw(look, (traces, layout), curves_summary(history))


class Matrix(_Figure):
    """A static confusion matrix: keys and clicks go to the slide."""

    def __init__(self, dataset: Dataset) -> None:
        self._names = dataset.class_names
        super().__init__(confusion_figure(None, self._names), "Confusion matrix")

    def show(self, state: ViewState, look: Look) -> None:
        names, counts = self._names, None if state.moment is None else state.moment.confusion
        cells, layout = confusion_data(counts, names)
        traces = merged(confusion_style(names, look.theme), cells)
        self._draw(look, (traces, layout), confusion_summary(counts, names))


class Cells:
    """The confusion matrix with the images of the selected cell, at first that of the most frequent mistake."""

    def __init__(self, views: SlideViews) -> None:
        self._views, self._matrix = views, ChosenMatrix(views)
        self._images = ChosenImages(views, per_page=_PER_PAGE)
        self.view = box("explorer-slide-cells", self._matrix.figure, self._images.gallery)
        self._look: Look | None = None

    def show(self, state: ViewState, look: Look) -> None:
        pairs = [] if state.moment is None else most_confused(state.moment.confusion, 1)
        if self._look is None and pairs:
            self._views.chosen = pairs[0].true, pairs[0].predicted
            state = self._views.state
        self._matrix.show(state)
        self._images.show(state)
        if look != self._look:
            style = confusion_style(self._views.dataset.class_names, look.theme)
            self._matrix.figure.show([look.enlarged(one) for one in style], {"template": look.template})
        self._look = look


class Readings:
    """The first test images with the network's predictions."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._n = _N_READ if all(len(name) <= 3 for name in dataset.class_names) else _N_READ_IN_WORDS
        self.view = Gallery(dataset.class_names)
        self.view.add_class("explorer-slide-readings")
        self._pace = Pace()

    def show(self, state: ViewState, look: Look) -> None:
        if state.moment is None or not self._pace.is_due(state, state.moment.snapshot, look.theme):
            return
        data, names = self._dataset, self._dataset.class_names
        read = state.moment.test_outputs[:, : self._n].argmax(axis=0)
        pairs = zip(data.test_labels[: self._n], read, strict=True)
        images = []
        for true, seen in pairs:
            detail = f"{names[true]}, {'classified correctly' if true == seen else f'read as {names[seen]}'}"
            images.append(GalleryImage(caption=names[seen], note="", detail=detail, right=bool(true == seen)))
        picture = sprite(data.test_images[: self._n], len(images), theme=look.theme)
        self.view.show("Test images, and what is read in each", images, picture, columns=len(images))


class Activations(_Figure):
    """The distribution of the first hidden layer's activations on some test images, and another run's."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(histograms_figure([], names=[], what="activation"), "Activations")
        self._X = dataset.test_images[:_PROBE].reshape(-1, dataset.n_inputs).T / np.float32(255.0)
        self._pace = Pace()

    def show(self, state: ViewState, look: Look) -> None:
        """Draw the run's histogram, and in gray that of the first run to compare with."""
        run, moment = state.run, state.moment
        if run is None or moment is None or not moment.weights:
            return
        if not self._pace.is_due(state, moment.snapshot, look):
            return
        now = [self._activations(run, moment.weights)]
        others = [(other, other.newest) for other in state.earlier[:1]]
        start = [self._activations(other, end.weights) for other, end in others if end and end.weights]
        style = histograms_style(look.theme, what="activation")
        style[0] |= {"name": state.earlier[0].title if start else "", "showlegend": bool(start)}
        style[1] |= {"name": "this run", "fill": "tozeroy"}
        lines, layout = histograms_data(now, start, [""], what="activation")
        summary = f"Activations of the hidden units on {_PROBE} test images"
        self._draw(look, (merged(style, lines), layout), summary)

    @np.errstate(all="ignore")  # non-finite weights show in the figure
    def _activations(self, run: SessionRun, weights: tuple[NDArray[Any], ...]) -> NDArray[Any]:
        network = run.new_network()
        network.set_weights(weights)
        network.forward(self._X)
        return network.h[1]


class Panelled:
    """A panel of the app, on the slide's run; `figure` is the figure in it that follows the size of the room."""

    def __init__(self, panel: Panel, view: DOMWidget | None = None, figure: LiveFigure | None = None) -> None:
        self.view = box("explorer-surface explorer-slide-panel", panel.view) if view is None else view
        self._panel, self._figure, self._pace = panel, figure, Pace()

    def show(self, state: ViewState, look: Look) -> None:
        self._panel.show(state)
        if self._figure is not None and self._pace.is_due(state, look):
            self._figure.show([], {"template": look.template})


class Code:
    """The code of a training step on one image, from the beginning of a scene on, as *Play a step* names them."""

    def __init__(self, views: SlideViews, scene: str) -> None:
        self._views, self._at, self._pace = views, SCENES.index((scene or SCENES[0]).capitalize()), Pace()
        self._code = CodeView()
        self.view = box("explorer-surface explorer-slide-panel", self._code)

    def show(self, state: ViewState, look: Look) -> None:
        inspected = self._views.networks.of(state)
        if inspected is None or not self._pace.is_due(state):
            return
        shown, n_classes = self._views.looked_at(state.scored_on), state.dataset.n_classes
        with inspected.network() as network, np.errstate(all="ignore"):
            copy, d = network.copy(np.float64), one_hot_columns(np.array([shown.true or 0]), n_classes)
            copy.dropout = copy.input_dropout = 0.0
            rate = learning_rate(inspected.run, inspected.epoch, 1)
            self._code.watch(copy.train_iteration, shown.pixels[:, None], d, rate)
        self._code.at = scenes_of(self._code.recording)[self._at]


class Shown:
    """A figure that is made again for each result and look: a demonstration's, or a study's."""

    def __init__(self, views: SlideViews, name: str, make: Callable[[Theme], go.Figure]) -> None:
        self._views, self._name, self._make = views, name, make
        self.view = box("explorer-slide-shown")
        self._pace = Pace()
        self._replaced: Sequence[DOMWidget] = ()

    def show(self, state: ViewState, look: Look) -> None:
        if not self._pace.is_due(state, self._views.found, look):
            return
        made = parts_of(self._make(look.theme))
        plain = {"margin": {"l": 0, "r": 0, "t": 4, "b": 4}}  # of images: their captions are within the axes
        plain = plain if made["layout"].get("xaxis", {}).get("visible") is False else {}
        layout = look.enlarged({**made["layout"], **plain, "template": None, "height": None})
        figure = go.Figure([look.enlarged(one) for one in made["data"]], layout | {"template": look.template})
        before = self.view.children
        self.view.children = [LiveFigure(figure, fills=True, theme=look.theme, name=self._name)]
        for old in self._replaced:
            close_all(old)
        self._replaced = before  # the page may still be making its view


def _study(views: SlideViews, name: str) -> Shown:
    trials = read_journal(views.file.inside(name)).trials
    configs = tuple(trial.config for trial in trials)
    view = StudyView(trials, tuple(varied(configs)), configs)
    return Shown(views, "Study", lambda theme: study_figure(view, theme))


class _Image:
    def __init__(self, views: SlideViews, name: str) -> None:
        alt = f"Picture of this slide: {views.title}"
        image = element("div", class_="explorer-slide-image", role="img", aria_label=alt, picture=0)
        self.view = Rendered("explorer-slide-image-part")
        self.view.draw(image, picture=views.file.inside(name).read_bytes())

    def show(self, state: ViewState, look: Look) -> None:
        """Do nothing: it never changes."""


class Playground:
    """The whole explorer; it opens with the slide's recorded run, or else with the page's, ready at once."""

    def __init__(self, views: SlideViews, settings: str) -> None:
        shown = [name.strip() for name in settings.split(",")] if settings else None
        self.app = Explorer(views.dataset, train=False, shown=shown)
        self.app.header.size = "hall"
        if views.recorded is not None:
            self.app.session.open(views.recorded)
        elif (start := recorded_start(views.dataset)) is not None:
            self.app.session.open(start)
        self.view = box("explorer-slide-playground", self.app)

    def show(self, state: ViewState, look: Look) -> None:
        self.app.open_link(theme=look.theme)


def _map(views: SlideViews, layer: str) -> Panelled:
    panel, layer = LayerMap(views), layer or "1"
    depth = len(views.recorded.config.hidden_sizes) if views.recorded else 1
    if int(layer) > depth:
        raise ValueError(f"map: {layer} needs as many hidden layers; the run has {depth}")
    hidden = {str(k): f"layer {k}" for k in range(1, depth + 1)}
    panel.layer.offer({"0": "input", **hidden, "output": "output"})
    panel.layer.value = layer
    return Panelled(panel, panel.figure, panel.figure)


NEW_PICTURES: Mapping[str, Callable[[SlideViews, str], Picture]] = MappingProxyType(
    {
        "loss": lambda views, _: Curve("loss"),
        "accuracy": lambda views, _: Curve("accuracy"),
        "matrix": lambda views, _: Matrix(views.dataset),
        "cells": lambda views, _: Cells(views),
        "mistakes": lambda views, _: Panelled(
            images := ChosenImages(views, per_page=_PER_PAGE), images.gallery
        ),
        "readings": lambda views, _: Readings(views.dataset),
        "activations": lambda views, _: Activations(views.dataset),
        "network": lambda views, _: Panelled(NetworkPanel(views)),
        "step": lambda views, _: Panelled(NetworkPanel(views, StepPlayback(views))),
        "weights": lambda views, _: Panelled(panel := FirstWeights(views), panel.images),
        "map": _map,
        "code": Code,
        "demonstration": lambda views, key: Shown(
            views,
            offered_demonstrations()[key].texts.title,
            lambda theme: views.found.figure(theme) if views.found else go.Figure(),
        ),
        "study": _study,
        "image": _Image,
        "explorer": Playground,
    }
)
"""Make a picture by its name in `explorer.extensions.talk.file.PICTURES`; ValueError if its file can't be read."""
