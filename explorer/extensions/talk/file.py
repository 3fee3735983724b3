"""A talk as a TOML file: its slides, the runs they show, and each fault in a sentence with its line.

Nothing in a file is executed, and nothing is read from outside its folder. A slide with a fault is left out.
"""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any

from explorer.experiments import offered_demonstrations
from explorer.foreign_files import FileError, open_plain_file, printable, reason
from explorer.training import FIELDS, TrainingConfig
from explorer.training.query import read_query
from explorer.training.studies import StudyError, read_journal
from explorer.training.studies.summary import varied
from explorer.widgets.network_drawing import SCENES
from explorer.wording import did_you_mean, enumerated

READY = Path(__file__).with_name("ready.toml")  # the talk of the package

NUMBERS = (
    "accuracy", "batch", "epochs", "favorite", "favorite_share", "images", "layers", "parameters", "predicted",
    "rate", "right", "saturated", "times", "true", "units", "updates", "wrong",
)  # fmt: skip
"""The fields that a sentence can have in braces; `spoken_numbers` says what they are."""

PICTURES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("loss", "accuracy", "matrix"), "")
    | dict.fromkeys(("activations", "cells", "code", "mistakes", "network"), "weights")
    | dict.fromkeys(("readings", "step", "weights", "map", "explorer"), "weights")
    | {"demonstration": "", "image": "a file", "study": "a file"}
)
"""What each picture needs: the weights of its run, or a file, named after a colon."""

_SUFFIXES = (".gif", ".jpeg", ".jpg", ".png", ".webp")
_WITHOUT_RUN = ("demonstration", "explorer", "image", "study")
TALK = "EXPLORER_TALK"  # variable of kernels: path of the talk's file
_LAYERS = tuple("0123456")
_LETTERS = "letters of A to Z, digits, hyphens and underscores"
_MOST_BYTES, _MOST_FILE_BYTES, _MOST = 1 << 20, 1 << 23, 200
_MOST_DOTS = 2_000_000  # the squares of the dots in a line, over all lines: 15 MB
_NAME, _KEY = re.compile(r"[A-Za-z0-9_-]{1,40}"), re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")
_TABLE = re.compile(r"""\s*\[{1,2}\s*([\w"'. -]+?)\s*\]{1,2}\s*(#.*)?$""")
_OTHER = re.compile(r"other\[(\w+)\]")
_Keys = Mapping[str, tuple[int, int]]  # the most texts of a list, 0 for one text, and the characters of each
_SLIDE: _Keys = MappingProxyType(
    {"name": (0, 40), "title": (0, 120), "sentence": (0, 400), "notes": (0, 20_000), "run": (0, 40)}
    | {"question": (0, 300), "answer": (0, 200), "pictures": (4, 400), "against": (6, 40), "choices": (9, 60)}
)
_RUN: _Keys = MappingProxyType({"label": (0, 60), "settings": (0, 1000)})


class TalkError(ValueError):
    """A talk can't be used; the message is one sentence with the file and the line."""


@dataclass(frozen=True, slots=True)
class TalkRun:
    """A run of a talk: a label for its curve, settings, and whether a picture needs its weights."""

    label: str
    config: TrainingConfig
    with_weights: bool = False


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide; its name is that in the page's address. Its notes, sentence and answer are Markdown.

    It can train `run` live, in front of the runs `against` in gray. A `question` covers the pictures; without
    choices, a number is typed; the `answer` is shown next to it. Pictures are names, and what follows the colon.
    """

    name: str
    title: str
    notes: str = ""
    pictures: tuple[tuple[str, str], ...] = ()
    sentence: str = ""
    """Fields in braces are `NUMBERS`; ``{other[…]}`` those of the first run in `against`."""
    run: str = ""
    against: tuple[str, ...] = ()
    question: str = ""
    choices: tuple[str, ...] = ()
    answer: str = ""
    line: int = 0

    @property
    def filled_in(self) -> tuple[tuple[str, str], ...]:
        """The texts that can have fields in braces, each with its key."""
        own = [(key, getattr(self, key)) for key in ("sentence", "question", "answer")]
        return (*own, *(("choices", choice) for choice in self.choices))

    @property
    def demonstration(self) -> str:
        """The key of the demonstration that it shows; empty for none."""
        return next((argument for kind, argument in self.pictures if kind == "demonstration"), "")


@dataclass(frozen=True, slots=True)
class TalkFile:
    """What a file says: its slides without a fault, in order, and a sentence for each fault."""

    path: Path
    runs: Mapping[str, TalkRun]
    slides: tuple[Slide, ...]
    faults: tuple[str, ...]

    @property
    def recordings(self) -> Path:
        """The folder of its recordings, next to it."""
        return self.path.with_suffix(".recordings")

    def fault(self, line: int, text: str) -> str:
        """Return a sentence about a line, with its full stop."""
        return f"{self.path.name}, line {line}: {text}{'' if text.endswith(('.', '?')) else '.'}"

    def in_order(self, faults: Iterable[str]) -> tuple[str, ...]:
        """Return sentences about lines in order of the lines."""
        begins = f"{self.path.name}, line "
        return tuple(sorted(faults, key=lambda one: int(one.removeprefix(begins).partition(":")[0])))

    def inside(self, name: str) -> Path:
        """Return a file in the talk's folder; raise ValueError if it is elsewhere, missing or large."""
        folder = self.path.parent.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise ValueError(f"{printable(name)} is outside the folder of the talk")
        if not path.is_file():
            raise ValueError(f"there is no file {printable(name)} next to the talk")
        if path.stat().st_size > _MOST_FILE_BYTES:
            raise ValueError(f"{printable(name)} has more than {_MOST_FILE_BYTES >> 20} MB")
        return path


def talk_file() -> str | None:
    """Return the path of the command's talk; None for the ready one."""
    return os.environ.get(TALK)


def read_talk(path: Path | str) -> TalkFile:
    """Read a talk's file. Raises TalkError if no slide can be read; faults of single slides are in the result."""
    path = Path(path).expanduser()
    try:
        with open_plain_file(path, path.name) as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError("the file has more than 1 MB; a talk is text")
        text = content.decode("utf-8").replace("\r\n", "\n")
        for number, squares in enumerate(accumulate(line.count(".") ** 2 for line in text.split("\n")), 1):
            if squares > _MOST_DOTS:  # a key of n parts costs tomllib n² of time and memory
                raise ValueError(f"there are too many dots up to here (at line {number})")
        tables = tomllib.loads(text)
    except FileError as error:
        raise TalkError(f"{path}: found {error.found}, expected a talk.") from error
    except OSError as error:
        raise TalkError(f"{path}: {reason(error)}.") from error
    except (RecursionError, ValueError) as error:
        number, message = _syntax_fault(content.decode("utf-8", "replace"), str(error))
        raise TalkError(f"{path.name}, line {number}: {printable(message, 200)}.") from error
    return _Reader(path, tables, text).read()


def _syntax_fault(text: str, message: str) -> tuple[int, str]:
    """Return the line and the words of what tomllib says, which ends with "(at line 3, column 5)"."""
    place, lines = re.search(r"\(at (?:line (\d+)|end)", message), text.rstrip().split("\n")
    number = int(place[1]) if place and place[1] else len(lines) if place else 1
    closing, opened = "", 0
    for at, line in enumerate(lines[:number], 1):
        if closing and (_TABLE.match(line) or at == len(lines)):  # no text has a table in it
            return opened, f"the text that begins here is not closed: {closing} is missing"
        if found := next((quotes for quotes in ('"""', "'''") if line.count(quotes) % 2), ""):
            closing, opened = "" if closing else found, at
    is_open = lines[number - 1 :] and lines[number - 1].replace('\\"', "").count('"') % 2
    if place and (is_open or re.search(r"Unterminated|character '\\\\n'|Expected \"'", message)):
        return number, "a quote is not closed"
    return number, message.partition(" (at ")[0].rstrip(".")


def _lines(text: str) -> dict[tuple[str, int, str], int]:
    """Return the line of each table, by name and number among its name, and of each key in it."""
    found: dict[tuple[str, int, str], int] = {}
    table, counts, closing = ("", 0), Counter[str](), ""
    for number, line in enumerate(text.split("\n"), 1):
        if closing:  # within a text of several lines
            closing = "" if line.count(closing) % 2 else closing
            continue
        if match := _TABLE.match(line):
            name = re.sub(r"""["' ]""", "", match[1])
            table = name, counts[name]
            counts[name] += 1
            found[*table, ""] = number
        elif match := _KEY.match(line):
            found.setdefault((*table, match[1]), number)
        closing = next((quotes for quotes in ('"""', "'''") if line.count(quotes) % 2), "")
    return found


class _FaultError(ValueError):
    """A fault of one key of a table; without a key, of the table."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


class _Reader:
    def __init__(self, path: Path, tables: Mapping[str, Any], text: str) -> None:
        self._tables, self._at, self._file = tables, _lines(text), TalkFile(path, {}, (), ())
        self._faults: list[tuple[int, str]] = []
        self._runs: dict[str, TalkRun] = {}

    def read(self) -> TalkFile:
        for key in self._tables.keys() - {"runs", "slides"}:
            self._faults.append((self._line(key), f"there is no {_shown(key)} in a talk"))
        runs, tables = self._tables.get("runs", {}), self._tables.get("slides", [])
        if not isinstance(runs, dict) or not isinstance(tables, list) or len(runs) + len(tables) > _MOST:
            expected = f"runs are tables as [runs.exercise], slides as [[slides]], at most {_MOST}"
            raise TalkError(self._file.fault(self._line("slides"), expected))
        for name, table in runs.items():
            with self._reporting(f"runs.{name}", 0, f"the run {_shown(name)}"):
                self._runs[name] = _run(name, table)
        slides = list[Slide]()
        for number, table in enumerate(tables):
            with self._reporting("slides", number, f"slide {number + 1}"):
                slides.append(self._slide(number, table, {slide.name for slide in slides}))
        faults = tuple(self._file.fault(max(1, line), text[:600]) for line, text in sorted(self._faults))
        if not slides:
            none = self._file.fault(1, "there are no slides: a slide begins with the line [[slides]]")
            raise TalkError("\n".join(faults) or none)
        needy = {
            name: replace(run, with_weights=_needs_weights(name, slides)) for name, run in self._runs.items()
        }
        return replace(self._file, runs=MappingProxyType(needy), slides=tuple(slides), faults=faults)

    @contextmanager
    def _reporting(self, table: str, number: int, what: str) -> Iterator[None]:
        try:
            yield
        except _FaultError as fault:
            self._faults.append((self._line(table, number, fault.key), f"{what}: {fault}"))

    def _line(self, table: str, number: int = 0, key: str = "") -> int:
        run = "runs", 0, table.removeprefix("runs.")
        places = (table, number, key), (table, number, ""), ("", 0, table), run
        return next((self._at[place] for place in places if place in self._at), 1)

    def _slide(self, number: int, table: object, names: Collection[str]) -> Slide:
        given = {"name": f"slide-{number + 1}", **_checked(table, _SLIDE)}
        if not _NAME.fullmatch(given["name"]):
            raise _FaultError("name", f"a name has {_LETTERS}")
        if given["name"] in names:
            raise _FaultError("name", "another slide has this name")
        if not given.get("title", "").strip():
            raise _FaultError("title", "a slide has a title")
        try:
            pictures = tuple(self._picture(text) for text in given.pop("pictures", ()))
        except (OSError, StudyError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise _FaultError("pictures", reason.rstrip(".")) from error
        slide = Slide(**given, pictures=pictures, line=self._line("slides", number))
        for key, name in [("run", slide.run), *(("against", name) for name in slide.against)]:
            if name and name not in self._runs:
                faulty = f"the run {_shown(name)} has a fault"
                add = f'; add [runs.{printable(name, 40)}], with settings = "preset=exercise" below it'
                missing = f"there is no run {_shown(name)}{did_you_mean(name, self._runs) or add}"
                raise _FaultError(key, faulty if name in self._tables.get("runs", {}) else missing)
        needy = next((kind for kind, _ in pictures if kind not in _WITHOUT_RUN), "")
        if needy and not slide.run:
            first = next(iter(self._runs), "exercise")
            raise _FaultError("pictures", f'{needy} needs a run: run = "{first}"')
        if slide.run and slide.demonstration:
            raise _FaultError("run", "a demonstration is its slide's only run")
        for key, filled_in in slide.filled_in:
            _check_fields(key, filled_in, slide)
        if not slide.question and (slide.choices or slide.answer):
            key = "choices" if slide.choices else "answer"
            raise _FaultError(key, "there is no question that this answers")
        if len(slide.choices) == 1:
            raise _FaultError("choices", "a question has two choices or more, or none")
        return slide

    def _picture(self, text: str) -> tuple[str, str]:
        kind, _, argument = (part.strip() for part in text.partition(":"))
        if kind not in PICTURES:
            known = did_you_mean(kind, PICTURES) or f"; known are {enumerated([*PICTURES])}"
            raise ValueError(f"there is no picture {_shown(kind)}{known}")
        names = {"map": _LAYERS, "explorer": FIELDS, "demonstration": offered_demonstrations()}
        names["code"] = [scene.lower() for scene in SCENES]
        given = [one.strip() for one in argument.split(",")] if argument else []
        if PICTURES[kind] == "a file":
            self._check_file(kind, argument)
        elif kind not in names and given:
            raise ValueError(f"{kind} has nothing after a colon")
        elif (kind == "demonstration" and not given) or (kind != "explorer" and len(given) > 1):
            raise ValueError(f"{kind} needs one name after a colon")
        elif (unknown := next((one for one in given if one not in names[kind]), None)) is not None:
            guess = did_you_mean(unknown, names[kind]) or f"; known are {enumerated([*names[kind]])}"
            raise ValueError(f"{kind} has no {_shown(unknown)}{guess}")
        return kind, argument

    def _check_file(self, kind: str, name: str) -> None:
        path = self._file.inside(name)
        if kind == "image" and path.suffix.lower() not in _SUFFIXES:
            raise ValueError(f"{_shown(name)} is none of {' '.join(_SUFFIXES)}")
        if kind == "study":
            n = len(varied([trial.config for trial in read_journal(path).trials]))
            if not 1 <= n <= 2:
                raise ValueError(f"{_shown(name)} varies {n} settings; a picture shows one or two")


def _run(name: str, table: object) -> TalkRun:
    if not _NAME.fullmatch(name):
        raise _FaultError("", f"a name has {_LETTERS}")
    given = _checked(table, _RUN)
    config, notices = read_query(given.get("settings", ""))
    if notices:
        text = re.sub(r" The default is used\.| and (is|are) ignored", "", " ".join(notices))
        raise _FaultError("settings", text.rstrip("."))
    return TalkRun(given.get("label", name), config)


def _checked(table: object, keys: _Keys) -> dict[str, Any]:
    """Return the values of a table, if all are of the right kind and length."""
    if not isinstance(table, dict):
        raise _FaultError("", "this is not a table")
    for key, value in table.items():
        if key not in keys:
            raise _FaultError(key, f"there is no {_shown(key)}{did_you_mean(key, keys)}")
        most, longest = keys[key]
        if not most and not (isinstance(value, str) and len(value) <= longest):
            raise _FaultError(key, f"{key} is a text of at most {longest:,} characters")
        texts = value if isinstance(value, list) and len(value) <= most else [None]
        if most and not all(isinstance(one, str) and 0 < len(one) <= longest for one in texts):
            raise _FaultError(key, f"{key} is a list of at most {most} texts")
    return {key: tuple(value) if keys[key][0] else value for key, value in table.items()}


def _check_fields(key: str, text: str, slide: Slide) -> None:
    """Refuse a field in braces that nothing can fill in."""
    try:
        fields = [one for one in Formatter().parse(text) if one[1] is not None]
    except ValueError as error:
        raise _FaultError(key, "a brace is not closed; {{ and }} are braces as such") from error
    for _, field, spec, conversion in fields:
        other = _OTHER.fullmatch(field or "")
        name = other[1] if other else field
        if name not in NUMBERS or spec or conversion or f"{{{field}:}}" in text:
            raise _FaultError(key, f"nothing fills in {_shown(f'{{{field}}}')}{did_you_mean(name, NUMBERS)}")
        if not slide.run or (other and not slide.against):
            needed = "a run in against" if other else "a run"
            raise _FaultError(key, f"{_shown(f'{{{field}}}')} needs {needed}")


def _needs_weights(run: str, slides: list[Slide]) -> bool:
    own = [slide for slide in slides if slide.run == run]
    first = [slide for slide in slides if run in slide.against[:1]]
    compared = [slide for slide in first if ("activations", "") in slide.pictures]
    looked_into = (PICTURES[kind] == "weights" for slide in own for kind, _ in slide.pictures)
    mentioned = any("{saturated}" in text for one in own for _, text in one.filled_in)
    mentioned_elsewhere = any("{other[saturated]}" in text for one in first for _, text in one.filled_in)
    return bool(compared) or any(looked_into) or mentioned or mentioned_elsewhere


def _shown(text: str) -> str:
    return f"“{printable(text, 40)}”"
