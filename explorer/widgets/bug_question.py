"""A question about a network with a mistake: its level, the possible mistakes, and the response to a guess."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from explorer.widgets.rendered import Drawable, Element, button_element, element, word_of

_MARKS: Mapping[bool | None, tuple[str, str]] = MappingProxyType(
    {True: ("✓", "right: "), False: ("✗", "wrong: "), None: ("", "")}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BugQuestion(Drawable):
    """A question for a `Display`; presses are ``"again"``, ``"level 3"``, or for the first guess ``"guess 0"``."""

    kind = "explorer-bug-question"

    level: int = 1
    solved: Sequence[bool] = (False,)
    """The level, 1 for the first, and which of all levels are solved."""
    guesses: Sequence[tuple[str, bool | None]] = ()
    """Each possible guess, and whether it was right; None if it was not guessed."""
    said: str = ""
    """The instructions, or the response to the last guess."""
    is_right: bool | None = None
    """Whether the last guess was right; None before the first."""
    source: str = ""
    """Code in which lines that end in ``# WRONG`` are highlighted; empty before the level is solved."""

    def elements(self) -> list[Element]:
        """Return the question as elements."""
        levels = [self._level(number) for number in range(1, len(self.solved) + 1)]
        guesses = [self._guess(place) for place in range(len(self.guesses))]
        status = {"role": "status", "aria_live": "polite", "data_right": word_of(self.is_right)}
        lines = [_line(line) for line in self.source.splitlines()]
        buttons = [button_element("again", "Train it again", class_="explorer-button")]
        if self.is_right and self.level < len(self.solved):
            look = {"class_": "explorer-button", "data_primary": True}
            buttons.append(button_element(f"level {self.level + 1}", "Next level", **look))
        row = {"class_": "explorer-bug-levels explorer-wrap"}
        return [
            element("div", *levels, role="group", aria_label="Levels", **row),
            element("p", self.said, class_="explorer-bug-said", **status),
            element("pre", *lines, hidden=not lines, tabindex=0, role="group", aria_label="The code"),
            element("div", *buttons, **row),
            element("p", "Which mistake is it?", class_="explorer-strong"),
            element("ul", *guesses),
        ]

    def _level(self, number: int) -> Element:
        done = self.solved[number - 1]
        words = f"Level {number} of {len(self.solved)}{', solved' * done}"
        named = {"aria_label": words, "aria_current": number == self.level or None, "title": words}
        return button_element(f"level {number}", f"{number}{' ✓' * done}", **named)

    def _guess(self, place: int) -> Element:
        words, was_right = self.guesses[place]
        seen, said = _MARKS[was_right]
        marks = element("span", seen, aria_hidden=True), element("span", said, class_="explorer-unseen")
        return element("li", button_element(f"guess {place}", *marks, words, data_right=word_of(was_right)))


def _line(line: str) -> Element:
    is_wrong = line.endswith("# WRONG")
    return element("span", f"{line}\n", class_="explorer-bug-wrong" if is_wrong else None)
