"""A run's records as comma-separated values, one row an epoch."""

import csv
from io import StringIO

from explorer.exports.exported_run import ExportedRun

__all__ = ["COLUMNS", "records_table"]

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
"""The first row: what each column holds, and its unit; with validation images, ``validation`` is for ``test``."""


def records_table(run: ExportedRun) -> str:
    """Return the records as CSV (RFC 4180), all numbers to their last digit.

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
        for epoch in stage.history or ():
            figures = (
                epoch.train_loss,
                epoch.test_loss,
                epoch.train_accuracy,
                epoch.test_accuracy,
                epoch.seconds,
            )
            rows.writerow(
                [epoch.epoch, *(repr(float(figure)) for figure in figures), number, epoch.learning_rate]
            )
    return text.getvalue()
