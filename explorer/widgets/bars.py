"""A few numbers as bars with their names, under a picture if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["Bar", "Bars"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One number.

    Parameters
    ----------
    name : str
        What it is of.
    share : float
        Length of the bar, 0 to 1; with `Bars.signed`, −1 to 1 from the middle.
    text : str
        The number as it is written behind the bar.
    note : str
        A word on it, such as ``"true"``.
    kind : {"", "chosen", "good", "bad"}
        Whether it is set apart, and how.
    """

    name: str
    share: float
    text: str
    note: str = ""
    kind: str = ""


class Bars(anywidget.AnyWidget):
    """Bars, one a row. They are made of plain elements, so that they change within a frame.

    Parameters
    ----------
    label : str
        What the numbers are, for screen readers, where no heading says it.
    signed : bool
        Whether the bars go to both sides of a middle: to the right in the colour of positive numbers, to the
        left in that of negative ones.
    """

    _esm = script("bars")
    _css = stylesheet("bars")

    label = traitlets.Unicode().tag(sync=True)
    signed = traitlets.Bool().tag(sync=True)
    content: traitlets.Dict[str, object] = traitlets.Dict().tag(sync=True)
    """All that `show` was given: in one trait, so that the page draws once."""

    def __init__(self, label: str = "", *, signed: bool = False) -> None:
        super().__init__(label=label, signed=signed)
        self.show("", [])

    def show(
        self,
        heading: str,
        bars: Sequence[Bar],
        *,
        note: str = "",
        picture: bytes = b"",
        picture_words: str = "",
    ) -> None:
        """Show numbers, in one message.

        Parameters
        ----------
        heading : str
            What they have in common.
        bars : sequence of Bar
            The numbers. Where none has a text, names and empty bars keep the place of those to come.
        note : str
            A quieter line under them.
        picture : bytes
            A PNG that stands above them; none if empty.
        picture_words : str
            What it shows, for screen readers.
        """
        self.content = {
            "heading": heading,
            "bars": [asdict(bar) for bar in bars],
            "note": note,
            "picture": picture,
            "picture_words": picture_words,
        }
