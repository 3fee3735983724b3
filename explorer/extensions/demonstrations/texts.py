"""What the page and the report say of the demonstrations, by the tables of ``demonstrations.toml``."""

import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.resources import files

from explorer.experiments import Claim, Demonstration, Knob, Steps, Texts, offered_demonstrations
from explorer.session import SessionState
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


def described(state: SessionState) -> Sequence[tuple[str, Sequence[str]]]:
    """Return the title and the sentences of each finding of a session; unknown ones are left out."""
    if not state.findings:
        return ()
    known, found = offered_demonstrations(), []
    for key, finding in state.findings.items():
        with suppress(KeyError, ValueError):
            found.append((known[key].texts.title, known[key].sentences(finding.numbers, finding.guess)))
    return found
