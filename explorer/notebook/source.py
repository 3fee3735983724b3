"""The package's own source, read from the installed files, for a lesson to show beside the formula."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import dedent
from types import MappingProxyType
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

import explorer
from explorer.notebook.shown import Shown

__all__ = ["source"]

_NO_NOTES: Mapping[str, str] = MappingProxyType({})
_FOLDER = Path(explorer.__file__).parents[1]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line as it stands in its file, and what the lesson says of it."""

    number: int
    code: str
    note: str = ""


def source(*things: Any, notes: Mapping[str, str] = _NO_NOTES) -> Shown:
    """Return the source of functions, methods or classes, with its file and lines, without its docstrings.

    Parameters
    ----------
    *things : function, method or class
        Of this package, or of any other whose source is installed.
    notes : mapping of str to str
        What to write beside a line: the key is a part of the line, and the first line that has it and no note
        yet gets it. So a formula stands next to the call that computes it.

    Raises
    ------
    ValueError
        If no line has a key of `notes`: the source has changed, and the lesson must follow.
    TypeError, OSError
        If there is no Python source to read.
    """
    parts = [_lines(thing) for thing in things]
    for key, note in notes.items():
        _write_beside(parts, key, note, things)
    blocks = zip(things, parts, strict=True)
    return Shown(
        "".join(_block(thing, lines) for thing, lines in blocks),
        "\n\n".join("\n".join(line.code for line in lines) for lines in parts),
    )


def _lines(thing: Any) -> list[_Line]:
    """Return the source's lines but those of docstrings, which keep their numbers."""
    code, first = inspect.getsourcelines(thing)
    text = dedent("".join(code))
    hidden = {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None
        for number in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    return [
        _Line(first + offset, line)
        for offset, line in enumerate(text.splitlines())
        if offset + 1 not in hidden
    ]


def _write_beside(parts: list[list[_Line]], key: str, note: str, things: tuple[Any, ...]) -> None:
    for lines in parts:
        for i, line in enumerate(lines):
            if key in line.code and not line.note:
                lines[i] = _Line(line.number, line.code, note)
                return
    names = ", ".join(thing.__qualname__ for thing in things)
    raise ValueError(f"notes has “{key}”; no line without a note has it in the source of {names}")


def _block(thing: Any, lines: list[_Line]) -> str:
    coloured = highlight(
        "\n".join(line.code for line in lines), PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)
    )
    rows = "".join(
        f"<span>{line.number}</span><pre>{code}</pre><em>{escape(line.note)}</em>"
        for line, code in zip(lines, coloured.splitlines(), strict=True)
    )
    where = f"{_place(thing)}, line {lines[0].number}"
    return (
        f'<figure class="lesson-source"><figcaption><b>{escape(thing.__qualname__)}</b> {escape(where)}'
        f'</figcaption><div class="lesson-code">{rows}</div></figure>'
    )


def _place(thing: Any) -> str:
    """Return the file's path from the folder that holds the package, or in full if it is elsewhere."""
    file = Path(inspect.getsourcefile(thing) or "")
    return file.relative_to(_FOLDER).as_posix() if file.is_relative_to(_FOLDER) else file.name
