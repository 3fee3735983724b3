"""The talk as defined in ``talk.toml``: the text of its slides, and its runs, which were trained in advance.

The file has no numbers: fields in braces are filled in from the slide's run, recorded or live.

A recording is a saved session of one run. It has weights only for slides that look into the network or at single
images.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from explorer.datasets import Dataset
from explorer.session import SessionRun, read_session
from explorer.session.saved_session import SUFFIX
from explorer.training import TrainingConfig

RECORDINGS = Path(__file__).parent / "recordings"  # the package's


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
    """Describes what the slide shows. Fields in braces are those of `explorer.talk.talk.spoken_numbers`;
    those of the first run in `against` are ``{other[…]}``."""
    run: str = ""
    """Name in `RUNS` of its run, which it can train live; empty for none."""
    against: tuple[str, ...] = ()
    """Names in `RUNS` of the runs with gray curves."""


def _read() -> tuple[Mapping[str, TalkRun], tuple[Slide, ...]]:
    content = tomllib.loads(Path(__file__).with_name("talk.toml").read_text(encoding="utf-8"))
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


class RecordingError(ValueError):
    """A recording can't be used; the message is one sentence."""


def recorded_run(name: str, dataset: Dataset) -> SessionRun:
    """Return the recorded run of `RUNS` in its final state; its outputs are computed if it has weights.

    Raises RecordingError if the recording is missing, damaged, of other settings, or of another data set.
    """
    path, config = RECORDINGS / f"{name}{SUFFIX}", RUNS[name].config
    try:
        (run,) = read_session(path.read_bytes(), path.name, dataset).runs
        if run.config != config:
            found = f"“{run.config.to_query()}”, not “{config.to_query()}”"
            raise ValueError(f"it is of the settings {found}")
    except (OSError, ValueError) as error:
        advice = "install nn-explorer again"
        raise RecordingError(f"the recorded run {path.name} can't be used ({error}): {advice}.") from error
    return replace(run, is_recorded=True)
