"""The talk as it stands in ``talk.toml``: which runs it shows, and what each slide says of them.

No number is written there: the fields in braces are filled in from the run on the slide, recorded or live.
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
    """What a curve of it is called where it is only compared with."""
    config: TrainingConfig
    with_weights: bool = False
    """Whether its recording keeps the weights, for the slides that look at single images or units."""


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide."""

    name: str
    """Its name in the notebook and in the page's address."""
    title: str
    """A few words."""
    notes: str
    """For the speaker alone."""
    pictures: tuple[str, ...]
    """Names in `explorer.talk.pictures.PICTURES`."""
    sentence: str = ""
    """What there is to see. Fields in braces are those of `explorer.talk.slide_view.spoken_numbers`; those of the
    first run that it is compared with stand in ``{other[…]}``."""
    run: str = ""
    """Name in `RUNS` of the run that it shows, and trains live; empty for none."""
    against: tuple[str, ...] = ()
    """Names in `RUNS` of those whose curves it shows in grey."""


def _read() -> tuple[Mapping[str, TalkRun], tuple[Slide, ...]]:
    """Return the runs by their names, and the slides in their order, as ``talk.toml`` has them."""
    content = tomllib.loads((files("explorer.talk") / "talk.toml").read_text(encoding="utf-8"))
    runs = {}
    for name, run in content["runs"].items():
        config, notices = TrainingConfig.from_query(run.pop("settings"))
        assert not notices, notices
        runs[name] = TalkRun(config=config, **run)
    lists = ("pictures", "against")  # as TOML has them; a slide, which is frozen, has tuples
    slides = (slide | {name: tuple(slide.get(name, ())) for name in lists} for slide in content["slides"])
    return MappingProxyType(runs), tuple(Slide(**slide) for slide in slides)


RUNS, SLIDES = _read()
"""The runs of the talk, each with a recording of its name in the package, and the slides in their order."""
