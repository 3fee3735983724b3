"""What the page says of the demonstrations: the tables of ``demonstrations.toml``."""

import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from types import MappingProxyType

from explorer.experiments import Claim, Demonstration, Knob, Steps, Texts
from explorer.training import TrainingConfig


def _read() -> Mapping[str, Texts]:
    tables = tomllib.loads((files(__package__) / "demonstrations.toml").read_text(encoding="utf-8"))
    texts = dict[str, Texts]()
    for key, table in tables.items():
        claims = [Claim(number=number, **claim) for number, claim in table.pop("claims").items()]
        texts[key] = Texts(**{"unit": "%"} | table, claims=claims)
    return MappingProxyType(texts)


TEXTS = _read()
"""The texts of each demonstration, by its key."""


def demonstration(
    key: str, config: TrainingConfig, knob: Knob | None = None, **uses: bool
) -> Callable[[Callable[..., Steps]], Demonstration]:
    """Turn an experiment into the demonstration that has the texts of `key`."""
    return lambda run: Demonstration(key, TEXTS[key], config, run, knob, **uses)
