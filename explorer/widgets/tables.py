"""Tables: a sortable one of words and numbers, one of two runs, and one of checked gradients."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from explorer.widgets.rendered import (
    Drawable,
    Element,
    button_element,
    element,
    row_element,
    table_element,
    word_of,
)


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
        """Return the table as elements."""
        order: Sequence[int] = range(len(self.rows))
        if self.sorted_by >= 0:
            order = sorted(order, key=self._measured, reverse=self.descending)
        head = map(self._heading, range(len(self.columns)))
        return [table_element(self.caption, head, map(self._row, order))]

    def _heading(self, column: int) -> Element:
        direction = "none" if column != self.sorted_by else "descending" if self.descending else "ascending"
        words = self.columns[column]
        button = button_element(str(column), words, data_help=self.meanings.get(words))
        return element("th", button, scope="col", aria_sort=direction)

    def _row(self, row: int) -> Element:
        marks = [(row, column) in self.marked for column in range(len(self.rows[row]))]
        (first, is_marked), *others = zip(self.rows[row], marks, strict=True)
        cells = (element("td", text, data_marked=mark) for text, mark in others)
        return element("tr", element("th", first, scope="row", data_marked=is_marked), *cells)

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
    """Result of the comparison."""
    remarks: Sequence[str | Sequence[Element | str]] = ()
    """Further remarks; a remark may be a sequence of pieces, some of them terms with an explanation."""
    lines: Sequence[tuple[str, str, str]] = ()
    """Properties: the name, and the values in A and in B."""

    def elements(self) -> list[Element]:
        """Return the comparison as elements."""
        heads = [element("td"), *(_colored(*head) for head in self.heads)]
        pieces = ([remark] if isinstance(remark, str) else remark for remark in self.remarks)
        rows = (row_element(*line) for line in self.lines)
        return [
            element("p", self.verdict, class_="explorer-verdict", role="status", aria_live="polite"),
            element("div", *(element("p", *remark) for remark in pieces), class_="explorer-remarks"),
            table_element("Two runs side by side", heads, rows, hidden=not self.lines),
        ]


def _colored(words: str, color: str) -> Element:
    swatch = element("span", class_="explorer-swatch", aria_hidden=True, style={"background": color})
    return element("th", swatch, words, scope="col")


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
        """Return the table as elements."""
        rows, status = self.rows, {"role": "status", "data_agrees": word_of(self.agrees)}
        again = button_element("again", "Check other weights", class_="explorer-button", hidden=not rows)
        said = element("p", self.verdict, class_="explorer-verdict explorer-strong", **status)
        words = ("weight", "analytic ∂L/∂w", "numeric ∂L/∂w", "relative difference")
        unseen = element("span", "verdict", class_="explorer-unseen")
        head = [element("th", heading, scope="col") for heading in (*words, unseen)]
        agrees = {"agree": "true", "differ": "false"}
        lines = (row_element(*texts, data_agrees=agrees.get(texts[-1])) for texts in rows)
        scroll = {"role": "group", "aria_label": "Gradients", "tabindex": 0, "hidden": not rows}
        parts = (
            element("header", said, again, class_="explorer-line explorer-wrap"),
            element("div", table_element("Gradients", head, lines), class_="explorer-table-scroll", **scroll),
            element("p", self.how, class_="explorer-muted explorer-small"),
        )
        return [element("section", *parts, aria_label="Gradient check")]
