"""Runs in a notebook: one, a study with a progress bar and the time left, or the engine's speed as a table."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from time import perf_counter, process_time
from typing import Any

import numpy as np
from IPython import get_ipython
from IPython.display import HTML, display
from numpy.typing import NDArray

from explorer.datasets import Dataset, load_mnist
from explorer.figures.studies import StudyView, ranking_figure, study_figure
from explorer.network import NeuralNetwork
from explorer.notebook.page import Shown, figure, table
from explorer.training import FIELDS, Evaluation, History, TrainingConfig, TrainingRun, complete
from explorer.training.config import held_out_of
from explorer.training.process_settings import one_blas_thread
from explorer.training.studies import StudyError, Trial, study
from explorer.training.studies.configs import Cost, measured_cost
from explorer.training.studies.journal import settled_trials
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
    trials: tuple[Trial, ...]
    """The runs that ended, in order of completion; fewer if the study was interrupted."""
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
        """The best settings with their runs, and what the seeds allow to be said of them."""
        view = StudyView(self.trials, self.axes, self.configs)
        return figure(ranking_figure(view), study_words(self.trials, self.axes))

    @property
    def table(self) -> Shown:
        """A row for each combination of the settings: accuracies over the seeds, and seconds per run."""
        head, *rows = level_rows(self.trials, self.axes)
        held_out = held_out_of(self.configs).capitalize()
        return table(head, rows, f"{held_out} accuracy over the seeds, and the median time of a run.")

    def figure(self, *axes: str) -> Shown:
        """Return the accuracy against one setting as curves, or against two as a heat map; ValueError for more.

        By default the `axes` are the settings that differ. Of two, a choice gets one curve per value.
        """
        axes = axes or self.axes
        if len(axes) not in (1, 2):
            known = ", ".join(self.axes)
            raise ValueError(f"the figure has one or two of the settings {known}; got {len(axes)}")
        view = StudyView(self.trials, axes, self.configs)
        by = enumerated([FIELDS[name].label.lower() for name in axes])
        bars = "" if view.is_map else ", with a bar from the lowest to the highest"
        words = f"{view.title.capitalize()}, by {by}: the median over the seeds{bars}."
        return figure(study_figure(view), words)


def run_study(
    configs: Iterable[TrainingConfig],
    dataset: Dataset | None = None,
    *,
    executor: Executor | None = None,
    journal: str | os.PathLike[str] | None = None,
) -> CompletedStudy:
    """Train a network for each config, with a progress bar; see `explorer.training.studies.study`."""
    configs, dataset = tuple(dict.fromkeys(configs)), dataset or load_mnist()
    settled = settled_trials(journal)
    kept = [config for config in configs if config in settled]
    cost = measured_cost((config for config in configs if config not in settled), dataset)
    # The longest first, so that no core is idle at the end.
    ordered = [*kept, *sorted(cost.shares, key=cost.shares.__getitem__, reverse=True)]
    started, trials, error = perf_counter(), list[Trial](), ""
    try:
        for trial in _with_bar(study(ordered, dataset, executor=executor, journal=journal), cost, len(kept)):
            trials.append(trial)
    except (KeyboardInterrupt, StudyError) as failure:
        if isinstance(failure, StudyError) and not trials:
            raise
        error = str(failure)
    return CompletedStudy(configs, tuple(trials), perf_counter() - started, error)


def _with_bar(trials: Iterator[Trial], cost: Cost, n_kept: int) -> Iterator[Trial]:
    """Yield the trials as they arrive, with a bar that is no widget: a static page shows it, too."""
    yield from islice(trials, n_kept)
    is_notebook = hasattr(get_ipython(), "kernel")
    shown = display(_bar(n_kept, n_kept, cost, cost.seconds), display_id=True) if is_notebook else None
    started, share = perf_counter(), 0.0
    for n, trial in enumerate(trials, n_kept + 1):
        share += cost.shares[trial.config]
        if shown is not None:
            shown.update(_bar(n, n_kept, cost, cost.seconds_left(share, perf_counter() - started)))
        yield trial


def _bar(n: int, n_kept: int, cost: Cost, seconds: float) -> HTML:
    total = n_kept + len(cost.shares)
    left = f", {duration(seconds)} left" if n < total else ""
    bar = f"<progress style='width: 60ex' max='{total}' value='{n}'></progress>"
    return HTML(f"{bar} {n} of {counted(total, 'run')}{left}")


def speed_table(dataset: Dataset, batch_sizes: Iterable[int]) -> Shown:
    """Train the exercise's network for an epoch both ways; return CPU times by batch size."""
    rows, X, d = [], dataset.X_train, dataset.Y_train
    for size in batch_sizes:
        config = TrainingConfig(epochs=1, batch_size=size)
        run = TrainingRun(config, dataset)
        textbook = run.network
        with one_blas_thread():
            plain = _cpu_seconds(textbook.fit, X, d, size, 1, config.learning_rate)
            fast = _cpu_seconds(deque, run, 0)
        pairs = zip(textbook.parameters, run.network.parameters, strict=True)
        difference = max(float(np.abs(one - other).max()) for one, other in pairs)
        times = f"{plain:.2f} s", f"{fast:.2f} s", f"{plain / fast:.1f}"
        rows.append([str(size), *times, f"{difference:.1e}"])
    head = ("batch size", "fit", "train", "fit / train", "largest difference between weights")
    n, n_test = len(dataset.train_labels), len(dataset.test_labels)
    words = f"CPU time of one epoch on {n} images, with one BLAS thread. "
    return table(head, rows, f"{words}The time of train includes scoring {n_test} test images.")


def _cpu_seconds(function: Callable[..., object], *arguments: object) -> float:
    start = process_time()
    function(*arguments)
    return process_time() - start
