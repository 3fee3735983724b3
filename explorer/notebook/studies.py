"""Runs in a notebook: one, or a study with a progress bar and the time left."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from IPython import get_ipython
from IPython.display import HTML, display
from numpy.typing import NDArray
from rich.progress import track

from explorer.datasets import Dataset, load_dataset, load_mnist
from explorer.figures.studies import StudyMeasure, StudyView, study_figure
from explorer.network import NeuralNetwork
from explorer.notebook.page import Shown, figure, table
from explorer.training import FIELDS, Evaluation, History, TrainingConfig, TrainingRun, complete
from explorer.training.config import held_out_of
from explorer.training.studies import StudyError, Trial, read_journal, study
from explorer.training.studies.configs import Cost, measured_cost
from explorer.training.studies.summary import level_rows, study_words, varied
from explorer.wording import counted, duration, enumerated


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trained:
    """A finished run, which in a notebook displays how good its network is."""

    network: NeuralNetwork
    history: History
    final: Evaluation

    def __repr__(self) -> str:
        on_train, on_test = 100 * self.final.train_accuracy, 100 * self.final.test_accuracy
        after, held_out = counted(len(self.history), "epoch"), self.history.config.held_out
        accuracies = f"train accuracy {on_train:.2f} %, {held_out} accuracy {on_test:.2f} %"
        return f"{self.network!r} after {after}: {accuracies}"

    @property
    def outputs(self) -> NDArray[np.floating[Any]]:
        """Outputs for the test images, or the validation images instead, shape (n_classes, n)."""
        return self.final.snapshot.test_outputs


def trained(config: TrainingConfig | None = None, dataset: Dataset | None = None) -> Trained:
    """Train a network, by default the exercise's on MNIST; DivergedError if the loss is no longer a number."""
    history = complete(run := TrainingRun(config or TrainingConfig(), dataset or load_mnist()))
    assert history.end is not None
    if history.end.final is None:
        raise history.end.error or AssertionError
    return Trained(run.network, history, history.end.final)


@dataclass(frozen=True, slots=True, repr=False)
class CompletedStudy:
    """The results of a study; in a notebook it displays how many runs ended."""

    configs: tuple[TrainingConfig, ...]
    """The planned runs."""
    trials: tuple[Trial, ...]
    """The runs that ended, in order of completion; fewer if the study was interrupted."""
    n_images: int
    """Training images of the data set."""
    seconds: float
    """Wall time of the whole study, in seconds."""
    error: str = ""
    """Why it stopped early, in one sentence; empty if it didn't, or was interrupted."""

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
        """The settings that differ between the runs, except the seed."""
        return varied(self.configs)

    @property
    def words(self) -> Shown:
        """The study's conclusions, as far as the seeds allow any."""
        text = study_words(self.trials, self.axes)
        return Shown(f"<p>{text}</p>", text)

    @property
    def table(self) -> Shown:
        """A row for each combination of the settings: accuracies over the seeds, and seconds per run."""
        head, *rows = level_rows(self.trials, self.axes)
        held_out = held_out_of(self.configs).capitalize()
        return table(head, rows, f"{held_out} accuracy over the seeds, and the median time of a run.")

    def figure(self, measure: StudyMeasure = "accuracy", *axes: str) -> Shown:
        """Return a measure against one setting as curves, or against two as a heat map.

        By default the `axes` are the settings that differ. Of two, a choice gets one curve per value. Raises
        ValueError if the number of settings isn't one or two.
        """
        axes = axes or self.axes
        if len(axes) not in (1, 2):
            known = ", ".join(self.axes)
            raise ValueError(f"the figure has one or two of the settings {known}; got {len(axes)}")
        view = StudyView(self.trials, axes, measure, self.configs, self.n_images)
        by = enumerated([FIELDS[name].label.lower() for name in axes])
        band = "" if view.is_map else ", with a band from the lowest to the highest"
        words = f"{view.measured.caption}, by {by}: the median over the seeds{band}."
        return figure(study_figure(view), words)


def run_study(
    configs: Iterable[TrainingConfig],
    dataset: Dataset | str | os.PathLike[str] | None = None,
    *,
    executor: Executor | None = None,
    journal: str | os.PathLike[str] | None = None,
) -> CompletedStudy:
    """Train a network for each config, with a progress bar; after an interruption, finished runs are kept.

    The parameters and errors are those of `explorer.training.studies.study`.
    """
    configs, started, trials = tuple(dict.fromkeys(configs)), perf_counter(), list[Trial]()
    dataset = _images(dataset)
    settled = dict[TrainingConfig, Trial]()
    if journal is not None and Path(journal).expanduser().exists():
        settled = read_journal(journal).settled
    kept = [config for config in configs if config in settled]
    missing = [config for config in configs if config not in settled]
    cost = measured_cost(missing, dataset) if missing else Cost({}, 1, 0.0)
    # The longest first, so that no core is idle at the end.
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
    """Yield the trials as they arrive, while a bar shows their number and the time left.

    The first `n_kept` ended earlier, and are not part of the cost.

    In a notebook the bar is an HTML element, not a widget: it also works in a static page made from the notebook.
    """
    if not _is_notebook():
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
    bar = f"<progress style='width: 60ex' max='{total}' value='{n}'></progress>"
    return HTML(f"{bar} {n} of {counted(total, 'run')}{left}")


def _images(dataset: Dataset | str | os.PathLike[str] | None) -> Dataset:
    if isinstance(dataset, Dataset):
        return dataset
    return load_mnist() if dataset is None else load_dataset(dataset)


def _is_notebook() -> bool:
    return hasattr(get_ipython(), "kernel")
