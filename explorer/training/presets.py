"""Named settings: presets to begin with, and situations known to fail or to work, with the reason."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from explorer.training.config import FIELDS, TrainingConfig

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
"""The presets by their name on screen; the first two are always visible."""


def preset_changes(name: str) -> str:
    """Describe how a preset differs from Modern: ``"Learning rate 0.001, optimizer Adam"``."""
    preset, names = PRESETS[name], _MODERN.differences(PRESETS[name])
    words = ", ".join(f"{FIELDS[one].label.lower()} {preset.text(one)}" for one in names)
    return words[:1].upper() + words[1:] if name != "The exercise" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Settings to learn from."""

    name: str
    """Name on screen."""
    works: bool
    """Whether a network learns well with them."""
    config: TrainingConfig
    """The settings."""
    reaches: tuple[float, float]
    """Test accuracy on MNIST after the last epoch, in %: from, to."""
    question: str
    """A question to think about."""
    look: str
    """Where to find the answer."""
    tab: str
    """Name of the tab that shows it."""
    section: str = ""
    """Name of that tab's section, if it has sections."""
    reason: str
    """The answer."""


def _read(settings: str, reaches: list[float], **words: Any) -> Situation:
    config, notices = TrainingConfig.from_query(settings)
    assert not notices, notices
    low, high = reaches
    return Situation(config=config, reaches=(low, high), **words)


_ENTRIES = tomllib.loads((files("explorer.training") / "situations.toml").read_text(encoding="utf-8"))

SITUATIONS: Mapping[str, Situation] = MappingProxyType(
    {entry["name"]: _read(**entry) for entry in _ENTRIES["situations"]}
)
"""All situations by name, in menu order."""
