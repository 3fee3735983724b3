"""What the table of runs says of each run."""

from collections.abc import Collection, Sequence
from types import MappingProxyType

from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.figures.runs import run_colour
from explorer.session import SessionRun
from explorer.session.run_names import value_in_words
from explorer.training import FIELDS, TrainingConfig
from explorer.training.config import held_out_of
from explorer.widgets.run_table import RunCell, RunRow
from explorer.wording import ordinal, percent

__all__ = ["column_names", "headings", "held_out_accuracy", "result_cells", "row", "test_cell"]

Column = tuple[str, ...]

_ALWAYS = ("hidden_sizes", "batch_size", "learning_rate")
_ELSEWHERE = ("epochs",)  # they have a column of their own
_MOST_OTHERS = 4  # columns, beyond which a table would be cut on a usual screen
_PARENT: Column = ()
_DATASET: Column = ("dataset",)
_TEST: Column = ("test",)
_HEADINGS = MappingProxyType({_PARENT: "Parent", _DATASET: "Data set", _TEST: "Test set"})
_NONE = "–"


def column_names(runs: Sequence[SessionRun]) -> tuple[Column, ...]:
    """Return the columns after the results, each by the names of its settings.

    They are the three settings that are moved most, and those that any two runs differ in, which share a column
    where they are many. Before them come the test set where it was opened, and the data set where there are
    several; where there is a fork, the last is its parent's, with no setting.
    """
    usual = [name for name in FIELDS if name in _ALWAYS]
    others = tuple(
        name
        for name in FIELDS
        if name not in (*_ALWAYS, *_ELSEWHERE) and len({getattr(run.config, name) for run in runs}) > 1
    )
    tests = [_TEST] if any(run.test is not None for run in runs) else []
    datasets = [_DATASET] if len({run.dataset.name for run in runs}) > 1 else []
    shared = [others] if len(others) > _MOST_OTHERS else [(name,) for name in others]
    forks = [_PARENT] if any(run.parent is not None for run in runs) else []
    return (*tests, *datasets, *((name,) for name in usual), *shared, *forks)


def held_out_accuracy(runs: Sequence[SessionRun]) -> str:
    """Return what the accuracy of runs is called, which may be on images of two kinds."""
    return f"{held_out_of(run.config for run in runs).capitalize()} accuracy"


def headings(columns: Sequence[Column], runs: Sequence[SessionRun]) -> list[str]:
    """Return the words over the cells of `row`, for a table of these runs."""
    return [held_out_accuracy(runs), "Best", "Epochs", "Time", *map(_heading, columns)]


def _heading(column: Column) -> str:
    if column in _HEADINGS:
        return _HEADINGS[column]
    return FIELDS[column[0]].label if len(column) == 1 else "Other settings"


def row(
    run: SessionRun,
    columns: Sequence[Column],
    present: TrainingConfig,
    dataset: Dataset,
    numbers: Collection[int],
    theme: Theme,
    *,
    is_present: bool,
) -> RunRow:
    """Return a run's row.

    Parameters
    ----------
    present : TrainingConfig
        The settings that others are compared with.
    numbers : collection of int
        Numbers of all runs that are there: a parent may not be.
    is_present : bool
        Whether it is the run that the other tabs show.
    """
    differing = {*present.differences(run.config)}
    if not run.dataset.compares_with(dataset):
        differing.add("dataset")
    settings = (
        _parent(run, numbers) if column == _PARENT else _settings_cell(run, column, differing)
        for column in columns
    )
    return RunRow(
        number=run.number,
        colour=run_colour(run.number, theme),
        cells=(*result_cells(run, epochs_differ="epochs" in differing), *settings),
        label=run.label,
        name=run.name,
        note=run.note,
        pinned=run.pinned,
        hidden=run.hidden,
        present=is_present,
    )


def result_cells(
    run: SessionRun, *, epochs_differ: bool = False
) -> tuple[RunCell, RunCell, RunCell, RunCell]:
    """Return the held-out accuracy that a run has reached, its best, its epochs, and the seconds they took."""
    final = best = RunCell(_NONE, -1.0)
    if run.newest is not None:
        accuracy = run.newest.record.test_accuracy
        final = RunCell(f"{100 * accuracy:.2f} %", accuracy)
    if run.best is not None:
        at = f"{percent(run.best.test_accuracy, 2)} at\u00a0{run.best.epoch}"
        best = RunCell(at, run.best.test_accuracy)
    seconds = run.first_seconds + sum(
        record.seconds for record in run.history
    )  # those before a fork included
    time = RunCell(f"{seconds:.1f} s", seconds) if len(run.history) else RunCell(_NONE, 0.0)
    return final, best, RunCell(_epochs(run), run.epoch, epochs_differ), time


def _epochs(run: SessionRun) -> str:
    """Return how far a run has come, and how it ended if not by itself."""
    done = f"{run.epoch:.2f}".rstrip("0").rstrip(".")
    if run.history.restored is not None:
        return f"{done} of {run.epochs_done} · {'early' if run.history.is_stopped_early else 'best'}"
    return done if run.status in ("finished", "idle") else f"{done} · {run.status}"


def _settings_cell(run: SessionRun, names: Column, differing: Collection[str]) -> RunCell:
    config, differs = run.config, any(name in differing for name in names)
    if names == _TEST:
        return test_cell(run)
    if names == _DATASET:
        return RunCell(run.dataset.name, None, differs)
    if len(names) > 1:
        used = [name for name in names if name == "seed" or getattr(config, name) not in (0, ())]
        return RunCell(", ".join(_spelt(config, name) for name in used), differs=differs)
    (name,) = names
    value = getattr(config, name)
    size = sum(value) if name == "hidden_sizes" else value
    return RunCell(config.text(name), float(size) if isinstance(size, int | float) else None, differs)


def test_cell(run: SessionRun) -> RunCell:
    """Return the accuracy on the test set, where it was opened; ``"(2nd)"`` if it was no longer unseen."""
    if run.test is None:
        return RunCell(_NONE if run.held_out == "test" else "closed", -1.0)
    again = f" ({ordinal(run.test.number)})" if run.test.number > 1 else ""
    return RunCell(percent(run.test.accuracy, 2) + again, run.test.accuracy)


def _spelt(config: TrainingConfig, name: str) -> str:
    """Return a setting so that it is known without a heading: ``"relu"``, ``"by mean"``, ``"seed 3"``."""
    words = {"reduction": "by {}", "n_train": "{} images"}.get(name)
    return value_in_words(config, name) if words is None else words.format(config.text(name))


def _parent(run: SessionRun, numbers: Collection[int]) -> RunCell:
    if run.parent is None:
        return RunCell(_NONE, 0.0)
    number = run.parent.number
    gone = "" if number in numbers else " (deleted)"
    return RunCell(f"{number} at {run.first_epoch}{gone}", float(number))
