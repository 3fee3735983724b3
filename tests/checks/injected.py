"""Right solutions with one mistake made in their text, students' answers, and what the diagnosis says of each."""

import linecache
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from checks.solutions import loops, matrices, networks, styles

from explorer.checks import MISTAKES, TASKS, Verdict, diagnose, exercise
from explorer.checks.mistakes import METHODS

FOLDER = Path(__file__).parent / "solutions"
STYLES = "matrices", "loops"
INJECTIONS = tomllib.loads((FOLDER / "injections.toml").read_text(encoding="utf-8"))
ANSWERS = tomllib.loads((FOLDER / "answers.toml").read_text(encoding="utf-8"))
WRONG, RIGHT = ANSWERS["wrong"], ANSWERS["right"]
SEEDS = 3


def solution(style: str, edits: list[list[str]]) -> SimpleNamespace:
    """What a solution's file defines once each piece of text is replaced, which stands there once."""
    text = (FOLDER / f"{style}.py").read_text(encoding="utf-8")
    for right, wrong in edits:
        assert text.count(right) == 1, f"{style}: {right!r} stands there {text.count(right)} times"
        text = text.replace(right, wrong)
    defined: dict[str, object] = {"__name__": style}
    exec(compile(text, f"{style}.py", "exec"), defined)
    return SimpleNamespace(**defined)


def verdict_of(name: str, style: str, seed: int) -> Verdict:
    """What is said of a style of solution with this one mistake in it."""
    task = MISTAKES[name].task
    defined = solution(style, INJECTIONS[name][style])
    return diagnose(task, defined.Network if task in METHODS else getattr(defined, task), seed=seed)


def right_answers() -> Mapping[str, Sequence[object]]:
    """By task: the answers of two whole exercises, and many others."""
    others = styles.FUNCTIONS | dict.fromkeys(METHODS, styles.NETWORKS)
    others["predict"] = [kind for kind in styles.NETWORKS if kind.predict]
    names = {task: "Network" if task in METHODS else task for task in TASKS}
    whole = {task: [getattr(module, name) for module in (matrices, loops)] for task, name in names.items()}
    return {task: [*answers, *others.get(task, ())] for task, answers in whole.items()}


def verdict_on(number: int, row: Mapping[str, str]) -> Verdict:
    """What is said of a student's answer, which builds on right ones."""
    task, file = row["task"], f"answer-{number}.py"
    answers = {name: getattr(exercise, name) for name in TASKS if name not in (*METHODS, "several_layers")}
    functions = {name: getattr(f, "__wrapped__", f) for name, f in answers.items()}  # which refuse no shape
    members = {name: getattr(networks.Vectorised, name) for name in ("__init__", *METHODS)}
    defined = functions | {"np": np, "Network": type("Network", (), members), "__name__": "student"}
    linecache.cache[file] = len(row["code"]), None, row["code"].splitlines(keepends=True), file
    exec(compile(row["code"], file, "exec"), defined)
    name = "Network" if task in METHODS else {"several_layers": "LayeredNetwork"}.get(task, task)
    return diagnose(task, defined[name], seed=number % SEEDS)
