"""Which extensions there are, and their code, imported when it is first used.

A command's process looks for them, among installed packages and in the files that it is given, and hands what it
has found on in an environment variable: kernels and workers import nothing that they don't use. What fails, fails
alone, with its reason.
"""

import json
import logging
import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from explorer.core import CORE
from explorer.extension import API, Extension

GROUP = "explorer.extensions"
FOUND = "EXPLORER_EXTENSIONS"
"""Environment variable: the extensions that a command has found, as JSON."""
ATTRIBUTE = "EXTENSION"
"""The name of a loose file's `Extension`."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")
_log = logging.getLogger(__name__)


class ExtensionError(Exception):
    """An extension, or something that it adds, can't be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Found:
    """An extension that was found, and why it can't be used, if so."""

    extension: Extension
    version: str = ""
    file: str = ""
    """Path of a loose file; empty for an installed package."""
    fault: str = ""
    """Why nothing of it is used, as a sentence; empty if it is."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that an extension adds."""

    what: Any
    """The data, one of `explorer.extension`'s classes, or code."""
    by: Found

    def load(self, code: str) -> Any:
        """Import code, given as ``"module:name"``; raises `ExtensionError` whatever fails in it."""
        with explained(self.by.extension.name):
            module, _, name = code.partition(":")
            is_loose = self.by.file and module == Path(self.by.file).stem
            return getattr(_loose(self.by.file) if is_loose else import_module(module), name)

    def call(self, code: str, *arguments: Any, **options: Any) -> Any:
        """Import a function and call it; raises `ExtensionError` whatever fails in it."""
        function = self.load(code)
        with explained(self.by.extension.name):
            return function(*arguments, **options)


class explained:  # noqa: N801  # a context manager
    """Turns whatever an extension raises into an `ExtensionError`, and logs where it was raised, once."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Raise the error in a sentence."""
        if not isinstance(error, Exception) or isinstance(error, ExtensionError):
            return
        text = f"The extension {self._name} failed here: {type(error).__name__}: {error}"
        _say_once(text, error)
        raise ExtensionError(f"{text.rstrip('.')}.") from error


def offers(kind: str) -> list[Offer]:
    """Return what all usable extensions add of a kind: ``"tabs"``, ``"commands"``, …, a field of `Extension`."""
    usable = [one for one in found() if not one.fault]
    return [Offer(what, one) for one in usable for what in getattr(one.extension, kind)]


def found() -> Sequence[Found]:
    """Return all extensions, by name; in a process of a command, those that the command has found."""
    return _read(os.environ[FOUND]) if FOUND in os.environ else _installed()


def look(names: Collection[str] | None = None, paths: Sequence[str] = ()) -> Sequence[Found]:
    """Look for extensions, those with these `names` or all, and in files; this process and its children use them.

    Raises `ExtensionError` for a name that isn't installed.
    """
    core, *known = _installed()
    have = [one.extension.name for one in known]
    if missing := [name for name in names or () if name not in have]:
        raise ExtensionError(
            f"there is no extension {missing[0]}; installed are {', '.join(have) or 'none'}."
        )
    chosen = [one for one in known if names is None or one.extension.name in names]
    os.environ[FOUND] = json.dumps([asdict(one) for one in _apart([core, *chosen, *map(_in_file, paths)])])
    return found()


def look_as_asked(words: Sequence[str]) -> tuple[list[str], bool]:
    """Look for the extensions that a command line asks for; return its other words, and whether it is strict."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--extensions")
    parser.add_argument("--extension", action="append", default=[])
    parser.add_argument("--strict", action="store_true")
    asked, others = parser.parse_known_args(words)
    look(None if asked.extensions is None else {*asked.extensions.split(",")} - {"none", ""}, asked.extension)
    return others, asked.strict


@cache
def _installed() -> Sequence[Found]:
    return (Found(CORE), *sorted(_entries(), key=lambda one: one.extension.name))


def _entries() -> Iterator[Found]:
    for entry in entry_points(group=GROUP):
        version = entry.dist.version if entry.dist else ""
        yield _checked(entry.name, entry.load, version)


def _in_file(path: str) -> Found:
    file = Path(path).expanduser().absolute()
    return replace(_checked(file.stem, lambda: getattr(_loose(str(file)), ATTRIBUTE)), file=str(file))


def _checked(name: str, load: Any, version: str = "") -> Found:
    """Return an extension, with its fault if it isn't one that can be used."""
    try:
        one = load()
    except Exception as error:  # noqa: BLE001  # a stranger's code
        return Found(Extension(name), version, fault=f"{type(error).__name__}: {error}".rstrip(".") + ".")
    if not isinstance(one, Extension):
        return Found(
            Extension(name), version, fault=f"it is {type(one).__name__}, not explorer.extension.Extension."
        )
    if one.api > API:
        return Found(
            Extension(name), version, fault=f"it was made for a later explorer (api {one.api}, here {API})."
        )
    if wrong := _wrong(one):
        return Found(Extension(name), version, fault=wrong)
    return Found(one, version)


def _wrong(one: Extension) -> str:
    """Return what isn't a name, or of another class, in an extension's data."""
    for field, kind in _kinds().items():
        for what in getattr(one, field):
            if not isinstance(what, kind):
                return f"{field}: expected {kind.__name__}, got {type(what).__name__}."
            name = getattr(what, "name", getattr(what, "path", "x"))
            if not _NAME.fullmatch(name):
                return f"{field}: {name!r} is no name; expected letters, digits, hyphens and underscores."
    return "" if _NAME.fullmatch(one.name) else f"its name is {one.name!r}."


def _apart(all_found: Sequence[Found]) -> Iterator[Found]:
    """Yield extensions; of two that offer one name, the fault of the later names both."""
    names: dict[tuple[str, str], str] = {}
    for one in all_found:
        own = [("name", one.extension.name)] + [
            (kind, what.name)
            for kind in _kinds()
            for what in getattr(one.extension, kind)
            if hasattr(what, "name")
        ]
        taken = next(((kind, name) for kind, name in own if (kind, name) in names), None)
        if taken is None or one.fault:
            names |= dict.fromkeys(own, one.file or one.extension.name)
            yield one
        else:
            kind, name = taken
            yield replace(one, fault=f"{kind} {name!r} is also that of {names[taken]}.")


@cache
def _loose(path: str) -> ModuleType:
    spec = spec_from_file_location(f"explorer_extension_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise ExtensionError(f"{path} is not a Python file.")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


@cache
def _read(text: str) -> Sequence[Found]:
    return tuple(Found(**one | {"extension": _extension(one["extension"])}) for one in json.loads(text))


def _extension(values: dict[str, Any]) -> Extension:
    made = {
        name: tuple(what if kind is str else kind(**what) for what in values[name])
        for name, kind in _kinds().items()
    }
    return Extension(**values | made)


@cache
def _kinds() -> Mapping[str, type]:
    """Return the class of what each field of `Extension` lists."""
    hints = get_type_hints(Extension)
    return {one.name: get_args(hints[one.name])[0] for one in fields(Extension) if get_args(hints[one.name])}


@cache
def _say_once(text: str, error: Exception) -> None:
    _log.error("%s", text, exc_info=error)
