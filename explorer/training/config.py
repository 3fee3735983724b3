"""The settings of one run: frozen, and validated on creation.

Two runs with equal settings on the same data give the same records, to the bit.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from inspect import cleandoc
from types import MappingProxyType
from typing import Any

from explorer.datasets.augmentation import Augmentation
from explorer.network import OPTIMIZERS
from explorer.training.fields import Change, Changes, Choice, Field, LayerSizes, Real, Whole


def _fields() -> dict[str, Field]:
    table = (files("explorer.training") / "settings.toml").read_text(encoding="utf-8")
    kinds, made = {"sizes": LayerSizes, "whole": Whole, "real": Real}, dict[str, Any]()
    for name, row in tomllib.loads(table).items():
        entry = {"key": name, "label": name.replace("_", " ").capitalize()} | row
        kind = entry.pop("kind")
        if kind == "choice":
            labels = entry.pop("choices")
            made[name] = Choice(name=name, choices=tuple(labels), labels=tuple(labels.values()), **entry)
        elif kind == "changes":
            made[name] = Changes(name=name, rate=made["learning_rate"], batch=made["batch_size"], **entry)
        else:
            low, high = entry.pop("range")
            made[name] = kinds[kind](name=name, low=low, high=high, **entry)
    return made


FIELDS: Mapping[str, Any] = MappingProxyType(_fields())
"""The `Field` of every setting by name, in display order."""

MOST_EPOCHS: int = FIELDS["epochs"].high


def fields_of(n_images: int, n_classes: int, n_inputs: int = 784) -> Mapping[str, Any]:
    """Return `FIELDS` adapted to a data set with that many training images, classes and pixels."""
    adapted = {
        "hidden_sizes": replace(FIELDS["hidden_sizes"], n_inputs=n_inputs, n_outputs=n_classes),
        "n_train": replace(FIELDS["n_train"], high=n_images, high_means=""),
        "n_validation": replace(FIELDS["n_validation"], high=9 * n_images // 10, high_means=""),
    }
    return MappingProxyType({**FIELDS, **adapted})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """The settings of one run. The defaults are those of the exercise.

    A single int stands for one hidden layer. RMSProp and Adam, whose step doesn't depend on the gradient's size,
    always use the mean gradient. If there are validation images, all figures that records name after the test set
    are computed on the validation set, and the test set is not used.

    Raises `ConfigError` if a setting has the wrong type or is out of range. Its attributes `field`, `value` and
    `expected` name the setting, the value found and the values expected.
    """

    hidden_sizes: tuple[int, ...] = (32,)
    hidden_activation: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = "squared_error"
    initializer: str = "glorot"
    batch_size: int = 512
    epochs: int = 10
    learning_rate: float = 0.01
    optimizer: str = "sgd"
    schedule: str = "constant"
    warmup: int = 0
    reduction: str = "sum"
    l2: float = 0.0
    l1: float = 0.0
    dropout: float = 0.0
    input_dropout: float = 0.0
    max_norm: float = 0.0
    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    elastic: float = 0.0
    seed: int = 0
    n_train: int | None = None
    n_validation: int = 0
    patience: int = 0
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        for name, field in FIELDS.items():
            object.__setattr__(self, name, field.check(getattr(self, name)))

    def replace(self, **changes: Any) -> TrainingConfig:
        """Return these settings with `changes`, validated; a new rate or batch size clears the mid-run changes."""
        ends = {"changes": ()} if changes.keys() & {"learning_rate", "batch_size"} else {}
        return replace(self, **{**ends, **changes})

    def changed(self, change: Change) -> TrainingConfig:
        """Return these settings with one more mid-run change, in place of those from its step on."""
        return self.replace(changes=(*(one for one in self.changes if one.step < change.step), change))

    def for_images(self, n_images: int) -> TrainingConfig:
        """Clamp the settings to `n_images` training images: at most all in use, and 9 of 10 of those held out."""
        n_train = None if self.n_train is None or self.n_train > n_images else self.n_train
        most = 9 * (n_train or n_images) // 10
        return self.replace(n_train=n_train, n_validation=min(self.n_validation, most))

    def differences(self, other: TrainingConfig) -> tuple[str, ...]:
        """Return the names of the settings that differ from `other`, in the order of `FIELDS`."""
        return tuple(name for name in FIELDS if getattr(self, name) != getattr(other, name))

    def text(self, name: str) -> str:
        """Format one setting for display: ``"60 000"``, ``"128-64"``, ``"cross-entropy"``."""
        return str(FIELDS[name].text(getattr(self, name)))

    @property
    def takes_mean(self) -> bool:
        """Whether the step uses the mean gradient: with reduction "mean", and always with RMSProp and Adam."""
        return self.reduction == "mean" or OPTIMIZERS[self.optimizer].is_scale_free

    @property
    def held_out(self) -> str:
        """The name of the held-out set in figures: ``"validation"`` or ``"test"``."""
        return "validation" if self.n_validation else "test"

    @property
    def can_be_extended(self) -> bool:
        """Whether extending a run gives the same records as a longer run; some schedules depend on the length."""
        return self.schedule in ("constant", "inverse")

    @property
    def augmentation(self) -> Augmentation:
        """The distortions of the training images."""
        return Augmentation(self.shift, self.rotation, self.scale, self.elastic)

    @property
    def loss_terms(self) -> dict[str, float]:
        """The terms of the recorded loss, each with its factor; only losses with equal terms are comparable."""
        l2 = 0.0 if OPTIMIZERS[self.optimizer].decays_weights else self.l2  # decay is not in the loss
        penalties = {"L2 penalty": l2, "L1 penalty": self.l1}
        return {self.text("loss"): 1.0} | {name: factor for name, factor in penalties.items() if factor}

    @property
    def loss_name(self) -> str:
        """The loss terms in words: ``"squared error + L2 penalty"``."""
        return " + ".join(self.loss_terms)

    @property
    def has_one_rate(self) -> bool:
        """Whether the learning rate is the same in all mini-batches."""
        rates = {self.learning_rate, *(change.learning_rate for change in self.changes)}
        return self.schedule == "constant" and not self.warmup and len(rates) == 1

    @property
    def changes_in_words(self) -> tuple[str, ...]:
        """Each mid-run change in words: ``"0.01 → 0.001"``, ``"batch size 512 → 64"``."""
        words, rate, size = [], self.learning_rate, self.batch_size
        rate_text, size_text = FIELDS["learning_rate"].text, FIELDS["batch_size"].text
        for change in self.changes:
            rates = f"{rate_text(rate)} → {rate_text(change.learning_rate)}"
            sizes = f"batch size {size_text(size)} → {size_text(change.batch_size)}"
            parts = [rates] * (rate != change.learning_rate) + [sizes] * (size != change.batch_size)
            words.append(", ".join(parts) or "no change")
            rate, size = change.learning_rate, change.batch_size
        return tuple(words)

    def may_validate(self, trained: TrainingConfig) -> bool:
        """Return whether weights trained with `trained` have not seen these settings' validation images."""
        split = self.n_train, self.n_validation, self.seed
        return not self.n_validation or split == (trained.n_train, trained.n_validation, trained.seed)

    def steps_at_ends(self, n_samples: int) -> tuple[int, ...]:
        """Return the total mini-batches (updates of the weights) at the end of each epoch; the first item is 0."""
        ends, step, size, changes = [0], 0, self.batch_size, list(self.changes)
        while len(ends) <= self.epochs:
            left = n_samples
            while left > 0:
                while changes and changes[0].step <= step:
                    size = changes.pop(0).batch_size
                n_steps = -(-left // size)
                if changes:
                    n_steps = min(n_steps, changes[0].step - step)
                step, left = step + n_steps, left - n_steps * size
            ends.append(step)
        return tuple(ends)

    def at_step(self, step: float) -> TrainingConfig:
        """Return the settings in effect after `step` mini-batches, without mid-run changes."""
        done = [change for change in self.changes if change.step <= step][-1:]
        in_use = {"learning_rate": done[0].learning_rate, "batch_size": done[0].batch_size} if done else {}
        return self.replace(changes=(), **in_use)

    @property
    def architecture(self) -> str:
        """The hidden layer sizes: ``"128-64"``."""
        return self.text("hidden_sizes")

    @property
    def hidden_units(self) -> str:
        """The hidden layer sizes in words: ``"128-64 hidden units"``."""
        return f"{self.architecture} hidden unit{'' if self.hidden_sizes == (1,) else 's'}"


# Each setting is documented once, in ``settings.toml``; its text also builds the docstring.
TrainingConfig.__doc__ = f"{cleandoc(TrainingConfig.__doc__ or '')}\n\nParameters\n----------\n" + "".join(
    f"{field.name} : {field.expected}\n    {field.help}\n" for field in FIELDS.values()
)


def held_out_of(configs: Iterable[TrainingConfig]) -> str:
    """Return the common name of several runs' held-out sets: ``"held-out"`` if both kinds occur."""
    kinds = {config.held_out for config in configs} or {"test"}
    return kinds.pop() if len(kinds) == 1 else "held-out"
