"""Records as plain tables of their figures, and back: what a file keeps of them."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["figure_kinds", "figure_rows", "figures_table", "read_only_counts"]


def figures_table(kind: type, records: Sequence[Any]) -> NDArray[np.float64]:
    """Return the figures of records of one kind, shape (n_records, n_figures): a row for each."""
    names = figure_kinds(kind).keys()
    return np.array([attrgetter(*names)(record) for record in records], np.float64).reshape(-1, len(names))


def figure_rows(kind: type, table: NDArray[Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of such a table, each figure by its name; `ValueError` for one of another form."""
    figures = figure_kinds(kind).items()
    for row in table:
        values = zip(figures, row.tolist(), strict=True)
        yield {name: int(value) if is_whole else value for (name, is_whole), value in values}


def figure_kinds(kind: Any) -> dict[str, bool]:
    """Return the figures of a kind of record, by name and in order, and whether each is a whole number."""
    return {f.name: f.type == "int" for f in fields(kind) if f.type in ("int", "float")}


def read_only_counts(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return confusion matrices as records hold them."""
    made = counts.astype(np.int64)
    made.flags.writeable = False
    return made
