"""A plain table: words and numbers in rows, some of them marked."""

from collections.abc import Sequence

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["Table"]


class Table(anywidget.AnyWidget):
    """A table with a heading for each column, sortable by any of them.

    Parameters
    ----------
    caption : str
        What the table tells, for screen readers.
    columns : sequence of str
        The headings. The first column names the rows; the others hold numbers, set to the right.

    Attributes
    ----------
    rows : list of list of str
        The cells' text, row by row.
    marked : list of [int, int]
        Row and column of the cells that stand out.
    """

    _esm = script("table")
    _css = stylesheet("table")

    caption = traitlets.Unicode().tag(sync=True)
    columns: traitlets.List[str] = traitlets.List().tag(sync=True)
    rows: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    marked: traitlets.List[list[int]] = traitlets.List().tag(sync=True)

    def __init__(self, caption: str, columns: Sequence[str]) -> None:
        super().__init__(caption=caption, columns=list(columns))

    def show(self, rows: Sequence[Sequence[str]], marked: Sequence[tuple[int, int]] = ()) -> None:
        """Show `rows` in place of the present ones, in one message."""
        with self.hold_sync():
            self.rows = [list(row) for row in rows]
            self.marked = [list(cell) for cell in marked]
