"""Records as plain tables of their figures, and back: what a file keeps of them."""

from collections.abc import Sequence
from dataclasses import Field, fields
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["figure_rows", "figures_table", "whole_columns"]


def figures_table(kind: type, records: Sequence[Any]) -> NDArray[np.float64]:
    """Return the figures of records of one kind, shape (n_records, n_figures): a row for each."""
    names = [field.name for field in _figures(kind)]
    return np.array([attrgetter(*names)(record) for record in records], np.float64).reshape(-1, len(names))


def figure_rows(kind: type, table: NDArray[Any]) -> list[dict[str, Any]]:
    """Return the rows of such a table, each figure by its name.

    Raises
    ------
    ValueError
        If the table has more columns or fewer, or a whole number is none.
    """
    figures = _figures(kind)
    return [
        {f.name: int(value) if f.type == "int" else value for f, value in zip(figures, row, strict=True)}
        for row in table.tolist()
    ]


def whole_columns(kind: type) -> list[bool]:
    """Return for each figure of a kind of record whether it is a whole number."""
    return [field.type == "int" for field in _figures(kind)]


def _figures(kind: Any) -> list[Field[Any]]:
    """Return the fields of a kind of record that are single numbers."""
    return [field for field in fields(kind) if field.type in ("int", "float")]
