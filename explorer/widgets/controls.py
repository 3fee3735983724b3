"""Basic controls: a choice, a number, a line of text, the app's tabs, and its help."""

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent


class Dropdown(PagePart):
    """A native select with its label before it."""

    _esm = script("dropdown")

    label = traitlets.Unicode().tag(sync=True)
    options: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """Pairs of value and label. The first is the default."""
    value = traitlets.Unicode().tag(sync=True, page=True)
    """The chosen option; set by the user or the app."""

    def __init__(self, label: str, options: Mapping[str, str], **traits: Any) -> None:
        super().__init__(label=label, **({"value": next(iter(options))} | traits), options=_pairs(options))

    def offer(self, options: Mapping[str, str]) -> None:
        """Replace the options, in one message; if the current one is missing, the first is chosen."""
        value = self.value if self.value in options else next(iter(options))
        self.update(options=_pairs(options), value=value)

    @traitlets.validate("value")
    def _known(self, proposal: Mapping[str, str]) -> str:
        values = [value for value, _ in self.options]
        return proposal["value"] if proposal["value"] in values else values[0]


class Segmented(Dropdown):
    """A row of buttons of which one is pressed, with the interface of `Dropdown`."""

    _esm = script("segmented")


def _pairs(options: Mapping[str, str]) -> list[list[str]]:
    return [list(option) for option in options.items()]


class Slider(PagePart):
    """A slider between two numbers, below its label and above a sentence."""

    _esm = script("slider")

    label = traitlets.Unicode().tag(sync=True)
    low = traitlets.Float(0.0).tag(sync=True)
    high = traitlets.Float(100.0).tag(sync=True)
    step = traitlets.Float(1.0).tag(sync=True)
    unit = traitlets.Unicode(" %").tag(sync=True)
    """Suffix of the number."""
    value = traitlets.Float(0.0).tag(sync=True, page=True)
    """Set by the user or the app; within the range."""
    text = traitlets.Unicode().tag(sync=True)
    """A sentence on the effect of the value; set by the app."""

    @traitlets.validate("value")
    def _within(self, proposal: dict[str, float]) -> float:
        return min(max(proposal["value"], self.low), self.high)


class TabBar(PagePart):
    """Groups of views, and the views of the open group."""

    _esm = script("tab_bar")

    tabs: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """Name, label and group of each view; a group of one is opened by its own tab alone."""
    offered: traitlets.List[str] = traitlets.List().tag(sync=True)
    """Names of the only views to show, in addition to the open one; empty for all."""
    selected = traitlets.Unicode().tag(sync=True, page=True)
    """Name of the open view; set by the user or the app."""

    def __init__(self, tabs: Mapping[str, tuple[str, str]], **traits: Any) -> None:
        first = {"selected": next(iter(tabs))}
        super().__init__(tabs=[[name, *words] for name, words in tabs.items()], **(first | traits))

    @traitlets.validate("selected")
    def _known(self, proposal: Mapping[str, str]) -> str:
        names = [name for name, *_ in self.tabs]
        return proposal["value"] if proposal["value"] in names else names[0]


class TimeBar(PagePart):
    """A slider over the run's moments, with playback."""

    _esm = script("time_bar")

    epochs: traitlets.List[float] = traitlets.List().tag(sync=True)
    """The epochs that can be shown, ascending; set by the app."""
    position = traitlets.Int(-1).tag(sync=True, page=True)
    """Index into `epochs`; -1 follows the run as it trains. Set by the user or the app."""
    newest = traitlets.Float(0.0).tag(sync=True)
    """The epoch shown at position -1, fractional if a run is paused within it. Set by the app."""
    n_steps = traitlets.Int(0).tag(sync=True)
    """Mini-batches of an epoch, by which moments within one are named."""
    can_fork = traitlets.Bool(True).tag(sync=True)
    """Whether training can continue from the selected epoch."""
    note = traitlets.Unicode().tag(sync=True)
    """A remark next to the slider, for example that old moments were thinned out."""
    note_rest = traitlets.Unicode().tag(sync=True)
    """The rest of its sentence, in the tooltip and for screen readers only."""
    on_fork = PartEvent[[]]("fork")
    """Calls ``callback()`` when the user wants to continue training from the selected epoch."""

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("fork") and self.can_fork:
            self._emit("fork")


class HelpDialog(PagePart):
    """Help for the whole page, opened by a button or by ``?``."""

    _esm = script("help_dialog")

    about: traitlets.List[str] = traitlets.List().tag(sync=True)
    """What is on the page, a paragraph each."""
    shortcuts: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """The keys and their effects: ``{"Space": "Train, pause or resume"}``."""

    def __init__(self, about: Sequence[str], shortcuts: Mapping[str, str], **traits: Any) -> None:
        super().__init__(about=[*about], shortcuts=[list(row) for row in shortcuts.items()], **traits)
