"""A run as a Python script that reproduces its network, with NumPy alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from explorer.exports.exported_run import ExportedRun
from explorer.exports.pages import page
from explorer.network import OPTIMIZERS, optimizers
from explorer.network.optimizers import Optimizer
from explorer.training import Evaluation, TrainingConfig
from explorer.training.process_settings import small_product

__all__ = ["training_script"]

_LARGEST_BLOCKED = 8  # images of a mini-batch that the engine works by blocks, with other roundings


def training_script(run: ExportedRun) -> str:
    """Return a script that imports NumPy only, trains the run again by its formulas and prints its figures.

    It is the textbook's network with samples as rows, in the order of the engine's operations: so the figures are
    the same to the bit, but for mini-batches of up to 8 images, which the engine works by blocks. A run that was
    continued is trained in one go, which gives the same records. Of a fork the script first trains the runs before
    it, each up to the epoch of the fork. A run that was paused or stopped within an epoch stops after the same
    mini-batch; one that failed ends with its last epoch that is known in full. A run that began with a file of
    weights reads it by its name.
    """
    figures, stages = run.newest.record, [*_stages(run)]
    shown = f"The explorer showed a test accuracy of {figures.test_accuracy:.3%}"
    if isinstance(figures, Evaluation):
        shown += f" and a train accuracy of {figures.train_accuracy:.3%}"
    configs = [stage.config for stage in stages]
    hidden = {config.hidden_activation for config in configs}
    small = small_product()
    return page(
        "script.py.j2",
        file_name=run.file_name(".py"),
        shown=f"{shown}.",
        is_blocked=any(
            config.batch_size <= _LARGEST_BLOCKED and config.optimizer == "sgd" for config in configs
        ),
        finds_mnist=run.dataset_option == "",
        images=run.dataset_option,
        classes=run.dataset.class_names,
        n_inputs=run.dataset.n_inputs,
        hidden=hidden,
        activations=hidden | {config.output for config in configs},
        losses={config.loss for config in configs},
        deltas=sorted({f"{config.output}_{config.loss}" for config in configs}),
        initializers=sorted({config.initializer for config in configs}),
        optimizers=_optimizers(configs),
        **{name: getattr(optimizers, name) for name in ("MOMENTUM", "DECAY", "BETA_1", "BETA_2", "EPSILON")},
        small=f"{small:_}" if small else "",
        product="product({}, {})".format if small else "{} @ ({})".format,
        opened=run.opened,
        stages=stages,
    )


def _optimizers(configs: Sequence[TrainingConfig]) -> dict[str, Optimizer]:
    """Return the optimizers that the script needs; none where all is plain gradient descent."""
    names = {config.optimizer for config in configs}
    return {name: OPTIMIZERS[name] for name in sorted(names)} if names != {"sgd"} else {}


@dataclass(frozen=True, slots=True)
class _ScriptStage:
    """What the template says of a stage."""

    config: TrainingConfig
    first_epoch: int
    last_epoch: int
    last_step: int = 0


def _stages(run: ExportedRun) -> Iterator[_ScriptStage]:
    """Yield what the template says of each stage."""
    begin = float(run.first_epoch)
    for number, stage in enumerate(run.stages, 1):
        last_step = _last_step(run) if number == len(run.stages) else 0
        yield _ScriptStage(stage.config, int(begin), math.ceil(stage.end), last_step)
        begin = stage.end


def _last_step(run: ExportedRun) -> int:
    """Return the mini-batch after which the run pauses within an epoch; 0 at an epoch's end."""
    record = run.newest.record
    return record.step if isinstance(record, Evaluation) and record.epoch != int(record.epoch) else 0
