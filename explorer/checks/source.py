"""Source code as on a blackboard: without docstrings, types, and argument guards."""

import ast
import inspect
from textwrap import dedent
from typing import Any

_GUARDS = "of_floats", "of_one_shape"  # convert or reject arguments that a network never passes


def plain_source(thing: Any) -> str:
    """Return the source of a function, method, property or class, without docstrings, types and guards."""
    return "\n".join(plain_lines(thing).values())


def plain_lines(thing: Any) -> dict[int, str]:
    """Return the lines of `plain_source`, by their numbers in the file; a function's arguments are one line."""
    code, first = inspect.getsourcelines(getattr(thing, "fget", thing))
    text = dedent("".join(code))
    lines, hidden = dict(enumerate(text.splitlines(), first)), set[int]()
    for node in ast.walk(ast.increment_lineno(ast.parse(text), first - 1)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        begin, end = node.body[0].lineno, node.body[0].end_lineno or 0
        hidden |= {item.lineno for item in node.decorator_list if ast.unparse(item) in _GUARDS}
        if ast.get_docstring(node) is not None:
            hidden |= {*range(begin, end + 1 + (lines.get(end + 1) == ""))}
        if isinstance(node, ast.FunctionDef) and begin > node.lineno:
            for part in ast.walk(node):
                if isinstance(part, ast.arg):
                    part.annotation = None
                elif isinstance(part, ast.AnnAssign):
                    typed = f": {ast.unparse(part.annotation)} ="
                    lines[part.lineno] = lines[part.lineno].replace(typed, " =", 1)
            head = f"def {node.name}({ast.unparse(node.args)}):".replace("'", '"')
            lines[node.lineno] = " " * node.col_offset + head
            hidden |= {
                row for row in range(node.lineno + 1, begin) if not lines[row].lstrip().startswith("#")
            }
    return {row: line for row, line in lines.items() if row not in hidden}
