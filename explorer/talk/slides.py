"""The talk as defined in ``talk.toml``: the text of its slides, and its runs, which were trained in advance.

The file has no numbers: fields in braces are filled in from the slide's run, recorded or live.

A recording has the settings and the records of one run as plain arrays. It has weights only for slides that look
into the network or at single images; the outputs for the test set are computed from them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.session import SessionRun
from explorer.training import (
    BatchRecord,
    CompletedRun,
    EpochRecord,
    Evaluation,
    History,
    RunEnd,
    Snapshot,
    TrainingConfig,
    TrainingRun,
)
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import figure_rows, figures_table, read_only_counts

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
    """A recording can't be used; the message is one sentence that tells how to create it again."""


def recorded_run(name: str, dataset: Dataset) -> SessionRun:
    """Return the recorded run of `RUNS` in its final state; raises RecordingError as `load_recording` does."""
    shown = RUNS[name]
    history, final = load_recording(RECORDINGS / f"{name}.npz", shown.config, dataset)
    return SessionRun(
        number=1,
        dataset=dataset.head(shown.config.n_train),
        history=history,
        status="finished",
        evaluation=final,
        name=shown.label,
        is_recorded=True,
    )


def save_recording(path: Path, run: CompletedRun, *, with_weights: bool) -> None:
    """Write a finished run's settings and records as plain arrays, weights in their own dtype."""
    history, final = run.history, run.final
    weights = final.snapshot.weights if with_weights else ()
    np.savez_compressed(
        path,
        allow_pickle=False,
        query=np.array(run.config.to_query()),
        epochs=figures_table(EpochRecord, history.epochs),
        confusions=np.array([record.confusion for record in history], np.int32),
        batches=figures_table(BatchRecord, history.batches),
        final=figures_table(Evaluation, [final]),
        final_confusion=final.confusion.astype(np.int32),
        **{f"weights_{i}": array for i, array in enumerate(weights)},
    )


def load_recording(path: Path, config: TrainingConfig, dataset: Dataset) -> tuple[History, Evaluation]:
    """Return the records that `save_recording` wrote, and the run's exact final figures.

    Outputs for the test set are computed if the file has weights; otherwise the final snapshot has neither. Raises
    RecordingError if the file is missing, damaged, or of other settings.
    """
    try:
        with path.open("rb") as stream:
            return _records(dict(np.load(stream, allow_pickle=False)), config, dataset)
    except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        advice = "make it again with nn-explorer present --record"
        raise RecordingError(f"the recorded run {path.name} can't be used ({error}): {advice}.") from error


def _records(
    arrays: dict[str, NDArray[Any]], config: TrainingConfig, dataset: Dataset
) -> tuple[History, Evaluation]:
    found = str(arrays["query"])
    if found != config.to_query():
        raise ValueError(f"it is of the settings “{found}”, not “{config.to_query()}”")
    rows, counts = figure_rows(EpochRecord, arrays["epochs"]), read_only_counts(arrays["confusions"])
    epochs = tuple(EpochRecord(**figures, confusion=each) for figures, each in zip(rows, counts, strict=True))
    batches = tuple(BatchRecord(**figures) for figures in figure_rows(BatchRecord, arrays["batches"]))
    (figures,) = figure_rows(Evaluation, arrays["final"])
    weights = [array for name, array in arrays.items() if name.startswith("weights_")]
    snapshot = Snapshot(figures["epoch"], (), np.empty((dataset.n_classes, 0), np.float32))
    if weights:
        training = TrainingRun(config, dataset)
        training.set_weights(weights)
        with one_blas_thread():  # as in the recording: two threads round differently
            snapshot = replace(training.snapshot(), epoch=snapshot.epoch)
    final = Evaluation(**figures, confusion=read_only_counts(arrays["final_confusion"]), snapshot=snapshot)
    return History(config, epochs, batches, RunEnd("finished", final=final)), final
