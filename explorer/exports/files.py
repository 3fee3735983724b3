"""Runs as files: the table of records, the weights, and all formats by name."""

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from explorer.discovery import ExtensionError, Offer, offers
from explorer.exports.exported_run import ExportedRun
from explorer.network.weights_file import weights_bytes
from explorer.session.saved_session import SUFFIX

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

    The losses are those of the settings. The figures during an epoch are means over its own passes, each before
    its update; the test figures are exact at its end, and those of the validation images if some are held out.
    The seconds, with the scoring of held-out images, are 0 if unknown; the learning rate is that of the epoch's
    last mini-batch, or ``nan``. A fork's rows follow its parents' up to the fork, with the last ``stage``: where
    that increases, settings change, possibly the loss. Before the end of the first epoch there is only the header.
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
    known = {offer.what.suffix: offer.what for offer in kinds().values()}
    if kind := known.get(Path(path).suffix.lower()):
        return str(kind.name)
    expected = ", ".join(
        [*(f"{suffix} ({kind.label})" for suffix, kind in known.items()), f"{SUFFIX} (all runs)"]
    )
    raise ExportError(f"{Path(path).name} has an unknown ending; expected one of {expected}")
