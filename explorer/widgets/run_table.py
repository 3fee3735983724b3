"""A table of a session's runs, which can be named, noted, pinned, hidden, deleted, and selected for comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

MOST_CHOSEN = 2

_LONGEST = MappingProxyType({"name": 60, "note": 2000})
_ON_PRESENT = ("name", "note", "pin", "load")
_ON_A_RUN = (*_ON_PRESENT, "open", "hide", "delete")
_ON_ALL = ("undo", "forget")


@dataclass(frozen=True, slots=True)
class RunCell:
    """One cell of a row."""

    text: str
    order: float | None = None
    """The number to sort by; by default, the text."""
    differs: bool = False
    """Whether the current run differs in it."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run."""

    number: int
    """Its number in the session, used as its id."""
    color: str
    """Color of its curve, ``#rrggbb``."""
    cells: tuple[RunCell, ...]
    """One per heading."""
    curve: tuple[float, ...] = ()
    """Accuracies over the epochs, for the sparkline."""
    chips: tuple[str, ...] = ()
    """The settings that tell it apart."""
    label: str = ""
    """Its label if it has no name."""
    name: str = ""
    note: str = ""
    """The user's name and note: any text, shown as text."""
    pinned: bool = False
    hidden: bool = False
    """Whether it comes first, and whether its curves are hidden."""
    present: bool = False
    """Whether it is the run in the other tabs: it can't be hidden or deleted."""


class RunTable(PagePart):
    """A table of runs, sortable by any column."""

    _esm = script("run_table")

    headings: traitlets.List[str] = traitlets.List().tag(sync=True)
    meanings = traitlets.Dict().tag(sync=True)
    """Column headings, and explanations of some."""
    earlier: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """The ended runs, as dicts of `RunRow`."""
    present: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """The run in the other tabs, or none. During training, only its row is sent."""
    chosen: traitlets.List[int] = traitlets.List(traitlets.Int()).tag(sync=True, page=True)
    """Numbers of the runs to compare, at most two, in the order of selection."""
    status = traitlets.Unicode().tag(sync=True)
    undo = traitlets.Bool(False).tag(sync=True)
    """One line below the table, and whether it has an undo button; the page removes it after ten seconds."""
    on_action = PartEvent[[str, int, str]]("action")
    """Calls ``callback(verb, number, text)`` when the user edits a run, ``"name"`` and ``"note"`` with a text, or
    presses one of its buttons; ``"undo"`` and ``"forget"``, of deletions, have the number 0."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows, the current run's last."""
        return [*self.earlier, *self.present]

    def show(self, headings: Sequence[str], rows: Sequence[RunRow]) -> None:
        """Replace the rows, in one message; missing runs are deselected."""
        there = {row.number for row in rows}
        self.update(
            headings=list(headings),
            earlier=[_plain(row) for row in rows if not row.present],
            present=[_plain(row) for row in rows if row.present],
            chosen=[number for number in self.chosen if number in there],
        )

    def show_status(self, status: str, *, undo: bool = False) -> None:
        """Show a line below the table, with or without an undo button."""
        self.update(status=status, undo=undo)

    @traitlets.validate("chosen")
    def _known(self, proposal: dict[str, Any]) -> list[int]:
        there = {row["number"] for row in self.rows}
        return list(dict.fromkeys(number for number in proposal["value"] if number in there))[-MOST_CHOSEN:]

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        verb: Any = content.get("verb")
        number, text = content.get("number", 0), content.get("text", "")
        row = next((row for row in self.rows if row["number"] == number), None)
        if verb in _ON_ALL:
            self._emit("action", verb, 0, "")
        elif row and verb in (_ON_PRESENT if row["present"] else _ON_A_RUN) and isinstance(text, str):
            self._emit("action", verb, row["number"], text.strip()[: _LONGEST.get(verb, 0)])


def _plain(row: RunRow) -> dict[str, Any]:
    """Return a row as a dict for the page; `dataclasses.asdict` takes ten times as long, too slow for 200 rows."""
    cells = [{"text": cell.text, "order": cell.order, "differs": cell.differs} for cell in row.cells]
    return {name: getattr(row, name) for name in RunRow.__slots__} | {"cells": cells}
