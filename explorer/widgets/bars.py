"""A few numbers as bars with their names, under a picture if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.widgets.rendered import Element, Rendered, element

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
        The number as it is written after the bar.
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


class Bars(Rendered):
    """Bars, one a row. They are made of plain elements, so that they change within a frame.

    Parameters
    ----------
    label : str
        What the numbers are, for screen readers, where no heading says it.
    signed : bool
        Whether the bars go to both sides of a middle: to the right in the colour of positive numbers, to the
        left in that of negative ones.
    """

    heading = ""
    """What the numbers have in common."""
    bars: tuple[Bar, ...] = ()
    """The numbers."""

    def __init__(self, label: str = "", *, signed: bool = False, **traits: Any) -> None:
        self._label, self._signed = label or None, signed
        super().__init__("explorer-bars", self._section("", "", has_picture=False), **traits)

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
        self.heading, self.bars = heading, tuple(bars)
        self.draw(self._section(note, picture_words, has_picture=bool(picture)), pictures=[picture])

    def _section(self, note: str, picture_words: str, *, has_picture: bool) -> Element:
        is_empty = not any(bar.text for bar in self.bars)
        hush = "true" if is_empty else None  # there is nothing to read out yet
        shown = {"role": "img", "aria_label": picture_words, "picture": 0 if has_picture else None}
        return element(
            "section",
            element("h2", self.heading, hidden=not self.heading),
            element("div", class_="explorer-bars-picture", hidden=not has_picture, **shown),
            element(
                "ul", *map(self._row, self.bars), aria_label=self._label, aria_hidden=hush, data_none=is_empty
            ),
            element("p", note, class_="explorer-muted explorer-small", hidden=not note),
            data_signed=self._signed,
        )

    def _row(self, bar: Bar) -> Element:
        length = min(1.0, abs(bar.share)) * (50 if self._signed else 100)
        start = 0.0 if not self._signed else 50 - length if bar.share < 0 else 50.0
        style = {"width": f"{length}%", "inset-inline-start": f"{start}%"}
        sign = "negative" if bar.share < 0 else "positive"
        fill = element("span", class_="explorer-bars-fill", data_sign=sign, style=style)
        note = element("em", f" {bar.note}") if bar.note else None
        return element(
            "li",
            element("span", bar.name, class_="explorer-bars-name"),
            element("span", fill, class_="explorer-bars-track", aria_hidden="true"),
            element("span", bar.text, note, class_="explorer-bars-text"),
            data_kind=bar.kind,
        )
