"""What ``nn-explorer train`` gives: a run that has ended, as JSON and for the exports."""

import json
import math
from dataclasses import asdict
from typing import Any

from explorer.datasets import Dataset
from explorer.exports.exported_run import ExportedRun
from explorer.exports.files import ExportError
from explorer.session.run_names import run_label
from explorer.training import CompletedRun, FinalTest, Moment

__all__ = ["as_json", "exported_result"]

_FIGURES = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy")
_EPOCH_FIGURES = (*_FIGURES, "seconds", "learning_rate")
_FINAL_FIGURES = (*_FIGURES, "step", "confusion")


def as_json(run: CompletedRun, dataset: Dataset, test: FinalTest | None = None) -> str:
    """Return a run on the images that it used as one line of JSON; what is infinite or not a number is null.

    `test` is what it came to on the test set, where that was opened. Where images are held out for validation,
    all other figures of that name are theirs.
    """
    final = run.end.final
    content = {
        "config": asdict(run.config),
        "query": run.config.to_query(),
        "dataset": {
            "name": dataset.name,
            "n_train": len(dataset.train_labels),
            f"n_{dataset.held_out}": len(dataset.test_labels),
            "class_names": dataset.class_names,
        },
        "status": run.end.status,
        "reason": run.end.reason,
        "epochs": [_figures(record, _EPOCH_FIGURES) for record in run.history],
        "test": test and {"loss": test.loss, "accuracy": test.accuracy, "n_images": test.n_images},
        "final": None if final is None else _figures(final, _FINAL_FIGURES),
    }
    return json.dumps(content, allow_nan=False, default=lambda counts: counts.tolist())


def exported_result(run: CompletedRun, dataset: Dataset) -> ExportedRun:
    """Return a run on a data set, the whole of it, as the exports see it.

    Raises
    ------
    ExportError
        If no epoch has ended.
    """
    record = run.end.final or run.history.last
    if record is None or run.snapshot is None:
        raise ExportError("nothing is saved, for no epoch has ended")
    moment = Moment(record, run.snapshot)
    label = run_label(run.config)
    return ExportedRun(label[:1].upper() + label[1:], dataset, run.history, moment, moment)


def _figures(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in names}
    return {n: None if isinstance(v, float) and not math.isfinite(v) else v for n, v in values.items()}
