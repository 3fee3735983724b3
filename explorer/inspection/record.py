"""One call of somebody's code with everything that it computed, statement by statement."""

import __future__

import linecache
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from inspect import CO_GENERATOR, isasyncgen, isclass, iscoroutine, isgenerator, isroutine
from pathlib import Path
from threading import Lock, get_ident
from traceback import walk_tb
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

from explorer.inspection.rewriting import STEP, VALUE, Place, Rewritten, connected, rewritten
from explorer.wording import grouped

MOST_STEPS = 20_000
MOST_BYTES = 64_000_000  # of all kept arrays
MOST_SECONDS = 5.0  # of the thread's processor time
_MOST_NUMBERS = 32_000  # of one array
_NUMBERS = np.ndarray, np.generic, int, float, complex
_PACKAGE = Path(__file__).parents[1]
_INSTALLED = Path(sys.prefix), Path(sys.base_prefix), _PACKAGE, Path(np.__file__).parents[1]
_AROUND_IT = "neural_network", "arguments"  # of the textbook: they check what it is given
_WRAPPERS = MethodType, classmethod, staticmethod, property, partial, cached_property, type(lru_cache(int))
_WRAPPED = "__func__", "__self__", "fget", "fset", "func", "__wrapped__"
_IS_WRITTEN = 1 << 9  # flag of a class that no C code has built in: Py_TPFLAGS_HEAPTYPE
_one_at_a_time = Lock()  # as all threads share the functions


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """The value of an expression, as it was."""

    place: Place
    kept: NDArray[Any] | None
    """A copy of an array or number, or of a large one's beginning; None for anything else."""
    shape: tuple[int, ...] = ()
    """Shape of the whole array."""
    words: str = ""
    """Anything else: ``"'relu'"``, ``"list of 2: 32 by 5, 3 by 32"``, ``"Network object"``."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A statement that ran, or the beginning of a function or of a loop's turn."""

    place: Place
    path: str
    call: int
    depth: int
    """Number of the function's call, from 0, and how many recorded calls it is in."""
    turns: tuple[int, ...]
    """The turn of each loop around it in its function, from 1."""
    values: tuple[Value, ...]
    """In order of evaluation: arrays, lists, numbers and text, and last what it assigns, receives or returns."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A call that was recorded."""

    steps: tuple[Step, ...]
    """Of long loops the first and last three turns, and between them turns 4, 8, 16 …"""
    sources: Mapping[str, tuple[str, ...]]
    """The lines of each file, by its path."""
    result: Any
    error: BaseException | None
    failed: int
    """What it raised, and the index of the step that did, or −1."""
    ended: str
    """A sentence that says why it was ended early, or ""."""
    whole: frozenset[tuple[int, int, tuple[int, ...]]] = frozenset()
    """Call, loop and turns of outer loops of each loop that ran to its end, that no ``break`` or error left."""


def record(call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Recording:
    """Call something once, on a deep copy of its object and arguments, and return what happened.

    Recorded is the textbook, and each function in a cell or a file outside of installed packages whose source
    can be read; its decorators are not. A comprehension is one value; a generator runs to its end. Global names
    and closures are no copies. The call ends early after `MOST_STEPS`, `MOST_BYTES` or `MOST_SECONDS`. Raises
    `ValueError` if it has no source, can't be copied or is asynchronous, and while another call is recorded.
    """
    name = _words(call)
    try:
        call, arguments, named = _copied((call, arguments, named))
    except Exception as error:
        raise ValueError(f"{name} runs on a copy, and none can be made: {error}") from error
    if not _one_at_a_time.acquire(blocking=False):
        raise ValueError(f"{name} is called while another call is recorded")
    recorder, result, raised = _Recorder(), None, None
    try:
        if not recorder.prepare(call):
            raise ValueError(f"{name} has no Python source that can be read")
        try:
            returned = call(*arguments, **named)
            result = [one for one in returned if recorder.goes_on()] if isgenerator(returned) else returned
        except (Exception, SystemExit, _EndedEarly) as error:  # noqa: BLE001  # it is part of the recording
            raised = None if isinstance(error, _EndedEarly) else error
    finally:
        recorder.restore()
        _one_at_a_time.release()
    if iscoroutine(result) or isasyncgen(result):  # nothing of it has run
        getattr(result, "close", str)()
        raise ValueError(f"{name} is asynchronous, and only other functions can be recorded")
    return recorder.recording(result, raised)


def _copied(things: Any) -> Any:
    """Return a deep copy, whose arrays have the same strides and share memory where the originals do."""
    memo, again, memories = dict[int, Any](), dict[int, Any](), dict[int, NDArray[np.uint8]]()
    copies = deepcopy(things, memo)
    arrays = [one for one in memo.get(id(memo), ()) if type(one) is np.ndarray and not one.dtype.hasobject]
    if all(one.base is None and one.flags.writeable for one in arrays):
        return copies
    for one in arrays:
        owner = one
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        low, high = byte_bounds(owner)
        memory = memories.setdefault(id(owner), np.empty(high - low, np.uint8))
        view = again[id(one)] = np.ndarray(one.shape, one.dtype, memory, one.ctypes.data - low, one.strides)
        view[...] = one
        view.flags.writeable = one.flags.writeable
    return deepcopy(things, again)


class _EndedEarly(BaseException):
    """Ends the call: its ``except Exception`` doesn't catch this."""


class _Recorder:
    """Makes functions report what they do, and keeps it."""

    def __init__(self) -> None:
        self._steps: list[tuple[Place, str, int, int, tuple[int, ...], list[Value]] | None] = []
        self._thread, self._until, self._ended = get_ident(), time.thread_time() + MOST_SECONDS, ""
        self._n_calls, self._n_steps, self._n_bytes = 0, 0, 0
        self._plain, self._seen = list[tuple[FunctionType, CodeType]](), set[int]()
        self._files: dict[str, tuple[Rewritten, dict[str, Any]]] = {}
        self._copies: dict[Any, NDArray[Any]] = {}
        self._calls: dict[tuple[int, int], tuple[int, int]] = {}  # number and depth, by frame and code
        self._values: dict[tuple[int, int], list[Value]] = {}  # by frame and statement
        self._whole = set[tuple[int, int, tuple[int, ...]]]()
        self._turns: dict[tuple[int, int, tuple[int, ...]], list[int]] = {}  # by call, loop and outer turns

    def prepare(self, thing: Any) -> bool:
        """Make a function report, or the methods of a class or object; return whether anything does."""
        if not isinstance(thing, FunctionType | type):
            inner = [getattr(thing, name, None) for name in _WRAPPED] if isinstance(thing, _WRAPPERS) else []
            owned = getattr(thing.__self__, "__dict__", {}) if isinstance(thing, MethodType) else {}
            for one in (type(thing), *inner, *owned.values()):
                self.prepare(one)
        elif id(thing) not in self._seen:
            self._seen.add(id(thing))
            if isinstance(thing, type):
                bases = [base for base in thing.__mro__ if base.__flags__ & _IS_WRITTEN]
                for one in (one for base in bases for one in vars(base).values()):
                    if isinstance(one, (FunctionType, *_WRAPPERS)):
                        self.prepare(one)
            elif hasattr(thing, "__wrapped__"):
                self.prepare(thing.__wrapped__)
            else:
                self._rewrite(thing)
        return bool(self._plain)

    def _rewrite(self, function: FunctionType) -> None:
        code, path = function.__code__, function.__code__.co_filename
        if path not in self._files:
            linecache.checkcache(path)
            folders = {*Path(path).parents}
            is_textbook = _PACKAGE / "network" in folders and Path(path).stem not in _AROUND_IT
            is_read = is_textbook or folders.isdisjoint(_INSTALLED)
            lines = tuple(linecache.getlines(path, function.__globals__) if is_read else ())
            found = rewritten(lines, code.co_flags & __future__.annotations.compiler_flag)
            step, value = partial(self._step, found.places, path), partial(self._value, found.places)
            self._files[path] = found, {STEP: step, VALUE: value}
        found, calls = self._files[path]
        if reporting := found.codes.get(code):
            self._plain.append((function, code))
            function.__code__ = connected(reporting, path, calls)

    def restore(self) -> None:
        self._thread = -1
        for function, code in self._plain:
            function.__code__ = code

    def _step(self, places: Sequence[Place], path: str, k: int, what: str) -> None:
        """Begin a step, which a function reports, or note that a loop ran to its end."""
        if get_ident() != self._thread:  # another one, or what remains of the call later
            return
        self.goes_on()
        frame, place, turns = sys._getframe(1), places[k], tuple[int, ...]()
        key = id(frame), id(frame.f_code)
        if what == "call":
            outer = frame.f_back
            while outer and (id(outer), id(outer.f_code)) not in self._calls:
                outer = outer.f_back
            self._calls[key] = self._n_calls, self._calls[id(outer), id(outer.f_code)][1] + 1 if outer else 0
            self._n_calls += 1
        call, depth = self._calls[key]
        for loop in place.loops:
            begun = self._turns.setdefault((call, loop, turns), [])
            if loop == k:
                begun.append(len(self._steps))
                if not frame.f_code.co_flags & CO_GENERATOR:  # between whose turns others run
                    self._forget(begun)
            turns += (len(begun),)
        if what == "end":
            self._whole.add((call, place.loops[-1], turns[:-1]))
            return
        values = self._values[id(frame), k] = []
        self._steps.append((place, path, call, depth, turns, values))
        self._n_steps += 1

    def _forget(self, begun: list[int]) -> None:
        """Drop the turn of a loop that is no longer one of the last three, unless it is kept."""
        if (turn := len(begun) - 3) > 3 and turn & (turn - 1):
            first, last = begun[turn - 1 : turn + 1]
            self._n_steps -= sum(one is not None for one in self._steps[first:last])
            self._steps[first:last] = [None] * (last - first)

    def goes_on(self) -> bool:
        """Return True, or end the call at a bound: again and again if the code catches it."""
        if self._n_bytes > MOST_BYTES:  # which counts what was dropped, too
            self._copies.clear()
            kept = {id(one.kept): one.kept for step in self._steps if step for one in step[-1]}
            self._n_bytes = sum(one.nbytes for one in kept.values() if one is not None)
        reached = (
            f"{grouped(MOST_STEPS)} steps" if self._n_steps >= MOST_STEPS
            else f"{MOST_BYTES // 1_000_000} MB of arrays" if self._n_bytes > MOST_BYTES
            else f"{MOST_SECONDS:.0f} seconds of computing" if time.thread_time() > self._until else ""
        )  # fmt: skip
        self._ended = self._ended or (reached and f"The recording ends here, after {reached}.")
        if self._ended:
            raise _EndedEarly
        return True

    def _value(self, places: Sequence[Place], k: int, value: Any) -> Any:
        """Keep a value, which a function reports, and return it."""
        if get_ident() != self._thread:
            return value
        place, kept = places[k], self._copy(value) if isinstance(value, _NUMBERS) else None
        if kept is None:
            self.prepare(value)
        is_shown = kept is not None or isinstance(value, str | list | tuple)
        if place.kind == "made" or (is_shown and place.kind != "callee"):
            shape, words = ((), _words(value)) if kept is None else (getattr(value, "shape", ()), "")
            self._values[id(sys._getframe(1)), place.statement].append(Value(place, kept, shape, words))
        return value

    def _copy(self, value: Any) -> NDArray[Any] | None:
        part = np.asarray(value)
        if part.dtype.kind not in "biufc":
            return None
        while part.size > _MOST_NUMBERS:
            axis = int(np.argmax(part.shape))
            n = max(1, _MOST_NUMBERS * part.shape[axis] // part.size)
            part = part[(slice(None),) * axis + (slice(n),)]
        key, numbers = (id(value), part.dtype.str, part.shape), part.tobytes()
        if (kept := self._copies.get(key)) is None or kept.base != numbers:
            kept = self._copies[key] = np.ndarray(part.shape, part.dtype, numbers)
            self._n_bytes += part.nbytes
        return kept

    def recording(self, result: Any, error: BaseException | None) -> Recording:
        steps = tuple(Step(*step[:-1], tuple(step[-1])) for step in self._steps if step)
        failed = -1
        for frame, line in walk_tb(error.__traceback__ if error else None):
            call, _ = self._calls.get((id(frame), id(frame.f_code)), (-1, 0))
            own = ((at, step.place) for at, step in enumerate(steps) if step.call == call)
            failed = max((at for at, one in own if one.line <= line <= one.end_line), default=failed)
        sources = {step.path: self._files[step.path][0].lines for step in steps}
        return Recording(steps, sources, result, error, failed, self._ended, frozenset(self._whole))


def _words(value: Any, depth: int = 2) -> str:
    if isinstance(value, _NUMBERS):
        if sizes := getattr(value, "shape", ()):
            return "array of " * (len(sizes) == 1) + " by ".join(map(str, sizes))
        return str(value) if getattr(value, "bit_length", int)() < 999 else "a long whole number"
    if isinstance(value, str):
        return repr(str(value)) if len(value) < 60 else f"{value[:50]!r} …"
    if isclass(value) or isroutine(value) or isinstance(value, np.ufunc):
        return str(getattr(value, "__qualname__", value.__name__))
    size = f"of {len(value)}" if type(value) in (list, tuple, dict, set) else "object"
    shown = value[:4] if depth and type(value) in (list, tuple) else ()
    parts = ", ".join(_words(one, depth - 1) for one in shown)
    if size == "of 0":
        return f"empty {type(value).__name__}"
    words = f"{type(value).__name__} {size}" + (parts and f": {parts}" + ", …" * (len(value) > 4))
    return "None" if value is None else words
