"""How numbers and settings are written on screen."""

from __future__ import annotations

from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import Choice

__all__ = ["duration", "grouped", "setting"]


def duration(seconds: float) -> str:
    """Return a time to wait in the unit that fits: ``"12 s"``, ``"3 min"``, ``"1.5 h"``."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def grouped(count: int) -> str:
    """Return a whole number with its thousands set apart by a narrow space that no line breaks at: 10 000."""
    return f"{count:,}".replace(",", "\u202f")


def setting(config: TrainingConfig, name: str) -> str:
    """Return what a setting holds, as the controls say it."""
    value, field = getattr(config, name), FIELDS[name]
    if isinstance(field, Choice):
        return field.labels[field.choices.index(value)]
    if name == "hidden_sizes":
        return config.architecture
    if isinstance(value, float):
        return f"{value:g}"
    return field.format(value) if value is None or name == "seed" else grouped(value)
