"""Writes what follows from the code in the guide's reference.md, extend.md and api.md, where examples are kept."""

import argparse
import ast
import inspect
import io
import os
import re
import textwrap
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import explorer
from explorer import extension
from explorer.serve.command import main
from explorer.training.config import FIELDS

GUIDE = Path(__file__).parents[1] / "notebooks" / "guide"
BEGIN, END = "<!-- from here on written by tests/guide_reference.py -->", "<!-- to here -->"
COMMANDS = "serve", "train", "study", "publish", "check", "archive", "present", "demo", "extensions"
RELIED_ON = {  # names of modules, with the members of classes
    "explorer.app.views": {
        "Panel": "view show",
        "Views": "theme dataset state levels on_loop on_view refresh look_into open_run on_close",
        "ViewState": "theme dataset scored_on config status run runs moment",
    },
    "explorer.session": {
        "SessionRun": "title status config history",
        "SessionState": "dataset config run runs moment",
    },
    "explorer.training": {"Moment": "epoch record confusion test_outputs weights"},
    "explorer.exports.files": {"ExportedRun": "title note dataset config history moment network"},
    "explorer.experiments": {
        "Demonstration": "key texts config run knob uses_run uses_drawing",
        "Texts": "title question guesses unit paper reports says claims seconds thumbnail",
        "Claim": "says number range seeds",
        "Knob": "name label values value",
        "Result": "numbers figure",
        "training": "",
        "reads": "",
        "batches": "",
    },
    "explorer.figures.template": {"drawn": "", "scatter": "", "axis": ""},
    "explorer.figures.palette": {"PALETTES": "", "Theme": ""},
    "explorer.widgets.live_figure": {"LiveFigure": "plot show set_theme"},
    "explorer.notebook.page": {
        "Shown": "html text",
        "card": "",
        "figure": "",
        "images": "",
        "table": "",
        "source": "",
    },
    "explorer.testing": {"opened": "", "only": "", "run_command": "", "answered": ""},
    "explorer.discovery": {"ExtensionError": ""},
}

API = {
    "The network": "NeuralNetwork",
    "Its functions": "sigmoid d_sigmoid relu d_relu tanh d_tanh softmax squared_error d_squared_error "
    "cross_entropy d_cross_entropy",
    "Scores": "accuracy confusion_matrix per_class most_confused",
    "Images and points": "load_mnist load_dataset load_plane Dataset DatasetError",
    "Runs": "TrainingConfig ConfigError train EpochRecord History race",
    "Studies": "grid study Trial",
    "On a page": "Explorer LossCurve AccuracyCurve ConfusionMatrix Mistakes NetworkView Weights Settings "
    "RunButtons watch",
}
"""The public names, in their sections."""


def settings() -> str:
    """The table of settings."""
    rows = [
        "| on screen | link, terminal | `TrainingConfig` | may be | what it does |",
        "|---|---|---|---|---|",
    ]
    for name, field in FIELDS.items():
        cells = field.label, f"`{field.key}`", f"`{name}`", field.expected, field.help
        rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(rows)


def help_of(*words: str) -> str:
    """What the command says of itself, 88 columns wide."""
    stream = io.StringIO()
    with patch.dict(os.environ, COLUMNS="90"), redirect_stdout(stream), suppress(SystemExit):
        main([*words, "--help"])
    lines = [line.rstrip() for line in stream.getvalue().strip().splitlines()]
    return "```\n" + "\n".join(lines) + "\n```"


def generated() -> str:
    """The part of the reference that follows from settings and commands."""
    parts = [BEGIN, "## Settings", settings(), "## Commands", help_of()]
    for command in COMMANDS:
        parts += [f"### nn-explorer {command}", help_of(command)]
    return "\n\n".join([*parts, END])


def contributions() -> str:
    """A section for each class of what an extension adds, with its fields."""
    parts = []
    for node in ast.parse(inspect.getsource(extension)).body:
        if isinstance(node, ast.ClassDef):
            rows = ["| field | type | what it is |", "|---|---|---|"]
            for field, words in zip(node.body[1:], [*node.body[2:], None], strict=True):
                if isinstance(field, ast.AnnAssign):
                    default = f" = {ast.unparse(field.value)}" if field.value else ""
                    text = cell(words.value.value) if isinstance(words, ast.Expr) else ""
                    rows.append(
                        f"| `{field.target.id}` | `{ast.unparse(field.annotation)}{default}` | {text} |"
                    )
            parts.append(f"### {node.name}\n\n{cell(ast.get_docstring(node))}\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def cell(text: str) -> str:
    """Words of a docstring, as Markdown."""
    return " ".join(text.split()).replace("``", "`")


def declared(name: str, thing: object, members: str) -> str:
    """A class with some of its members, or a function, as the code declares them, without bodies."""
    if inspect.isclass(thing):
        kept = [member(thing, one) for one in members.split()]
        return "\n    ".join([f"class {name}:", *kept]).removesuffix(":")
    if inspect.isfunction(thing):
        return header(ast.parse(inspect.getsource(inspect.unwrap(thing))).body[0])
    return name


def header(node: ast.FunctionDef) -> str:
    """The first line of a function; of a property, that of an attribute."""
    returned = f"{ast.unparse(node.returns)}"
    if [ast.unparse(one) for one in node.decorator_list] == ["property"]:
        return f"{node.name}: {returned}"
    return f"def {node.name}({ast.unparse(node.args)}) -> {returned}"


def member(kind: type, name: str) -> str:
    """How a class or one below it declares a member, also one that its `__init__` sets."""
    for one in kind.__mro__[:-1]:
        for node in ast.walk(ast.parse(inspect.getsource(one))):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return header(node)
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in (name, f"self.{name}"):
                return f"{name}: {ast.unparse(node.annotation)}"
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).split(", ")[0] == f"self.{name}":
                return name
    raise AttributeError(f"{kind} has no {name}")


def relied_on() -> str:
    """What an extension may rely on, as the code declares it."""
    lines = [f"# explorer\n{', '.join(explorer.__all__)}"]
    for module, names in RELIED_ON.items():
        found = import_module(module)
        parts = [declared(name, getattr(found, name), members) for name, members in names.items()]
        lines.append("\n".join([f"# {module}", *parts]))
    return "```text\n" + "\n\n".join(lines) + "\n```"


def extending() -> str:
    """The part of the guide's page on extensions that follows from the code."""
    words = "And these names, with the members that are listed. All others may change with each version."
    return "\n\n".join([BEGIN, contributions(), "### The explorer's own", words, relied_on(), END])


def prose(docstring: str) -> str:
    """A docstring in NumPy's style, as Markdown; examples stand on the page."""
    words, *sections = re.split(r"^(\w+)\n-+\n", docstring, flags=re.MULTILINE)
    parts = [cell(paragraph) for paragraph in words.strip().split("\n\n")]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        if title != "Examples":
            entries = (entry.partition("\n") for entry in re.split(r"\n(?=\S)", body.strip()))
            rows = [f"- `{name}`" + f": {cell(text)}" * bool(text) for name, _, text in entries]
            parts.append("\n".join([f"{title}:\n", *rows]))
    return "\n\n".join(parts)


def call(name: str, thing: object) -> str:
    """How a function or class is called, without types."""
    signature = inspect.signature(thing)
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    text = f"{name}{signature.replace(parameters=plain, return_annotation=signature.empty)}"
    text = re.sub(r"<class '([\w.]+)'>", r"\1", text)
    return "\n".join(textwrap.wrap(text, 80, subsequent_indent=" " * 4, break_on_hyphens=False))


def examples(text: str) -> dict[str, str]:
    """The examples of the page on the API, by the names that they are of."""
    parts = re.split(r"^### `(\w+)`$", text, flags=re.MULTILINE)[1:]
    found = {name: re.findall(r"^```pycon\n.*?^```$", part, re.DOTALL | re.MULTILINE)
             for name, part in zip(parts[::2], parts[1::2], strict=True)}  # fmt: skip
    return {name: "\n\n".join(blocks) for name, blocks in found.items()}


def api(text: str) -> str:
    """The part of the page on the API that follows from docstrings, with the examples that it has."""
    kept, parts = examples(text), [BEGIN]
    for title, names in API.items():
        parts.append(f"## {title}")
        for name in names.split():
            thing = getattr(explorer, name)
            code = f"```text\n{call(name, thing)}\n```"
            parts += [f"### `{name}`", code, prose(inspect.getdoc(thing)), kept.get(name, "")]
    return "\n\n".join([*filter(None, parts), END])


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    for name, make in {"reference.md": generated, "extend.md": extending, "api.md": api}.items():
        text = (GUIDE / name).read_text(encoding="utf-8")
        made = make(text) if name == "api.md" else make()
        before, after = text.split(BEGIN)[0], text.split(END)[-1]
        (GUIDE / name).write_text(f"{before}{made}{after}", encoding="utf-8")
