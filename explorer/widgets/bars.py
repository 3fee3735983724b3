"""A few numbers as bars with their names, under a picture if there is one."""

from dataclasses import dataclass

from explorer.widgets.rendered import Drawable, Element, element


@dataclass(frozen=True, slots=True)
class Bar:
    """One number."""

    name: str
    """What it is of."""
    share: float
    """Length of the bar, 0 to 1; in signed `Bars`, −1 to 1 from the middle."""
    text: str
    """The number as it is written after the bar."""
    note: str = ""
    """A word on it, such as ``"true"``."""
    kind: str = ""
    """Whether it is set apart, and how: ``""``, ``"chosen"``, ``"good"`` or ``"bad"``."""


@dataclass(frozen=True, slots=True)
class Bars(Drawable):
    """Bars, one a row, for a `Display`. They are made of plain elements, so that they change within a frame."""

    kind = "explorer-bars"

    heading: str = ""
    """What the numbers have in common."""
    bars: tuple[Bar, ...] = ()
    """The numbers. Where none has a text, names and empty bars keep the place of those to come."""
    label: str = ""
    """What the numbers are, for screen readers, where no heading says it."""
    signed: bool = False
    """Whether the bars go to both sides of a middle: to the right in the colour of positive numbers, to the left
    in that of negative ones."""
    note: str = ""
    """A quieter line under them."""
    picture: bytes = b""
    """A PNG that stands above them; none if empty."""
    picture_words: str = ""
    """What it shows, for screen readers."""

    def elements(self) -> list[Element]:
        """Return the bars as they are drawn."""
        is_empty, has_picture = not any(bar.text for bar in self.bars), bool(self.picture)
        hush = is_empty or None  # there is nothing to read out yet
        shown = {"role": "img", "aria_label": self.picture_words, "picture": 0 if has_picture else None}
        rows, label = map(self._row, self.bars), self.label or None
        section = element(
            "section",
            element("h2", self.heading, hidden=not self.heading),
            element(
                "div",
                class_="explorer-bars-picture explorer-picture explorer-picture-alone",
                hidden=not has_picture,
                **shown,
            ),
            element("ul", *rows, aria_label=label, aria_hidden=hush, data_none=is_empty),
            element("p", self.note, class_="explorer-muted explorer-small", hidden=not self.note),
            data_signed=self.signed,
        )
        return [section]

    def _row(self, bar: Bar) -> Element:
        length = min(1.0, abs(bar.share)) * (50 if self.signed else 100)
        start = 0.0 if not self.signed else 50 - length if bar.share < 0 else 50.0
        style = {"width": f"{length}%", "inset-inline-start": f"{start}%"}
        sign = "negative" if bar.share < 0 else "positive"
        fill = element("span", class_="explorer-bars-fill", data_sign=sign, style=style)
        note = element("em", f" {bar.note}") if bar.note else None
        return element(
            "li",
            element("span", bar.name, class_="explorer-bars-name explorer-cut"),
            element("span", fill, class_="explorer-bars-track", aria_hidden=True),
            element("span", bar.text, note, class_="explorer-bars-text"),
            data_kind=bar.kind,
        )
