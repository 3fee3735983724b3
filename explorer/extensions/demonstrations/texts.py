"""What the page says of the demonstrations: the tables of ``demonstrations.toml``."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from explorer.experiments.demonstration import Claim, Texts


def _read() -> Mapping[str, Texts]:
    tables = tomllib.loads((files(__package__) / "demonstrations.toml").read_text(encoding="utf-8"))
    texts = dict[str, Texts]()
    for key, table in tables.items():
        claims = [Claim(number=number, **claim) for number, claim in table.pop("claims").items()]
        texts[key] = Texts(**{"unit": "%"} | table, claims=claims)
    return MappingProxyType(texts)


TEXTS = _read()
"""The texts of each demonstration, by its key."""
