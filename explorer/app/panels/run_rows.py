"""The content of the table of runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.figures.runs import run_colour
from explorer.session import SessionRun
from explorer.session.run_names import setting_in_words
from explorer.training import FIELDS, TrainingConfig
from explorer.training.config import held_out_of
from explorer.widgets.run_table import RunCell, RunRow
from explorer.wording import ordinal, percent

_ELSEWHERE = ("epochs",)  # shown in a column of its own
_MOST_SETTINGS = 4  # columns that fit on a usual screen
_PARENT, _DATASET, _TEST = "parent", "dataset", "test"
_HEADINGS = MappingProxyType({_PARENT: "Parent", _DATASET: "Data set", _TEST: "Test set"})
_NONE = "–"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns and chips of a table of runs after the results."""

    names: tuple[str, ...]
    """One column each: the test set, the data set, the parent of a fork, or a setting."""
    chips: tuple[str, ...] = ()
    """Settings that share a line below each run."""


def columns_of(runs: Sequence[SessionRun]) -> Columns:
    """Return the settings in which any two runs differ: as columns if they are few, otherwise as chips.

    The test set, if it was opened, and the data set, if there are several, precede them; the parent, if there is a
    fork, comes last.
    """
    varied = tuple(
        name
        for name in FIELDS
        if name not in _ELSEWHERE and len({getattr(run.config, name) for run in runs}) > 1
    )
    tests = [_TEST] if any(run.test is not None for run in runs) else []
    datasets = [_DATASET] if len({run.dataset.name for run in runs}) > 1 else []
    forks = [_PARENT] if any(run.parent is not None for run in runs) else []
    if len(varied) > _MOST_SETTINGS:
        return Columns((*tests, *datasets, *forks), varied)
    return Columns((*tests, *datasets, *varied, *forks))


def held_out_accuracy(runs: Sequence[SessionRun]) -> str:
    """Return the label of the runs' accuracy, which may be on images of two kinds."""
    return f"{held_out_of(run.config for run in runs).capitalize()} accuracy"


def headings(columns: Columns, runs: Sequence[SessionRun]) -> list[str]:
    """Return the headings for the cells of `row`, for a table of these runs."""
    after = (_HEADINGS[name] if name in _HEADINGS else FIELDS[name].label for name in columns.names)
    return [held_out_accuracy(runs), "Best", "Epochs", "Time", *after]


def row(
    run: SessionRun,
    columns: Columns,
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
        The settings to compare with.
    numbers : collection of int
        Numbers of all existing runs; a parent may be missing.
    is_present : bool
        Whether it is the run in the other tabs. Its chips are all of `columns`; those of other runs show what
        differs from it.
    """
    differing = {*present.differences(run.config)}
    if not run.dataset.compares_with(dataset):
        differing.add(_DATASET)
    settings = (
        _parent(run, numbers) if name == _PARENT else _cell(run, name, differing) for name in columns.names
    )
    chips = (name for name in columns.chips if is_present or name in differing)
    return RunRow(
        number=run.number,
        colour=run_colour(run.number, theme),
        cells=(*result_cells(run, epochs_differ="epochs" in differing), *settings),
        chips=tuple(setting_in_words(run.config, name) for name in chips if _is_used(run.config, name)),
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
    """Return a run's held-out accuracy, its best, its epochs, and the seconds they took."""
    final = best = RunCell(_NONE, -1.0)
    if run.newest is not None:
        accuracy = run.newest.record.test_accuracy
        final = RunCell(f"{100 * accuracy:.2f} %", accuracy)
    if run.best is not None:
        at = f"{percent(run.best.test_accuracy, 2)} at\u00a0{run.best.epoch:.4g}"
        best = RunCell(at, run.best.test_accuracy)
    seconds = run.first_seconds + sum(
        record.seconds for record in run.history
    )  # those before a fork included
    time = RunCell(f"{seconds:.1f} s", seconds) if len(run.history) else RunCell(_NONE, 0.0)
    return final, best, RunCell(_epochs(run), run.epoch, epochs_differ), time


def _epochs(run: SessionRun) -> str:
    """Return the number of epochs done, and how the run ended unless it finished."""
    done = f"{run.epoch:.2f}".rstrip("0").rstrip(".")
    if run.history.restored is not None:
        return f"{done} of {run.epochs_done} · {'early' if run.history.is_stopped_early else 'best'}"
    return done if run.status in ("finished", "idle") else f"{done} · {run.status}"


def _cell(run: SessionRun, name: str, differing: Collection[str]) -> RunCell:
    config, differs = run.config, name in differing
    if name == _TEST:
        return test_cell(run)
    if name == _DATASET:
        return RunCell(run.dataset.name, None, differs)
    value = getattr(config, name)
    size = sum(value) if name == "hidden_sizes" else value
    return RunCell(config.text(name), float(size) if isinstance(size, int | float) else None, differs)


def _is_used(config: TrainingConfig, name: str) -> bool:
    return name == "seed" or getattr(config, name) not in (0, ())


def test_cell(run: SessionRun) -> RunCell:
    """Return the accuracy on the test set, if it was opened; ``"(2nd)"`` if it was no longer unseen."""
    if run.test is None:
        return RunCell(_NONE if run.held_out == "test" else "closed", -1.0)
    again = f" ({ordinal(run.test.number)})" if run.test.number > 1 else ""
    return RunCell(percent(run.test.accuracy, 2) + again, run.test.accuracy)


def _parent(run: SessionRun, numbers: Collection[int]) -> RunCell:
    if run.parent is None:
        return RunCell(_NONE, 0.0)
    number = run.parent.number
    gone = "" if number in numbers else " (deleted)"
    return RunCell(f"{number} at {run.first_epoch}{gone}", float(number))
