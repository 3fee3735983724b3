"""The floor plan: each file imports from lower floors only, and nothing mutable or boundless stands about."""

import ast
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Each room with its floor, and what it may import besides the standard library.
FLOORS = {
    "wording": (0, set()),
    "safe_write": (0, set()),
    "foreign_files": (0, {"numpy"}),
    "extension": (0, set()),
    "network": (1, {"numpy"}),
    "datasets": (1, {"numpy", "PIL"}),  # the second only where image files are read
    "discovery": (2, set()),
    "engine": (2, {"numpy"}),
    "inspection": (2, {"numpy"}),
    "checks": (2, {"numpy"}),
    "training": (3, {"numpy", "scipy", "threadpoolctl"}),
    "figures": (4, {"numpy", "plotly"}),
    "session": (4, {"numpy"}),
    "experiments": (5, {"numpy", "plotly"}),
    "exports": (5, {"numpy", "plotly", "jinja2"}),
    "widgets": (5, {"numpy", "plotly", "ipywidgets", "anywidget", "traitlets", "pygments"}),
    "app": (6, {"numpy", "ipywidgets", "traitlets"}),
    "notebook": (7, {"numpy", "plotly", "jinja2", "IPython", "cloudpickle"}),  # widget: a card
    "serve": (
        8,
        {"numpy", "traitlets", "ipywidgets", "ipykernel", "IPython", "jupyter_client", "jupyter_server"}
        | {"voila", "tornado", "jinja2", "rich"},
    ),
    "testing": (9, set()),
    # Each is a room by itself, so none of them imports another; and the floors below import none.
    "extensions": (9, set()),
    "extensions/classroom": (
        9,
        {"jupyter_client", "jupyter_server", "ipykernel", "psutil", "tornado", "traitlets", "voila"},
    ),
    "extensions/demonstrations": (9, {"numpy", "scipy", "plotly"}),
    "extensions/grading": (9, {"IPython", "rich"}),
    "extensions/lab": (9, {"numpy", "ipywidgets"}),
    "extensions/publish": (9, {"numpy", "plotly", "mistune"}),
    "extensions/many_runs": (9, {"traitlets"}),
    "extensions/robustness": (9, {"numpy"}),
    "extensions/talk": (
        9,
        {"numpy", "plotly", "ipywidgets", "traitlets", "IPython", "mistune", "playwright"},
    ),
}
FILES = [path for path in sorted((ROOT / "explorer").rglob("*.py")) if "static" not in path.parts]
STANDARD = {*sys.stdlib_module_names, "_typeshed"}  # the second exists for the type checker only
MUTABLE = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
MAKERS = {"list", "dict", "set", "defaultdict", "OrderedDict", "deque", "Counter", "bytearray"}


@cache
def nodes_of(path):
    """All that a file says, as `ast` reads it; the whole module comes first."""
    return [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


def assert_everywhere(complaints):
    """Assert that `complaints` yields nothing for the path and the nodes of any file."""
    found = [(path.relative_to(ROOT), text) for path in FILES for text in complaints(path, nodes_of(path))]
    assert not found


def imports(path):
    """Every module that the file names in an import, wherever in the file it stands."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = full_name(node, path)
            yield module
            if module == "explorer":
                yield from (f"explorer.{alias.name}" for alias in node.names)


def full_name(node, path):
    """The module that a file imports from; the textbook's imports name it from where it stands."""
    if not node.level:
        return node.module
    assert (node.level, room(path)) == (1, "network"), f"{path.name}: imports are written in full"
    return f"explorer.network.{node.module}" if node.module else "explorer.network"


def room(path):
    """The room that a file of the package is in, or the name of a file that is one by itself."""
    return room_of(path.relative_to(ROOT / "explorer").with_suffix("").parts)


def room_of(parts):
    """The room of a module, by the parts of its name after the package's."""
    is_extension = parts[0] == "extensions" and parts[1:] not in ((), ("__init__",))
    return "/".join(parts[:2]) if is_extension else parts[0]


def test_a_file_imports_from_lower_floors_only():
    def complaints(path, _):
        if room(path) in {"__init__", "__main__"}:
            return  # what `import explorer` loads is in test_package.py
        floor, packages = FLOORS[room(path)]
        for name in imports(path):
            package, *inner = name.split(".")
            if package != "explorer":
                if package not in packages | STANDARD:
                    yield f"imports {name}"
            elif not inner or (
                room_of(tuple(inner)) != room(path) and FLOORS[room_of(tuple(inner))][0] >= floor
            ):
                yield f"imports {name}, which is not on a lower floor"

    assert_everywhere(complaints)


LISTED = ("checks/exercise.py", "app/parts.py")  # what a student's file has, and the parts of an app


def test_only_a_package_lists_its_names():
    """What a module offers has no underscore before its name: that says it once."""

    def complaints(path, nodes):
        place = path.relative_to(ROOT / "explorer").as_posix()
        if path.name != "__init__.py" and place not in LISTED:
            assigned = (n for n in nodes[0].body if isinstance(n, ast.Assign))
            yield from ("has __all__" for n in assigned if ast.unparse(n.targets[0]) == "__all__")

    assert_everywhere(complaints)


def modules_of(path, modules):
    """The package's modules that a file imports; of ``from explorer.network import losses`` the last."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            module = full_name(node, path)
            names = [f"{module}.{alias.name}" for alias in node.names]
            yield from (name if name in modules else module for name in names)


def test_nothing_is_imported_in_a_circle():
    """Nor inside a function."""
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in FILES}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    del modules["explorer"]  # it finds `Explorer` when asked
    needs = {name: {*modules_of(path, modules)} & modules.keys() for name, path in modules.items()}
    while leaves := {name for name, needed in needs.items() if not needed & needs.keys()}:
        needs = {name: needed for name, needed in needs.items() if name not in leaves}
    assert not needs, f"a circle among {sorted(needs)}"


def test_nothing_mutable_at_module_level():
    def complaints(_, nodes):
        yield from (f"line {n.lineno}: a global" for n in nodes if isinstance(n, ast.Global))
        for node in nodes[0].body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and "__all__" not in ast.unparse(node):
                value = node.value
                made = isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] in MAKERS
                if made or isinstance(value, MUTABLE):
                    yield f"line {node.lineno}: {ast.unparse(node)[:60]}"

    assert_everywhere(complaints)


def test_a_function_fits_on_a_screen():
    def complaints(_, nodes):
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                docstring = (ast.get_docstring(node, clean=False) or "").count("\n") + 1
                lines = node.end_lineno - node.lineno + 1 - docstring
                if lines > 50:
                    yield f"{node.name} has {lines} lines"

    assert_everywhere(complaints)


def test_no_error_is_swallowed():
    def complaints(path, nodes):
        for node in nodes:
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                silent = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
                if silent and caught in {"everything", "Exception", "BaseException"}:
                    yield f"line {node.lineno}: swallows {caught}"
        if "suppress(Exception)" in path.read_text(encoding="utf-8"):
            yield "suppresses every exception"

    assert_everywhere(complaints)
