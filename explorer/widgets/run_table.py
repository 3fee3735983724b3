"""The runs of a session in a table: named, noted, pinned, hidden, deleted, chosen for a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

MOST_CHOSEN = 2

Verb = Literal["name", "note", "pin", "hide", "delete", "load", "open", "undo", "forget"]

_LONGEST = MappingProxyType({"name": 60, "note": 2000})
_ON_PRESENT = ("name", "note", "pin", "load")
_ON_A_RUN = (*_ON_PRESENT, "open", "hide", "delete")
_ON_ALL = ("undo", "forget")


@dataclass(frozen=True, slots=True)
class RunCell:
    """One cell of a row."""

    text: str
    """What stands in it."""
    order: float | None = None
    """The number to sort by; without it, the text."""
    differs: bool = False
    """Whether it is a setting in which the run differs from the present one."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run."""

    number: int
    """Its number in the session, which names it here."""
    colour: str
    """Colour of its curve, ``#rrggbb``."""
    cells: tuple[RunCell, ...]
    """One for each heading."""
    chips: tuple[str, ...] = ()
    """Settings in words, in a line under the others."""
    label: str = ""
    """What it is called without a name."""
    name: str = ""
    note: str = ""
    """The user's words: any text, shown as text."""
    pinned: bool = False
    """Whether it stands first."""
    hidden: bool = False
    """Whether its curves are left out."""
    present: bool = False
    """Whether it is the run that the other tabs show: it can't be hidden or deleted."""


@dataclass(frozen=True, slots=True)
class RunAction:
    """What the user asks for."""

    verb: Verb
    """``"name"``, ``"note"``, ``"pin"``, ``"hide"``, ``"delete"``, ``"load"`` or ``"open"`` a run;
    ``"undo"`` or ``"forget"`` what was deleted."""
    number: int = 0
    """Number of the run; 0 where the verb means no single one."""
    text: str = ""
    """The new name or note."""


class RunTable(PagePart):
    """A table of runs, sortable by any column."""

    _esm = script("run_table")

    headings: traitlets.List[str] = traitlets.List().tag(sync=True)
    """Words over the cells."""
    meanings = traitlets.Dict().tag(sync=True)
    """Sentences that explain headings."""
    earlier: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """The runs that have ended, as `RunRow` holds them."""
    present: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """The run that the other tabs show, or none. While it trains, its row is all that is sent."""
    chosen: traitlets.List[int] = traitlets.List(traitlets.Int()).tag(sync=True, page=True)
    """Numbers of the runs to compare, at most two, in the order in which they were chosen."""
    status = traitlets.Unicode().tag(sync=True)
    """One line under the table."""
    undo = traitlets.Bool(False).tag(sync=True)
    """Whether the line offers to undo; the page takes it back after ten seconds."""
    on_action = PartEvent[[RunAction]]("action")
    """Calls ``callback(action)`` when the user edits a run or presses one of its buttons."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows, the present run's last."""
        return [*self.earlier, *self.present]

    def show(self, headings: Sequence[str], rows: Sequence[RunRow]) -> None:
        """Show `rows` in place of those before, in one message; runs that are gone are chosen no more."""
        there = {row.number for row in rows}
        self.update(
            headings=list(headings),
            earlier=[_plain(row) for row in rows if not row.present],
            present=[_plain(row) for row in rows if row.present],
            chosen=[number for number in self.chosen if number in there],
        )

    def say(self, status: str, *, undo: bool = False) -> None:
        """Put a line under the table, with a button to undo or without."""
        self.update(status=status, undo=undo)

    @traitlets.validate("chosen")
    def _known(self, proposal: dict[str, Any]) -> list[int]:
        there = {row["number"] for row in self.rows}
        return list(dict.fromkeys(number for number in proposal["value"] if number in there))[-MOST_CHOSEN:]

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        verb: Any = content.get("verb")
        number, text = content.get("number", 0), content.get("text", "")
        row = next((row for row in self.rows if row["number"] == number), None)
        if verb in _ON_ALL:
            self._tell("action", RunAction(verb))
        elif row and verb in (_ON_PRESENT if row["present"] else _ON_A_RUN) and isinstance(text, str):
            self._tell("action", RunAction(verb, row["number"], text.strip()[: _LONGEST.get(verb, 0)]))


def _plain(row: RunRow) -> dict[str, Any]:
    """Return a row as the page gets it; `dataclasses.asdict` takes ten times as long, which 200 rows feel."""
    cells = [{"text": cell.text, "order": cell.order, "differs": cell.differs} for cell in row.cells]
    return {name: getattr(row, name) for name in RunRow.__slots__} | {"cells": cells}
