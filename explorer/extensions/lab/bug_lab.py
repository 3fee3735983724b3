"""The bug lab: a network with one mistake trains, and the user identifies the mistake from its figures.

The levels, and the response to each guess, are in the file next to this one.
"""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from ipywidgets import Layout
from numpy.typing import NDArray

import explorer.app.layout
from explorer.app.layout import AppBox, box
from explorer.app.panels.drawn_network import FirstWeights
from explorer.app.panels.inside import GradientCheck, Histograms
from explorer.app.panels.overview import Overview
from explorer.app.panels.sections import SectionedPanel, Sections
from explorer.app.views import Pace, Views, ViewState
from explorer.checks.mistakes import MISTAKES
from explorer.checks.structure import parameters
from explorer.datasets import Dataset, load_mnist
from explorer.session import Session
from explorer.training import TrainingConfig
from explorer.training.event_loop import log_fault
from explorer.training.networks import samples
from explorer.training.own_network import OwnClass, steps_of_fit
from explorer.training.process_settings import one_blas_thread
from explorer.widgets.assets import look_of
from explorer.widgets.numbers import Table
from explorer.widgets.page_part import KernelNotice, Visibility
from explorer.widgets.rendered import Caption, Display, Drawable, Element, button_element, element, word_of
from explorer.wording import counted

_KEY = "bug"  # of a level, in addresses
_ALONG = 1e-6  # share of a step that may go in another direction
_JUDGED = 1e-3  # maximum share of a step that may be rounding
_STEP = "The first call of train_iteration: each parameter, its gradient by backward, its step."
_INTRODUCTION = (
    "This network has one mistake. Say which it is, from what its figures show. It trains separately from "
    "your runs, with 32 units on 6 000 images of MNIST. In gray: the textbook's network, with the same settings."
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
    settings: Mapping[str, Any]
    here: Mapping[str, str]

    def answer(self, guess: Guess) -> str:
        """Return the response to a guess: why the figures support it, or contradict it."""
        if guess.mistake == self.mistake:
            return f"Yes: {guess.words}. {self.seen}"
        return f"No. {guess.shows} {self.here[guess.kind]}"


def _read_levels() -> tuple[tuple[Guess, ...], tuple[Level, ...]]:
    table = tomllib.loads(Path(__file__).with_name("levels.toml").read_text(encoding="utf-8"))
    levels = []
    for mistake, level in table["level"].items():
        here = MappingProxyType(table["here"] | level.get("here", {}))
        levels.append(Level(mistake, **{"settings": table["settings"]} | level | {"here": here}))
    return tuple(Guess(mistake, **guess) for mistake, guess in table["guess"].items()), tuple(levels)


GUESSES, LEVELS = _read_levels()
"""All guesses, and all levels in order."""


@dataclass(frozen=True, slots=True)
class BugQuestion(Drawable):
    """The question of a level; presses are ``"again"``, ``"level 3"``, or for the first guess ``"guess 0"``."""

    kind = "explorer-bug-question"

    number: int = 1
    """The level's, 1 for the first."""
    solved: frozenset[int] = frozenset()
    """The numbers of the levels that are solved."""
    guessed: tuple[int, ...] = ()
    """Numbers of the guesses so far, newest last."""

    @property
    def level(self) -> Level:
        """The level."""
        return LEVELS[self.number - 1]

    @property
    def is_right(self) -> bool | None:
        """Whether the last guess was right; None before the first."""
        return GUESSES[self.guessed[-1]].mistake == self.level.mistake if self.guessed else None

    @property
    def response(self) -> str:
        """The instructions, or the response to the last guess."""
        return self.level.answer(GUESSES[self.guessed[-1]]) if self.guessed else _INTRODUCTION

    @property
    def source(self) -> str:
        """The code of the mistake, whose wrong lines end in ``# WRONG``; empty before it is found."""
        return MISTAKES[self.level.mistake].source if self.is_right else ""

    def elements(self) -> list[Element]:
        """Return the question as elements."""
        status = {"role": "status", "aria_live": "polite", "data_right": word_of(self.is_right)}
        lines = [
            element("span", f"{line}\n", class_="explorer-bug-wrong" if line.endswith("# WRONG") else None)
            for line in self.source.splitlines()
        ]
        buttons = [button_element("again", "Train it again", class_="explorer-button")]
        if self.is_right and self.number < len(LEVELS):
            look = {"class_": "explorer-button", "data_primary": True}
            buttons.append(button_element(f"level {self.number + 1}", "Next level", **look))
        row = {"class_": "explorer-bug-levels explorer-wrap"}
        levels = map(self._level, range(1, len(LEVELS) + 1))
        return [
            element("div", *levels, role="group", aria_label="Levels", **row),
            element("p", self.response, class_="explorer-bug-said", **status),
            element("pre", *lines, hidden=not lines, tabindex=0, role="group", aria_label="The code"),
            element("div", *buttons, **row),
            element("p", "Which mistake is it?", class_="explorer-strong"),
            element("ul", *map(self._guess, range(len(GUESSES)))),
        ]

    def _level(self, number: int) -> Element:
        done = number in self.solved
        words = f"Level {number} of {len(LEVELS)}{', solved' if done else ''}"
        named = {"aria_label": words, "aria_current": number == self.number or None, "title": words}
        return button_element(f"level {number}", f"{number}{' ✓' if done else ''}", **named)

    def _guess(self, number: int) -> Element:
        guess, was_right = GUESSES[number], None
        if number in self.guessed:
            was_right = guess.mistake == self.level.mistake
        mark, spoken = {True: ("✓", "right: "), False: ("✗", "wrong: "), None: ("", "")}[was_right]
        marks = element("span", mark, aria_hidden=True), element("span", spoken, class_="explorer-unseen")
        press = button_element(f"guess {number}", *marks, guess.words, data_right=word_of(was_right))
        return element("li", press)


class LabPanel:
    """A level of the bug lab, in a session of its own; in an app, whose views are `host`, the one of before."""

    def __init__(self, host: Views | None = None, level: int = 1) -> None:
        look_of(Path(__file__).parent)
        self._host, self.level = host, level
        self._solved: set[int] = set() if host is None else host.kept.setdefault("lab", set())
        self._session = session = Session(load_mnist(), on_fault=host.loop.on_fault if host else log_fault)
        self.views = views = Views(session)
        self.question = Display(BugQuestion())
        self.question.on_press(views.on_loop(self._on_press))
        curves = partial(Overview, classes="explorer-column explorer-lab-curves", opens=False)
        sections: Sections = {
            "curves": ("Curves", curves),
            "weights": ("Weights", FirstWeights),
            "histograms": ("Histograms", Histograms),
            "check": ("Gradient check", partial(GradientCheck, at_start=True)),
            "step": ("One step", lambda views: _Step(views.session)),
        }
        self.evidence = SectionedPanel(views, sections, classes="explorer-sectioned explorer-lab-evidence")
        views.add(self.evidence.show)
        classes = "explorer-panel explorer-column explorer-apart explorer-lab"
        self.view = box(classes, self.question, self.evidence.view)
        if host is not None:
            host.on_close(self.close)

    def show(self, state: ViewState) -> None:
        """Follow the theme; the first time, train the level."""
        self.views.set_theme(state.theme)
        level = self.level if self._host is None else self._host.levels.get(_KEY, self.level)
        if self._session.own is None or level != self.level:
            self.open(level)

    def open(self, level: int) -> None:
        """Train a level's network; of earlier levels, only whether they are solved is kept."""
        self.level, question = level, BugQuestion(level, frozenset(self._solved))
        config = TrainingConfig(**question.level.settings)
        self._session.use_network(MISTAKES[question.level.mistake].network, config)
        self.question.show(question)
        if self._host is not None:
            self._host.levels[_KEY] = level
            self._host.on_view()

    def close(self) -> None:
        """End the run, and stop drawing."""
        self._session.close()
        self.views.close()

    def _on_press(self, press: str) -> None:
        verb, _, number = press.partition(" ")
        question = self.question.shown
        if press == "again":
            self._session.restart()
        elif verb == "level" and number in map(str, range(1, len(LEVELS) + 1)):
            self.open(int(number))
        elif verb == "guess" and number in map(str, range(len(GUESSES))) and not question.is_right:
            question = replace(question, guessed=(*question.guessed, int(number)))
            if question.is_right:
                self._solved.add(self.level)
            self.question.show(replace(question, solved=frozenset(self._solved)))


class _Step:
    def __init__(self, session: Session) -> None:
        self._session, self._pace = session, Pace()
        steps = ("parameter", "shape", "gradient", "step ÷ −lr · gradient")
        batches = ("mini-batch", "X", "d", "with their own label")
        self.steps = Display(Table("The first step", steps))
        self.batches = Display(Table("What train_iteration is given", batches))
        step, self.caption = Caption(_STEP), Caption()
        self.view = box("explorer-column", step, self.steps, self.caption, self.batches)

    def show(self, state: ViewState) -> None:
        """Show what the session's network does with its first mini-batches."""
        own, config, data = self._session.own, self._session.config, self._session.dataset
        if own is None or not self._pace.is_due(state, own):
            return
        steps, given = steps_of_fit(own, config, data), counted(5 * config.batch_size // 2, "image")
        n = sum(len(step.samples) for step in steps)
        self.caption.text = f"Of {given} given to fit, {n} reach train_iteration."
        self.steps.show(replace(self.steps.shown, rows=step_rows(own, config, data)))
        rows = list[list[str]]()
        for number, step in enumerate(steps, 1):
            pairs = zip(step.samples, step.targets, strict=True)
            n_paired = sum(k % len(step.d) == target for k, target in pairs)
            paired = f"{n_paired} of {len(step.samples)}"
            rows.append([str(number), str(step.X.shape), str(step.d.shape), paired])
        self.batches.show(replace(self.batches.shown, rows=rows))


def step_rows(own: OwnClass, config: TrainingConfig, dataset: Dataset) -> list[list[str]]:
    """Return how each parameter changes in one `train_iteration` on a mini-batch of the usual size."""
    network, (X, d) = own.make(config, dataset), samples(dataset, slice(config.batch_size))
    with one_blas_thread(), np.errstate(all="ignore"):
        before = deepcopy(parameters(network))
        gradients = network.backward(X, network.forward(X), d)
        network.train_iteration(X, d, config.learning_rate)
    rows = []
    for (name, after), gradient in zip(parameters(network).items(), gradients, strict=True):
        moved = _in_steps(before[name], after, -config.learning_rate * gradient)
        rows.append([name, str(after.shape), str(gradient.shape), moved])
    return rows


def _in_steps(before: NDArray[Any], after: NDArray[Any], expected: NDArray[Any]) -> str:
    """Return the length of a parameter's step along the expected one, in units of that."""
    move = after - before
    length, rounding = np.linalg.norm(move), np.finfo(move.dtype).eps * np.linalg.norm(before)
    if not length:
        return "0: it doesn't move"
    if rounding > _JUDGED * length:
        return "too small to judge"
    ratio = float(np.vdot(move, expected) / np.vdot(expected, expected))
    is_along = np.linalg.norm(move - ratio * expected) <= _ALONG * length + rounding
    return f"{ratio:.3g} ×".replace("-", "−") + ("" if is_along else ", not along it")


class BugLab(AppBox):
    """Networks with one mistake each: identify it from the figures and choose it from a list.

    The first `level` is one of 1 to 10; raises `ValueError` for any other.

    Examples
    --------
    >>> from explorer.extensions.lab.bug_lab import BugLab
    >>> lab = BugLab(level=3)
    """

    panel: LabPanel

    def __init__(self, level: int = 1, *, layout: Layout | Mapping[str, Any] | None = None) -> None:
        if level not in range(1, len(LEVELS) + 1):
            raise ValueError(f"level is {level!r}; expected 1 to {len(LEVELS)}")
        look_of(Path(explorer.app.layout.__file__).parent)  # the sheets of the app
        self.panel = LabPanel(level=level)
        sight, views = Visibility(), self.panel.views
        sight.observe(views.on_loop(lambda change: views.set_theme(change["new"])), "theme")
        super().__init__([self.panel.view, sight, KernelNotice()], layout=layout)
        self.add_class("explorer-app")
        self.panel.show(views.state)

    def close(self) -> None:
        """End its run, and close the widgets."""
        if "panel" in vars(self):  # __init__ has completed
            self.panel.close()
        super().close()
