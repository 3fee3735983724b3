"""The outcome of a call: its error, its warnings, or no complaint at all, which is worse."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from explorer.checks import CheckError, Passed
from explorer.notebook.page import Shown, lesson_html
from explorer.training.process_settings import one_blas_thread

__all__ = ["attempt", "stacked"]

_FEW = 20  # numbers that are readable at a glance
_WIDE = 1000  # characters; the page wraps the line


def attempt(function: Callable[..., Any], *arguments: Any, **options: Any) -> Shown:
    """Call a function, whatever it may raise, and return its error, its warnings and its result."""
    lines, result = [], None
    with one_blas_thread(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = function(*arguments, **options)
        except Exception as error:  # noqa: BLE001  # the notebook shows any error
            kind = "" if isinstance(error, CheckError) else f"{type(error).__name__}: "
            lines.append(f"✗ {kind}{error}")
    lines = [*dict.fromkeys(f"⚠ {w.category.__name__}: {w.message}" for w in warned), *lines]
    wrong = lesson_html("said", lines, "raised")
    if result is None:
        return Shown(wrong, "\n".join(lines))
    given = result if isinstance(result, Passed) else _given(result, silent=not lines)
    return Shown(f"{wrong}{given._repr_html_()}", "\n".join([*lines, repr(given)]))


def stacked(*parts: Shown | Passed) -> Shown:
    """Return several outcomes, one below the other."""
    return Shown("".join(part._repr_html_() for part in parts), "\n".join(map(repr, parts)))


def _given(result: Any, *, silent: bool) -> Shown:
    if not isinstance(result, np.ndarray):
        shown = str(result)
    elif result.size > _FEW:
        shown = f"an array of shape {result.shape}"
    else:
        shown = np.array2string(result, precision=4, suppress_small=True, max_line_width=_WIDE)
    text = f"{'no error, no warning; ' * silent}returns {shown}"
    return Shown(lesson_html("said", [text], "returned"), text)
