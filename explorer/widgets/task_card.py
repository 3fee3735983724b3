"""The result of checking an answer: the verdict, hints that open one by one, a solution, progress."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explorer.widgets.rendered import Drawable, Element, button_element, element, icon_element

_RING = "M14.25 8a6.25 6.25 0 1 1-12.5 0a6.25 6.25 0 0 1 12.5 0z"
_DOTS = ("M5 8v.01", "M8 8v.01", "M11 8v.01")
_OUTCOMES: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {
        "right": ("✓", "Right", ("M5 8.25l2.25 2.25l4-4.75",)),
        "wrong": ("✗", "Not yet", ("M5.75 5.75l4.5 4.5", "M10.25 5.75l-4.5 4.5")),
        "waiting": ("…", "Your turn", _DOTS),
        "missing": ("…", "Not found", _DOTS),
    }
)  # each with its mark in plain text, its words and its icon
_BUTTONS = (
    ("1", "Hint 1", ": what to look at"),
    ("2", "Hint 2", ": which line"),
    ("3", "Hint 3", ": nearly the code"),
    ("4", "Solution", ": after the hints"),
)
WATCH = "watch"  # the press that shows the example's run


@dataclass(frozen=True, slots=True)
class TaskCard(Drawable):
    """A task of the exercise after its check, for a `Display`; presses are ``"1"`` to ``"4"``, the solution."""

    kind = "explorer-task"

    name: str
    """Name of the answer: ``"sigmoid"``."""
    outcome: str
    """Result of the check: ``"right"``, ``"wrong"``, ``"waiting"`` or ``"missing"``."""
    message: str = ""
    look: str = ""
    note: str = ""
    """Sentences: the mistake, where to look, further remarks. Text between backticks is formatted as code."""
    hints: tuple[str, ...] = ()
    """Three, from vague to explicit."""
    solution: tuple[Element | str, ...] = ()
    """The textbook's source; empty before the first attempt."""
    rung: int = 0
    """The last one opened so far, numbered as in `is_open`."""
    is_open: int = 0
    """The one currently open: 1 to 3 a hint, 4 the solution, 0 none."""
    done: int = 0
    of: int = 0
    counted: str = "tasks"
    """Tasks solved, their total, and their name: ``"tasks"``."""
    example: str = ""
    """Lines of code: a small input, the expected result, and the answer's result."""
    watchable: bool = False
    """Whether there is an example whose run can be shown."""
    curves: tuple[tuple[float, ...], ...] = ()
    """The right function's values at evenly spaced points, and the answer's; or none."""

    @property
    def presses(self) -> tuple[str, ...]:
        """The enabled buttons: hints in order, the solution after all hints or a right answer."""
        is_due = bool(self.solution) and (self.rung >= len(self.hints) or self.outcome == "right")
        rungs = map(str, range(1, min(self.rung + 1, 3) + 1))
        return (*rungs, *(["4"] if is_due else []), *([WATCH] if self.watchable else []))

    @property
    def progress(self) -> str:
        """Progress of the exercise: ``"7 of 12 tasks"``."""
        return f"{self.done} of {self.of} {self.counted}"

    @property
    def line(self) -> str:
        """The verdict as plain text, for use without a page."""
        mark, words, _ = _OUTCOMES[self.outcome]
        explanation = " ".join(filter(None, (self.message, self.look, self.note)))
        return f"{mark} {self.name}: {words}. {explanation} ({self.progress})"

    def elements(self) -> list[Element]:
        """Return the card as elements."""
        _, words, icon = _OUTCOMES[self.outcome]
        name = element("code", self.name, class_="explorer-task-name")
        text = element("p", name, " ", element("em", words), " ", *_words(self.message))
        role = "alert" if self.outcome in {"right", "wrong"} else "status"
        verdict = element("div", icon_element(_RING, *icon), text, role=role)
        bar = element("progress", max=self.of, value=self.done, aria_label=f"Solved {self.counted}")
        look = "explorer-task-progress explorer-line explorer-muted explorer-small"
        progress = element("div", bar, element("span", self.progress), class_=look)
        opened = [element("p", *_words(hint)) for hint in self.hints[self.is_open - 1 : self.is_open]]
        if self.is_open == 4:
            opened = [element("pre", *self.solution, tabindex=0, aria_label="The textbook's lines")]
        watch = [button_element(WATCH, "Watch it run", class_="explorer-button")] if self.watchable else []
        group = {"role": "group", "aria_label": "Help with this task", "class_": "explorer-wrap"}
        parts = (
            element("header", verdict, progress),
            element("p", *_words(self.look), class_="explorer-task-look") if self.look else None,
            element("pre", self.example, tabindex=0, aria_label="A small example") if self.example else None,
            self._plot(*self.curves) if self.curves else None,
            element("p", *_words(self.note), class_="explorer-muted explorer-small") if self.note else None,
            element("div", *map(self._button, _BUTTONS), *watch, **group),
            element("div", *opened, class_="explorer-task-opened", aria_live="polite"),
        )
        return [element("section", *parts, aria_label=f"Task {self.name}", data_outcome=self.outcome)]

    def _plot(self, right: tuple[float, ...], found: tuple[float, ...]) -> Element:
        low, height = min(right), max(right) - min(right)

        def path(values: tuple[float, ...]) -> str:
            shares = (min(max((value - low) / height, -0.3), 1.5) for value in values)  # or not a number
            places = (f"{2 * at} {48 - 28 * share:.1f}" for at, share in enumerate(shares) if share == share)
            return "M" + "L".join(places)

        axes = f"M0 48H{2 * len(right)}M{len(right) - 1} 4V60"
        lines = (element("path", d=d) for d in (axes, path(right), path(found)))
        words = element("span", "Your curve, and dashed the right one, for a from −6 to 6.")
        drawn = element("svg", *lines, viewBox="0 4 98 56", aria_hidden=True)
        look = "explorer-task-curves explorer-line explorer-muted explorer-small"
        return element("div", drawn, words, class_=look)

    def _button(self, button: tuple[str, str, str]) -> Element:
        press, words, about = button
        waits = element("span", about, class_="explorer-task-about")
        return button_element(
            press,
            words,
            "" if press == "4" in self.presses else waits,
            class_="explorer-button",
            aria_expanded=press == str(self.is_open),
            disabled=press not in self.presses,
            hidden=press == "4" and not self.solution,
        )


def _words(text: str) -> list[Element | str]:
    """Return a sentence with the text between backticks as code."""
    pieces = re.split("`(.*?)`", text)
    return [element("code", piece) if at % 2 else piece for at, piece in enumerate(pieces) if piece]
