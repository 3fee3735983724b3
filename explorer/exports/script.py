"""A run as a Python script that reproduces its network."""

import math
from collections.abc import Iterator
from typing import Any

from explorer.exports.exported_run import ExportedRun
from explorer.exports.pages import code, page
from explorer.training import FIELDS, Evaluation
from explorer.training.config import MOST_EPOCHS

__all__ = ["training_script"]


def training_script(run: ExportedRun) -> str:
    """Return a script that imports NumPy and this package only, trains the run again and prints its figures.

    A run that was continued is trained in one go, which gives the same records. Of a fork the script first
    trains the runs before it, each up to the epoch of the fork. A run that was paused or stopped within an epoch
    stops after the same mini-batch; one that failed ends with its last epoch that is known in full. A run
    that began with a weights file reads it by its name.
    """
    path, figures = run.dataset_option, run.newest.record
    dataset = "load_mnist()" if path == "" else f"load_dataset({code(path or 'path/to/your/images')})"
    shown = f"The explorer showed a test accuracy of {figures.test_accuracy:.3%}"
    if isinstance(figures, Evaluation):
        shown += f" and a train accuracy of {figures.train_accuracy:.3%}"
    return page(
        "script.py.j2",
        shown=f"{shown}.",
        names=[*(["NeuralNetwork"] if run.opened else []), "TrainingConfig", dataset.partition("(")[0]],
        dataset=dataset,
        made_in_python=path is None,
        opened=run.opened,
        stages=[*_stages(run)],
    )


def _stages(run: ExportedRun) -> Iterator[dict[str, Any]]:
    """Yield what the template says of each stage."""
    begin = float(run.first_epoch)
    for number, stage in enumerate(run.stages, 1):
        # as many epochs as the stage takes, and more than it began with, as a run must have
        epochs = min(max(math.ceil(stage.end), int(begin) + 1), MOST_EPOCHS)
        config = stage.config.replace(epochs=epochs)
        yield {
            "settings": [(name, getattr(config, name)) for name in FIELDS],
            "starts": number > 1 or run.opened is not None,  # from weights that are there
            "trains": stage.end > begin,
            "last_step": _last_step(run) if number == len(run.stages) else 0,
        }
        begin = stage.end


def _last_step(run: ExportedRun) -> int:
    """Return the mini-batch after which the run pauses within an epoch; 0 at an epoch's end."""
    record = run.newest.record
    return record.step if isinstance(record, Evaluation) and record.epoch != int(record.epoch) else 0
