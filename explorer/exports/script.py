"""A run as a Python script that reproduces its network."""

import math
from dataclasses import dataclass
from typing import Any

from explorer.exports.exported_run import ExportedRun, Stage
from explorer.exports.pages import code, page
from explorer.training import FIELDS, Evaluation, TrainingConfig
from explorer.training.config import MOST_EPOCHS

__all__ = ["script"]


def script(run: ExportedRun) -> str:
    """Return a script that imports NumPy and this package only, trains the run again and prints its figures.

    A run that was continued is trained in one go, which gives the same records. Of a fork the script first
    trains the runs before it, each up to the epoch of the fork. A run that was paused or stopped within an epoch
    stops after the same mini-batch; one that failed ends with its last epoch that is known in full. A run
    that began with a weights file reads it by its name.

    Parameters
    ----------
    run : ExportedRun
        The run.
    """
    stages = _stages(run)
    names = ["NeuralNetwork"] if run.opened else []
    data = _data(run)
    return page(
        "script.py.j2",
        shown=_shown(run),
        names=sorted([*names, "TrainingConfig", data.function], key=lambda name: (name.islower(), name)),
        data=data,
        opened=run.opened,
        stages=stages,
    )


@dataclass(frozen=True, slots=True)
class _Data:
    """The line that loads the images."""

    function: str
    code: str
    made: bool = False


@dataclass(frozen=True, slots=True)
class _Lines:
    """What the template says of one stage."""

    settings: tuple[tuple[str, Any], ...]
    starts: bool
    """Whether it goes on from weights that are there."""
    trains: bool
    last_step: int
    """The mini-batch after which it ends within an epoch; 0 where it ends with one."""


def _shown(run: ExportedRun) -> str:
    figures = run.newest.record
    text = f"The explorer showed a test accuracy of {figures.test_accuracy:.3%}"
    if isinstance(figures, Evaluation):
        text += f" and a train accuracy of {figures.train_accuracy:.3%}"
    return f"{text}."


def _data(run: ExportedRun) -> _Data:
    path = run.dataset_option
    if path is None:
        return _Data("load_dataset", 'load_dataset("path/to/your/images")', made=True)
    return (
        _Data("load_dataset", f"load_dataset({code(path)})") if path else _Data("load_mnist", "load_mnist()")
    )


def _stages(run: ExportedRun) -> list[_Lines]:
    stages = run.stages
    begin = 0.0 if run.opened is None else float(run.opened.epoch)
    lines = []
    for number, stage in enumerate(stages):
        starts = number > 0 or run.opened is not None
        last_step = _last_step(run) if number == len(stages) - 1 else 0
        lines.append(_Lines(_settings(stage, begin), starts, stage.end > begin, last_step))
        begin = stage.end
    return lines


def _last_step(run: ExportedRun) -> int:
    """Return the mini-batch after which the run pauses within an epoch; 0 at an epoch's end."""
    record = run.newest.record
    within = isinstance(record, Evaluation) and record.epoch != int(record.epoch)
    return record.step if within and isinstance(record, Evaluation) else 0


def _settings(stage: Stage, begin: float) -> tuple[tuple[str, Any], ...]:
    """Return the settings with as many epochs as the stage takes: more than it began with, as a run must have."""
    epochs = max(math.ceil(stage.end), int(begin) + 1)
    config: TrainingConfig = stage.config.replace(epochs=min(epochs, MOST_EPOCHS))
    return tuple((name, getattr(config, name)) for name in FIELDS)
