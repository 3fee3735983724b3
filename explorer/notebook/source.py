"""The package's own source, read from the installed files and shown next to the formulas."""

import inspect
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from explorer.checks.source import plain_lines
from explorer.notebook.page import Shown, lesson_html

__all__ = ["source"]

_FOLDER = Path(__file__).parents[2]


def source(*things: Any) -> Shown:
    """Return the source of functions, methods or classes, with its file and lines, as on a blackboard.

    It omits docstrings, types, and guards of arguments, as `explorer.checks.source` does.

    Parameters
    ----------
    *things : function, method or class
        From this package, or from any other whose source is installed.

    Raises
    ------
    TypeError, OSError
        If there is no Python source to read.
    """
    own = map(inspect.unwrap, things)  # the undecorated function
    parts = [(thing, plain_lines(thing)) for thing in own]
    html = "".join(_block(thing, lines) for thing, lines in parts)
    return Shown(html, "\n\n".join("\n".join(lines.values()) for _, lines in parts))


def _block(thing: Any, lines: dict[int, str]) -> str:
    coloured = highlight("\n".join(lines.values()), PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    file = Path(inspect.getsourcefile(thing) or "")
    place = file.relative_to(_FOLDER).as_posix() if file.is_relative_to(_FOLDER) else file.name
    numbered = [*zip(lines, coloured.splitlines(), strict=True)]
    return lesson_html("source", thing.__qualname__, f"{place}, line {min(lines)}", numbered)
