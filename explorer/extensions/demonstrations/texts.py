"""What the page says of the demonstrations: the tables of ``demonstrations.toml``."""

import tomllib
from collections.abc import Callable
from importlib.resources import files

from explorer.experiments import Claim, Demonstration, Knob, Steps, Texts
from explorer.training import TrainingConfig

_TABLES = tomllib.loads((files(__package__) / "demonstrations.toml").read_text(encoding="utf-8"))


def demonstration(
    key: str, config: TrainingConfig, knob: Knob | None = None, **uses: bool
) -> Callable[[Callable[..., Steps]], Demonstration]:
    """Turn an experiment into the demonstration that has the texts of `key`."""
    table = {"unit": "%"} | _TABLES[key]
    claims = [Claim(number=number, **claim) for number, claim in table.pop("claims").items()]
    texts = Texts(**table, claims=claims)
    return lambda run: Demonstration(key, texts, config, run, knob, **uses)
