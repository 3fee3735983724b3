"""Sections that look into a network: their base classes, and the network at the moment that they inspect."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.views import Pace, ViewState
from explorer.datasets import Dataset
from explorer.datasets.dataset import one_hot_columns, pixel_columns
from explorer.network import NeuralNetwork
from explorer.session import SessionRun
from explorer.training import Snapshot
from explorer.training.own_network import OwnNetworkError, departs
from explorer.training.process_settings import one_blas_thread
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption

Weights = tuple[NDArray[np.floating[Any]], ...]

_MOST_PRODUCTS = 2**25  # weights times samples allowed per pass: about a millisecond


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A network at one moment. Instances compare by identity."""

    run: SessionRun
    """The run that it belongs to."""
    weights: Weights
    """``(W1, b1, W2, b2, …)`` at this moment."""
    first: Weights
    """The initial weights of the run, or of the run that it was forked from."""
    epoch: float
    """Epochs so far; with only the initial weights, the epochs before them: 0 unless a file records more."""
    test_outputs: NDArray[np.floating[Any]] | None
    """Outputs for the held-out images, shape (n_classes, n_test); None before the first epoch has ended."""
    _network: NeuralNetwork

    @property
    def n_layers(self) -> int:
        """Number of layers, including the output layer."""
        return len(self.weights) // 2

    @property
    def layer_names(self) -> tuple[str, ...]:
        """``"layer 1"``, …, ``"output"``."""
        return (*(f"layer {number}" for number in range(1, self.n_layers)), "output")

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return self._network.n_parameters

    @property
    def differs(self) -> str:
        """Why the formulas would not describe the network; empty if they do."""
        own = self.run.own
        try:
            if own is None or not departs(self._network):
                return ""
        except OwnNetworkError as error:
            return str(error)
        return f"The passes of {own.name} are not those of the textbook's formulas with its weights"

    @contextmanager
    def network(self, weights: Weights | None = None) -> Iterator[NeuralNetwork]:
        """Yield the network with the weights of this moment, or with others of the run.

        Its passes use one BLAS thread: while other processes compute, two threads take ten times as long.
        """
        with one_blas_thread():
            self._network.set_weights(self.weights if weights is None else weights)
            yield self._network


class Subjects:
    """Returns the subject of each state, the same object for the same moment."""

    def __init__(self) -> None:
        self._newest: Subject | None = None
        self._snapshot: Snapshot | None = None

    def of(self, state: ViewState) -> Subject | None:
        """Return the network to inspect: at the moment, or before the first one with its initial weights.

        None without a run, and if the weights of a user's own network are unknown.
        """
        run = state.run
        if run is None or (run.own is not None and not run.first_weights):
            return None
        snapshot, last = None if state.moment is None else state.moment.snapshot, self._newest
        if last is not None and last.run.key == run.key:
            if self._snapshot is snapshot:
                return last
            network, first = last._network, last.first
        else:
            network, first = _beginning(run)
        weights, epoch, outputs = first, float(run.lineage[-1].first_epoch), None
        if snapshot is not None:
            weights, epoch, outputs = snapshot.weights, snapshot.epoch, snapshot.test_outputs
        self._newest, self._snapshot = Subject(run, weights, first, epoch, outputs, network), snapshot
        return self._newest


def probe(dataset: Dataset, n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the first `n` held-out images (n_inputs, n), in [0, 1], and their one-hot classes (n_classes, n)."""
    X = pixel_columns(dataset.test_images[:n])  # `X_test` would be a float copy of all images
    d = one_hot_columns(dataset.test_labels[:n], dataset.n_classes)
    return np.array(X), np.array(d)  # a class of the user's own may write into them


def probe_size(n_parameters: int, *, most: int, least: int, products: int = _MOST_PRODUCTS) -> int:
    """Return the number of images that don't delay the page: fewer for a larger network."""
    return min(most, max(least, products // n_parameters))


def _beginning(run: SessionRun) -> tuple[NeuralNetwork, Weights]:
    """Return a network with the run's layers, and the initial weights of the run that it descends from."""
    network, root = run.new_network(), run.lineage[-1]
    if root.first_weights is not None:
        return network, root.first_weights
    n_inputs, *n_hidden, n_outputs = network.layer_sizes  # same as the root's: its weights were used
    config = root.config
    begun = NeuralNetwork(n_inputs, n_hidden, n_outputs, initializer=config.initializer, seed=config.seed)
    return network, begun.weights()


class Section(ABC):
    """A section, drawn while it is visible; during training, costly drawings take at most 1 % of the time."""

    view: DOMWidget

    def __init__(self) -> None:
        self._pace = Pace()
        self._seen: tuple[ViewState, Subject] | None = None

    def show(self, state: ViewState, subject: Subject) -> None:
        """Draw what has changed, if it is time to."""
        self._seen = state, subject
        if not self._pace.rests(state):
            self._redraw()

    @abstractmethod
    def _draw(self, state: ViewState, subject: Subject) -> None: ...

    def _redraw(self, *_event: object) -> None:
        if self._seen is not None:
            with self._pace.costly():
                self._draw(*self._seen)


class FigurePair(Section):
    """Two figures side by side, each with a caption; one below the other if there is no room."""

    def __init__(self, figures: Sequence[LiveFigure]) -> None:
        super().__init__()
        self.figures, self.captions = figures, (Caption(), Caption())
        pairs = zip(self.figures, self.captions, strict=True)
        parts = (box("explorer-panel-figure", *pair) for pair in pairs)
        self.view = box("explorer-column explorer-two explorer-fills", *parts)

    def show(self, state: ViewState, subject: Subject) -> None:
        """Follow the theme at once, and everything else when it is time to."""
        for figure in self.figures:
            figure.set_theme(state.theme)
        super().show(state, subject)

    def _describe(self, *summaries: str) -> None:
        for figure, caption, summary in zip(self.figures, self.captions, summaries, strict=True):
            figure.summary = caption.text = summary


class SectionPanel:
    """A section outside the Inside tab; with `at_start`, it shows the initial weights."""

    def __init__(self, section: Section, *, at_start: bool = False) -> None:
        self.section, self._at_start, self.view = section, at_start, section.view
        self._subjects = Subjects()
        self._first: Subject | None = None

    def show(self, state: ViewState) -> None:
        """Show the network, once there is one."""
        subject = self._subjects.of(state)
        if subject is not None and self._at_start:
            if self._first is None or self._first.first is not subject.first:
                self._first = replace(subject, weights=subject.first, epoch=0.0)
            subject = self._first
        if subject is not None:
            self.section.show(state, subject)
