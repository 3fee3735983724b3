"""The values of a setting as they are typed, one by one or as a range, and those that are worth a study."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from explorer.training.config import TrainingConfig
from explorer.training.fields import Choice, ConfigError, Field, LayerSizes, Real, Whole

__all__ = ["NO_AXES", "as_text", "offered_values", "parse_values"]

_MOST_VALUES = 1000
_IN_A_RANGE = 5  # values, where their number isn't said
_RANGE = re.compile(r"(.+?)\s*(?:\.\.|…)\s*(.+?)\s*(?:[×x*]\s*(\d{1,9}))?")
_OFFERED: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "hidden_sizes": ((8,), (32,), (128,)),
        "batch_size": (8, 32, 128, 512, 2048),
        "epochs": (1, 3, 10),
        "n_train": (1000, 10_000, None),
        "warmup": (0, 1, 3),
        "l2": (0.0, 0.00001, 0.0001, 0.001),
        "l1": (0.0, 0.00001, 0.0001),
        "dropout": (0.0, 0.2, 0.5),
        "input_dropout": (0.0, 0.1, 0.2),
        "max_norm": (0.0, 1.0, 3.0),
        "shift": (0.0, 1.0, 2.0),
        "rotation": (0.0, 10.0, 20.0),
        "scale": (0.0, 0.1, 0.2),
        "elastic": (0.0, 0.7, 1.4),
        "patience": (0, 3, 10),
    }
)
NO_AXES = frozenset({"seed", "n_validation", "changes"})
"""Settings whose values no study compares: each seed is a repetition; and runs that are judged by other images, or
that were changed at steps of their own, don't compare."""


def parse_values(setting: Field, text: str) -> tuple[Any, ...]:
    """Return the values that a text stands for, such as ``"8, 32, 128"`` or ``"0.001..1 ×4"``.

    Those of a range are as even on a logarithmic scale as the setting lets them be, or of a seed on a linear one.
    Raises `ConfigError` if there is none, or one that the setting may not have.
    """
    parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
    if not parts:
        raise ConfigError(setting.name, text, "at least one value")
    values = tuple(dict.fromkeys(value for part in parts for value in _values(setting, part)))
    if len(values) > _MOST_VALUES:
        raise ConfigError(setting.name, text, f"at most {_MOST_VALUES} values")
    return values


def as_text(setting: Field, value: Any) -> str:
    """Return the text that `parse_values` reads back to one value."""
    return setting.text(value) if isinstance(setting, LayerSizes) else setting.format(value)


def offered_values(setting: Field, config: TrainingConfig, n_images: int) -> str:
    """Return values of a setting that are worth a study, as text."""
    if setting.name == "learning_rate" and isinstance(setting, Real):
        low, high = (setting.clamp(f"{config.learning_rate * factor:.3g}") for factor in (0.1, 10))
        return f"{setting.format(low)}..{setting.format(high)} ×{_IN_A_RANGE}"
    values = setting.choices if isinstance(setting, Choice) else _OFFERED[setting.name]
    fitting = [value for value in values if not isinstance(value, int) or value < n_images]
    return ", ".join(as_text(setting, value) for value in fitting)


def _values(setting: Field, part: str) -> Iterator[Any]:
    if (found := _RANGE.fullmatch(part)) is None:
        yield _value(setting, part)
        return
    low, high = (_value(setting, end) for end in found.groups()[:2])
    if isinstance(setting, LayerSizes) and len(low) == len(high) == 1:
        (low,), (high,) = low, high
    n = int(found[3] or _IN_A_RANGE)
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise ConfigError(setting.name, part, f"a list of values, each {setting.expected_text}")
    if not 2 <= n <= _MOST_VALUES:
        raise ConfigError(setting.name, part, f"2 to {_MOST_VALUES} values in a range")
    is_log = low and high and not (isinstance(setting, Whole) and not setting.is_amount)
    for number in np.geomspace(low, high, n) if is_log else np.linspace(low, high, n):
        yield setting.check(float(f"{number:.3g}") if isinstance(setting, Real) else round(number))


def _value(setting: Field, part: str) -> Any:
    return setting.parse(
        re.sub(r"(?<=\d)[ \u202f](?=\d{3}\b)", "", part) if isinstance(setting, Whole) else part
    )
