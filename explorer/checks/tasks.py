"""The tasks of the exercise: what each is called, its hints, and the textbook's answer."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from explorer.checks import exercise

__all__ = ["METHODS", "TASKS", "Task", "textbook"]

METHODS = "init_weights", "forward", "predict", "backward", "train_iteration", "fit"
"""The tasks that are methods of the network's class, in their order."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the exercise; its name is also that of the function or method which the student writes."""

    name: str
    part: int
    title: str
    hints: tuple[str, str, str]
    is_bonus: bool = False

    @property
    def solution(self) -> tuple[Any, ...]:
        """The textbook's functions or methods that answer the task, whose source can be shown."""
        answer = textbook(self.name)
        if self.name in METHODS:
            return (getattr(answer, self.name),)
        return (answer,)


def textbook(task: str, answers: Any = exercise) -> Any:
    """Return the function or class that answers a task, the textbook's or that of a mistake."""
    classes = {"several_layers": "LayeredNetwork"} | dict.fromkeys(METHODS, "Network")
    return getattr(answers, classes.get(task, task))


def _read() -> Iterator[Task]:
    table = (files("explorer.checks") / "tasks.toml").read_text(encoding="utf-8")
    return (Task(**entry | {"hints": tuple(entry["hints"])}) for entry in tomllib.loads(table)["task"])


TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in _read()})
"""Every task by its name, in the order of the exercise."""
