"""Carries an answer into another process: functions and classes of a notebook, by what they are made of.

`pickle` refers to a function by its module and its name, which only helps where that can be imported.
"""

import builtins
import dis
import inspect
import io
import linecache
import marshal
import pickle
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

__all__ = ["names_in", "packed", "unpacked"]

_MOST_BYTES = 50_000_000  # of an array that a function uses
_PLACES = (Path(__file__).parents[1], *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")))
_INSTALLED = tuple(map(str, _PLACES))
_ATTRIBUTES = "__defaults__", "__kwdefaults__", "__module__", "__qualname__"
_NOT_MEMBERS = "__dict__", "__weakref__"


def packed(answer: Any) -> bytes:
    """Return an answer with all that it uses; raise whatever `pickle` does if something can't be carried."""
    functions = [*_functions(answer)]
    names = {id(function.__globals__): dict[str, Any]() for function in functions}
    for function in functions:
        names[id(function.__globals__)] |= _used(function)
    files = {function.__code__.co_filename for function in functions}
    sources = {file: linecache.getlines(file) for file in files}
    stream = io.BytesIO()
    _Pickler(stream, {function: names[id(function.__globals__)] for function in functions}).dump(
        (answer, sources)
    )
    return stream.getvalue()


def unpacked(content: bytes) -> Any:
    """Return the answer that was packed, its source lines where tracebacks find them."""
    answer, sources = pickle.loads(content)
    for file, lines in sources.items():
        linecache.cache[file] = sum(map(len, lines)), None, lines, file
    return answer


def _functions(answer: Any) -> Iterator[FunctionType]:
    """Yield each function that an answer consists of or uses, but those that can be imported."""
    waiting, seen = [answer], dict[int, Any]()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or _is_installed(thing):
            continue
        seen[id(thing)] = thing
        if inspect.isfunction(thing):
            yield thing
            waiting += [*_used(thing).values(), *map(_contents, thing.__closure__ or ()), vars(thing)]
        elif isinstance(thing, type):
            waiting += [*thing.__bases__, *vars(thing).values()]
        elif isinstance(thing, dict | list | tuple):
            waiting += thing.values() if isinstance(thing, dict) else thing
        elif not isinstance(thing, ModuleType):
            made_of = (getattr(thing, name, None) for name in ("__func__", "func", "fget", "fset", "fdel"))
            waiting += [type(thing), getattr(thing, "__dict__", None), *made_of]


def _used(function: FunctionType) -> dict[str, Any]:
    """Return the globals that a function names."""
    names = function.__globals__
    return {name: names[name] for name in names_in(function.__code__) if name in names}


def names_in(code: CodeType, *instructions: str) -> set[str]:
    """Return the names that some instructions use, or any, in comprehensions and functions within, too."""
    within = (names_in(const, *instructions) for const in code.co_consts if isinstance(const, CodeType))
    steps = (step for step in dis.get_instructions(code) if step.opname in instructions)
    return ({step.argval for step in steps} if instructions else {*code.co_names}).union(*within)


def _is_installed(thing: Any) -> bool:
    """Say whether another process can import a function or a class."""
    name = getattr(thing, "__module__", None)
    if name == "__main__" or not (inspect.isfunction(thing) or isinstance(thing, type)):
        return False
    module = sys.modules.get(str(name))
    file = getattr(module, "__file__", None)
    return module is not None and (file is None or str(file).startswith(_INSTALLED))


class _Pickler(pickle.Pickler):
    """Pickles by their parts what can't be imported; functions that share globals still do afterwards."""

    def __init__(self, stream: io.BytesIO, names: Mapping[FunctionType, dict[str, Any]]) -> None:
        super().__init__(stream)
        self._names_of = names

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, np.ndarray) and thing.nbytes > _MOST_BYTES:
            raise pickle.PicklingError("a large array")
        if isinstance(thing, ModuleType):
            return import_module, (thing.__name__,)
        if isinstance(thing, staticmethod | classmethod):
            return type(thing), (thing.__func__,)
        if isinstance(thing, property):
            return property, (thing.fget, thing.fset, thing.fdel)
        if isinstance(thing, CellType):
            return _cell, (), _contents(thing), None, None, _fill_cell
        if inspect.isfunction(thing) and not _is_installed(thing):
            code, names = (
                marshal.dumps(thing.__code__),
                self._names_of[thing],
            )  # or it is one that wasn't found
            state = {name: getattr(thing, name) for name in _ATTRIBUTES} | vars(thing)
            return _function, (code, names, thing.__closure__), state, None, None, _fill
        if isinstance(thing, type) and not _is_installed(thing):
            members = {name: value for name, value in vars(thing).items() if name not in _NOT_MEMBERS}
            return type(thing), (thing.__name__, thing.__bases__, {}), members, None, None, _fill
        return NotImplemented


def _function(code: bytes, names: dict[str, Any], closure: tuple[CellType, ...] | None) -> FunctionType:
    names["__builtins__"] = builtins
    return FunctionType(marshal.loads(code), names, closure=closure)


def _fill(thing: Any, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        setattr(thing, name, value)


def _cell() -> CellType:
    return CellType()


def _contents(cell: CellType) -> Any:
    """Return what a cell contains; a name that has no value yet has None."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _fill_cell(cell: CellType, value: Any) -> None:
    cell.cell_contents = value
