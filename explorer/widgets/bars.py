"""A few numbers as labeled bars, optionally below a picture."""

from dataclasses import dataclass

from explorer.widgets.rendered import Drawable, Element, button_element, element


@dataclass(frozen=True, slots=True)
class Bar:
    """One number with its name."""

    name: str
    share: float
    """Length of the bar, 0 to 1; in signed `Bars`, −1 to 1 from the middle."""
    text: str
    note: str = ""
    """The number as text, shown after the bar, and a short remark, such as ``"true"``."""
    kind: str = ""
    """How it is highlighted: ``""``, ``"chosen"``, ``"good"`` or ``"bad"``."""
    press: str = ""
    """If given, the name is a button whose press is this."""


@dataclass(frozen=True, slots=True)
class Bars(Drawable):
    """Bars, one per row, for a `Display`. They are plain elements, so that they update within a frame."""

    kind = "explorer-bars"

    heading: str = ""
    bars: tuple[Bar, ...] = ()
    """The numbers. If none has a text, names and empty bars reserve the space."""
    label: str = ""
    """Description for screen readers, if there is no heading."""
    signed: bool = False
    """Whether bars extend to both sides of the middle: positive numbers to the right, negative ones to the left,
    each in its color."""
    note: str = ""
    """A muted line below the bars."""
    picture: bytes = b""
    """A PNG above the bars; none if empty."""
    picture_words: str = ""
    """Its description for screen readers."""

    def elements(self) -> list[Element]:
        """Return the bars as elements."""
        is_empty, has_picture = not any(bar.text for bar in self.bars), bool(self.picture)
        hush = is_empty or None  # nothing to read out yet
        look = {
            "class_": "explorer-bars-picture explorer-picture explorer-picture-alone",
            "hidden": not has_picture,
        }
        shown = {"role": "img", "aria_label": self.picture_words, "picture": 0 if has_picture else None}
        rows, label = map(self._row, self.bars), self.label or None
        parts = (
            element("h2", self.heading, hidden=not self.heading),
            element("div", **look, **shown),
            element("ul", *rows, aria_label=label, aria_hidden=hush, data_none=is_empty),
            element("p", self.note, class_="explorer-muted explorer-small", hidden=not self.note),
        )
        return [element("section", *parts, data_signed=self.signed)]

    def _row(self, bar: Bar) -> Element:
        length = min(1.0, abs(bar.share)) * (50 if self.signed else 100)
        start = 0.0 if not self.signed else 50 - length if bar.share < 0 else 50.0
        style = {"width": f"{length}%", "inset-inline-start": f"{start}%"}
        sign = "negative" if bar.share < 0 else "positive"
        fill = element("span", class_="explorer-bars-fill", data_sign=sign, style=style)
        look = {"class_": "explorer-bars-name explorer-cut"}
        name = button_element(bar.press, bar.name, **look) if bar.press else element("span", bar.name, **look)
        track = element("span", fill, class_="explorer-bars-track", aria_hidden=True)
        note = element("em", f" {bar.note}") if bar.note else None
        words = element("span", bar.text, note, class_="explorer-bars-text")
        return element("li", name, track, words, data_kind=bar.kind)
