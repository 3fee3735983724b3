"""A choice between a few things, all in sight: one line of buttons of which one is down."""

from __future__ import annotations

from collections.abc import Mapping

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["Segmented"]


class Segmented(anywidget.AnyWidget):
    """A row of options.

    Parameters
    ----------
    label : str
        What is chosen, for screen readers.
    options : mapping of str to str
        Words on screen, by value. The first is chosen.

    Attributes
    ----------
    value : str
        The chosen option; set by the user or the app.
    """

    _esm = script("segmented")
    _css = stylesheet("segmented")

    label = traitlets.Unicode().tag(sync=True)
    options: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, options: Mapping[str, str]) -> None:
        super().__init__(
            label=label, options=[list(option) for option in options.items()], value=next(iter(options))
        )

    @traitlets.validate("value")
    def _known(self, proposal: Mapping[str, str]) -> str:
        values = [value for value, _ in self.options]
        return proposal["value"] if proposal["value"] in values else values[0]
