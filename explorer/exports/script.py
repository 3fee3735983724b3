"""A run as a Python script that reproduces its network, with NumPy alone."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, prod
from types import MappingProxyType
from typing import Any, NamedTuple

from explorer.datasets import augmentation
from explorer.datasets.dataset import IMAGE_SHAPE
from explorer.engine.augmented import CHUNK_ROWS
from explorer.engine.halves import LARGE_WORK, rows_at_once
from explorer.engine.inputs import InkedFirst
from explorer.engine.minibatches import LARGEST_BLOCKED
from explorer.engine.passes import IMAGES_MIDDLE
from explorer.exports.exported_run import ExportedRun
from explorer.exports.pages import page
from explorer.network import OPTIMIZERS, SCHEDULES, optimizers
from explorer.network.optimizers import Optimizer
from explorer.training import Evaluation, TrainingConfig
from explorer.training.process_settings import small_product

__all__ = ["training_script"]

_METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "penalties": ("l2", "l1"),
        "decay": ("decay",),
        "dropout": ("dropout", "input_dropout"),
        "max_norm": ("max_norm",),
        "augmentation": ("amounts",),
        "rates": ("schedule", "warmup", "epochs"),
        "changes": ("changes",),
        "validation": ("n_validation",),
        "patience": ("patience",),
        "inked": ("sorts_inputs",),
    }
)
"""Methods beyond the exercise, and the order of a wide network's inputs, each with the parameters of the script's
`train` that it needs."""


def training_script(run: ExportedRun) -> str:
    """Return a script that imports NumPy only, trains the run again by its formulas and prints its figures.

    It is the textbook's network with samples as rows, in the order of the engine's operations: so the figures are
    the same to the bit, but for mini-batches of up to 8 images, which the engine works by blocks. A run that was
    continued is trained in one go, which gives the same records. Of a fork the script first trains the runs before
    it, each up to the epoch of the fork. A run that was paused or stopped within an epoch stops after the same
    mini-batch; one that failed ends with its last epoch that is known in full. A run that began with a file of
    weights reads it by its name. Of the methods beyond the exercise there are only those that the run uses. With
    validation images the figures are of these, and at the end it prints the test accuracy.
    """
    figures, stages = run.newest.record, [*_stages(run)]
    shown = f"The explorer showed a {run.config.held_out} accuracy of {figures.test_accuracy:.3%}"
    if isinstance(figures, Evaluation):
        shown += f" and a train accuracy of {figures.train_accuracy:.3%}"
    configs = [stage.config for stage in stages]
    hidden = {config.hidden_activation for config in configs}
    small, used, uses = small_product(), _optimizers(configs), _used_methods(stages)
    return page(
        "script.py.j2",
        file_name=run.file_name(".py"),
        shown=f"{shown}.",
        is_blocked=any(map(_is_blocked, configs)),
        finds_mnist=run.dataset_option == "",
        images=run.dataset_option,
        classes=run.dataset.class_names,
        n_inputs=run.dataset.n_inputs,
        hidden=hidden,
        activations=hidden | {config.output for config in configs},
        losses={config.loss for config in configs},
        deltas=sorted({f"{config.output}_{config.loss}" for config in configs}),
        initializers=sorted({config.initializer for config in configs}),
        optimizers=used,
        optimizer_functions=sorted({optimizer.change.__name__ for optimizer in used.values()}),
        **{name: getattr(optimizers, name) for name in ("MOMENTUM", "DECAY", "BETA_1", "BETA_2", "EPSILON")},
        uses=uses,
        methods=[name for method, names in _METHODS.items() if method in uses for name in names],
        lr="lr" if "rates" in uses else "learning_rate",
        schedules=_schedules(configs) if "rates" in uses else {},
        augmentation=_augmentation_source() if "augmentation" in uses else "",
        chunk_rows=CHUNK_ROWS,
        aligned=rows_at_once(),
        images_middle=IMAGES_MIDDLE,
        large_work=f"{LARGE_WORK:_}",
        small=f"{small:_}" if small else "",
        product="product({}, {})".format if small else "{} @ ({})".format,
        opened=run.opened,
        stages=stages,
    )


def _is_blocked(config: TrainingConfig) -> bool:
    """Return whether the engine works through mini-batches by blocks."""
    smallest = min(config.batch_size, *(change.batch_size for change in config.changes), LARGEST_BLOCKED + 1)
    is_plain = config.optimizer == "sgd" and not (config.l2 or config.l1 or config.max_norm)
    return smallest <= LARGEST_BLOCKED and is_plain and not (config.dropout or config.input_dropout)


def _optimizers(configs: Sequence[TrainingConfig]) -> dict[str, Optimizer]:
    """Return the optimizers that the script needs; none where all is plain gradient descent."""
    names = {config.optimizer for config in configs}
    return {name: OPTIMIZERS[name] for name in sorted(names)} if names != {"sgd"} else {}


def _arguments(config: TrainingConfig, *, stopped_early: bool) -> dict[str, Any]:
    """Return what the script's `train` is told of the methods beyond the exercise."""
    decays = OPTIMIZERS[config.optimizer].decays_weights
    regularization = config.dropout, config.input_dropout, config.l2, config.l1, config.max_norm
    needs_order = any(regularization) or config.augmentation.is_on
    return {
        "l2": 0.0 if decays else config.l2,
        "l1": config.l1,
        "decay": config.l2 if decays else 0.0,
        "dropout": config.dropout,
        "input_dropout": config.input_dropout,
        "max_norm": config.max_norm,
        "amounts": config.augmentation if config.augmentation.is_on else None,
        "schedule": f"{config.schedule}_schedule",
        "warmup": config.warmup,
        "epochs": config.epochs,
        "changes": {change.step: (change.learning_rate, change.batch_size) for change in config.changes},
        "n_validation": config.n_validation,
        "patience": config.patience if stopped_early else 0,
        "sorts_inputs": InkedFirst.pays(prod(IMAGE_SHAPE) * config.hidden_sizes[0], needs_order=needs_order),
    }


def _schedules(configs: Sequence[TrainingConfig]) -> dict[str, str]:
    """Return the source of the schedules in use, each called after what it is: ``steps_schedule``."""
    sources = {name: inspect.getsource(SCHEDULES[name]).rstrip() for name in {c.schedule for c in configs}}
    return {
        name: text.replace(f"def {name}(", f"def {name}_schedule(") for name, text in sorted(sources.items())
    }


def _augmentation_source() -> str:
    """Return the source of `explorer.datasets.augmentation`, what it imports left out."""
    source = inspect.getsource(augmentation)
    return source[source.index("SMOOTHING = ") :].rstrip()


class _ScriptStage(NamedTuple):
    """What the template says of a stage."""

    config: TrainingConfig
    first_epoch: int
    last_epoch: int
    last_step: int
    arguments: dict[str, Any]


def _stages(run: ExportedRun) -> Iterator[_ScriptStage]:
    """Yield what the template says of each stage."""
    begin, record = float(run.first_epoch), run.newest.record
    for number, stage in enumerate(run.stages, 1):
        is_last, end, last_step = number == len(run.stages), ceil(stage.end), 0
        if is_last and isinstance(record, Evaluation) and record.epoch != int(record.epoch):
            last_step = record.step  # it pauses within an epoch
        last = run.history.last
        stopped_early = is_last and last is not None and record.epoch < last.epoch
        if stopped_early and last is not None:
            end = last.epoch  # there are epochs after the best
        arguments = _arguments(stage.config, stopped_early=stopped_early)
        yield _ScriptStage(stage.config, int(begin), end, last_step, arguments)
        begin = stage.end


def _used_methods(stages: Sequence[_ScriptStage]) -> set[str]:
    """Return which methods beyond the exercise the script needs."""

    def is_on(name: str) -> bool:
        off: tuple[object, ...] = ("constant_schedule",) if name == "schedule" else (0, None, {})
        return name != "epochs" and any(stage.arguments[name] not in off for stage in stages)

    return {method for method, names in _METHODS.items() if any(map(is_on, names))}
