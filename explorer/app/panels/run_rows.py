"""What the table of runs says of each run."""

from collections.abc import Collection, Sequence

from explorer.figures.palette import Theme
from explorer.figures.runs import run_colour
from explorer.session import SessionRun
from explorer.training import FIELDS, TrainingConfig
from explorer.widgets.run_table import RunCell, RunRow

__all__ = [
    "best_text",
    "column_names",
    "epochs_text",
    "final_accuracy",
    "headings",
    "row",
    "training_seconds",
]

_ALWAYS = ("hidden_sizes", "batch_size", "learning_rate")
_ELSEWHERE = ("epochs", "seed")  # they have columns of their own
_NONE = "–"


def column_names(configs: Sequence[TrainingConfig]) -> tuple[str, ...]:
    """Return the settings that have a column: the three that are moved most, and those that any two differ in."""
    return tuple(
        name
        for name in FIELDS
        if name not in _ELSEWHERE
        and (name in _ALWAYS or len({getattr(config, name) for config in configs}) > 1)
    )


def headings(names: Sequence[str]) -> list[str]:
    """Return the words over the cells of `row`."""
    settings = [FIELDS[name].label for name in names]
    return ["Test accuracy", "Best", "Epochs", "Time", *settings, "Seed", "Parent"]


def row(
    run: SessionRun,
    names: Sequence[str],
    present: TrainingConfig,
    numbers: Collection[int],
    theme: Theme,
    *,
    is_present: bool,
) -> RunRow:
    """Return a run's row.

    Parameters
    ----------
    run : SessionRun
        The run.
    names : sequence of str
        The settings that have a column.
    present : TrainingConfig
        The settings that others are compared with.
    numbers : collection of int
        Numbers of all runs that are there: a parent may not be.
    theme : {"light", "dark"}
        Colours.
    is_present : bool
        Whether it is the run that the other tabs show.
    """
    differing = set(present.differences(run.config))
    final, highest, seconds = final_accuracy(run), run.best, training_seconds(run)
    return RunRow(
        number=run.number,
        colour=run_colour(run.number, theme),
        cells=(
            RunCell(_NONE if final is None else f"{100 * final:.2f} %", -1.0 if final is None else final),
            RunCell(best_text(run), -1.0 if highest is None else highest.test_accuracy),
            RunCell(epochs_text(run), run.epoch, "epochs" in differing),
            RunCell(_NONE if seconds is None else f"{seconds:.1f} s", seconds or 0.0),
            *(_setting_cell(run.config, name, name in differing) for name in names),
            RunCell(str(run.config.seed), float(run.config.seed), "seed" in differing),
            _parent(run, numbers),
        ),
        name=run.name,
        note=run.note,
        pinned=run.pinned,
        hidden=run.hidden,
        present=is_present,
    )


def final_accuracy(run: SessionRun) -> float | None:
    """Return the test accuracy that the run has reached, 0 to 1; None before its first epoch has ended."""
    return None if run.newest is None else run.newest.record.test_accuracy


def best_text(run: SessionRun) -> str:
    """Return the highest test accuracy of an epoch's end, and that epoch."""
    record = run.best
    return _NONE if record is None else f"{100 * record.test_accuracy:.2f} % at {record.epoch}"


def epochs_text(run: SessionRun) -> str:
    """Return how far the run has come, and how it ended if not by itself."""
    done = f"{run.epoch:.2f}".rstrip("0").rstrip(".")
    state = {"finished": "", "idle": ""}.get(run.status, run.status)
    return f"{done} · {state}" if state else done


def training_seconds(run: SessionRun) -> float | None:
    """Return the seconds that its epochs took, those before a fork included; None before the first has ended."""
    if not len(run.history):
        return None
    return run.first_seconds + sum(record.seconds for record in run.history)


def _setting_cell(config: TrainingConfig, name: str, differs: bool) -> RunCell:
    value = getattr(config, name)
    order = float(sum(value)) if name == "hidden_sizes" else None
    if isinstance(value, int | float):
        order = float(value)
    return RunCell(config.text(name), order, differs)


def _parent(run: SessionRun, numbers: Collection[int]) -> RunCell:
    if run.parent is None:
        return RunCell(_NONE, 0.0)
    number = run.parent.number
    gone = "" if number in numbers else " (deleted)"
    return RunCell(f"{number} at {run.first_epoch}{gone}", float(number))
