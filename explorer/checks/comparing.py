"""Comparing what a formula gives with what it should give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CheckError", "Passed", "cells", "compare", "expect", "name_of", "same_shape"]

Array = NDArray[Any]


class CheckError(AssertionError):
    """A formula gives something else than its oracle; the message says where, what it gives and what is right."""


@dataclass(frozen=True, slots=True, repr=False)
class Passed:
    """A check that found nothing wrong.

    Parameters
    ----------
    what : str
        What was compared with what.
    difference : float
        The largest difference found, 0 where things were counted.
    """

    what: str
    difference: float = 0.0

    def __repr__(self) -> str:
        found = f"; largest difference {self.difference:.1e}" if self.difference else "; no difference"
        return f"✓ {self.what}{found}"

    def _repr_html_(self) -> str:
        return f'<p class="lesson-check">{escape(str(self))}</p>'


def expect(right: bool, words: str) -> None:
    """Raise a `CheckError` with these words unless `right`."""
    if not right:
        raise CheckError(words)


def compare(what: str, found: Mapping[Any, float], wanted: Mapping[Any, float], tolerance: float) -> float:
    """Return the largest difference, relative where numbers are above 1; raise where it exceeds `tolerance`."""
    worst = 0.0
    for place, value in wanted.items():
        difference = abs(found[place] - value) / max(1.0, abs(value))
        if not difference <= tolerance:  # not a number counts as wrong
            raise CheckError(f"{what} {place} is {found[place]:.8g}; wanted is {value:.8g}")
        worst = max(worst, float(difference))
    return worst


def same_shape(name: str, found: Array, wanted: Array) -> None:
    """Raise where two shapes differ."""
    expect(found.shape == wanted.shape, f"{name} has shape {found.shape}; wanted is {wanted.shape}")


def cells(array: Array) -> dict[Any, float]:
    """Return an array's elements by their index."""
    return {tuple(map(int, index)): float(array[index]) for index in np.ndindex(array.shape)}


def name_of(function: Any) -> str:
    """Return what a message calls a function."""
    return str(getattr(function, "__name__", function))
