"""The eighth tab: a network with one mistake trains, and the user names it from what its figures show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from explorer.app.layout import box, set_hidden
from explorer.app.panels.inside.gradient_check import GradientCheck
from explorer.app.panels.inside.histograms import Histograms
from explorer.app.panels.inside.subject import Subject, Subjects
from explorer.app.panels.inside.weights import FirstWeights
from explorer.app.panels.lab.levels import GUESSES, LEVELS, Level
from explorer.app.panels.overview import ChosenGallery, ChosenMatrix, Curve
from explorer.app.view_state import Panel, ViewState
from explorer.app.views import Views
from explorer.datasets import load_mnist
from explorer.session import Session
from explorer.training import OwnClass
from explorer.training.event_loop import log_fault
from explorer.training.own_step import Arrival, ParameterStep, arrivals, first_step
from explorer.widgets.bug_question import BugQuestion
from explorer.widgets.caption import Caption
from explorer.widgets.dropdown import Segmented
from explorer.widgets.rendered import Display
from explorer.widgets.table import Table
from explorer.wording import counted

__all__ = ["LabPanel"]

_INTRODUCTION = (
    "This network has one mistake. Say which it is, from what its figures show. It trains separately from "
    "your own runs, with 32 hidden units on 6 000 images. In grey: the textbook's network, with the same settings."
)


class LabPanel:
    """A level of the bug lab, in a session of its own.

    Parameters
    ----------
    level : int
        The level that it begins with, 1 for the first.
    solved : set of int
        The levels that are solved, kept up to date.
    on_level : callable
        Called after another level is opened.
    on_fault : callable
        Called with what a handler raises, to tell the user.
    """

    def __init__(
        self,
        level: int = 1,
        *,
        solved: set[int] | None = None,
        on_level: Callable[[], object] = lambda: None,
        on_fault: Callable[[Exception], object] = log_fault,
    ) -> None:
        self.level, self._solved, self._on_level = level, set() if solved is None else solved, on_level
        self._guessed: tuple[int, ...] = ()  # in this level, the newest last
        self._session = session = Session(load_mnist(), on_fault=on_fault)
        self.views = views = Views(session)
        self.question = Display(BugQuestion())
        self.question.on_press(views.on_loop(self._on_press))
        self.sections: Mapping[str, Panel] = {
            "curves": _Curves(views),
            "weights": _Inside(FirstWeights(views)),
            "histograms": _Inside(Histograms(views)),
            "check": _Inside(GradientCheck(views), at_start=True),
            "step": _Step(session),
        }
        words = ("Curves", "Weights", "Histograms", "Gradient check", "One step")
        self.choice = Segmented("Section", dict(zip(self.sections, words, strict=True)))
        self.choice.observe(views.on_loop(lambda _: self._show_section(views.state)), "value")
        views.add(self._show_section)
        evidence = box("explorer-sectioned explorer-lab-evidence", self.choice)
        evidence.children = (*evidence.children, *(section.view for section in self.sections.values()))
        self.view = box("explorer-panel explorer-lab", self.question, evidence)

    def show(self, state: ViewState) -> None:
        """Follow the theme; the first time, train the level."""
        self.views.set_theme(state.theme)
        if self._session.own is None:
            self.open(self.level)

    def open(self, level: int) -> None:
        """Train the network of a level; of those before it nothing is kept but that they are solved."""
        self.level, self._guessed = level, ()
        chosen = LEVELS[level - 1]
        self._session.take_network(chosen.network, chosen.config)
        self._show_question()
        self._on_level()

    def close(self) -> None:
        """End the run, and draw nothing more."""
        self._session.close()
        self.views.close()

    @property
    def _of_level(self) -> Level:
        return LEVELS[self.level - 1]

    @property
    def _is_found(self) -> bool:
        return any(GUESSES[place].mistake == self._of_level.mistake for place in self._guessed)

    def _on_press(self, press: str) -> None:
        verb, _, number = press.partition(" ")
        if press == "again":
            self._session.restart()
        elif verb == "level" and number in map(str, range(1, len(LEVELS) + 1)):
            self.open(int(number))
        elif verb == "guess" and number in map(str, range(len(GUESSES))):
            if self._is_found:
                return
            self._guessed = (*self._guessed, int(number))
            if GUESSES[int(number)].mistake == self._of_level.mistake:
                self._solved.add(self.level)
            self._show_question()

    def _show_question(self) -> None:
        level, guessed = self._of_level, [GUESSES[place] for place in self._guessed]
        self.question.show(
            BugQuestion(
                level=self.level,
                solved=[number in self._solved for number in range(1, len(LEVELS) + 1)],
                guesses=[
                    (guess.words, guess.mistake == level.mistake if guess in guessed else None)
                    for guess in GUESSES
                ],
                said=level.answer(guessed[-1]) if guessed else _INTRODUCTION,
                is_right=guessed[-1].mistake == level.mistake if guessed else None,
                source=level.source if self._is_found else "",
            )
        )

    def _show_section(self, state: ViewState) -> None:
        for name, section in self.sections.items():
            set_hidden(section.view, name != self.choice.value)
        self.sections[self.choice.value].show(state)


class _Curves:
    """Loss, accuracy, confusion matrix and mistakes."""

    def __init__(self, views: Views) -> None:
        self.parts = (
            Curve("loss", views),
            Curve("accuracy", views),
            ChosenMatrix(views),
            ChosenGallery(views),
        )
        self.view = box("explorer-lab-curves", *(part.view for part in self.parts))

    def show(self, state: ViewState) -> None:
        """Show the records of the run."""
        for part in self.parts:
            state.in_turn(part.show, state)


class _Inside:
    """A section of the tab "inside"; where mistakes show best at the start, at the first weights."""

    def __init__(self, section: FirstWeights | Histograms | GradientCheck, *, at_start: bool = False) -> None:
        self.section, self._at_start = section, at_start
        self._subjects = Subjects()
        self._first: Subject | None = None
        self.view = section.view

    def show(self, state: ViewState) -> None:
        """Show the network."""
        subject = self._subjects.of(state)
        if subject is not None and self._at_start:
            if self._first is None or self._first.first is not subject.first:
                self._first = replace(subject, weights=subject.first, epoch=0.0)
            subject = self._first
        if subject is not None:
            self.section.show(state, subject)


class _Step:
    """The first step, parameter by parameter, and the mini-batches of an epoch."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown: OwnClass | None = None
        headings = ("parameter", "shape", "gradient", "step ÷ −lr · gradient")
        self.steps = Display(Table("The first step", headings))
        batches = ("mini-batch", "X", "d", "with their own label")
        self.batches = Display(Table("What train_iteration is given", batches))
        self.caption = Caption()
        step = Caption(
            "The first call of train_iteration: each parameter, its gradient by backward, its step."
        )
        self.view = box("explorer-column explorer-words", step, self.steps, self.caption, self.batches)

    def show(self, _state: ViewState) -> None:
        """Show what the network of the session does with its first mini-batches."""
        session = self._session
        if session.own is None or session.own == self._shown:
            return
        self._shown = session.own
        config, data = session.config, session.dataset
        steps, arrived = first_step(session.own, config, data), arrivals(session.own, config, data)
        n, given = sum(arrival.n_images for arrival in arrived), 5 * config.batch_size // 2
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
    paired = f"{arrival.n_paired} of {arrival.n_images}"
    return [str(number), str(arrival.X_shape), str(arrival.d_shape), paired]
