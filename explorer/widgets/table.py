"""A plain table: words and numbers in rows, some of them marked."""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from explorer.widgets.rendered import Element, Rendered, button_element, element, table_element

__all__ = ["Table"]


class Table(Rendered):
    """A table whose headings sort it by their columns, pressed again the other way round.

    Parameters
    ----------
    caption : str
        What the table tells, for screen readers.
    columns : sequence of str
        The headings. The first column names the rows; the others hold numbers, set to the right.
    meanings : mapping of str to str
        Sentences that explain headings.
    """

    rows: Sequence[Sequence[str]] = ()
    """The cells' text, row by row."""
    marked: Collection[tuple[int, int]] = ()
    """Row and column of the cells that stand out."""

    def __init__(
        self,
        caption: str,
        columns: Sequence[str],
        meanings: Mapping[str, str] = MappingProxyType({}),
        **traits: Any,
    ) -> None:
        self._caption, self._columns, self._meanings = caption, tuple(columns), meanings
        self._sorted_by, self._descending = -1, False
        super().__init__("explorer-table", self._table(), **traits)
        self.on_press(self._sort)

    def show(self, rows: Sequence[Sequence[str]], marked: Collection[tuple[int, int]] = ()) -> None:
        """Show `rows` in place of the present ones, in one message."""
        self.rows, self.marked = rows, marked
        self.draw(self._table())

    def _sort(self, press: str) -> None:
        columns = [str(column) for column in range(len(self._columns))]
        if press in columns:
            column = columns.index(press)
            self._descending = column == self._sorted_by and not self._descending
            self._sorted_by = column
            self.draw(self._table())

    def _table(self) -> Element:
        order: Sequence[int] = range(len(self.rows))
        if self._sorted_by >= 0:
            order = sorted(order, key=self._measured, reverse=self._descending)
        head = map(self._heading, range(len(self._columns)))
        return table_element(self._caption, head, map(self._row, order))

    def _heading(self, column: int) -> Element:
        direction = "none" if column != self._sorted_by else "descending" if self._descending else "ascending"
        words = self._columns[column]
        button = button_element(str(column), words, data_help=self._meanings.get(words))
        return element("th", button, scope="col", aria_sort=direction)

    def _row(self, row: int) -> Element:
        marks = [{"data_marked": (row, column) in self.marked} for column in range(len(self.rows[row]))]
        (first, mark), *others = zip(self.rows[row], marks, strict=True)
        return element(
            "tr", element("th", first, scope="row", **mark), *(element("td", text, **m) for text, m in others)
        )

    def _measured(self, row: int) -> tuple[bool, float, str]:
        """Return what a row is sorted by: a number, whatever stands round it, comes before words."""
        text = self.rows[row][self._sorted_by]
        try:
            return False, float(re.sub(r"[^\d.-]", "", text)), ""
        except ValueError:
            return True, 0.0, text
