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
from argparse import ArgumentError, ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import walk_tb
from types import MappingProxyType, ModuleType
from typing import Any, get_args, get_type_hints

from explorer.extension import API, CORE, Code, Extension, OfferedDataset

GROUP = "explorer.extensions"
NAMES = "EXPLORER_EXTENSIONS"
"""Environment variable: what ``--extensions`` is by default, and in notebooks; all if it isn't set."""
FOUND = "EXPLORER_FOUND_EXTENSIONS"  # environment variable: the extensions that a command has found, as JSON
ATTRIBUTE = "EXTENSION"  # the name of a loose file's `Extension`

_LOOSE = "explorer_extension_"  # before the name of a loose file's module
_LETTERS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}"), "letters, digits, hyphens, underscores and dots"
_PRINTED = re.compile(r"[^\x00-\x20,](?:[^\x00-\x1f,]{0,38}[^\x00-\x20,])?")
_PRINTABLE = _PRINTED, "up to 40 characters, no comma"
_CODE = re.compile(r"[\w.]+:\w+"), "module:name, as text"
_TEXT = re.compile(".*", re.DOTALL), "text"
_log = logging.getLogger(__name__)
_say_once = lru_cache(64)(_log.error)


class ExtensionError(Exception):
    """An extension, or something that it adds, can't be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Found:
    """An extension that was found, and why it can't be used, if so."""

    extension: Extension
    source: str = ""
    """The package that it comes from, with its version, or the path of a loose file."""
    is_loose: bool = False
    fault: str = ""
    """Why nothing of it is used, as a sentence; empty if it is."""

    @property
    def is_core(self) -> bool:
        """Whether it is the core, whose errors are errors of this package."""
        return self.extension.name == CORE.name


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that an extension adds."""

    what: Any
    """The data, one of `explorer.extension`'s classes, or code."""
    by: Found

    def load(self, code: str) -> Any:
        """Import code, given as ``"module:name"``; raises `ExtensionError` whatever fails in it."""
        with self.explaining_errors():
            module, _, name = code.partition(":")
            is_loose = self.by.is_loose and module.removeprefix(_LOOSE) == Path(self.by.source).stem
            return getattr(_loose(self.by.source) if is_loose else import_module(module), name)

    def call(self, code: str, *arguments: Any, **options: Any) -> Any:
        """Import a function and call it; raises `ExtensionError` whatever fails in it."""
        function = self.load(code)
        with self.explaining_errors():
            return function(*arguments, **options)

    @contextmanager
    def explaining_errors(self, *known: type[Exception]) -> Iterator[None]:
        """Turn any error but `known` ones into an `ExtensionError`, logged once; the core's own errors pass."""
        try:
            yield
        except (Exception, SystemExit) as error:
            if self.by.is_core or isinstance(error, (ExtensionError, *known)):
                raise
            text = f"The extension {self.by.extension.name} failed: {_reason(error)}"
            _say_once(text)
            raise ExtensionError(text) from error


def offers(kind: str) -> list[Offer]:
    """Return what all usable extensions add of a kind: ``"tabs"``, ``"commands"``, …, a field of `Extension`."""
    usable = [one for one in found() if not one.fault]
    return [Offer(what, one) for one in usable for what in getattr(one.extension, kind)]


def found() -> Sequence[Found]:
    """Return the core and all extensions, by name; in a process of a command, those that the command has found."""
    return _read(os.environ[FOUND]) if os.environ.get(FOUND) else _by_default(os.environ.get(NAMES))


def look_as_asked(words: Sequence[str]) -> tuple[list[str], bool]:
    """Look for the extensions that a command line asks for, in files and among those installed.

    This process and its children use them. Returns the line's other words, and whether it is strict; raises
    `ExtensionError` for a name that isn't installed, and if an option lacks its value.
    """
    try:
        asked, others = options_parser(exit_on_error=False).parse_known_args(words)
    except ArgumentError as error:
        raise ExtensionError(f"{error.argument_name}: {error.message}.") from error
    names = os.environ.get(NAMES) if asked.extensions is None else asked.extensions
    known = [entry.name for entry in _entries()]
    if missing := [name for name in _listed(names or "") if name not in known]:
        installed = ", ".join(known) or "none"
        raise ExtensionError(f"there is no extension {missing[0]}; installed are {installed}.")
    use([*_chosen(names), *map(in_file, asked.extension)])
    return others, asked.strict


def options_parser(**options: Any) -> ArgumentParser:
    """Return a parser of the options that each command has."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False, **options)
    group = parser.add_argument_group("extensions, with each command")
    group.add_argument("--extensions", metavar="NAMES", help="use only these, as talk,grading; or none")
    group.add_argument(
        "--extension", metavar="FILE", action="append", default=[], help="use that of a Python file, too"
    )
    group.add_argument("--strict", action="store_true", help="end if one of them can't be used")
    return parser


def use(extensions: Iterable[Found]) -> Sequence[Found]:
    """Use the core and these extensions in this process and its children; return them, with their faults."""
    used = _apart([Found(CORE), *extensions])
    os.environ[FOUND] = json.dumps([asdict(one) for one in used])
    return found()


@cache
def _by_default(names: str | None) -> Sequence[Found]:
    """Return the extensions of a process that no command has started, and log what is left out."""
    used = tuple(_apart([Found(CORE), *_chosen(names)]))
    for one in used:
        if one.fault:
            _say_once(f"The extension {one.extension.name} is left out: {one.fault}")
    return used


def _listed(names: str) -> list[str]:
    return [name for name in map(str.strip, names.split(",")) if name not in ("", "none")]


def _chosen(names: str | None) -> list[Found]:
    """Return the installed extensions of a list of names, or all; the others are not even imported."""
    return [_entered(entry) for entry in _entries() if names is None or entry.name in _listed(names)]


@cache
def _entries() -> Sequence[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def _entered(entry: EntryPoint) -> Found:
    about: Any = entry.dist.metadata if entry.dist else {}  # parsed each time that it is asked for
    source = " ".join(about[name] for name in ("Name", "Version") if name in about)
    one = replace(_loaded(entry.name, entry.load), source=source)
    if one.extension.name != entry.name:
        fault = f"its name is {one.extension.name}, and that of its entry point {entry.name}."
        return replace(one, extension=Extension(entry.name), fault=fault)
    return one


def in_file(path: str) -> Found:
    """Return the extension of a loose file, with its fault if it can't be used."""
    file = Path(path).expanduser().absolute()
    one = _loaded(file.stem, lambda: getattr(_loose(str(file)), ATTRIBUTE))
    return replace(one, source=str(file), is_loose=True)


def _loaded(name: str, load: Callable[[], Any]) -> Found:
    try:
        return checked(load(), name)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a stranger's code
        return Found(Extension(name), fault=_reason(error))


def checked(one: Any, name: str = "") -> Found:
    """Return an extension, or one of this name with the fault that it has."""
    fault = _wrong(one)
    return Found(Extension(name or one.name), fault=fault) if fault else Found(one)


def _wrong(one: Any) -> str:
    """Return what is wrong with an extension's data, as a sentence; empty if nothing is."""
    if not isinstance(one, Extension):
        return f"it is {type(one).__name__}; expected an explorer.extension.Extension."
    if not isinstance(one.api, int) or one.api > API:
        return f"it was made for a later explorer: its api is {one.api!r}, and this one's {API}."
    if not isinstance(one.name, str) or not _LETTERS[0].fullmatch(one.name):
        return f"its name is {one.name!r}; expected {_LETTERS[1]}."
    for field, kind in _kinds().items():
        listed = getattr(one, field)
        if not isinstance(listed, tuple):
            return f"{field} is {type(listed).__name__}; expected a tuple, as ({kind.__name__}(…),)."
        for what in listed:
            if not isinstance(what, kind):
                return f"{field} has {type(what).__name__}; expected {kind.__name__}."
            if wrong := _wrong_part(what):
                return f"{field}: {wrong}"
    return ""


def _wrong_part(what: Any) -> str:
    """Return the same of one thing that an extension adds."""
    kind = type(what)
    hints = {"code": Code} if kind is str else get_type_hints(kind, include_extras=True)
    for part, hint in hints.items():
        text = what if kind is str else getattr(what, part)
        if hint is int:
            if type(text) is not int or text < 0:
                return f"{part} is {text!r:.60}; expected a whole number."
            continue
        pattern, words = _CODE if hint == Code else _TEXT
        if part in {"name", "path"}:
            pattern, words = _PRINTABLE if kind is OfferedDataset else _LETTERS
        is_left_out = part == "options" and text == ""
        if not isinstance(text, str) or not (is_left_out or pattern.fullmatch(text)):
            return f"{part} is {text!r:.60}; expected {words}."
    return ""


def _apart(all_found: Iterable[Found]) -> Iterator[Found]:
    """Yield extensions; of two that offer one name, the fault of the later names both."""
    names: dict[tuple[str, str], str] = {}
    for one in all_found:
        own = [("name", one.extension.name)]
        for kind in _kinds():
            own += [(kind, what.name) for what in getattr(one.extension, kind) if hasattr(what, "name")]
        taken = next((key for i, key in enumerate(own) if key in names or key in own[:i]), None)
        label = " of ".join(filter(None, (one.extension.name, one.source)))
        if one.fault or taken is None:
            names |= dict.fromkeys(() if one.fault else own, label)
            yield one
        else:
            kind, name = taken
            yield replace(one, fault=f"{label} has {kind} {name!r}, as {names.get(taken, 'itself')} has.")


@cache
def _loose(path: str) -> ModuleType:
    spec = spec_from_file_location(f"{_LOOSE}{Path(path).stem}", path)
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
    read = []
    for one in json.loads(text):
        values = one["extension"]
        for name, kind in _kinds().items():
            values[name] = tuple(what if kind is str else kind(**what) for what in values[name])
        read.append(Found(**one | {"extension": Extension(**values)}))
    return tuple(read)


@cache
def _kinds() -> Mapping[str, type]:
    hints = get_type_hints(Extension)
    listed = {one.name: get_args(hints[one.name]) for one in fields(Extension)}
    return MappingProxyType({name: kinds[0] for name, kinds in listed.items() if kinds})


def _reason(error: BaseException) -> str:
    """Return an error as a sentence, with the innermost line of the extension's own code."""
    if isinstance(error, ExtensionError):
        return str(error)
    own = place = ""
    for frame, line in walk_tb(error.__traceback__):
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        own = own or ("" if package in {"explorer", "importlib"} else package)
        if own and package == own:
            place = f" ({Path(frame.f_code.co_filename).name}, line {line})"
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{words.rstrip('.')}{place}."
