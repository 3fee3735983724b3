"""A choice of one thing: between many, of which only the chosen one is in sight, or a few, all in sight."""

from collections.abc import Mapping
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["Dropdown", "Segmented"]


class Dropdown(PagePart):
    """A native select with its label before it.

    Parameters
    ----------
    label : str
        What is chosen.
    options : mapping of str to str
        Words on screen, by value. The first is chosen.

    Attributes
    ----------
    value : str
        The chosen option; set by the user or the app.
    """

    _esm = script("dropdown")

    label = traitlets.Unicode().tag(sync=True)
    options: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    value = traitlets.Unicode().tag(sync=True, page=True)

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
