"""The result of a check, always in one line: that it passed, or what was expected and what it got.

A student's code is called safely: endless loops, prints, changed inputs and gaps are results, too.
"""

import ast
import ctypes
import dis
import io
import linecache
import re
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import wraps
from html import escape
from itertools import product
from pathlib import Path
from threading import Thread
from time import perf_counter, process_time
from types import FrameType, MappingProxyType
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.checks.mistakes import Mistake

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Naming = Callable[[tuple[int, ...]], str]
_MISFIT = re.compile("gufunc|broadcast|not aligned")  # NumPy's words where shapes don't fit
_SIZES = re.compile(r"size (\d+) is different from (\d+)|(\d+) \(dim.*?(\d+) \(dim")
_SHAPES = re.compile(r"\(([\d,]*)\).*?\(([\d,]*)\)")
_SPAN = "lineno", "col_offset", "end_lineno", "end_col_offset"
_OVERFLOW = "overflow encountered in exp"
_COARSEST = 0.01  # ten times the rounding error of float16; a thousand times would accept anything
_INSTALLED = (sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
_OURS = Path(__file__).parents[1], Path(np.__file__).parent
_MAKERS: Mapping[str, Callable[..., Any]] = MappingProxyType({"empty": np.empty, "empty_like": np.empty_like})
_TRIES, _PAUSE = 20, 0.05  # attempts to stop code, and the seconds between them
_BUSY = 0.02  # the least share of the time for which code that computes has a core
_NOT_THEIRS = (*map(str, (*_OURS, *_INSTALLED)), "<frozen ", "<__array_function__")


class CheckError(AssertionError):
    """A check failed; the message says where, what was expected and what it got, and which mistake causes that."""

    answer: Any = None
    mistake: Mistake | None = None

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}. {self.mistake.what}" if self.mistake else message

    def _render_traceback_(self) -> list[str]:
        """Return one red line, which IPython shows instead of a traceback."""
        return [f"\x1b[31m✗ {self}\x1b[0m"]


class RaisedError(CheckError):
    """The checked code raised an exception; the message says which, and in which line."""


class GapError(CheckError):
    """An answer still has a gap."""


@dataclass(frozen=True, slots=True, repr=False)
class Passed:
    """A passed check: what it compared, the largest difference (0 for counts), and a note."""

    what: str
    difference: float = 0.0
    note: str = ""

    def __repr__(self) -> str:
        found = f"largest difference {self.difference:.1e}" if self.difference else "no difference"
        return f"✓ {self.what}; {found}{self.note and f'. Note: {self.note}'}"

    def _repr_html_(self) -> str:
        return f'<p class="lesson-check">{escape(str(self))}</p>'


def check(function: Callable[_Arguments, Passed]) -> Callable[_Arguments, Passed]:
    """Make a function a check: any error becomes a `CheckError` of one line, and NumPy's warnings a note."""

    @wraps(function)
    def run(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Passed:
        with warnings.catch_warnings(record=True) as warned, np.errstate(all="warn", under="ignore"):
            warnings.simplefilter("ignore")  # unrelated to the mathematics
            warnings.simplefilter("always", RuntimeWarning)
            try:
                passed = function(*args, **kwargs)
            except CheckError as error:
                raise error.with_traceback(None) from None
            except Exception as error:  # noqa: BLE001  # any exception is a result of the check
                raise RaisedError(raised_words(error)) from None
        words = "; ".join(dict.fromkeys(str(warning.message) for warning in warned))
        if words == _OVERFLOW:
            words += ". Infinity is meant there; `np.clip` to ±300 before `np.exp` avoids the warning"
        return replace(passed, note=f"the values are right, but NumPy warns: {words}") if words else passed

    return run


def expect(part: str, found: object, expected: object) -> None:
    """Raise unless the two are equal."""
    if found != expected:
        raise CheckError(f"{part}: expected {expected}, got {found}")


def numbers(part: str, value: ArrayLike) -> NDArray[Any]:
    """Return a value as an array, or raise if it contains anything but numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        found = f"dtype {array.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise CheckError(f"{part}: expected numbers, got {found.removesuffix('Type')}")
    return array


def compare(
    part: str, found: ArrayLike, expected: ArrayLike, tolerance: float, place: _Naming | None = None
) -> float:
    """Return the largest difference, relative for numbers above 1; raise if it exceeds the tolerance.

    The tolerance is for float64; lower precision is allowed its own rounding error. `place` returns the name of
    the element at an index; by default it is ``"d_W1[0, 2]"``, where ``"d_W1"`` is the `part`.
    """
    found, expected = numbers(part, found), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        raise CheckError(f"{part}: expected shape {expected.shape}, got shape {found.shape}")
    if found.dtype.kind == "f":
        tolerance = max(tolerance, min(1000 * float(np.finfo(found.dtype).eps), _COARSEST))
    with np.errstate(invalid="ignore"):
        differences = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    for index in np.argwhere(~(differences <= tolerance)):  # not a number counts as wrong
        at = tuple(map(int, index))
        name = place(at) if place else f"{part}[{', '.join(map(str, at))}]" if at else part
        raise CheckError(f"{name}: expected {expected[at]:.8g}, got {found[at]:.8g}")
    return float(differences.max(initial=0))


def name_of(function: Any) -> str:
    """Return a function's name for messages."""
    return str(getattr(function, "__name__", function))


def raised_words(error: Exception, called: str = "") -> str:
    """Return the exception raised by somebody's code, and its line; `called` is by default its first function."""
    message, theirs = " ".join(str(error).split()), _frames(error)
    if not theirs:  # the call itself failed, or this package's network refused it
        return f"{called and f'{called} raised '}{type(error).__name__}: {message}"
    at, message = theirs[-1][1], unfitting(error) or message
    line = at.line and f": {at.line}"
    called = called or theirs[0][1].name
    return f"{called} raised {type(error).__name__}: {message} (in {at.name}, line {at.lineno}{line})"


def _frames(error: BaseException, *also: str) -> list[tuple[FrameType, traceback.FrameSummary]]:
    """Return the frames of somebody's code, or in folders `also`, in a traceback, the innermost last."""
    trace = error.__traceback__
    stack = zip(traceback.walk_tb(trace), traceback.extract_tb(trace), strict=True)
    # NumPy's compiled files (.pyx) have no folder.
    named = ((frame, at, at.filename) for (frame, _), at in stack if not at.filename.endswith(".pyx"))
    theirs = (one for one in named if one[2].startswith(also) or not one[2].startswith(_NOT_THEIRS))
    return [(frame, at) for frame, at, _ in theirs]


def unfitting(error: BaseException) -> str:
    """Return what an operator or function was given that it can't take, or "" for any other exception.

    ``"`@` on W (4, 3) and X.T (5, 2): 3 is not 5"``, or an array given to a function of `math`.
    """
    try:
        frame, at = _frames(error, str(Path(__file__).parents[1] / "network"))[-1]
        span = [at.lineno, at.colno, at.end_lineno, at.end_colno]
        walk = ast.walk(ast.parse("".join(linecache.getlines(at.filename))))
        nodes = (node for node in walk if [getattr(node, key, 0) for key in _SPAN] == span)
        return next(filter(None, (_misfit(node, frame, str(error)) for node in nodes)), "")
    except Exception:  # noqa: BLE001  # it only affects the wording of a message
        return ""


def _misfit(node: ast.AST, frame: FrameType, message: str) -> str:
    match node:
        case ast.Call(func) if "to Python scalars" in message:
            function, words = _value(func, frame), f"`{ast.unparse(func)}` takes a single number"
            is_known = function.__module__ == "math" and hasattr(np, function.__name__)
            return f"{words}; `np.{function.__name__}` takes a whole array" if is_known else ""
        case ast.BinOp(left, op, right) | ast.AugAssign(left, op, right):
            sign = ast.unparse(ast.BinOp(ast.Name("l"), op, ast.Name("r")))[2:-2]
        case ast.Call(ast.Attribute(left, "dot"), [right]) | ast.Call(_, [left, right]) as call:
            sign = ast.unparse(call.func)
        case _:
            return ""
    if not _MISFIT.search(message):
        return ""
    shapes: list[Any] = [getattr(_value(part, frame), "shape", ()) for part in (left, right)]
    if (found := _SHAPES.search(message)) and "output" not in message:  # of `-=`, it has the result's shape
        shapes = [tuple(map(int, re.findall(r"\d+", shape))) for shape in found.groups()]
    pairs = sorted(zip(shapes[0][::-1], shapes[1][::-1], strict=False), key=lambda pair: 1 in pair)
    if sizes := _SIZES.search(message):
        pairs = [(sizes[2] or sizes[3], sizes[1] or sizes[4])]
    why = next((f"{m} is not {n}" for m, n in pairs if m != n), "a single number is no matrix")
    one, other = (f" {shape}" if shape else "" for shape in shapes)
    return f"`{sign}` on {ast.unparse(left)}{one} and {ast.unparse(right)}{other}: {why}"


def _value(node: ast.expr, frame: FrameType) -> Any:
    """Return an expression's value in a frame, or None if evaluating it would call anything."""
    is_safe = not any(isinstance(part, ast.Call | ast.NamedExpr) for part in ast.walk(node))
    return eval(ast.unparse(node), frame.f_globals, frame.f_locals) if is_safe else None


class _TimeIsUp(SystemExit):
    """Ends a thread silently; a student's ``except Exception`` doesn't catch it."""


def limited(function: Callable[[], _Result], seconds: float) -> tuple[_Result, int]:
    """Return a function's result and the number of lines it prints, or raise its exception.

    It runs in a thread. After `seconds` of computing, however long that takes on a busy machine, it is told to
    stop at its next Python instruction, and `CheckError` is raised; code that never gets there continues.
    """
    results, errors, printed = list[_Result](), list[BaseException](), io.StringIO()

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001  # even SystemExit: all are raised in the caller's thread
            errors.append(error)

    thread, began, computed = Thread(target=work, daemon=True), perf_counter(), process_time()
    with redirect_stdout(printed), warnings.catch_warnings(), no_leftovers():
        warnings.simplefilter("ignore")
        thread.start()
        try:
            while thread.is_alive() and (used := process_time() - computed) < seconds:
                if (waited := perf_counter() - began) > seconds and used < _BUSY * waited:  # it waits
                    break
                thread.join(_PAUSE)
        finally:
            in_time = not thread.is_alive()
            _stop(thread)
    if not in_time:
        raise CheckError(f"no result after {seconds:g} seconds: there seems to be a loop that doesn't end")
    for error in errors:
        if not isinstance(error, Exception):
            raise CheckError(f"{type(error).__name__} is raised: an answer must not end the program")
        raise error
    return results[0], len(printed.getvalue().splitlines())


@contextmanager
def no_leftovers() -> Iterator[None]:
    """Fill NumPy's uninitialized arrays with NaN: leftovers in memory may look right."""

    def filled(make: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(make)
        def call(*args: Any, **kwargs: Any) -> Any:
            array = make(*args, **kwargs)
            if array.dtype.kind in "fc":
                array.fill(np.nan)
            return array

        return call

    try:
        for name, make in _MAKERS.items():
            setattr(np, name, filled(make))
        yield
    finally:
        for name, make in _MAKERS.items():
            setattr(np, name, make)


def _stop(thread: Thread) -> None:
    """Raise an exception in a thread, until it ends or seems not to run Python at all."""
    for _ in range(_TRIES):
        if thread.is_alive():
            number, error = ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_TimeIsUp)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(number, error)
            thread.join(_PAUSE)


def watched(function: Callable[..., Any], *, returns: str = "array") -> Callable[..., Any]:
    """Return a wrapper that raises for a gap, a changed input, and a result that isn't new or `Task.returns`."""
    name, last = getattr(function, "__name__", type(function).__name__), list[Any]()

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [array for array in (*args, *kwargs.values()) if isinstance(array, np.ndarray)]
        before, earlier = [array.copy() for array in given], [*last]  # it may call itself
        try:
            result = function(*args, **kwargs)
        except NotImplementedError:  # raised by the gaps of nbgrader and otter: a gap is no error
            raise GapError(f"{name} waits for its code") from None
        except Exception as error:
            kept = [value for owner in args[:1] for value in getattr(owner, "__dict__", {}).values()]
            kept += [item for value in kept if isinstance(value, list) for item in value]
            is_index = isinstance(error, IndexError)  # whose message names all indices
            if ("ellipsis" in str(error).lower() and not is_index) or any(value is ... for value in kept):
                raise GapError(f"{name} waits for its code") from None
            raise
        values = result if isinstance(result, tuple | list) else (result,)
        if any(value is ... for value in values) or (result is None and _is_empty(function)):
            raise GapError(f"{name} waits for its code")
        if returns != "nothing" and result is None:
            raise CheckError(f"{name} returns None; is there a return at its end?")
        if returns == "array" and isinstance(result, list | tuple):
            kind = type(result).__name__
            raise CheckError(f"{name} returns a {kind}; expected a NumPy array, to go on computing with")
        for array, copy in zip(given, before, strict=True):
            if not np.array_equal(array, copy, equal_nan=array.dtype.kind in "fc"):
                raise CheckError(f"{name} changes an array that it is given; it should work on a copy")
        arrays = arrays_in(result)
        if any(np.may_share_memory(*pair) for pair in product(earlier, arrays)):
            raise CheckError(f"{name} returns the same array in each call: the next one changes it")
        last[:] = arrays
        return result

    return call


def arrays_in(value: Any) -> list[Any]:
    """Return an array, or the arrays in a container of any depth."""
    if isinstance(value, np.ndarray):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [array for item in items for array in arrays_in(item)]


def _is_empty(function: Callable[..., Any]) -> bool:
    """Return whether a function only returns a constant: None, if its body is ``...`` or ``pass``."""
    quiet = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "COPY_FREE_VARS"}
    code = getattr(function, "__code__", None)
    steps = [*dis.get_instructions(code)] if code else []
    constants = {step.argval for step in steps if "CONST" in step.opname}
    return constants == {None} and all(step.opname in quiet for step in steps)
