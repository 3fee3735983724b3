"""A slider for an amount, with a sentence that says what it comes to."""

from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["Slider"]


class Slider(PagePart):
    """A slider between two numbers, under its label and over a sentence.

    Parameters
    ----------
    label : str
        What is set.
    high, low : float
        Largest and smallest value.
    step : float
        Between two values next to each other.
    unit : str
        What follows the number: ``" %"``.

    Attributes
    ----------
    value : float
        Set by the user or the app; within the range.
    text : str
        What it comes to; set by the app.
    """

    _esm = script("slider")

    label = traitlets.Unicode().tag(sync=True)
    low = traitlets.Float(0.0).tag(sync=True)
    high = traitlets.Float(100.0).tag(sync=True)
    step = traitlets.Float(1.0).tag(sync=True)
    unit = traitlets.Unicode(" %").tag(sync=True)
    value = traitlets.Float(0.0).tag(sync=True, page=True)
    text = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, **traits: Any) -> None:
        super().__init__(label=label, **traits)

    @traitlets.validate("value")
    def _within(self, proposal: dict[str, float]) -> float:
        return min(max(proposal["value"], self.low), self.high)
