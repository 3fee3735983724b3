"""Plain controls: a choice of one thing, an amount, a line of text."""

from collections.abc import Mapping
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["Dropdown", "Segmented", "Slider", "StudyEntry"]


class Dropdown(PagePart):
    """A native select with its label before it."""

    _esm = script("dropdown")

    label = traitlets.Unicode().tag(sync=True)
    """What is chosen."""
    options: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """Words on screen, by value. The first is chosen."""
    value = traitlets.Unicode().tag(sync=True, page=True)
    """The chosen option; set by the user or the app."""

    def __init__(self, label: str, options: Mapping[str, str], **traits: Any) -> None:
        first = {"value": next(iter(options))}
        super().__init__(label=label, options=_pairs(options), **(first | traits))

    def offer(self, options: Mapping[str, str]) -> None:
        """Offer other options, in one message; the first is chosen where the present one is none of them."""
        with self.hold_sync():
            self.options = _pairs(options)
            if self.value not in options:
                self.value = next(iter(options))

    @traitlets.validate("value")
    def _known(self, proposal: Mapping[str, str]) -> str:
        values = [value for value, _ in self.options]
        return proposal["value"] if proposal["value"] in values else values[0]


class Segmented(Dropdown):
    """One line of buttons of which one is down; what it takes and holds is that of `Dropdown`."""

    _esm = script("segmented")


def _pairs(options: Mapping[str, str]) -> list[list[str]]:
    return [list(option) for option in options.items()]


class Slider(PagePart):
    """A slider between two numbers, under its label and over a sentence."""

    _esm = script("slider")

    label = traitlets.Unicode().tag(sync=True)
    """What is set."""
    low = traitlets.Float(0.0).tag(sync=True)
    high = traitlets.Float(100.0).tag(sync=True)
    """Smallest and largest value."""
    step = traitlets.Float(1.0).tag(sync=True)
    """Between two values next to each other."""
    unit = traitlets.Unicode(" %").tag(sync=True)
    """What follows the number: ``" %"``."""
    value = traitlets.Float(0.0).tag(sync=True, page=True)
    """Set by the user or the app; within the range."""
    text = traitlets.Unicode().tag(sync=True)
    """What it comes to; set by the app."""

    @traitlets.validate("value")
    def _within(self, proposal: dict[str, float]) -> float:
        return min(max(proposal["value"], self.low), self.high)


class StudyEntry(PagePart):
    """A native text field that keeps what was typed, also when it can't be used."""

    _esm = script("study_entry")

    label = traitlets.Unicode().tag(sync=True)
    """What is typed."""
    text = traitlets.Unicode().tag(sync=True, page=True)
    """The text; set by the user or the app."""
    hint = traitlets.Unicode().tag(sync=True)
    """A sentence of help."""
    error = traitlets.Unicode().tag(sync=True)
    """What is wrong with the text, in one sentence; empty if nothing is."""
