"""Numbers: large ones in tiles, bars, and tables of scores, of two runs, and of checked gradients."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from explorer.widgets.rendered import Drawable, Element, button_element, element, icon_element, word_of

Series = Literal["train", "test", ""]
_ABOUT = ("M8 7.25v4", "M8 4.75v.01", "M14.25 8a6.25 6.25 0 1 1-12.5 0a6.25 6.25 0 0 1 12.5 0z")


@dataclass(frozen=True, slots=True)
class Tile:
    """One large number."""

    label: str
    value: str
    """The number as text: ``"93.2 %"``; ``"–"`` if there is none."""
    note: str = ""
    """What it is compared with, or a part of: ``"of 10 000"``."""
    series: Series = ""
    """The split it belongs to, for the same color as in the curves."""
    meaning: str = ""
    """A sentence that explains the label; empty if none is needed."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A number in the line next to the tiles, with its words."""

    text: str
    meaning: str
    series: Series = ""


@dataclass(frozen=True, slots=True)
class Tiles(Drawable):
    """A row of tiles and facts, for a `Display`; hovering shows the meaning of one, a button that of all."""

    kind = "explorer-tiles"

    tiles: tuple[Tile, ...] = ()
    facts: tuple[Fact, ...] = ()

    def elements(self) -> list[Element]:
        tiles = []
        for tile in self.tiles:
            value = element("dd", tile.value, class_="explorer-value")
            note = element("dd", tile.note, class_="explorer-note explorer-muted explorer-small")
            term = element("dt", tile.label, class_="explorer-muted explorer-small")
            look = {"data_series": tile.series, "data_help": tile.meaning or None}
            tiles.append(element("div", term, value, note, **look))
        parts = [element("dl", *tiles, class_="explorer-wrap")]
        if self.facts:
            facts = (element("span", f.text, data_help=f.meaning, data_series=f.series) for f in self.facts)
            terms = [(t.label, t.meaning) for t in self.tiles] + [(f.text, f.meaning) for f in self.facts]
            named = {"class_": "explorer-help-button", "aria_label": "About the results"}
            meanings = "\n".join(map(": ".join, terms))
            about = element("button", icon_element(*_ABOUT), type="button", data_help=meanings, **named)
            parts.append(element("p", *facts, about, class_="explorer-wrap explorer-muted explorer-small"))
        return [element("section", *parts, class_="explorer-line explorer-wrap", aria_label="Results")]


@dataclass(frozen=True, slots=True)
class Bar:
    """One number with its name."""

    name: str
    share: float
    """Length of the bar, 0 to 1; in signed `Bars`, −1 to 1 from the middle."""
    text: str
    note: str = ""
    """The number as text, shown after the bar, and a short remark, such as ``"off"``."""
    press: str = ""
    """If given, the name is a button whose press is this."""


@dataclass(frozen=True, slots=True)
class Bars(Drawable):
    """Bars, one per row, for a `Display`. They are plain elements, so that they update within a frame."""

    kind = "explorer-bars"

    heading: str = ""
    bars: tuple[Bar, ...] = ()
    signed: bool = False
    """Whether bars extend to both sides of the middle: positive numbers to the right, negative ones to the left,
    each in its color."""
    note: str = ""
    """A muted line below the bars."""

    def elements(self) -> list[Element]:
        parts = (
            element("h2", self.heading, hidden=not self.heading),
            element("ul", *map(self._row, self.bars)),
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
        return element("li", name, track, words)


@dataclass(frozen=True)
class Table(Drawable):
    """A table for a `Display` with clickable headings: `sorted_on` turns a press into the next table."""

    kind = "explorer-table"

    caption: str
    """Description for screen readers."""
    columns: Sequence[str]
    """The headings. The first column names the rows; the others hold numbers, aligned right."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Explanations of headings."""
    rows: Sequence[Sequence[str]] = ()
    """The cells' text, row by row."""
    marked: Collection[tuple[int, int]] = ()
    """Row and column of the highlighted cells."""
    sorted_by: int = -1
    """The column that the rows are sorted by, whatever their order in `rows`; -1 for none."""
    descending: bool = False
    """Whether the largest comes first."""

    def sorted_on(self, press: str) -> Self:
        """Return the table sorted by the column whose heading was pressed; a second press reverses the order."""
        for column in range(len(self.columns)):
            if press == str(column):
                descending = column == self.sorted_by and not self.descending
                return replace(self, sorted_by=column, descending=descending)
        return self

    def elements(self) -> list[Element]:
        order: Sequence[int] = range(len(self.rows))
        if self.sorted_by >= 0:
            order = sorted(order, key=self._measured, reverse=self.descending)
        head, rows = [], []
        for column, words in enumerate(self.columns):
            order_in_words = "descending" if self.descending else "ascending"
            direction = order_in_words if column == self.sorted_by else "none"
            button = button_element(str(column), words, data_help=self.meanings.get(words))
            head.append(element("th", button, scope="col", aria_sort=direction))
        for row in order:
            marks = [(row, column) in self.marked for column in range(len(self.rows[row]))]
            (first, is_marked), *others = zip(self.rows[row], marks, strict=True)
            cells = (element("td", text, data_marked=mark) for text, mark in others)
            rows.append(element("tr", element("th", first, scope="row", data_marked=is_marked), *cells))
        return [_table(self.caption, head, rows)]

    def _measured(self, row: int) -> tuple[bool, float, str]:
        """Return a row's sort key: numbers, whatever text surrounds them, come before words."""
        text = self.rows[row][self.sorted_by]
        try:
            return False, float(re.sub(r"[^\d.-]", "", text)), ""
        except ValueError:
            return True, 0.0, text


@dataclass(frozen=True, slots=True)
class SideBySide(Drawable):
    """A verdict, remarks, and a table of two columns, for a `Display`; hidden without a verdict."""

    kind = "explorer-side-by-side"

    heads: Sequence[tuple[str, str]] = ()
    """Label and color of A and of B: ``("A · run 1", "#332288")``."""
    verdict: str = ""
    remarks: Sequence[str | Sequence[Element | str]] = ()
    """Further remarks; a remark may be a sequence of pieces, some of them terms with an explanation."""
    lines: Sequence[tuple[str, str, str]] = ()
    """Properties: the name, and the values in A and in B."""

    def elements(self) -> list[Element]:
        heads = [element("td")]
        for words, color in self.heads:
            swatch = element("span", class_="explorer-swatch", aria_hidden=True, style={"background": color})
            heads.append(element("th", swatch, words, scope="col"))
        pieces = ([remark] if isinstance(remark, str) else remark for remark in self.remarks)
        remarks = (element("p", *remark) for remark in pieces)
        rows = (_row(*line) for line in self.lines)
        return [
            element("p", self.verdict, class_="explorer-verdict", role="status", aria_live="polite"),
            element("div", *remarks, class_="explorer-remarks explorer-muted explorer-small"),
            _table("Two runs side by side", heads, rows, hidden=not self.lines),
        ]


@dataclass(frozen=True, slots=True)
class CheckedWeights(Drawable):
    """Checked weights, for a `Display`, with a button to check others; its press is ``"again"``."""

    kind = "explorer-checked-weights"

    verdict: str = ""
    how: str = ""
    """The overall verdict, and how the numbers were computed."""
    rows: Sequence[Sequence[str]] = ()
    """For each weight its name, ``"W1[3, 402]"``, its gradient, computed in two ways, their relative difference,
    and ``"agree"``, ``"differ"`` or ``"kink"``; without any the button is hidden too."""
    agrees: bool | None = None
    """Whether the verdict is good; None if there is none."""

    def elements(self) -> list[Element]:
        rows, status = self.rows, {"role": "status", "data_agrees": word_of(self.agrees)}
        again = button_element("again", "Check other weights", class_="explorer-button", hidden=not rows)
        verdict = element("p", self.verdict, class_="explorer-verdict explorer-strong", **status)
        words = ("weight", "analytic ∂L/∂w", "numeric ∂L/∂w", "relative difference")
        unseen = element("span", "verdict", class_="explorer-unseen")
        head = [element("th", heading, scope="col") for heading in (*words, unseen)]
        agrees = {"agree": "true", "differ": "false"}
        lines = (_row(*texts, data_agrees=agrees.get(texts[-1])) for texts in rows)
        scroll = {"role": "group", "aria_label": "Gradients", "tabindex": 0, "hidden": not rows}
        parts = (
            element("header", verdict, again, class_="explorer-line explorer-wrap"),
            element("div", _table("Gradients", head, lines), class_="explorer-table-scroll", **scroll),
            element("p", self.how, class_="explorer-muted explorer-small"),
        )
        return [element("section", *parts, aria_label="Gradient check")]


def _row(name: str, *cells: str, **attributes: Any) -> Element:
    others = (element("td", text) for text in cells)
    return element("tr", element("th", name, scope="row"), *others, **attributes)


def _table(caption: str, head: Iterable[Element], rows: Iterable[Element], **attributes: Any) -> Element:
    words = element("caption", caption, class_="explorer-unseen")
    parts = element("thead", element("tr", *head)), element("tbody", *rows)
    return element("table", words, *parts, **attributes)
