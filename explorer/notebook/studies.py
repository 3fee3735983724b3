"""Studies in a notebook: many runs with a bar that shows the time left, and their results."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter

from IPython import get_ipython
from IPython.display import HTML, display
from rich.progress import track

from explorer.datasets import Dataset, load_dataset, load_mnist
from explorer.exports.study_table import level_rows
from explorer.figures.studies import is_map, study_figure
from explorer.figures.study_axes import StudyMeasure, measure_view
from explorer.notebook.page import Shown, figure, table
from explorer.training import FIELDS, TrainingConfig
from explorer.training.config import held_out_of
from explorer.training.studies import StudyError, Trial, read_journal, study
from explorer.training.studies.cost import Cost, measured_cost
from explorer.training.studies.summary import study_words, varied
from explorer.wording import counted, duration, enumerated

__all__ = ["CompletedStudy", "run_study", "with_progress"]


@dataclass(frozen=True, slots=True, repr=False)
class CompletedStudy:
    """The results of a study; in a notebook it displays how many runs ended.

    Parameters
    ----------
    configs : tuple of TrainingConfig
        The runs that were planned.
    trials : tuple of Trial
        Those that ended, in the order in which they did; fewer if the study was interrupted.
    n_images : int
        Training images of the data set.
    seconds : float
        Wall time of the whole study, in seconds.
    error : str
        Why it stopped early, in one sentence; empty if it didn't, or was interrupted.
    """

    configs: tuple[TrainingConfig, ...]
    trials: tuple[Trial, ...]
    n_images: int
    seconds: float
    error: str = ""

    def __repr__(self) -> str:
        done = f"{len(self.trials)} of {counted(len(self.configs), 'run')} in {self.seconds:.0f} s"
        if self.error:
            done += f"; stopped, finished runs are kept. {self.error}"
        elif len(self.trials) < len(self.configs):
            done += "; interrupted, finished runs are kept"
        lost = (trial for trial in self.trials if trial.status == "failed")
        return "\n".join([done, *dict.fromkeys(f"failed: {trial.error}" for trial in lost)])

    @property
    def axes(self) -> tuple[str, ...]:
        """The settings that differ between the runs, besides the seed."""
        return varied(self.configs)

    @property
    def words(self) -> Shown:
        """What the study says, as far as the seeds can tell."""
        text = study_words(self.trials, self.axes)
        return Shown(f"<p>{text}</p>", text)

    @property
    def table(self) -> Shown:
        """A row for each combination of the settings: accuracies over the seeds, and seconds of a run."""
        head, *rows = level_rows(self.trials, self.axes)
        return table(
            head,
            rows,
            f"{held_out_of(self.configs).capitalize()} accuracy over the seeds, and the median time of a run.",
        )

    def figure(self, measure: StudyMeasure = "accuracy", *axes: str) -> Shown:
        """Return a measure against one setting as curves, or against two as a heat map.

        Parameters
        ----------
        measure : {"accuracy", "time", "updates"}
            Test accuracy at the end, seconds of an epoch, or weight updates in the whole run.
        *axes : str
            One or two settings, by default those that differ. Of two, a choice gets a curve for each.

        Raises
        ------
        ValueError
            If it isn't one setting or two.
        """
        axes = axes or self.axes
        if len(axes) not in (1, 2):
            raise ValueError(
                f"the figure has one or two of the settings {', '.join(self.axes)}; got {len(axes)}"
            )
        by = enumerated([FIELDS[name].label.lower() for name in axes])
        across = f"{measure_view(measure, self.configs).caption}, by {by}"
        band = "" if is_map(axes) else ", with a band from the lowest to the highest"
        drawn = study_figure(self.trials, axes, measure=measure, n_images=self.n_images)
        return figure(drawn, f"{across}: the median over the seeds{band}.")


def run_study(
    configs: Iterable[TrainingConfig],
    dataset: Dataset | str | os.PathLike[str] | None = None,
    *,
    executor: Executor | None = None,
    journal: str | os.PathLike[str] | None = None,
) -> CompletedStudy:
    """Train a network for each config, while a bar shows how far it is; an interruption keeps what has ended.

    The parameters and errors are those of `explorer.training.studies.study`.
    """
    configs, started, trials = tuple(dict.fromkeys(configs)), perf_counter(), list[Trial]()
    if not isinstance(dataset, Dataset):
        dataset = load_mnist() if dataset is None else load_dataset(dataset)
    settled = dict[TrainingConfig, Trial]()
    if journal is not None and Path(journal).expanduser().exists():
        settled = read_journal(journal).settled
    kept = [config for config in configs if config in settled]
    missing = [config for config in configs if config not in settled]
    cost = measured_cost(missing, dataset) if missing else Cost({}, 1, 0.0)
    # The longest first: so no core has to wait for another at the end.
    ordered = [*kept, *sorted(missing, key=cost.of, reverse=True)]
    coming, error = study(ordered, dataset, executor=executor, journal=journal), ""
    try:
        for trial in with_progress(coming, cost, len(kept)):
            trials.append(trial)
    except (KeyboardInterrupt, StudyError) as failure:
        if isinstance(failure, StudyError) and not trials:
            raise
        error = str(failure)
    return CompletedStudy(configs, tuple(trials), len(dataset.train_labels), perf_counter() - started, error)


def with_progress(trials: Iterable[Trial], cost: Cost, n_kept: int = 0) -> Iterator[Trial]:
    """Yield the trials as they come, while a bar shows how many there are, and how long the others take.

    The first `n_kept` had ended before, and are not in the cost.

    In a notebook the bar is an HTML element, not a widget: it also works in a static page made from the notebook.
    """
    if not hasattr(get_ipython(), "kernel"):
        yield from track(trials, description="runs", total=n_kept + cost.n_trials)
        return
    trials, total = iter(trials), n_kept + cost.n_trials
    yield from islice(trials, n_kept)
    started, share = perf_counter(), 0.0
    shown = display(_bar(n_kept, total, cost.seconds), display_id=True)
    for n, trial in enumerate(trials, n_kept + 1):
        share += cost.of(trial.config)
        shown.update(_bar(n, total, cost.seconds_left(share, perf_counter() - started)))
        yield trial


def _bar(n: int, total: int, seconds: float) -> HTML:
    left = f", {duration(seconds)} left" if n < total else ""
    return HTML(
        f"<progress style='width: 60ex' max='{total}' value='{n}'></progress> "
        f"{n} of {counted(total, 'run')}{left}"
    )
