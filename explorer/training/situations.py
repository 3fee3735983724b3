"""Settings that are known to fail or to work, each with a question and a reason: those of ``situations.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from explorer.training.config import TrainingConfig

__all__ = ["SITUATIONS", "Situation"]


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
    """What to ask oneself."""
    look: str
    """What to look at for the answer."""
    tab: str
    """Name of the tab that has it."""
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
"""All of them by their names, in the order of the menu."""
