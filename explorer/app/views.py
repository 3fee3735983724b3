"""The views of a session: the state that they show, the network that they look into, and when they are drawn."""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from time import monotonic, thread_time
from typing import Any, Protocol

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.network import NeuralNetwork
from explorer.network.metrics import select_samples
from explorer.session import Session, SessionRun, SessionState
from explorer.training import Moment, OwnNetworkError, SampleRecord, Snapshot, TrainingConfig
from explorer.training.event_loop import EventLoop
from explorer.training.own_network import departs
from explorer.training.process_settings import one_blas_thread

Weights = tuple[NDArray[np.floating[Any]], ...]

ANY = -1
"""Means any class where classes are chosen."""

_REST = 100  # pause after a costly drawing, in multiples of its duration: it takes 1 % of the time
_LEAST_GAP_SECONDS = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A user's drawing. Instances compare by identity."""

    image: NDArray[np.uint8]
    """The network's input image, shape (side, side)."""
    true: int | None = None
    """The user's label; None if there is none."""
    frame: tuple[float, float, float] = (0.0, 0.0, 1.0)
    """Left, top and side of the image on the pad, which is 1 wide."""

    @property
    def pixels(self) -> NDArray[np.float32]:
        """The network's inputs, in [0, 1]: (n_inputs,)."""
        return np.divide(self.image.ravel(), np.float32(255), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ViewState(SessionState):
    """A session at one moment, with the state of its display."""

    theme: Theme = "light"
    chosen: tuple[int, int] = (ANY, ANY)
    """The true and the predicted class whose images are shown; `ANY` for any."""
    is_ghost: bool = False
    """Whether it is the previous run's, which stays, paler, until the current run has something to show."""
    is_replay: bool = False
    """Whether it is a moment of the replay with which the page opens."""
    figured: object = field(default_factory=object)
    """Identifies all that is drawn of runs: while it is equal, as it stays in a ghost, nothing is drawn again."""

    @property
    def shade(self) -> Theme:
        """The theme of images: what is dark in a photograph is dark in each, and ink has the color of text."""
        return "dark" if self.dataset.is_photographic else self.theme

    @property
    def cell(self) -> tuple[int, int] | None:
        """Row and column of the selected cell of the confusion matrix, or None."""
        return None if ANY in self.chosen else self.chosen

    def select(self, **chosen: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the held-out images that `select_samples` selects, and their columns among the outputs."""
        if self.run is None or self.pictured is None:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        labels = self.scored_on.test_labels
        scored = np.arange(len(labels)) if self.early is None else self.early.sample
        outputs, loss = self.pictured.snapshot.test_outputs, self.run.config.loss
        found = select_samples(outputs, labels[scored], loss=loss, **chosen)
        return scored[found], found


@dataclass(frozen=True, slots=True, eq=False)
class InspectedNetwork:
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
    """Outputs for the held-out images, shape (n_classes, n_test); None within the first epoch."""
    _network: NeuralNetwork

    @property
    def n_layers(self) -> int:
        """Number of layers, including the output layer."""
        return len(self.weights) // 2

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
        functions = ", ".join(map(self.run.config.text, ("hidden_activation", "output", "loss")))
        return f"{own.name}'s forward or backward pass differs from the textbook's formulas ({functions})"

    @contextmanager
    def network(self, weights: Weights | None = None) -> Iterator[NeuralNetwork]:
        """Yield the network with the weights of this moment, or with others of the run.

        Its passes use one BLAS thread: while other processes compute, two threads take ten times as long.
        """
        with one_blas_thread():
            self._network.set_weights(self.weights if weights is None else weights)
            yield self._network


class InspectedNetworks:
    """Returns the network of each state, the same object for the same moment."""

    def __init__(self) -> None:
        self._newest: InspectedNetwork | None = None
        self._snapshot: Snapshot | None = None

    def of(self, state: SessionState) -> InspectedNetwork | None:
        """Return the network to inspect: at the moment, or before the first one with its initial weights.

        None without a run, and if the weights of a user's own network are unknown.
        """
        run = state.run
        if run is None or (run.own is not None and not run.origin.weights):
            return None
        snapshot, last = None if state.pictured is None else state.pictured.snapshot, self._newest
        if last is not None and last.run.key == run.key:
            if self._snapshot is snapshot:
                return last
            network, first = last._network, last.first
        else:
            network, root = run.new_network(), run.lineage[-1]
            if (given := root.origin.weights) is None:
                # The same as the root's: its weights were used.
                n_inputs, *n_hidden, n_outputs = network.layer_sizes
                how: Any = {"initializer": root.config.initializer, "seed": root.config.seed}
                given = NeuralNetwork(n_inputs, n_hidden, n_outputs, **how).weights()
            first = given
        weights, epoch, outputs = first, float(run.lineage[-1].origin.epoch), None
        if snapshot is not None:
            weights, epoch = snapshot.weights, snapshot.epoch
            outputs = None if state.early is not None else snapshot.test_outputs
        self._snapshot = snapshot
        self._newest = InspectedNetwork(run, weights, first, epoch, outputs, network)
        return self._newest


class Panel(Protocol):
    """Something that can be shown: it has a widget, and `show` is called only while that is visible."""

    view: DOMWidget

    def show(self, state: ViewState) -> None:
        """Draw what has changed; during training, when its `Pace` says that it is time."""


class Views:
    """Decides what is drawn, and when.

    During training, the parts of a drawing alternate with other events, and a slow computer finishes one drawing
    before it starts the next. All else is drawn at once.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.loop = session, session.loop
        self.on_loop = session.loop.bind
        self.theme: Theme = "light"
        self.chosen = (ANY, ANY)
        self.image: int | Drawing = 0
        """The image that all panels look at: a held-out one, by index, or a drawing."""
        self.opens_still = False
        """Whether the page opens without its replay."""
        self.look_into: Callable[[int | Drawing], object] = lambda _image: None
        """Shows one image's way through the network: a held-out image, by index, or a drawing."""
        self.on_view: Callable[[], object] = lambda: None
        """Called after another section of a tab, or level, is chosen."""
        self.open_run: Callable[[TrainingConfig], object] = session.train
        """Trains settings, and turns to their curves."""
        self.kept: dict[str, Any] = {}
        """What tabs keep while their panels are recreated for other images, by the tab's name."""
        self.levels: dict[str, int] = {}
        """The level that a tab shows, by the key that it has in addresses; set by the tab and by links."""
        self.replayed: Moment | SampleRecord | None = None
        """The moment of the run that the opening replay has come to; None to show the one selected."""
        self.networks = InspectedNetworks()
        self._shown, self._n_shown = session.state, 0  # a state, and the number of those before it
        self._closers: list[Callable[[], object]] = []
        self._shows: list[Callable[[ViewState], object]] = []
        self._queue = RedrawQueue(session.loop)
        self.in_turn = self._queue.in_turn
        """Calls ``show(state)``, a part of a drawing: during training, in a later iteration of the event loop."""
        self._is_late = False  # whether there is more to show when the queue is empty
        self._unsubscribe = session.subscribe(self._on_state)

    @property
    def dataset(self) -> Dataset:
        """The data set in use."""
        return self.session.dataset

    @property
    def state(self) -> ViewState:
        """The current state to show; while the current run has nothing to show yet, the previous run's."""
        shown = {one.name: getattr(self._shown, one.name) for one in fields(SessionState)}
        shown |= {"config": self.session.state.config, "theme": self.theme, "chosen": self.chosen}
        shown["is_ghost"] = self._shown is not self.session.state
        shown["figured"] = self._n_shown, self.theme, self.chosen, self.image, self.replayed
        if self.replayed is not None:
            shown |= {"pictured": self.replayed, "is_replay": True}
        return ViewState(**shown)

    def add(self, show: Callable[[ViewState], object]) -> Callable[[], None]:
        """Call ``show(state)`` now and on every change; return a function that stops this."""
        self._shows.append(show)
        self.loop.guarded(show, self.state)
        return lambda: self._shows.remove(show) if show in self._shows else None

    def choose(self, true: int, predicted: int) -> None:
        """Show the images of a true class that were classified as another; `ANY` means any class."""
        self.chosen = (true, predicted)
        self.refresh()

    def toggle(self, true: int, predicted: int) -> None:
        """Select a cell of the confusion matrix, or none if it is already selected."""
        self.choose(*((ANY, ANY) if self.chosen == (true, predicted) else (true, predicted)))

    def looked_at(self, dataset: Dataset) -> Drawing:
        """Return `image`, a held-out one of `dataset` with its class."""
        own = self.image
        held_out = dataset.test_images, dataset.test_labels
        return own if isinstance(own, Drawing) else Drawing(held_out[0][own], int(held_out[1][own]))

    def set_theme(self, theme: Theme) -> None:
        """Draw in this theme."""
        if theme != self.theme:
            self.theme = theme
            self.refresh()

    def refresh(self) -> None:
        """Draw the current state now."""
        self._draw(self.loop.guarded)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when this data set is no longer drawn."""
        self._closers.append(callback)

    def close(self) -> None:
        """Stop drawing."""
        self._unsubscribe()
        self._leave_dataset()
        self._queue.clear()
        self._shows.clear()

    def _leave_dataset(self) -> None:
        self.chosen, self.image = (ANY, ANY), 0
        for callback in self._closers:
            callback()
        self._closers.clear()

    def _on_state(self, state: SessionState) -> None:
        is_same = state.dataset.compares_with(self._shown.dataset)
        is_ghost = state.is_blank and is_same and self._shown.pictured is not None
        is_moving = state.is_training or self._shown.is_training  # at a stop, the run's buttons answer first
        self._shown, self.replayed = self._shown if is_ghost else state, None
        self._n_shown += not is_ghost
        if not is_same:
            self._leave_dataset()
        if is_ghost or not is_moving:
            self.refresh()
        elif not self._queue:
            self._draw(self._queue.add)
        elif not self._is_late:
            self._is_late = True
            self._queue.add(self._draw, self._queue.add)

    def _draw(self, call: Callable[..., object]) -> None:
        self._queue.clear()
        self._is_late, state = False, self.state
        for show in tuple(self._shows):
            call(show, state)


class Pace:
    """Tells a part of the page when to draw: when its content has changed and, during training, not too often.

    Two drawings are at least `seconds` apart and, after a `costly` one, `rest` times its CPU time. A run's first
    figures are never delayed.
    """

    def __init__(self, seconds: float = 0.0, rest: float = _REST) -> None:
        self._seconds, self._rest, self._rests_until = seconds, rest, float("-inf")
        self._drawn: tuple[object, ...] | None = None

    def is_due(self, state: SessionState, *content: object, at_once: bool = False) -> bool:
        """Return whether to draw this content now, `at_once` without a delay; if so, it counts as drawn.

        A run's next delivery asks again for what is delayed.
        """
        if content == self._drawn:
            return False
        begins, now = state.pictured is None, monotonic()
        if now < self._rests_until and state.is_training and not begins and not at_once:
            return False
        self._drawn, self._rests_until = content, float("-inf") if begins else now + self._seconds
        return True

    @contextmanager
    def costly(self) -> Iterator[None]:
        """Rest after a drawing in proportion to its CPU time in this thread, without that of other threads."""
        started = thread_time()
        yield
        rest = self._rest * (thread_time() - started)
        self._rests_until = max(self._rests_until, monotonic() + rest)


class RedrawQueue:
    """Calls functions in the order in which they were added, one per iteration of the event loop.

    Functions added during a call run right after it. Without an event loop, each is called at once.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._waiting: deque[partial[object]] = deque()
        self._added: list[partial[object]] | None = None  # by the function that is being called
        self._is_scheduled = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call ``function(*arguments)`` when it is its turn."""
        if (loop := self._loop.loop) is None:
            self._loop.guarded(function, *arguments)
            return
        (self._waiting if self._added is None else self._added).append(partial(function, *arguments))
        if not self._is_scheduled:
            self._is_scheduled = True
            # After the timers that have expired meanwhile, and their callbacks.
            loop.call_later(0, loop.call_soon, self._call_next, loop)

    def in_turn(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call ``function(*arguments)``, a part of a drawing: if that is being called in its turn, after it."""
        if self._added is None:
            function(*arguments)
        else:
            self._added.append(partial(function, *arguments))

    def clear(self) -> None:
        """Discard the waiting functions."""
        self._waiting.clear()

    def _call_next(self, loop: AbstractEventLoop) -> None:
        if self._waiting:
            function, self._added = self._waiting.popleft(), []
            self._loop.guarded(function)
            self._waiting.extendleft(reversed(self._added))
            self._added = None
        if self._waiting:
            loop.call_later(0, loop.call_soon, self._call_next, loop)
        else:
            self._is_scheduled = False


class IdleWork:
    """Does long work in steps, each of which returns whether more remains; between them the event loop is free."""

    def __init__(self, step: Callable[[], bool], loop: EventLoop) -> None:
        self._step, self._loop, self._is_waiting = step, loop, False

    def go_on(self) -> None:
        """Schedule the work; without an event loop, do all of it now."""
        if self._loop.loop is None:
            while self._step():
                continue
        elif not self._is_waiting:
            self._schedule(_LEAST_GAP_SECONDS)

    def _schedule(self, seconds: float) -> None:
        self._is_waiting = True
        self._loop.call_later(seconds, self._loop.guarded, self._do_step)

    def _do_step(self) -> None:
        self._is_waiting, started = False, monotonic()
        if self._step():
            self._schedule(max(_LEAST_GAP_SECONDS, monotonic() - started))
