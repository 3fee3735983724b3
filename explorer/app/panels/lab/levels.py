"""The levels of the bug lab, and what is said of each guess: read from the file that lies next to this one."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explorer.checks.tasks import MISTAKES
from explorer.training import TrainingConfig

__all__ = ["GUESSES", "LEVELS", "Guess", "Level"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Guess:
    """A mistake that can be guessed; the attributes are those of the file."""

    mistake: str
    words: str
    kind: str
    shows: str


@dataclass(frozen=True, slots=True)
class Level:
    """A network with one mistake; the attributes are those of the file."""

    mistake: str
    seen: str
    settings: str
    here: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    @property
    def config(self) -> TrainingConfig:
        """The settings that it trains with."""
        return TrainingConfig.from_query(self.settings)[0]

    @property
    def network(self) -> type[Any]:
        """The network's class."""
        network = MISTAKES[self.mistake].network
        assert network is not None  # a test knows that each of them trains
        return network

    @property
    def source(self) -> str:
        """The code in which the mistake is; its lines end in ``# WRONG``."""
        return MISTAKES[self.mistake].source

    def answer(self, guess: Guess) -> str:
        """Return what is said of a guess: why the figures speak for it, or against it."""
        if guess.mistake == self.mistake:
            return f"Yes: {guess.words}. {self.seen}"
        return f"No. {guess.shows} {self.here[guess.kind]}"


def _read() -> tuple[tuple[Guess, ...], tuple[Level, ...]]:
    table = tomllib.loads((Path(__file__).parent / "levels.toml").read_text(encoding="utf-8"))
    settings, here = table["settings"]["query"], table["here"]
    levels = (
        {"settings": settings} | level | {"here": MappingProxyType(here | level.get("here", {}))}
        for level in table["level"]
    )
    return tuple(Guess(**guess) for guess in table["guess"]), tuple(Level(**level) for level in levels)


GUESSES, LEVELS = _read()
"""What can be guessed, and the levels, the first first."""
