"""Executes a submission's definitions and checks them, in a process of its own.

Only imports, functions, classes and plain assignments are executed, also in loops, but no call to what the
submission defines. The code comes from strangers, so the process has limits; it is not a sandbox.
"""

import __future__

import ast
import builtins
import json
import linecache
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from explorer.checks.diagnosis import diagnose_each, names_in
from explorer.checks.mistakes import textbook
from explorer.checks.tasks import TASKS
from explorer.foreign_files import FileError, open_plain_file, printable
from explorer.wording import enumerated

MOST_BYTES = 20_000_000
MODULE = "submission"
_MOST_NOTES = 10
_MOST_HANGING = 6  # answers that may time out before the total time is over
_MOST_WRITTEN = 200_000_000  # bytes of a file
_PYTHON_MAGIC = re.compile(r"\A\s*%%(time|timeit|capture|prun)\b.*")
_BUILTINS = frozenset(vars(builtins)) - {"input", "exec", "eval", "open", "breakpoint", "__import__", "help"}
_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Lambda)
_JUMPS = (ast.Pass, ast.Break, ast.Continue)
_PARTS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.If, ast.Try, ast.With, ast.For, ast.While)
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_RULE = "only definitions are executed, and assignments that call nothing that the submission defines"
_FLAGS = __future__.annotations.compiler_flag  # names in annotations needn't exist


class Limits(NamedTuple):
    """Resource limits of one submission."""

    seconds: int = 20
    megabytes: int = 1024


class Cell(NamedTuple):
    """A script or a notebook's code cell: its file name for tracebacks, its place for messages, and its source."""

    file: str
    place: str
    source: str


def main() -> None:
    """Check the submission that the command line names; write notes, verdicts and the end as JSON, a line each."""
    path, limits = Path(sys.argv[1]), Limits(*map(int, sys.argv[2:]))
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as stream:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # discards what the submission prints
        if os.name == "posix":
            import resource

            signal.alarm(limits.seconds + 10)  # in case the parent has died
            bounds = {"DATA": limits.megabytes * 2**20, "FSIZE": _MOST_WRITTEN, "CORE": 0}
            for kind, most in bounds.items():
                with suppress(OSError, ValueError):  # not every system has each
                    resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))
        try:
            for found in _findings(path, max(1, limits.seconds // _MOST_HANGING)):
                stream.write(json.dumps(found) + "\n")
        except FileError as error:
            stream.write(json.dumps({"error": f"found {error.found}, expected {error.expected}"}) + "\n")
        stream.write('{"end": true}\n')
    if sys.platform == "linux":
        signal.raise_signal(signal.SIGSTOP)  # the warden looks at what is there, and ends it
    if os.name == "posix":
        os.killpg(0, signal.SIGKILL)  # also kills processes and threads that the submission has started


def _findings(path: Path, seconds: float) -> Iterator[dict[str, Any]]:
    cells = cells_of(path)
    module = sys.modules[MODULE] = ModuleType(MODULE)
    copy = Path.cwd() / path.name  # with nobody else's files next to it
    shutil.copyfile(path, copy)
    module.__file__, sys.path[0], sys.argv[:] = str(copy), str(copy.parent), [str(copy)]
    for note in [*execute(cells, vars(module))][:_MOST_NOTES]:
        yield {"note": note}
    yield {"defined": True}
    for verdict in diagnose_each(vars(module), seconds):
        yield {"verdict": asdict(verdict)}


def cells_of(path: Path) -> list[Cell]:
    """Return the source of a script, or of each code cell of a notebook; FileError if it is none."""
    with open_plain_file(path, path.name) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        expected = f"at most {MOST_BYTES // 10**6} MB: a notebook gets smaller without its outputs"
        raise FileError(path.name, f"{path.stat().st_size / 1e6:.0f} MB", expected)
    try:
        if path.suffix.lower() != ".ipynb":
            return [Cell(str(path), "", decode_source(content))]
        cells = json.loads(content)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except json.JSONDecodeError as error:
        found = f"a damaged notebook: line {error.lineno} is not valid JSON" if content else "an empty file"
        raise FileError(path.name, found, "a Jupyter notebook (format 4)") from error
    except (UnicodeDecodeError, SyntaxError) as error:
        raise FileError(path.name, "other bytes than a text has", "UTF-8") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(path.name, "something else", "a Jupyter notebook (format 4)") from error
    names = ((f"<cell {number}>", f"code cell {number}, ") for number in range(1, len(code) + 1))
    return [Cell(*name, _without_magics(text)) for name, text in zip(names, code, strict=True)]


def _without_magics(source: str) -> str:
    """Return a cell with its magics and shell lines turned into IPython calls, which are not definitions."""
    from IPython.core.inputtransformer2 import TransformerManager  # a tenth of a second, for notebooks alone

    try:
        return TransformerManager().transform_cell(_PYTHON_MAGIC.sub("", source))
    except SyntaxError:
        return source  # the error is reported when it is parsed


def execute(cells: list[Cell], namespace: dict[str, Any]) -> Iterator[str]:
    """Execute a submission's definitions; yield a sentence for each failure, and each needed name left out."""
    left_out = list[tuple[str, set[str]]]()
    for cell in cells:
        try:
            nodes = ast.parse(cell.source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield f"{cell.place}line {getattr(error, 'lineno', None) or 1} is not valid Python: {_message(error)}"
            continue
        linecache.cache[cell.file] = len(cell.source), None, cell.source.splitlines(True), cell.file
        for node in nodes:
            if not _is_definition(node, namespace):
                left_out.append((f"{cell.place}line {node.lineno}", _assigned(node)))
                continue
            try:
                code = compile(ast.Module([node], []), cell.file, "exec", _FLAGS, dont_inherit=True)
                exec(code, namespace)
            except BaseException as error:  # noqa: BLE001  # a stranger's code may raise anything, even SystemExit
                yield f"{cell.place}line {node.lineno} raised {type(error).__name__}: {_message(error)}"
    things = [thing for thing in namespace.values() if _origin(thing) == MODULE]
    things += [member for thing in things if isinstance(thing, type) for member in vars(thing).values()]
    codes = (getattr(thing, "__code__", None) for thing in things)
    needed = {textbook(task).__name__ for task in TASKS}
    needed = needed.union(*(names_in(code, "LOAD_GLOBAL") for code in codes if code))
    for place, names in left_out:
        if missed := enumerated(sorted(names & needed)):
            yield f"{place} sets {missed}, but is left out: {_RULE}"


def _assigned(node: ast.AST) -> set[str]:
    parts = (part for part in ast.walk(node) if isinstance(getattr(part, "ctx", None), ast.Store))
    return {part.id for part in parts if isinstance(part, ast.Name)}


def _is_definition(node: ast.AST, namespace: dict[str, Any]) -> bool:
    """Return whether a statement only defines; of an import from this package, keep the names already loaded."""
    if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "explorer":
        homes = [vars(one) for name, one in sys.modules.items() if f"{name}.".startswith(f"{node.module}.")]
        node.names = [alias for alias in node.names if any(_is_defined(alias.name, home) for home in homes)]
        return bool(node.names)
    if isinstance(node, (*_DEFINITIONS, *_JUMPS)):
        return True
    if isinstance(node, ast.stmt) and not isinstance(node, _PARTS):
        return False
    if isinstance(node, ast.Call) and not _is_foreign(node.func, namespace):
        return False
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return node.id in namespace or node.id in _BUILTINS
    if isinstance(node, ast.While) and isinstance(node.test, ast.Constant):
        return False
    if isinstance(node, _LOOPS):  # its body may use the names that it assigns
        namespace = dict.fromkeys(_assigned(node)) | namespace
    return all(_is_definition(child, namespace) for child in ast.iter_child_nodes(node))


def _is_defined(name: str, module: Mapping[str, Any]) -> bool:
    """Return whether a module defines a name itself; the home of what it imports may not be loaded."""
    return name in module and getattr(module[name], "__module__", module["__name__"]) == module["__name__"]


def _is_foreign(called: ast.AST, namespace: dict[str, Any]) -> bool:
    """Return whether the called object belongs to neither the submission nor this package."""
    while isinstance(called, ast.Attribute | ast.Subscript | ast.Call):
        called = called.func if isinstance(called, ast.Call) else called.value
    if not isinstance(called, ast.Name):
        return not isinstance(called, ast.Lambda)
    return _origin(namespace.get(called.id, len)) not in {MODULE, "explorer"}


def _origin(value: object) -> str:
    """Return the package that defines a thing or its class; a module next to the submission is part of it."""
    found = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    package = str(found or type(value).__module__).partition(".")[0]
    own = (Path(sys.path[0]) / f"{package}{ending}" for ending in ("", ".py"))
    return MODULE if package != "explorer" and any(path.exists() for path in own) else package


def _message(error: BaseException) -> str:
    return printable(str(getattr(error, "msg", None) or error).rstrip("."))


if __name__ == "__main__":
    main()
