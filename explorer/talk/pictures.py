"""The parts of a slide that show a run: the app's figures, in the theme and at the size of the room."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.app import Explorer
from explorer.app.layout import box
from explorer.app.panels.confusion import ChosenImages
from explorer.app.panels.confusion import Matrix as ChoosableMatrix
from explorer.app.views import ANY, OnLoop, ViewState
from explorer.datasets import Dataset
from explorer.figures.axes import Metric
from explorer.figures.confusion import confusion_data, confusion_figure, confusion_style
from explorer.figures.curves import EARLIER_SLOTS, curves_data, curves_figure, curves_style
from explorer.figures.digits import sprite
from explorer.figures.layers import histograms_data, histograms_figure, histograms_style
from explorer.figures.palette import Theme
from explorer.figures.summaries import confusion_summary, curves_summary
from explorer.figures.template import FigureData, merged, template
from explorer.network import most_confused
from explorer.session import SessionRun
from explorer.talk.slides import recorded_run
from explorer.training import History, TrainingConfig
from explorer.widgets.gallery import Gallery, GalleryImage
from explorer.widgets.live_figure import LiveFigure

Properties = Sequence[dict[str, Any]]

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")  # of the other runs' curves
_N_READ = 40  # images of the title slide
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

    def _draw(self, look: Look, style: Properties, data: FigureData, summary: str) -> None:
        traces, layout = data
        colors = {} if look == self._look else {"template": look.template}
        self.view.show(merged([look.enlarged(one) for one in style], traces), layout | colors, summary)
        self._look = look


class Curve(_Figure):
    """Loss or accuracy over the epochs, in front of the curves of other runs."""

    def __init__(self, metric: Metric) -> None:
        super().__init__(curves_figure(History(TrainingConfig()), metric=metric), metric.capitalize())
        self._metric = metric

    def show(self, state: ViewState, look: Look) -> None:
        """Draw the curves; each gray one has its run's name, and a dash style of its own."""
        metric, history, earlier = self._metric, state.history, [run.curve for run in state.earlier]
        traces, layout = curves_data(history, earlier, metric=metric)
        free = EARLIER_SLOTS - len(earlier)
        style = curves_style(look.theme, metric=metric)
        for slot, dash, run in zip(range(free, EARLIER_SLOTS), _DASHES, state.earlier, strict=False):
            traces[slot].update(name=run.title, showlegend=True, legendgroup=run.title)
            style[slot]["line"] = style[slot]["line"] | {"dash": dash}
        self._draw(look, style, (traces, layout), curves_summary(history))


class Matrix(_Figure):
    """A static confusion matrix: keys and clicks go to the slide."""

    def __init__(self, dataset: Dataset) -> None:
        self._names = dataset.class_names
        super().__init__(confusion_figure(None, self._names), "Confusion matrix")

    def show(self, state: ViewState, look: Look) -> None:
        """Draw the counts."""
        names, counts = self._names, None if state.moment is None else state.moment.confusion
        style, data = confusion_style(names, look.theme), confusion_data(counts, names)
        self._draw(look, style, data, confusion_summary(counts, names))


class Mistakes:
    """All misclassified images, worst first."""

    def __init__(self, dataset: Dataset, on_loop: OnLoop) -> None:
        self._state = ViewState(dataset=dataset, config=TrainingConfig())
        self._images = ChosenImages(dataset, on_loop, self._choose, lambda: self._state, per_page=32)
        self.view: DOMWidget = self._images.gallery

    def show(self, state: ViewState, look: Look) -> None:
        """Show the images with the network's predictions; the selection is kept."""
        self._state = replace(state, chosen=self._state.chosen)
        self._images.show(self._state)

    def _choose(self, true: int, predicted: int) -> None:
        self._state = replace(self._state, chosen=(true, predicted))
        self._images.show(self._state)


class Cells(Mistakes):
    """The confusion matrix with the images of the selected cell, at first that of the most frequent mistake."""

    def __init__(self, dataset: Dataset, on_loop: OnLoop) -> None:
        super().__init__(dataset, on_loop)
        self._names = dataset.class_names
        self._matrix = ChoosableMatrix(self._names, "light", on_loop, self._toggle)
        self.view = box("explorer-slide-cells", self._matrix.figure, self._images.gallery)
        self._look: Look | None = None

    def show(self, state: ViewState, look: Look) -> None:
        """Draw both."""
        counts = None if state.moment is None else state.moment.confusion
        self._matrix.show(counts, look.theme)
        super().show(state, look)
        if look != self._look:
            style = [look.enlarged(one) for one in confusion_style(self._names, look.theme)]
            self._matrix.figure.show(style, {"template": look.template})
        pairs = [] if counts is None else most_confused(counts, 1)
        if self._look is None and pairs:
            self._choose(pairs[0].true, pairs[0].predicted)
        self._look = look

    def _toggle(self, true: int, predicted: int) -> None:
        self._choose(*((ANY, ANY) if self._state.chosen == (true, predicted) else (true, predicted)))

    def _choose(self, true: int, predicted: int) -> None:
        super()._choose(true, predicted)
        self._matrix.mark(self._state.cell)


class Readings:
    """The first test images with the network's predictions."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.view = Gallery(dataset.class_names)
        self.view.add_class("explorer-slide-readings")
        self._shown: tuple[object, ...] = ()

    def show(self, state: ViewState, look: Look) -> None:
        """Show the predictions at this moment."""
        if state.moment is None or self._shown == (state.moment.snapshot, look.theme):
            return
        self._shown = state.moment.snapshot, look.theme
        data, names = self._dataset, self._dataset.class_names
        read = state.moment.test_outputs[:, :_N_READ].argmax(axis=0)
        pairs = zip(data.test_labels[:_N_READ], read, strict=True)
        images = [self._reading(names[true], names[seen]) for true, seen in pairs]
        picture = sprite(data.test_images[:_N_READ], len(images), theme=look.theme)
        self.view.show("Test images, and what is read in each", images, picture, columns=len(images))

    @staticmethod
    def _reading(true: str, seen: str) -> GalleryImage:
        detail = f"{true}, classified correctly" if true == seen else f"{true}, read as {seen}"
        return GalleryImage(caption=seen, note="", detail=detail, right=true == seen)


class Activations(_Figure):
    """The distribution of the first hidden layer's activations on some test images, and another run's."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(histograms_figure([], names=[], what="activation"), "Activations")
        self._X = dataset.test_images[:_PROBE].reshape(-1, dataset.n_inputs).T / np.float32(255.0)
        self._drawn: object = None

    def show(self, state: ViewState, look: Look) -> None:
        """Draw the run's histogram, and in gray that of the first run to compare with."""
        run, moment = state.run, state.moment
        if run is None or moment is None or not moment.weights:
            return
        if self._drawn is moment.snapshot and self._look == look:
            return
        self._drawn = moment.snapshot
        now = [self._activations(run, moment.weights)]
        others = [(other, other.newest) for other in state.earlier[:1]]
        start = [self._activations(other, end.weights) for other, end in others if end and end.weights]
        style = histograms_style(look.theme, what="activation")
        style[0] |= {"name": state.earlier[0].title if start else "", "showlegend": bool(start)}
        style[1] |= {"name": "this run", "fill": "tozeroy"}
        data = histograms_data(now, start, [""], what="activation")
        summary = f"Activations of the hidden units on {_PROBE} test images"
        self._draw(look, style, data, summary)

    @np.errstate(all="ignore")  # non-finite weights show in the figure
    def _activations(self, run: SessionRun, weights: tuple[NDArray[Any], ...]) -> NDArray[Any]:
        network = run.new_network()
        network.set_weights(weights)
        network.forward(self._X)
        return network.h[1]


class Playground:
    """The whole explorer; it opens with the recorded run of the exercise, so that it is ready at once."""

    def __init__(self, dataset: Dataset) -> None:
        self.app = Explorer(dataset, train=False)
        self.app.session.open(recorded_run("exercise", dataset))
        self.view = box("explorer-slide-playground", self.app)

    def show(self, state: ViewState, look: Look) -> None:
        """Apply the slide's theme; the app does the rest."""
        self.app.open_link(theme=look.theme)


PICTURES: Mapping[str, Callable[[Dataset, OnLoop], Picture]] = MappingProxyType(
    {
        "loss": lambda dataset, on_loop: Curve("loss"),
        "accuracy": lambda dataset, on_loop: Curve("accuracy"),
        "matrix": lambda dataset, on_loop: Matrix(dataset),
        "cells": Cells,
        "mistakes": Mistakes,
        "readings": lambda dataset, on_loop: Readings(dataset),
        "activations": lambda dataset, on_loop: Activations(dataset),
        "playground": lambda dataset, on_loop: Playground(dataset),
    }
)
"""Factories of the pictures, by their names in the table of slides."""
