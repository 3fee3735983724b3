"""A question that is asked before a slide's pictures are uncovered."""

import re
from collections.abc import Sequence

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart

_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)(\D*)")


class Question(PagePart):
    """Covers the pictures of its slide; the guess, by one key or two, stands next to the outcome."""

    _esm = script("question")

    question = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """The answers to choose from, the first by the key 1; without any, a number is typed."""
    outcome = traitlets.Unicode().tag(sync=True)
    """Shown next to the guess once the pictures are uncovered."""
    guess = traitlets.Unicode().tag(sync=True, page=True)
    votes = traitlets.List(traitlets.Int(min=0)).tag(sync=True, page=True)
    """How many of the room are for each choice, if they were counted; the guess is then what most are for."""
    is_open = traitlets.Bool(False).tag(sync=True, page=True)
    """Whether the pictures are uncovered; set by the page."""
    right = traitlets.Unicode().tag(sync=True)
    """The choice, or the typed number, that is right; empty where that can't be said."""

    @traitlets.observe("choices", "outcome", "guess")
    def _on_outcome(self, _change: object) -> None:
        self.right = right_choice(self.choices or [self.guess], self.outcome)

    @traitlets.observe("votes")
    def _on_votes(self, _change: object) -> None:
        most = [at for at, n in enumerate(self.votes) if n == max(self.votes)]
        if len(self.votes) == len(self.choices) and len(most) == 1:
            self.guess = self.choices[most[0]]


def right_choice(choices: Sequence[str], outcome: str) -> str:
    """Return the choice that an outcome says; of several numbers the nearest one, a single one if it rounds to it.

    Empty if that can't be said: other words, other units, or two that are equally near.
    """
    same = [choice for choice in choices if choice.casefold() == outcome.rstrip(".").casefold()]
    found = [_NUMBER.fullmatch(re.sub(r"\s", "", text)) for text in (*choices, outcome)]
    numbers = [(float(one[1]), one[2]) for one in found if one]
    units = {unit for _, unit in numbers if len(choices) > 1}  # a typed number has none
    if same or len(numbers) < len(found) or len(units) > 1:
        return same[0] if same else ""
    *offered, (true, _) = numbers
    near = [abs(number - true) for number, _ in offered]
    if len(near) == 1:
        decimals = len(choices[0].partition(".")[2])
        return choices[0] if round(true, decimals) == offered[0][0] else outcome
    return choices[near.index(min(near))] if near.count(min(near)) == 1 else ""
