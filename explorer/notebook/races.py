"""A race in a notebook: a table that follows it, and its curves."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from IPython import get_ipython
from IPython.display import display

from explorer.datasets import Dataset, load_dataset, load_mnist
from explorer.figures.axes import Metric
from explorer.figures.runs import Axis, RunCurve, runs_figure
from explorer.notebook.page import Shown, figure, table
from explorer.session.run_names import entry_labels
from explorer.training import History, TrainingConfig, race
from explorer.training.config import held_out_of
from explorer.training.races import RACES
from explorer.wording import percent

__all__ = ["RaceResult", "run_race"]


@dataclass(frozen=True, slots=True, repr=False)
class RaceResult:
    """A race as far as it has come; in a notebook it displays its table.

    Parameters
    ----------
    histories : tuple of History
        The records of each entry, in the order of the entries.
    n_images : int
        Training images of the data set.
    """

    histories: tuple[History, ...]
    n_images: int

    def __repr__(self) -> str:
        return self.table.text

    def _repr_html_(self) -> str:
        return self.table.html

    @property
    def labels(self) -> list[str]:
        """What sets each entry apart."""
        return entry_labels([history.config for history in self.histories])

    @property
    def table(self) -> Shown:
        """A row for each entry: its accuracy, the best on the way, its epochs and its seconds of training."""
        rows = [_row(*entry) for entry in zip(self.labels, self.histories, strict=True)]
        head = ["Entry", f"{self._held_out} accuracy", "Best", "Epochs", "Time"]
        return table(head, rows, "A race: the same start, and the seconds that each trained by itself.")

    def figure(self, metric: Metric = "accuracy", axis: Axis = "epochs") -> Shown:
        """Return the curves of all entries.

        Parameters
        ----------
        metric : {"accuracy", "loss"}
            Accuracy in percent, or loss per image, over the held-out images.
        axis : {"epochs", "steps", "seconds"}
            What the x axis counts.
        """
        curves = [
            RunCurve(
                number,
                label,
                history.epochs,
                self._steps_at_ends(history.config),
                history.config.loss_terms,
                held_out=history.config.held_out,
            )
            for number, (label, history) in enumerate(zip(self.labels, self.histories, strict=True), 1)
        ]
        words = f"{self._held_out} {metric} over the {axis}, a curve for each entry."
        return figure(runs_figure(curves, metric, axis), words)

    @property
    def _held_out(self) -> str:
        return held_out_of(history.config for history in self.histories).capitalize()

    def _steps_at_ends(self, config: TrainingConfig) -> tuple[int, ...]:
        return config.steps_at_ends((config.n_train or self.n_images) - config.n_validation)


def run_race(
    entries: Sequence[TrainingConfig] | str,
    dataset: Dataset | str | os.PathLike[str] | None = None,
    *,
    config: TrainingConfig | None = None,
) -> RaceResult:
    """Train several networks at once while a table follows them; an interruption keeps what was done.

    Parameters
    ----------
    entries : sequence of TrainingConfig or str
        Two to six settings, or the name of a race as in the app: ``"Optimizers"``.
    dataset : Dataset or path, optional
        The images; without it, MNIST.
    config : TrainingConfig, optional
        The settings that a race by name begins with; without it, the exercise's.

    Raises
    ------
    KeyError
        If there is no race of that name.
    RaceError, ConfigError
        As `explorer.training.race` does.
    """
    if not isinstance(dataset, Dataset):
        dataset = load_mnist() if dataset is None else load_dataset(dataset)
    n_images = len(dataset.train_labels)
    if isinstance(entries, str):
        entries = RACES[entries](config or TrainingConfig(), n_images)
    found = {entry: History(entry) for entry in entries}
    result = RaceResult(tuple(found.values()), n_images)
    shown = display(result, display_id=True) if hasattr(get_ipython(), "kernel") else None
    try:
        for history in race(entries, dataset):
            found[history.config] = history
            result = replace(result, histories=tuple(found.values()))
            if shown is not None:
                shown.update(result)
    except KeyboardInterrupt:
        return result
    return result


def _row(label: str, history: History) -> list[str]:
    end, last, best = history.end, history.last, history.best
    if last is None or best is None:
        return [label, "failed" if end else "–", "–", "0", "–"]
    reached = last if end is None or end.final is None else end.final
    accuracy = "failed" if end is not None and end.status == "failed" else percent(reached.test_accuracy, 2)
    seconds = sum(record.seconds for record in history)
    best_words = f"{percent(best.test_accuracy, 2)} at {best.epoch}"
    return [label, accuracy, best_words, str(len(history)), f"{seconds:.1f} s"]
