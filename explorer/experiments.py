"""A demonstration: a question to guess at, an experiment, which may run in a thread, and the paper it repeats."""

import math
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from threading import Event, Thread
from time import thread_time
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.discovery import ExtensionError, Found, found, offers
from explorer.figures.palette import Theme
from explorer.network import NeuralNetwork, accuracy
from explorer.network.network import Network
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.process_settings import one_blas_thread
from explorer.training.turns import Turns, patience, turns_of
from explorer.wording import class_noun

Array = NDArray[Any]
_FEWEST = 10_000
SEEDS = 8  # seeds 0 to 7, with which each claim is measured
Progress = float  # the share of the work that is done, 0 to 1


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What an experiment has found so far."""

    numbers: Mapping[str, float]
    """Figures by name, as the text names them; shares from 0 to 1. The first is compared with the guess."""
    figure: Callable[[Theme], go.Figure]
    """Draws it."""

    @property
    def plain_numbers(self) -> dict[str, float]:
        """The numbers as Python's own, as a file has them."""
        return {name: one if type(one) is int else float(one) for name, one in self.numbers.items()}


Steps = Generator[Progress | NeuralNetwork | Result, None, None]
"""What an experiment yields: its progress, a network that other values of the knob can reuse, and results."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A number that changes the experiment, with the values that the page offers."""

    name: str
    label: str
    values: tuple[float, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Claim:
    """A condition that a card's words set on one number."""

    says: str
    """What holds if the number is in the range, as a clause."""
    number: str
    range: tuple[float, float]
    """The lowest and the highest value, inclusive."""
    seeds: int = SEEDS
    """In how many of the seeds it holds, as measured by ``tests/benchmarks/demonstrations.py``."""

    def holds(self, numbers: Mapping[str, float]) -> bool:
        """Return whether a result's numbers fulfill it."""
        low, high = self.range
        return low <= numbers[self.number] <= high


@dataclass(frozen=True, slots=True)
class Texts:
    """What the page says of a demonstration."""

    title: str
    question: str
    """Asked before it runs; the answer is a number in `unit`."""
    guesses: Sequence[float]
    """The answers to choose from, ascending."""
    unit: str
    paper: str
    """Authors, year, title and where it is found."""
    reports: str
    """What the paper found, in one sentence."""
    says: str
    """What is seen, in two sentences, as a format of a result's numbers."""
    claims: Sequence[Claim]
    """What must hold to repeat the paper; the first is its main finding."""
    seconds: float
    """How long it takes on two cores."""
    thumbnail: Sequence[float]
    """What its figure looks like: the heights of a curve, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One experiment."""

    key: str
    """Its name in the terminal and in files."""
    texts: Texts
    config: TrainingConfig
    """The settings that it begins with."""
    run: Callable[..., Steps]
    """``run(dataset, seed, network, **knobs)``."""
    knob: Knob | None = None
    uses_run: bool = False
    """Whether it can take the network of the current run."""
    uses_drawing: bool = False
    """Whether it can take a user's drawing, uint8 (28, 28), as its `drawing`."""

    def answer(self, numbers: Mapping[str, float]) -> float:
        """Return the answer to its question, in the unit of the guess."""
        return next(iter(numbers.values())) * (100 if self.texts.unit == "%" else 1)

    def sentences(self, numbers: Mapping[str, float], guess: float | None = None) -> tuple[str, str, str]:
        """Return the answer, with the guess; what is seen; the paper's finding. `ValueError` for other numbers."""
        texts = self.texts
        try:
            if not all(map(math.isfinite, numbers.values())):
                raise ValueError("there are numbers missing")
            seen = texts.says.format(**numbers).replace("%", "\u00a0%")
            verdict = self._verdict(numbers)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{self.key} has no such numbers") from error
        guessed = "" if guess is None else f" You guessed {self.in_words(guess)}."
        paper = f"{texts.paper}. {texts.reports} {verdict}"
        return f"{self.in_words(self.answer(numbers))}.{guessed}", seen, paper

    def reproduces(self, numbers: Mapping[str, float]) -> Literal["yes", "partly", "no"]:
        """Return whether all claims hold, only some with the first, or not even that one."""
        first, *others = (claim.holds(numbers) for claim in self.texts.claims)
        return "no" if not first else "yes" if all(others) else "partly"

    def _verdict(self, numbers: Mapping[str, float]) -> str:
        """Return whether these numbers repeat the paper, and which claims fail or depend on the seed."""
        words = [f"Reproduced in this run: {self.reproduces(numbers)}."]
        is_measured = self.knob is None or numbers[self.knob.name] == self.knob.value
        for claim in self.texts.claims:
            holds, depends = claim.holds(numbers), is_measured and claim.seeds < SEEDS
            if depends or not holds:
                seeds = f" (in {claim.seeds or 'none'} of {SEEDS} seeds)" if depends else ""
                words.append(f"{'So' if holds else 'Not so'} here: {claim.says}{seeds}.")
        return " ".join(words)

    def in_words(self, value: float) -> str:
        """Return an answer with its unit: ``"19.5 %"``."""
        number = f"{float(f'{value:.3g}'):g}"
        return f"{number}\u00a0{self.texts.unit}" if self.texts.unit else number

    def refused(self, dataset: Dataset) -> str:
        """Return in a sentence why it can't run on a data set; empty if it can."""
        is_known = dataset.n_classes == 10 and class_noun(dataset.class_names) == "digit"
        if is_known and dataset.n_inputs == 28 * 28 and dataset.n_train >= _FEWEST:
            return ""
        needed = f"It needs 28 × 28 images of ten digits, {_FEWEST:,} or more to train on"
        return f"{needed}; {dataset.name} has other ones or fewer. MNIST, in the page's header, will do."

    def last(
        self, dataset: Dataset, seed: int = 0, network: NeuralNetwork | None = None, **knobs: float
    ) -> Result:
        """Return the result of the whole experiment."""
        with one_blas_thread():
            *_, found = self.run(dataset, seed, network, **knobs)
        assert isinstance(found, Result)
        return found


class Experiment:
    """An experiment in a thread; `deliver` is called with each event, and with None or an error at the end."""

    def __init__(self, steps: Any, deliver: Callable[[Any], object]) -> None:
        self._steps, self._deliver, self._is_stopped = steps, deliver, Event()
        Thread(target=self._work, name="demonstration", daemon=True).start()

    def stop(self) -> None:
        """End it at its next step."""
        self._is_stopped.set()

    def _work(self) -> None:
        end: Exception | None = None
        turns = turns_of(os.environ)
        try:
            with one_blas_thread(), closing(self._steps):
                while self._has_turn(turns) and (event := next(self._steps, None)) is not None:
                    self._deliver(event)
        except Exception as error:  # noqa: BLE001  # whatever it is, the panel says it
            end = error
        finally:
            if turns is not None:
                turns.leave()
        self._deliver(end)

    def _has_turn(self, turns: Turns | None) -> bool:
        """Wait for a turn on a server; return False once it is stopped, and raise `ValueError` at a limit."""
        if turns is not None:
            if reason := turns.limit(thread_time()):
                raise ValueError(reason)
            while not self._is_stopped.is_set() and (place := turns.place()):
                self._is_stopped.wait(patience(place))
        return not self._is_stopped.is_set()


def offered_demonstrations() -> Mapping[str, Demonstration]:
    """Return the demonstrations of all extensions by their keys, in order."""
    return _loaded(found())[0]


def failed_demonstrations() -> Sequence[str]:
    """Return why others can't be offered, a sentence each."""
    return _loaded(found())[1]


@cache
def _loaded(_extensions: Sequence[Found]) -> tuple[Mapping[str, Demonstration], Sequence[str]]:
    known: dict[str, Demonstration] = {}
    faults = []
    for offer in offers("demonstrations"):
        try:
            with offer.explaining_errors():
                for one in offer.load(offer.what):
                    if known.setdefault(one.key, one) is not one:
                        raise ValueError(f"two demonstrations are called {one.key}")
        except ExtensionError as error:
            faults.append(str(error))
    return MappingProxyType(known), tuple(faults)


def training(
    config: TrainingConfig, dataset: Dataset, until: float = 1.0
) -> Generator[Progress | NeuralNetwork, None, NeuralNetwork]:
    """Train a network, yielding the share of the work, up to `until`, and the network; return it, too."""
    network = yield from finish(TrainingRun(config, dataset), 0.0, until)
    yield network
    return network


def finish(run: TrainingRun, begin: float, end: float) -> Generator[Progress, None, NeuralNetwork]:
    """Finish a run, yielding the share of the work, from `begin` to `end`; return its network."""
    with one_blas_thread():
        for _ in run:
            yield begin + (end - begin) * run.epoch / run.config.epochs
    return run.network


def batches(n: int, size: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield the indices of the mini-batches of an epoch, in random order."""
    order = rng.permutation(n)
    yield from (order[at : at + size] for at in range(0, n, size))


def reads(network: Network, dataset: Dataset) -> float:
    """Return the share of the test images, 0 to 1, that a network reads right; a few at a time, to save memory."""
    X = dataset.X_test
    read = [network.predict(X[:, at : at + 1000]) for at in range(0, X.shape[1], 1000)]
    return accuracy(dataset.test_labels, np.concatenate(read))
