"""How large the house is. ``python tests/test_size.py`` prints it; a test holds each figure to its limit."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIMITS = {  # name: (limit, target); where the target isn't reached yet, the limit is today's number, rounded up
    "lines of Python": (37_000, 30_500),
    "of them, the core": (29_950, 25_000),  # everything but the extensions
    "lines of Python that are code": (26_300, 21_000),
    "files of Python": (206, 190),
    "lines of JavaScript": (6_100, 5_400),
    "lines of CSS": (4_630, 4_000),
    "lines of TOML": (3_300, 3_300),
    "lines of all kinds": (51_900, 48_000),
    "lines of tests": (43_950, 38_000),
    "characters of README": (9_000, 9_000),
    "lines of the largest class": (350, 350),  # with its bases
}
OTHER_LINES = {"lines of JavaScript": "*.js", "lines of CSS": "*.css", "lines of TOML": "*.toml"}
KINDS = *OTHER_LINES.values(), "*.py", "*.html", "*.j2"
IS_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def sources(folder, pattern):
    """The texts of the files in a folder of the repository, and in the folders below it."""
    return [path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).rglob(pattern))]


def lines(texts):
    """How many lines the texts have together."""
    return sum(len(text.splitlines()) for text in texts)


@cache
def nodes(text):
    """The nodes of a module's syntax tree."""
    return [*ast.walk(ast.parse(text))]


def documentation(node):
    """The docstrings of a module, class or function, and those of its attributes."""
    body = node.body if isinstance(node, IS_DOCUMENTED) else []
    return [child for child in body if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)]


def code_lines(text):
    """How many lines of a module hold code: no blank line, no comment, no docstring."""
    found = {n for n, line in enumerate(text.splitlines(), 1) if line.strip() and line.strip()[0] != "#"}
    strings = [node for node in nodes(text) if isinstance(node, ast.Constant | ast.JoinedStr)]
    found.update(n for node in strings for n in range(node.lineno, node.end_lineno + 1))  # blank ones, too
    docstrings = [child for node in nodes(text) for child in documentation(node)]
    return len(found.difference(*(range(node.lineno, node.end_lineno + 1) for node in docstrings)))


def class_lengths(texts):
    """The lines of each class of some modules, by its name: with its decorators, and with those of its bases."""
    found = {}
    for node in (node for text in texts for node in nodes(text) if isinstance(node, ast.ClassDef)):
        length = node.end_lineno - min([node.lineno, *(one.lineno for one in node.decorator_list)]) + 1
        bases = [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]
        found[node.name] = max((length, bases), found.get(node.name, (0, [])))  # of one name, the longer

    def family(name):
        return {name}.union(*(family(base) for base in found[name][1] if base in found and base != name))

    return {name: sum(found[one][0] for one in family(name)) for name in found}


def measured():
    """Each figure by its name in `LIMITS`."""
    modules, textbook = sources("explorer", "*.py"), sources("explorer/network", "*.py")
    extensions = sources("explorer/extensions", "*.py")
    classes = class_lengths(text for text in modules if text not in textbook)
    name = max(classes, key=classes.get)
    print(f"\nThe largest class is {name}.")
    return {
        "lines of Python": lines(modules),
        "of them, the core": lines(modules) - lines(extensions),
        "lines of Python that are code": sum(map(code_lines, modules)),
        "files of Python": len(modules),
        **{name: lines(sources("explorer", pattern)) for name, pattern in OTHER_LINES.items()},
        "lines of all kinds": sum(lines(sources("explorer", pattern)) for pattern in KINDS),
        "lines of tests": lines(sources("tests", "*.py")),
        "characters of README": len((ROOT / "README.md").read_text(encoding="utf-8")),
        "lines of the largest class": classes[name],
    }


def rooms():
    """The lines of Python of each room, a line each: the package's own files, its folders and the extensions."""
    extensions = ROOT / "explorer/extensions"
    folders = [
        path.parent for path in [*ROOT.glob("explorer/*/__init__.py"), *extensions.glob("*/__init__.py")]
    ]
    found = {
        str(path.relative_to(ROOT)): lines(sources(path, "*.py")) for path in folders if path != extensions
    }
    found["explorer"] = lines(path.read_text(encoding="utf-8") for path in ROOT.glob("explorer/*.py"))
    return "\n".join(f"{name:38} {n:6}" for name, n in sorted(found.items()))


def table(figures):
    """The figures with their limits and targets, a line each."""
    return "\n".join(
        f"{name:30} {figure:6}   limit {LIMITS[name][0]:6}   target {LIMITS[name][1]:6}"
        for name, figure in figures.items()
    )


def test_nothing_is_larger_than_its_limit():
    figures = measured()
    print(f"\n{rooms()}\n{table(figures)}")
    assert {name: figure for name, figure in figures.items() if figure > LIMITS[name][0]} == {}


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ('"""A module."""\n\n# why\nx = 1\n', 1),
        ('x = """two\n\nlines"""\n"""What x is."""\n', 3),
        ('def f():\n    """Do it."""\n    return (\n        1,\n    )\n', 4),
    ],
)
def test_code_is_what_is_no_docstring_no_comment_and_no_blank_line(text, n):
    assert code_lines(text) == n


def test_a_class_is_as_long_as_from_its_decorator_to_its_end_with_all_its_bases():
    module = "@final\nclass A:\n    x = 1\n\n    class B:\n        y = 2\n\nclass C(a.A[int]):\n    x = 2\n"
    assert class_lengths([module]) == {"A": 6, "B": 2, "C": 8}


if __name__ == "__main__":
    print(f"{rooms()}\n{table(measured())}")
