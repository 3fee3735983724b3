"""Plain controls: a choice of one thing, an amount, a line of text, the app's tabs."""

from collections.abc import Mapping
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent


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


class TabBar(PagePart):
    """Tabs on the left, the moments of the run on the right."""

    _esm = script("tab_bar")

    tabs: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """Words on screen, by the name of each tab."""
    offered: traitlets.List[str] = traitlets.List().tag(sync=True)
    """Names of the only tabs in the list, next to the one that is open; empty for all."""
    selected = traitlets.Unicode().tag(sync=True, page=True)
    """Name of the tab that is shown; set by the user or the app."""
    epochs: traitlets.List[float] = traitlets.List().tag(sync=True)
    """The epochs that can be shown, ascending; set by the app."""
    position = traitlets.Int(-1).tag(sync=True, page=True)
    """Index into `epochs`; -1 follows the run as it trains. Set by the user or the app."""
    newest = traitlets.Float(0.0).tag(sync=True)
    """The epoch that is shown at position -1: within an epoch where a run is paused there. Set by the app."""
    can_fork = traitlets.Bool(True).tag(sync=True)
    """Whether the run can be trained on from the epoch that is shown."""
    note = traitlets.Unicode().tag(sync=True)
    """A word next to the slider, such as that old moments were thinned."""
    on_fork = PartEvent[[]]("fork")
    """Calls ``callback()`` when the user wants to train on from the moment that is shown."""

    def __init__(self, tabs: Mapping[str, str], **traits: Any) -> None:
        first = {"selected": next(iter(tabs))}
        super().__init__(tabs=[[name, words] for name, words in tabs.items()], **(first | traits))

    @traitlets.validate("selected")
    def _known(self, proposal: Mapping[str, str]) -> str:
        names = [name for name, _ in self.tabs]
        return proposal["value"] if proposal["value"] in names else names[0]

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("fork") and self.can_fork:
            self._tell("fork")
