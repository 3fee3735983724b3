"""Runs that were trained before and lie in the package: what a slide shows before anything is trained.

A file holds the settings and the records of one run as plain arrays. The weights are there only where a slide
looks into the network or at single images; the outputs for the test set follow from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.session import SessionRun
from explorer.talk.slides import RUNS
from explorer.training import (
    BatchRecord,
    EpochRecord,
    Evaluation,
    History,
    RunEnd,
    Snapshot,
    TrainingConfig,
    TrainingRun,
    complete,
)
from explorer.training.process_settings import one_blas_thread

__all__ = ["RECORDINGS", "Recording", "RecordingError", "recorded_run"]

RECORDINGS = Path(__file__).parent / "recordings"
"""Folder of the package's recordings."""

_EPOCH_FIGURES = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "seconds")
_BATCH_FIGURES = ("epoch", "step", "train_loss", "train_accuracy")
_FINAL_FIGURES = ("epoch", "step", "train_loss", "test_loss", "train_accuracy", "test_accuracy")


class RecordingError(ValueError):
    """A recording can't be used; the message is one sentence that says how to make it again."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One run from its start to its end.

    Parameters
    ----------
    config : TrainingConfig
        Its settings.
    epochs : tuple of EpochRecord
        Its epochs.
    batches : tuple of BatchRecord
        Its stretches of mini-batches.
    final : Evaluation
        Exact figures of the end. Its snapshot has neither weights nor outputs where they were not kept.
    """

    config: TrainingConfig
    epochs: tuple[EpochRecord, ...]
    batches: tuple[BatchRecord, ...]
    final: Evaluation

    @classmethod
    def make(cls, config: TrainingConfig, dataset: Dataset, *, with_weights: bool) -> Recording:
        """Train `config` to its end and return the recording.

        Raises
        ------
        DivergedError
            If the loss becomes infinite or not a number.
        """
        run = complete(TrainingRun(config, dataset))
        history, final = run.history, run.final
        return cls(
            config, history.epochs, history.batches, final if with_weights else _without_weights(final)
        )

    @classmethod
    def load(cls, path: Path, config: TrainingConfig, dataset: Dataset) -> Recording:
        """Read what `save` wrote.

        Parameters
        ----------
        path : Path
            The file.
        config : TrainingConfig
            The settings that it must be of.
        dataset : Dataset
            The images that the run learned; outputs for its test set are computed if the weights were kept.

        Raises
        ------
        RecordingError
            If the file is missing, damaged, or of other settings.
        """
        try:
            with path.open("rb") as stream:
                arrays = dict(np.load(stream, allow_pickle=False))
            return cls._from_arrays(arrays, config, dataset)
        except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
            advice = "make it again with nn-explorer present --record"
            raise RecordingError(
                f"the recorded run {path.name} can't be used ({error}): {advice}."
            ) from error

    def save(self, path: Path) -> None:
        """Write the recording; figures as float64, counts as int32, weights as they are.

        Raises
        ------
        OSError
            If the file can't be written.
        """
        weights = {f"weights_{i}": array for i, array in enumerate(self.final.snapshot.weights)}
        np.savez_compressed(
            path,
            allow_pickle=False,
            query=np.array(self.config.to_query()),
            epochs=_table(self.epochs, _EPOCH_FIGURES),
            confusions=np.array([record.confusion for record in self.epochs], np.int32),
            batches=_table(self.batches, _BATCH_FIGURES),
            final=_table([self.final], _FINAL_FIGURES),
            final_confusion=self.final.confusion.astype(np.int32),
            **weights,
        )

    @classmethod
    def _from_arrays(
        cls, arrays: dict[str, NDArray[Any]], config: TrainingConfig, dataset: Dataset
    ) -> Recording:
        found = str(arrays["query"])
        if found != config.to_query():
            raise ValueError(f"it is of the settings “{found}”, not “{config.to_query()}”")
        epochs = tuple(
            EpochRecord(**figures, epoch=int(epoch), confusion=_read_only(confusion))
            for (epoch, figures), confusion in zip(
                _rows(arrays["epochs"], _EPOCH_FIGURES), arrays["confusions"], strict=True
            )
        )
        batches = tuple(
            BatchRecord(epoch, int(step), loss, accuracy)
            for epoch, step, loss, accuracy in arrays["batches"].tolist()
        )
        ((epoch, figures),) = _rows(arrays["final"], _FINAL_FIGURES)
        weights = [arrays[f"weights_{i}"] for i in range(sum(name.startswith("weights_") for name in arrays))]
        final = Evaluation(
            **figures | {"step": int(figures["step"])},
            epoch=epoch,
            confusion=_read_only(arrays["final_confusion"]),
            snapshot=_snapshot(weights, config, dataset) if weights else _bare(epoch, dataset.n_classes),
        )
        return cls(config, epochs, batches, final)


def recorded_run(name: str, dataset: Dataset) -> SessionRun:
    """Return a run of the talk as it ended when it was recorded.

    Parameters
    ----------
    name : str
        Its name in `RUNS`.
    dataset : Dataset
        The images that it learned.

    Raises
    ------
    RecordingError
        If its recording is missing, damaged, or of other settings.
    """
    shown = RUNS[name]
    recording = Recording.load(RECORDINGS / f"{name}.npz", shown.config, dataset)
    run = SessionRun(
        number=1,
        dataset=dataset.head(shown.config.n_train),
        history=History(shown.config),
        name=shown.label,
        is_recorded=True,
    )
    end = RunEnd("finished", final=recording.final)
    return run.taking("finished", (*recording.batches, *recording.epochs, end))


def _table(records: Sequence[Any], figures: tuple[str, ...]) -> NDArray[np.float64]:
    return np.array([attrgetter(*figures)(record) for record in records], np.float64)


def _rows(table: NDArray[Any], figures: tuple[str, ...]) -> list[tuple[float, dict[str, Any]]]:
    """Return each row of a table of `_table`: its epoch, and the other figures by their names."""
    return [(epoch, dict(zip(figures[1:], others, strict=True))) for epoch, *others in table.tolist()]


def _read_only(counts: NDArray[Any]) -> NDArray[np.int64]:
    made = counts.astype(np.int64)
    made.flags.writeable = False
    return made


def _snapshot(weights: list[NDArray[Any]], config: TrainingConfig, dataset: Dataset) -> Snapshot:
    training = TrainingRun(config, dataset)
    training.set_weights(weights)
    with one_blas_thread():  # as they were computed when it was made: two threads round otherwise
        return replace(training.snapshot(), epoch=float(config.epochs))


def _bare(epoch: float, n_classes: int) -> Snapshot:
    return Snapshot(epoch, (), np.empty((n_classes, 0), np.float32))


def _without_weights(final: Evaluation) -> Evaluation:
    return replace(final, snapshot=_bare(final.epoch, len(final.confusion)))
