"""What a check says, always in one line: that it passed, or what was expected and what it got."""

import sysconfig
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from html import escape
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.checks.tasks import Mistake

__all__ = ["CheckError", "Passed", "check", "compare", "expect", "name_of", "numbers"]

Array = NDArray[Any]
_Arguments = ParamSpec("_Arguments")
_FOLDER = Path(__file__).parent
_INSTALLED = (sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
_NOT_THEIRS = tuple(map(str, (_FOLDER, _FOLDER.with_name("network"), Path(np.__file__).parent, *_INSTALLED)))


class CheckError(AssertionError):
    """A check failed; the message says where, what was expected and what it got, and which mistake gives that."""

    mistake: Mistake | None = None

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said}. {self.mistake.what}" if self.mistake else said

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback: one red line."""
        return [f"\x1b[31m✗ {self}\x1b[0m"]


@dataclass(frozen=True, slots=True, repr=False)
class Passed:
    """A check that found nothing wrong: what it compared, the largest difference (0 for counts), and a note."""

    what: str
    difference: float = 0.0
    note: str = ""

    def __repr__(self) -> str:
        found = f"largest difference {self.difference:.1e}" if self.difference else "no difference"
        return f"✓ {self.what}; {found}{self.note and f'. Note: {self.note}'}"

    def _repr_html_(self) -> str:
        return f'<p class="lesson-check">{escape(str(self))}</p>'


def check(function: Callable[_Arguments, Passed]) -> Callable[_Arguments, Passed]:
    """Make a function a check: whatever goes wrong in it is one line, and NumPy's warnings become a note."""

    @wraps(function)
    def run(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Passed:
        with warnings.catch_warnings(record=True) as warned, np.errstate(all="warn", under="ignore"):
            warnings.simplefilter("ignore")  # what is none of the mathematics
            warnings.simplefilter("always", RuntimeWarning)
            try:
                passed = function(*args, **kwargs)
            except CheckError as error:
                raise error.with_traceback(None) from None
            except Exception as error:  # noqa: BLE001  # whatever it is, it is what the check found
                raise CheckError(_raised(error)) from None
        said = "; ".join(dict.fromkeys(str(warning.message) for warning in warned))
        return replace(passed, note=f"the values are right, but NumPy warns: {said}") if said else passed

    return run


def expect(part: str, found: object, expected: object) -> None:
    """Raise unless the two are equal."""
    if found != expected:
        raise CheckError(f"{part}: expected {expected}, got {found}")


def numbers(part: str, value: ArrayLike) -> Array:
    """Return a value as an array, or raise if it holds anything but numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        found = f"dtype {array.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise CheckError(f"{part}: expected numbers, got {found.removesuffix('Type')}")
    return array


def compare(
    part: str,
    found: ArrayLike,
    expected: ArrayLike,
    tolerance: float,
    place: Callable[[tuple[int, ...]], str] | None = None,
) -> float:
    """Return the largest difference, relative where numbers are above 1; raise if it exceeds the tolerance.

    That is for float64; single precision is allowed its own rounding. `place` says what to call the element with
    some index; by default it is ``"d_W1[0, 2]"``, where ``"d_W1"`` is the `part`.
    """
    found, expected = numbers(part, found), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        raise CheckError(f"{part}: expected shape {expected.shape}, got shape {found.shape}")
    if found.dtype.kind == "f":
        tolerance = max(tolerance, 1000 * float(np.finfo(found.dtype).eps))
    with np.errstate(invalid="ignore"):
        differences = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    for index in np.argwhere(~(differences <= tolerance)):  # not a number counts as wrong
        at = tuple(map(int, index))
        name = place(at) if place else f"{part}[{', '.join(map(str, at))}]" if at else part
        raise CheckError(f"{name}: expected {expected[at]:.8g}, got {found[at]:.8g}")
    return float(differences.max(initial=0))


def name_of(function: Any) -> str:
    """Return what a message calls a function."""
    return str(getattr(function, "__name__", function))


def _raised(error: Exception) -> str:
    """Return what somebody's code raised, and the line of theirs that did."""
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"
    stack = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in stack if frame.line and not frame.filename.startswith(_NOT_THEIRS)]
    if not frames:
        return said  # the call itself failed, or this package's network refused it
    first, last = frames[0], frames[-1]
    return f"{first.name} raised {said} (in {last.name}, line {last.lineno}: {last.line})"
