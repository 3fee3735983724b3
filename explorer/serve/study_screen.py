"""What ``nn-explorer study`` shows: a line for each run that ends, on a terminal a bar, and in the end a table."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from explorer.exports.study_table import level_rows, outcome
from explorer.training import FIELDS
from explorer.training.studies import Trial
from explorer.training.studies.cost import Cost
from explorer.training.studies.summary import study_words
from explorer.wording import counted, duration

__all__ = ["StudyScreen"]


class StudyScreen:
    """The lines and the bar of one study, of which `n_kept` runs had ended before and the others have this cost.

    The `axes` are the settings that differ between the runs, besides the seed. The `bar` is a context.
    """

    def __init__(self, cost: Cost, n_kept: int, axes: Sequence[str], console: Console) -> None:
        self._cost, self._n_ended, self._total = cost, n_kept, n_kept + cost.n_trials
        self._axes, self._console = axes, console
        columns = (TextColumn("{task.description}"), BarColumn(), _TimeLeft())
        self._progress = Progress(*columns, console=console, transient=True)
        # In a file or a pipe, also one that is disabled ends in an empty line (rich 13).
        self.bar: AbstractContextManager[object] = self._progress if console.is_terminal else nullcontext()
        self._share, self._started = 0.0, perf_counter()
        self._task = self._progress.add_task(self._ended(), total=1.0, end=self._started + cost.seconds)

    def show(self, trial: Trial) -> None:
        """Show a run that has ended: its line, and how far the study is."""
        self._n_ended += 1
        self._share += self._cost.of(trial.config)
        now = perf_counter()
        end = now + self._cost.seconds_left(self._share, now - self._started)
        self._progress.update(self._task, completed=self._share, description=self._ended(), end=end)
        number = f"{self._n_ended:{len(str(self._total))}} of {self._total}"
        settings = ", ".join(
            f"{FIELDS[name].label.lower()} {trial.config.text(name)}" for name in (*self._axes, "seed")
        )
        self._console.print(f"{number}  {settings}: {outcome(trial)} in {trial.seconds:.2f} s")

    def show_end(self, trials: Sequence[Trial]) -> None:
        """Show the table of all runs that ended, and what can be said of them."""
        rows = level_rows(trials, self._axes)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
        if words := study_words(trials, self._axes):
            lines += ["", words]
        if failed := [trial for trial in trials if not trial.is_settled]:
            lines += ["", f"{counted(len(failed), 'run')} failed; the first: {failed[0].error}"]
        self._console.print("", *lines, sep="\n")

    def _ended(self) -> str:
        return f"{self._n_ended} of {counted(self._total, 'run')}"


class _TimeLeft(ProgressColumn):
    """How long it takes until the time that the task has as its `end`."""

    def render(self, task: Task) -> Text:
        return Text(f"{duration(task.fields['end'] - perf_counter())} left")
