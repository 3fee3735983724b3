"""The floor plan: each file imports from lower floors only, and nothing mutable or boundless stands about."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = [
    "network",
    "datasets",
    "training",
    "figures",
    "exports",
    "widgets",
    "lessons",
    "app",
    "talk",
    "serve",
]
# Beside the widgets, on one floor with them: a lesson shows what stays on a page that has no kernel.
STRANGERS = {"lessons": {"explorer.widgets", "explorer.exports"}}
PACKAGES = {
    "network": {"numpy"},
    "datasets": {"numpy", "platformdirs"},
    "training": {"numpy", "threadpoolctl"},
    "figures": {"numpy", "plotly"},
    "exports": {
        "plotly",
        "jinja2",
    },  # over the figures, which a report draws; the command needs no widgets
    "widgets": {"numpy", "plotly", "ipywidgets", "anywidget", "traitlets"},  # traits are how widgets sync
    # Source code in colours; progress in a page and in a terminal.
    "lessons": {"numpy", "plotly", "pygments", "IPython", "rich"},
    "app": {"numpy", "ipywidgets"},
    "talk": {"numpy", "ipywidgets"},  # above the app, which its last slide shows whole
    "serve": {"traitlets", "voila", "tornado", "jinja2", "rich"},  # Voilà is made of the two before the last
}
FILES = [path for path in sorted((ROOT / "explorer").rglob("*.py")) if "static" not in path.parts]
STANDARD = {*sys.stdlib_module_names, "_typeshed"}  # the second exists for the type checker only
MUTABLE = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
MAKERS = {"list", "dict", "set", "defaultdict", "OrderedDict", "deque", "Counter", "bytearray"}
# What changes while the program runs belongs to an object that somebody made; these belong to all.
SHARED = {
    "training/process_settings.py": {
        "one_blas_thread": "the number of BLAS threads is the process's, so all who train count as its users",
        "short_switches": "as the interpreter's switch interval is",
    },
    "widgets/live_figure.py": {
        "_current": "Plotly's code goes to the page once, so all figures of a kernel have one carrier",
    },
}
everywhere = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def imports(path):
    """Every module that the file names in an import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are written in full"
            yield node.module
            if node.module == "explorer":
                yield from (f"explorer.{alias.name}" for alias in node.names)


@everywhere
def test_a_file_imports_from_lower_floors_only(path):
    floor = path.relative_to(ROOT / "explorer").parts[0]
    if floor not in FLOORS:
        assert path.parent == ROOT / "explorer", f"{floor} is on no floor"
        return  # what `import explorer` loads is in test_package.py
    allowed = {"explorer", *(f"explorer.{lower}" for lower in FLOORS[: FLOORS.index(floor) + 1])}
    allowed -= STRANGERS.get(floor, set())
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "explorer":
            assert ".".join(parts[:2]) in allowed or parts[1] == "__version__", (
                f"imports {name}, a higher floor"
            )
        else:
            assert parts[0] in PACKAGES[floor] | STANDARD, f"imports {name}"


@everywhere
def test_nothing_mutable_at_module_level(path):
    for node in ast.walk(tree := ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Global), f"line {node.lineno}: a global"
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and "__all__" not in ast.unparse(node):
            value = node.value
            made = isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] in MAKERS
            assert not made, f"line {node.lineno}: {ast.unparse(node)[:60]}"
            assert not isinstance(value, MUTABLE), f"line {node.lineno}: {ast.unparse(node)[:60]}"


def changeable_classes():
    """Names of the package's classes whose instances can change."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                frozen = any("frozen=True" in ast.unparse(decorator) for decorator in node.decorator_list)
                if not frozen and "NamedTuple" not in map(ast.unparse, node.bases):
                    yield node.name


CHANGEABLE = {*changeable_classes()}


def shared(tree):
    """Names of changeable objects that a module keeps, and of class attributes that methods set for all."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            maker = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
            if maker.split(".")[-1] in CHANGEABLE:
                yield ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    stored = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
    yield from (node.attr for node in stored if ast.unparse(node.value) in classes | {"cls", "type(self)"})


@everywhere
def test_what_belongs_to_all_is_known(path):
    allowed = SHARED.get(path.relative_to(ROOT / "explorer").as_posix(), {})
    assert {*shared(ast.parse(path.read_text(encoding="utf-8")))} == allowed.keys()


@everywhere
def test_a_function_fits_on_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = (ast.get_docstring(node, clean=False) or "").count("\n") + 1
            lines = node.end_lineno - node.lineno + 1 - docstring
            assert lines <= 50, f"{node.name} has {lines} lines"


@everywhere
def test_no_error_is_swallowed(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            silent = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
            broad = caught in {"everything", "Exception", "BaseException"}
            assert not (silent and broad), f"line {node.lineno}: swallows {caught}"
        assert "suppress(Exception)" not in (ast.unparse(node) if isinstance(node, ast.Call) else "")


@everywhere
def test_every_file_has_the_name_of_a_thing(path):
    homeless = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
    assert not homeless & {part.removesuffix(".py").strip("_") for part in path.relative_to(ROOT).parts}


def test_the_floors_are_the_folders():
    folders = {
        path.name for path in (ROOT / "explorer").iterdir() if path.is_dir() and any(path.rglob("*.py"))
    }
    assert folders <= set(FLOORS)
