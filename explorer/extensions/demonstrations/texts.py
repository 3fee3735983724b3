"""What the page says of the demonstrations: the tables of ``demonstrations.toml``."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from explorer.experiments.demonstration import Claim, Texts


def _read() -> Mapping[str, Texts]:
    tables = tomllib.loads((files(__package__) / "demonstrations.toml").read_text(encoding="utf-8"))
    claims = {key: [Claim(**claim) for claim in table["claims"]] for key, table in tables.items()}
    return MappingProxyType({key: Texts(**table | {"claims": claims[key]}) for key, table in tables.items()})


TEXTS = _read()
"""The texts of each demonstration, by its key."""
