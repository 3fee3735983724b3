"""Named settings to start from: the exercise, today's usual ones, and these with one method more each."""

from collections.abc import Mapping
from types import MappingProxyType

from explorer.training.config import FIELDS, TrainingConfig

__all__ = ["PRESETS", "preset_changes"]

_MODERN = TrainingConfig(
    hidden_sizes=(128,),
    hidden_activation="relu",
    output="softmax",
    loss="cross_entropy",
    initializer="he",
    batch_size=128,
    learning_rate=0.3,
    reduction="mean",
)
_ADAM = _MODERN.replace(optimizer="adam", learning_rate=0.001)
_WIDE = _ADAM.replace(hidden_sizes=(256,), schedule="cosine", epochs=15)

PRESETS: Mapping[str, TrainingConfig] = MappingProxyType(
    {
        "The exercise": TrainingConfig(),
        "Modern": _MODERN,
        "Momentum": _MODERN.replace(optimizer="momentum", learning_rate=0.03),
        "Adam": _ADAM,
        "Cosine": _ADAM.replace(learning_rate=0.003, schedule="cosine"),
        "Dropout": _WIDE.replace(dropout=0.3),
        "Augmented": _WIDE.replace(learning_rate=0.003, shift=1.0, rotation=8.0, scale=0.1, elastic=1.0),
        "Honest split": _ADAM.replace(epochs=20, n_validation=10_000, patience=3),
    }
)
"""The starting points by their name on screen; the first two are always in sight."""


def preset_changes(name: str) -> str:
    """Return which of Modern's settings a preset changes: ``"Learning rate 0.001, optimizer Adam"``."""
    preset, names = PRESETS[name], _MODERN.differences(PRESETS[name])
    words = ", ".join(f"{FIELDS[one].label.lower()} {preset.text(one)}" for one in names)
    return words[:1].upper() + words[1:] if name != "The exercise" else ""
