"""A plain table: words and numbers in rows, some of them marked."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from explorer.widgets.rendered import Element, button_element, element, table_element

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """A table for a `Display`, whose headings tell a press: `sorted_on` that is the table to show next."""

    kind: ClassVar[str] = "explorer-table"
    pictures: ClassVar[tuple[bytes, ...]] = ()

    caption: str
    """What the table tells, for screen readers."""
    columns: Sequence[str]
    """The headings. The first column names the rows; the others hold numbers, set to the right."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Sentences that explain headings."""
    rows: Sequence[Sequence[str]] = ()
    """The cells' text, row by row."""
    marked: Collection[tuple[int, int]] = ()
    """Row and column of the cells that stand out."""
    sorted_by: int = -1
    """The column that the rows are sorted by, whatever their order in `rows`; -1 for none."""
    descending: bool = False
    """Whether the largest comes first."""

    def sorted_on(self, press: str) -> "Table":
        """Return the table sorted by the column whose heading was pressed; pressed again, the other way round."""
        columns = [str(column) for column in range(len(self.columns))]
        if press not in columns:
            return self
        column = columns.index(press)
        descending = column == self.sorted_by and not self.descending
        return replace(self, sorted_by=column, descending=descending)

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
        marks = [{"data_marked": (row, column) in self.marked} for column in range(len(self.rows[row]))]
        (first, mark), *others = zip(self.rows[row], marks, strict=True)
        return element(
            "tr", element("th", first, scope="row", **mark), *(element("td", text, **m) for text, m in others)
        )

    def _measured(self, row: int) -> tuple[bool, float, str]:
        """Return what a row is sorted by: a number, whatever stands round it, comes before words."""
        text = self.rows[row][self.sorted_by]
        try:
            return False, float(re.sub(r"[^\d.-]", "", text)), ""
        except ValueError:
            return True, 0.0, text
