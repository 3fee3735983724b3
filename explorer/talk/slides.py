"""The talk as defined in ``talk.toml``: its runs, and the text of each slide.

The file has no numbers: fields in braces are filled in from the slide's run, recorded or live.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from explorer.training import TrainingConfig


@dataclass(frozen=True, slots=True)
class TalkRun:
    """A run of the talk."""

    label: str
    """Label of its curve on slides that only compare with it."""
    config: TrainingConfig
    with_weights: bool = False
    """Whether its recording has weights, for slides that look at single images or units."""


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide."""

    name: str
    """Its name in the notebook and in the page's address."""
    title: str
    """A few words."""
    notes: str
    """Notes for the speaker only."""
    pictures: tuple[str, ...]
    """Names in `explorer.talk.pictures.PICTURES`."""
    sentence: str = ""
    """Describes what the slide shows. Fields in braces are those of `explorer.talk.slide_view.spoken_numbers`;
    those of the first run in `against` are ``{other[…]}``."""
    run: str = ""
    """Name in `RUNS` of its run, which it can train live; empty for none."""
    against: tuple[str, ...] = ()
    """Names in `RUNS` of the runs with gray curves."""


def _read() -> tuple[Mapping[str, TalkRun], tuple[Slide, ...]]:
    """Return the runs by name, and the slides in order, from ``talk.toml``."""
    content = tomllib.loads((files("explorer.talk") / "talk.toml").read_text(encoding="utf-8"))
    runs = {}
    for name, run in content["runs"].items():
        config, notices = TrainingConfig.from_query(run.pop("settings"))
        assert not notices, notices
        runs[name] = TalkRun(config=config, **run)
    lists = ("pictures", "against")  # lists in TOML; a frozen slide has tuples
    slides = (slide | {name: tuple(slide.get(name, ())) for name in lists} for slide in content["slides"])
    return MappingProxyType(runs), tuple(Slide(**slide) for slide in slides)


RUNS, SLIDES = _read()
"""The runs of the talk, each with a recording of the same name in the package, and the slides in order."""
