"""Runs as files: the table of records, the weights, and all formats by name."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.discovery import ExtensionError, Offer, offers
from explorer.exports.exported_run import ExportedRun
from explorer.foreign_files import FileError, explained
from explorer.network.weights_file import load_weights, sizes_of, weights_bytes
from explorer.session.saved_session import SUFFIX
from explorer.training import EpochRecord, History, TrainingConfig
from explorer.training.records import figure_kinds

_FIGURES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "seconds")
COLUMNS = (
    "epoch",
    "train_loss_per_image_during_epoch",
    "test_loss_per_image",
    "train_accuracy_share_during_epoch",
    "test_accuracy_share",
    "wall_seconds",
    "stage",
    "learning_rate",
)
"""The table's header: the content of each column, and its unit; with validation images, ``validation`` replaces
``test``."""


class ExportError(ValueError):
    """Something can't be exported; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that has not been written yet."""

    name: str
    """Its suggested name."""
    content: bytes
    """Its whole content; text is UTF-8."""
    media_type: str
    """Its MIME type: ``"text/csv"``."""


def records_table(run: ExportedRun) -> str:
    """Return the records as CSV (RFC 4180), one row per epoch, all numbers in full precision.

    The columns are

    - ``epoch``: 1 for the first; a fork continues the count of its parent, whose rows come first;
    - ``train_loss_per_image_during_epoch``, ``test_loss_per_image``: the settings' loss, averaged over images;
    - ``train_accuracy_share_during_epoch``, ``test_accuracy_share``: 0 to 1;
    - ``wall_seconds``: duration of the epoch, including scoring the held-out images, 0 if unknown;
    - ``stage``: 1 unless the run is a fork. A fork has its parents' rows up to the fork as stages 1, 2, …, oldest
      first, and its own as the last stage: where the number increases, the settings change, possibly including the
      loss;
    - ``learning_rate``: that of the epoch's last mini-batch, ``nan`` if unknown.

    The figures during an epoch are means over its own passes, each before its update; the test figures are exact
    at its end. If the settings hold out validation images, they are those of these images, and the columns
    are named accordingly. Before the end of the first epoch there is only the header.
    """
    text = StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(column.replace("test", run.config.held_out) for column in COLUMNS)
    for number, stage in enumerate(run.stages, 1):
        for record in stage.history or ():
            figures = (repr(float(getattr(record, name))) for name in _FIGURES)
            rows.writerow([record.epoch, *figures, number, record.learning_rate])
    return text.getvalue()


def weights_archive(run: ExportedRun) -> bytes:
    """Return the moment's weights in the format of `explorer.NeuralNetwork.load` and NumPy, without pickles.

    In addition to ``W1``, ``b1``, ``W2``, … the ``.npz`` file has ``config``, the settings as JSON;
    ``weights_epoch``, the number of epochs that the weights were trained for; and for each figure of `EpochRecord`
    a list over the run's own epochs. Raises `WeightsError` if a weight is infinite or not a number.
    """
    names = ("epoch", *_FIGURES, "learning_rate")
    figures = {name: [getattr(record, name) for record in run.history] for name in names}
    about: dict[str, Any] = {"config": json.dumps(asdict(run.config)), "weights_epoch": run.moment.epoch}
    network = run.network()
    return weights_bytes(network.named(), network.functions, **about, **figures)


def read_archive(path: Path, dataset: Dataset) -> tuple[History, int, Sequence[NDArray[Any]]]:
    """Return the records, the epoch and the weights in a file of `weights_archive`, of a run on `dataset`.

    The records have no confusion matrices. Raises `FileError` for any other file.
    """
    saved = load_weights(path)
    n_inputs, *_, n_classes = sizes_of(saved.weights)
    expected = f"the settings of a run on {dataset.name}, as nn-explorer train --save writes them"
    with explained(path.name, FileError, expected), np.load(path, allow_pickle=False) as archive:
        if (n_inputs, n_classes) != (dataset.n_inputs, dataset.n_classes):
            own = f"{n_inputs} inputs and {n_classes} outputs"
            needed = f"{dataset.n_inputs} and {dataset.n_classes}, as {dataset.name} has"
            raise FileError(path.name, own, needed)
        names = [name for name in figure_kinds(EpochRecord) if name in archive]
        rows = zip(*(archive[name].tolist() for name in names), strict=True)
        blank: dict[str, Any] = {"confusion": np.zeros((n_classes, n_classes), np.int64)}
        records = tuple(EpochRecord(**blank, **dict(zip(names, row, strict=True))) for row in rows)
        history = History(TrainingConfig(**json.loads(str(archive["config"]))), records)
        return history, max(1, round(float(archive["weights_epoch"]))), [*saved.weights.values()]


def kinds() -> Mapping[str, Offer]:
    """Return the formats, each an `explorer.extension.Export`, by name, in the order of the menu."""
    return {offer.what.name: offer for offer in offers("exports")}


def export(kind: str, run: ExportedRun) -> ExportedFile:
    """Return the run as a file of one of `kinds`.

    Raises `ExportError` for any other kind, and `WeightsError` if a weight to write is infinite or not a number.
    """
    if (offer := kinds().get(kind)) is None:
        raise ExportError(f"kind is {kind!r}; expected one of {', '.join(kinds())}")
    try:
        made: str | bytes = offer.call(offer.what.write, run)
        with offer.explaining_errors():
            content = made.encode() if isinstance(made, str) else bytes(memoryview(made))
    except ExtensionError as error:
        raise ExportError(str(error)) from error
    return ExportedFile(run.file_name(offer.what.suffix), content, offer.what.media_type)


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return the file format that a path's suffix selects; `ExportError` if no format has it."""
    suffix = Path(path).suffix.lower()
    known = [offer.what for offer in kinds().values()]
    for kind in known:
        if kind.suffix == suffix:
            return str(kind.name)
    expected = ", ".join(f"{kind.suffix} ({kind.label})" for kind in known)
    expected += f", {SUFFIX} (all runs)"
    raise ExportError(f"{Path(path).name} has an unknown ending; expected one of {expected}")
