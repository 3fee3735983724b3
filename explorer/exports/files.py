"""The kinds of file that a run can be exported as: what each is called, and who makes it."""

import csv
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from types import MappingProxyType

from explorer.exports.exported_run import ExportedRun
from explorer.exports.script import training_script
from explorer.network.weights_file import weights_bytes
from explorer.session.saved_session import SUFFIX

__all__ = ["COLUMNS", "KINDS", "ExportError", "ExportedFile", "export", "kind_of", "records_table"]

_FIGURES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "seconds")
COLUMNS = (
    "epoch",
    "train_loss_per_image",
    "test_loss_per_image",
    "train_accuracy_share",
    "test_accuracy_share",
    "wall_seconds",
    "stage",
    "learning_rate",
)
"""The table's first row: what each column holds, and its unit; with validation images, ``validation`` is for
``test``."""


class ExportError(ValueError):
    """Something can't be exported; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that is not written yet."""

    name: str
    """What it should be called."""
    content: bytes
    """All of it; text is UTF-8."""
    media_type: str
    """For a browser: ``"text/csv"``."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file: its name on screen, how its files' names end, their type for a browser, and its maker."""

    words: str
    suffix: str
    media_type: str
    make: Callable[[ExportedRun], str | bytes]


def records_table(run: ExportedRun) -> str:
    """Return the records as CSV (RFC 4180), one row an epoch, all numbers to their last digit.

    The columns are

    - ``epoch``: 1 for the first; a fork goes on from its parent's, whose rows stand before its own;
    - ``train_loss_per_image``, ``test_loss_per_image``: the loss that the settings name, a mean over images;
    - ``train_accuracy_share``, ``test_accuracy_share``: 0 to 1;
    - ``wall_seconds``: time of the epoch, scoring the held-out images included;
    - ``stage``: 1 in a run of its own. A fork has its parents' rows up to the fork as stage 1, 2, …, the first
      the run that was forked from first, and its own as the last stage: where the number grows, the settings
      change, maybe the loss;
    - ``learning_rate``: that of the epoch's last mini-batch, ``nan`` where it is not known.

    The train figures are means over the epoch's own passes, each before its update; the test figures are exact
    at the epoch's end, and those of the validation images where the settings hold some out: then the columns are
    called after these. Before the first epoch has ended there is the first row alone.
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
    """Return the moment's weights as `explorer.NeuralNetwork.load` and NumPy read them, without pickles.

    Besides ``W1``, ``b1``, ``W2``, … the ``.npz`` file holds ``config``, the settings as JSON; ``weights_epoch``,
    the epochs that the weights were trained for; and for each figure of `EpochRecord` a list over the run's own
    epochs.

    Raises
    ------
    WeightsError
        If a weight is infinite or not a number.
    """
    names = ("epoch", *_FIGURES, "learning_rate")
    figures = {name: [getattr(record, name) for record in run.history] for name in names}
    config, network = json.dumps(asdict(run.config)), run.network()
    return weights_bytes(
        network.named(), network.functions, config=config, weights_epoch=run.moment.epoch, **figures
    )


def _report(run: ExportedRun) -> str:
    # Imported by its first use: it needs all of Plotly, which the command has no other use for.
    from explorer.exports.report import report

    return report(run)


KINDS: Mapping[str, FileKind] = MappingProxyType(
    {
        "report": FileKind("Report (HTML)", ".html", "text/html", _report),
        "script": FileKind("Python script", ".py", "text/x-python", training_script),
        "csv": FileKind("Records (CSV)", ".csv", "text/csv", records_table),
        "weights": FileKind("Weights (NumPy)", ".npz", "application/octet-stream", weights_archive),
    }
)
"""The kinds by their names in Python, in the order of the menu."""


def export(kind: str, run: ExportedRun) -> ExportedFile:
    """Return the run as a file of one of `KINDS`.

    Raises
    ------
    ExportError
        If there is no such kind.
    WeightsError
        If it is of weights, and one is infinite or not a number.
    """
    if kind not in KINDS:
        raise ExportError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    made = KINDS[kind].make(run)
    content = made.encode() if isinstance(made, str) else made
    return ExportedFile(run.file_name(KINDS[kind].suffix), content, KINDS[kind].media_type)


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return the kind of file that a path names by its ending.

    Raises
    ------
    ExportError
        If no kind ends so.
    """
    suffix = Path(path).suffix.lower()
    for name, kind in KINDS.items():
        if kind.suffix == suffix:
            return name
    expected = ", ".join(f"{kind.suffix} ({kind.words})" for kind in KINDS.values())
    expected += f", {SUFFIX} (all runs)"
    raise ExportError(f"{Path(path).name} has an unknown ending; expected one of {expected}")
