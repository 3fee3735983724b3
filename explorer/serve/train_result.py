"""What ``nn-explorer train`` leaves behind: a run that has ended, as JSON and for the exports."""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from explorer.datasets import Dataset
from explorer.exports.exported_run import ExportedRun
from explorer.exports.files import ExportError
from explorer.training import History, Moment, RunEnd, Snapshot

__all__ = ["TrainResult"]

_EPOCH_FIGURES = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "seconds")
_FINAL_FIGURES = ("epoch", "step", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "confusion")


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A run that has ended.

    Parameters
    ----------
    end : RunEnd
        Its last word.
    history : History
        Its records, and its settings.
    snapshot : Snapshot or None
        Its last weights that are numbers; None if it failed in its first epoch.
    """

    end: RunEnd
    history: History
    snapshot: Snapshot | None

    def to_json(self, dataset: Dataset) -> str:
        """Return one JSON object on one line; what is infinite or not a number is null there."""
        final = self.end.final
        content = {
            "config": asdict(self.history.config),
            "query": self.history.config.to_query(),
            "dataset": {
                "name": dataset.name,
                "n_train": len(dataset.train_labels),
                "n_test": len(dataset.test_labels),
                "class_names": dataset.class_names,
            },
            "status": self.end.status,
            "reason": self.end.reason,
            "epochs": [_figures(record, _EPOCH_FIGURES) for record in self.history],
            "final": None if final is None else _figures(final, _FINAL_FIGURES),
        }
        return json.dumps(content, allow_nan=False)

    def exported(self, dataset: Dataset) -> ExportedRun:
        """Return the run as the exports see it.

        Parameters
        ----------
        dataset : Dataset
            The whole data set.

        Raises
        ------
        ExportError
            If no epoch has ended.
        """
        record = self.end.final or self.history.last
        if record is None or self.snapshot is None:
            raise ExportError("nothing is saved, for no epoch has ended")
        moment = Moment(record, self.snapshot)
        sizes = (dataset.n_inputs, *self.history.config.hidden_sizes, dataset.n_classes)
        title = f"{'-'.join(str(size) for size in sizes)} on {dataset.name}"
        return ExportedRun(title, dataset, self.history, moment, moment)


def _figures(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(record, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    return value.tolist()
