"""What the table of runs says of each run."""

from collections.abc import Collection, Sequence

from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.figures.runs import run_colour
from explorer.session import SessionRun
from explorer.session.run_names import value_in_words
from explorer.training import FIELDS, TrainingConfig
from explorer.training.config import held_out_of
from explorer.widgets.run_table import RunCell, RunRow
from explorer.wording import ordinal, percent

__all__ = [
    "best_text",
    "column_names",
    "epochs_text",
    "final_accuracy",
    "headings",
    "held_out_accuracy",
    "row",
    "training_seconds",
]

Column = tuple[str, ...]

_ALWAYS = ("hidden_sizes", "batch_size", "learning_rate")
_ELSEWHERE = ("epochs",)  # they have a column of their own
_MOST_OTHERS = 4  # columns, beyond which a table would be cut on a usual screen
_PARENT: Column = ()
_DATASET: Column = ("dataset",)
_TEST: Column = ("test",)
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
    if column in (_PARENT, _DATASET, _TEST):
        return {_PARENT: "Parent", _DATASET: "Data set", _TEST: "Test set"}[column]
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
    final, highest, seconds = final_accuracy(run), run.best, training_seconds(run)
    return RunRow(
        number=run.number,
        colour=run_colour(run.number, theme),
        cells=(
            RunCell(_NONE if final is None else f"{100 * final:.2f} %", -1.0 if final is None else final),
            RunCell(best_text(run), -1.0 if highest is None else highest.test_accuracy),
            RunCell(epochs_text(run), run.epoch, "epochs" in differing),
            RunCell(_NONE if seconds is None else f"{seconds:.1f} s", seconds or 0.0),
            *(
                _parent(run, numbers) if column == _PARENT else _settings_cell(run, column, differing)
                for column in columns
            ),
        ),
        label=run.label,
        name=run.name,
        note=run.note,
        pinned=run.pinned,
        hidden=run.hidden,
        present=is_present,
    )


def final_accuracy(run: SessionRun) -> float | None:
    """Return the held-out accuracy that the run has reached, 0 to 1; None before its first epoch has ended."""
    return None if run.newest is None else run.newest.record.test_accuracy


def best_text(run: SessionRun) -> str:
    """Return the highest held-out accuracy of an epoch's end, and that epoch."""
    record = run.best
    return _NONE if record is None else f"{percent(record.test_accuracy, 2)} at\u00a0{record.epoch}"


def epochs_text(run: SessionRun) -> str:
    """Return how far the run has come, and how it ended if not by itself."""
    done = f"{run.epoch:.2f}".rstrip("0").rstrip(".")
    state = {"finished": "", "idle": ""}.get(run.status, run.status)
    if run.is_stopped_early:
        return f"{done} of {run.epochs_done} · early"
    return f"{done} · {state}" if state else done


def training_seconds(run: SessionRun) -> float | None:
    """Return the seconds that its epochs took, those before a fork included; None before the first has ended."""
    if not len(run.history):
        return None
    return run.first_seconds + sum(record.seconds for record in run.history)


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
    order = float(sum(value)) if name == "hidden_sizes" else None
    if isinstance(value, int | float):
        order = float(value)
    return RunCell(config.text(name), order, differs)


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
