"""The bug lab: a network with one mistake trains, and the user identifies the mistake from its figures.

The levels, and the response to each guess, are in the file next to this one.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ipywidgets import Layout

from explorer.app.layout import AppBox, box
from explorer.app.panels.inside import GradientCheck, Histograms
from explorer.app.panels.overview import Overview
from explorer.app.panels.sections import SectionedPanel
from explorer.app.panels.weights import FirstWeights
from explorer.app.views import Panel, Views, ViewState
from explorer.checks.tasks import MISTAKES
from explorer.datasets import load_mnist
from explorer.session import Session
from explorer.training import OwnClass, TrainingConfig
from explorer.training.own_network import Arrival, ParameterStep, arrivals, first_step
from explorer.training.runner import log_fault
from explorer.widgets.assets import look_of
from explorer.widgets.bug_question import BugQuestion
from explorer.widgets.page_state import KernelNotice, Visibility
from explorer.widgets.rendered import Caption, Display
from explorer.widgets.tables import Table
from explorer.wording import counted

_INTRODUCTION = (
    "This network has one mistake. Say which it is, from what its figures show. It trains separately from "
    "your own runs, with 32 hidden units on 6 000 images. In gray: the textbook's network, with the same settings."
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A mistake that can be guessed; the attributes are the file's."""

    mistake: str
    words: str
    kind: str
    shows: str


@dataclass(frozen=True, slots=True)
class Level:
    """A network with one mistake; the attributes are the file's."""

    mistake: str
    seen: str
    settings: str
    here: Mapping[str, str]

    @property
    def config(self) -> TrainingConfig:
        """The settings that it trains with."""
        return TrainingConfig.from_query(self.settings)[0]

    @property
    def network(self) -> type[Any]:
        """The network's class."""
        network = MISTAKES[self.mistake].network
        assert network is not None  # a test checks that each of them trains
        return network

    def answer(self, guess: Guess) -> str:
        """Return the response to a guess: why the figures support it, or contradict it."""
        if guess.mistake == self.mistake:
            return f"Yes: {guess.words}. {self.seen}"
        return f"No. {guess.shows} {self.here[guess.kind]}"


def _read_levels() -> tuple[tuple[Guess, ...], tuple[Level, ...]]:
    table = tomllib.loads((Path(__file__).parent / "levels.toml").read_text(encoding="utf-8"))
    settings, here = table["settings"]["query"], table["here"]
    levels = (
        {"settings": settings} | level | {"here": MappingProxyType(here | level.get("here", {}))}
        for level in table["level"]
    )
    return tuple(Guess(**guess) for guess in table["guess"]), tuple(Level(**level) for level in levels)


GUESSES, LEVELS = _read_levels()
"""All guesses, and all levels in order."""


class LabPanel:
    """A level of the bug lab, in a session of its own; `solved` is the set of solved levels, which it updates."""

    def __init__(
        self,
        level: int,
        solved: set[int] | None = None,
        *,
        on_level: Callable[[int], object] = lambda _level: None,
        on_fault: Callable[[Exception], object] = log_fault,
    ) -> None:
        self.level, self._solved, self._on_level = level, set() if solved is None else solved, on_level
        self._guessed: tuple[int, ...] = ()  # in this level, newest last
        self._session = session = Session(load_mnist(), on_fault=on_fault)
        self.views = views = Views(session)
        self.question = Display(BugQuestion())
        self.question.on_press(views.on_loop(self._on_press))
        curves = partial(Overview, classes="explorer-column explorer-lab-curves", opens=False)
        sections: dict[str, tuple[str, Callable[[Views], Panel]]] = {
            "curves": ("Curves", curves),
            "weights": ("Weights", FirstWeights),
            "histograms": ("Histograms", Histograms),
            "check": ("Gradient check", partial(GradientCheck, at_start=True)),
            "step": ("One step", lambda views: _Step(views.session)),
        }
        self.evidence = SectionedPanel(views, sections, classes="explorer-sectioned explorer-lab-evidence")
        views.add(self.evidence.show)
        self.view = box("explorer-panel explorer-column explorer-lab", self.question, self.evidence.view)

    def show(self, state: ViewState) -> None:
        """Follow the theme; the first time, train the level."""
        self.views.set_theme(state.theme)
        if self._session.own is None:
            self.open(self.level)

    def open(self, level: int) -> None:
        """Train a level's network; of earlier levels, only whether they are solved is kept."""
        self.level, self._guessed = level, ()
        chosen = LEVELS[level - 1]
        self._session.use_network(chosen.network, chosen.config)
        self._show_question()
        self._on_level(level)

    def close(self) -> None:
        """End the run, and stop drawing."""
        self._session.close()
        self.views.close()

    @property
    def _of_level(self) -> Level:
        return LEVELS[self.level - 1]

    @property
    def _is_found(self) -> bool:
        return any(GUESSES[number].mistake == self._of_level.mistake for number in self._guessed)

    def _on_press(self, press: str) -> None:
        verb, _, number = press.partition(" ")
        if press == "again":
            self._session.restart()
        elif verb == "level" and number in map(str, range(1, len(LEVELS) + 1)):
            self.open(int(number))
        elif verb == "guess" and number in map(str, range(len(GUESSES))) and not self._is_found:
            self._guessed = (*self._guessed, int(number))
            if GUESSES[int(number)].mistake == self._of_level.mistake:
                self._solved.add(self.level)
            self._show_question()

    def _show_question(self) -> None:
        level, guessed = self._of_level, [GUESSES[number] for number in self._guessed]
        is_right = {guess: guess.mistake == level.mistake for guess in guessed}
        question = BugQuestion(
            level=self.level,
            solved=[number in self._solved for number in range(1, len(LEVELS) + 1)],
            guesses=[(guess.words, is_right.get(guess)) for guess in GUESSES],
            said=level.answer(guessed[-1]) if guessed else _INTRODUCTION,
            is_right=is_right[guessed[-1]] if guessed else None,
            source=MISTAKES[level.mistake].source if self._is_found else "",
        )
        self.question.show(question)


class _Step:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown: OwnClass | None = None
        steps = ("parameter", "shape", "gradient", "step ÷ −lr · gradient")
        batches = ("mini-batch", "X", "d", "with their own label")
        self.steps = Display(Table("The first step", steps))
        self.batches = Display(Table("What train_iteration is given", batches))
        self.caption = Caption()
        step = Caption(
            "The first call of train_iteration: each parameter, its gradient by backward, its step."
        )
        self.view = box("explorer-column explorer-words", step, self.steps, self.caption, self.batches)

    def show(self, _state: ViewState) -> None:
        """Show what the session's network does with its first mini-batches."""
        session = self._session
        if session.own is None or session.own == self._shown:
            return
        self._shown = session.own
        config, data = session.config, session.dataset
        steps, arrived = first_step(session.own, config, data), arrivals(session.own, config, data)
        n, given = sum(len(arrival.pairs) for arrival in arrived), 5 * config.batch_size // 2
        self.caption.text = f"Of {counted(given, 'image')} given to fit, {n} reach train_iteration."
        self.steps.show(replace(self.steps.shown, rows=[*map(_step_row, steps)]))
        rows = [_batch_row(number, arrival) for number, arrival in enumerate(arrived, 1)]
        self.batches.show(replace(self.batches.shown, rows=rows))


def _step_row(step: ParameterStep) -> list[str]:
    moved = f"{step.ratio:.3g} ×".replace("-", "−")
    if step.ratio != step.ratio:
        moved = "too small to judge"
    elif step.ratio == 0:
        moved = "0: it doesn't move"
    elif not step.is_along:
        moved += ", not along it"
    return [step.name, str(step.shape), str(step.gradient_shape), moved]


def _batch_row(number: int, arrival: Arrival) -> list[str]:
    paired = f"{arrival.n_paired} of {len(arrival.pairs)}"
    return [str(number), str(arrival.X_shape), str(arrival.d_shape), paired]


class BugLab(AppBox):
    """Networks with one mistake each: identify it from the figures and choose it from a list.

    Parameters
    ----------
    level : int
        The level to start with, 1 to 10.
    layout : Layout or dict, optional
        As of any ipywidgets box.

    Raises
    ------
    ValueError
        If there is no such level.

    Examples
    --------
    >>> from explorer import BugLab
    >>> lab = BugLab(level=3)
    """

    panel: LabPanel

    def __init__(self, level: int = 1, *, layout: Layout | Mapping[str, Any] | None = None) -> None:
        if level not in range(1, len(LEVELS) + 1):
            raise ValueError(f"level is {level!r}; expected 1 to {len(LEVELS)}")
        look_of(Path(__file__).parents[1])  # the sheets of the app
        self.panel = LabPanel(level)
        sight = Visibility()
        sight.observe(
            self.panel.views.on_loop(lambda change: self.panel.views.set_theme(change["new"])), "theme"
        )
        super().__init__([self.panel.view, sight, KernelNotice()], layout=layout)
        self.add_class("explorer-app")
        self.panel.show(self.panel.views.state)

    def close(self) -> None:
        """End its run, and close the widgets."""
        if "panel" in vars(self):  # __init__ has completed
            self.panel.close()
        super().close()
