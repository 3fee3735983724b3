"""Right solutions with one mistake made in their text, what the diagnosis says of each, and more right ones."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

from checks.solutions import loops, matrices, styles

from explorer.checks import MISTAKES, TASKS, Verdict, diagnose
from explorer.checks.tasks import METHODS

FOLDER = Path(__file__).parent / "solutions"
STYLES = "matrices", "loops"
INJECTIONS = tomllib.loads((FOLDER / "injections.toml").read_text(encoding="utf-8"))


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
    whole = {
        task: [module.Network if task in METHODS else getattr(module, task) for module in (matrices, loops)]
        for task in TASKS
    }
    networks = {
        task: [k for k in styles.NETWORKS if callable(getattr(k, task)) or task != "predict"]
        for task in METHODS
    }
    others = styles.FUNCTIONS | networks
    return {task: [*answers, *others.get(task, ())] for task, answers in whole.items()}
