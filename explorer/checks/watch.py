"""Calls a student's code safely: handles endless loops, prints, changed inputs and gaps."""

import ctypes
import dis
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from itertools import product
from threading import Thread
from time import perf_counter, process_time
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from explorer.checks.results import CheckError

_Result = TypeVar("_Result")
_MAKERS: Mapping[str, Callable[..., Any]] = MappingProxyType({"empty": np.empty, "empty_like": np.empty_like})
_TRIES, _PAUSE = 20, 0.05  # attempts to stop code, and the seconds between them
_BUSY = 0.02  # the least share of the time for which code that computes has a core


class GapError(CheckError):
    """An answer still has a gap."""


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
    """Return a wrapper that raises if a function leaves a gap, changes its inputs, or returns nothing new.

    A function, or a method not bound to its object, `returns` an "array" of numbers (or one), "several" values, or
    "nothing" in particular.
    """
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
        _refuse(name, result, returns, _is_empty(function))
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


def _refuse(name: str, result: Any, returns: str, is_empty: bool) -> None:
    values = result if isinstance(result, tuple | list) else (result,)
    if any(value is ... for value in values) or (is_empty and result is None):
        raise GapError(f"{name} waits for its code")
    if returns != "nothing" and result is None:
        raise CheckError(f"{name} returns None; is there a return at its end?")
    if returns == "array" and isinstance(result, list | tuple):
        kind = type(result).__name__
        raise CheckError(f"{name} returns a {kind}; expected a NumPy array, to go on computing with")


def _is_empty(function: Callable[..., Any]) -> bool:
    """Return whether a function only returns a constant: None, if its body is ``...`` or ``pass``."""
    quiet = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "COPY_FREE_VARS"}
    code = getattr(function, "__code__", None)
    steps = [*dis.get_instructions(code)] if code else []
    constants = {step.argval for step in steps if "CONST" in step.opname}
    return constants == {None} and all(step.opname in quiet for step in steps)
