"""How much faster a study is with more workers, and what a trial costs besides its training.

    python tests/benchmarks/studies.py

trains the exercise's network with sixteen seeds on one and on two processes of a pool that wait for work; then
many tiny networks, also in a plain loop. (It takes 2 minutes on two cores with nothing else to do.) From these it
tells how long the sixteen would take with more workers, by a simple model:

    seconds = start + trials × overhead + trials × training / workers, but never less than one training

where the start and the overhead are one after the other, in the process of the study. The exit code is 0 if every
target is met.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from report import Result, command, exit_code, machine, say

from explorer.datasets import load_mnist
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.process_settings import one_blas_thread
from explorer.training.studies import WorkerPool, grid, study

N_TRIALS = 16
TRIALS = grid(TrainingConfig(epochs=10), seed=range(N_TRIALS))
TINY = TrainingConfig(hidden_sizes=8, batch_size=500, epochs=1, n_train=1000)
WORKERS = 1, 2, 8, 64

Configs = Sequence[TrainingConfig]


@dataclass(frozen=True)
class Model:
    """How long a study takes; all in seconds."""

    start: float
    overhead: float
    training: float

    def seconds(self, workers: int) -> float:
        shared = max(N_TRIALS * self.training / workers, self.training)
        return self.start + N_TRIALS * self.overhead + shared

    def length_that_pays(self, workers: int) -> float:
        """Return from which length on the workers are faster for the sixteen trials."""
        busy = min(workers, N_TRIALS)
        return (self.start + N_TRIALS * self.overhead) / (N_TRIALS - N_TRIALS / busy)


def seconds(configs: Configs, executor: Executor) -> float:
    """Time a study as one runs it, with a journal."""
    with TemporaryDirectory() as folder:
        began = perf_counter()
        trials = list(study(configs, executor=executor, journal=Path(folder) / "study.jsonl"))
        took = perf_counter() - began
    assert all(trial.status == "finished" for trial in trials), [trial.error for trial in trials]
    return took


def seconds_of_a_loop(configs: Configs) -> float:
    """Time the same trainings one after the other, in this process."""
    dataset = load_mnist()
    with one_blas_thread():
        began = perf_counter()
        for config in configs:
            run = TrainingRun(config, dataset)
            for _ in run:
                pass
            run.evaluate()
        return perf_counter() - began


def seconds_to_start() -> float:
    """Time a pool from nothing to the end of its first tiny trial."""
    began = perf_counter()
    with WorkerPool(1) as pool:
        list(study([TINY], executor=pool))
        return perf_counter() - began


def measure(rounds: int, n_tiny: int) -> dict[str, float]:
    """Return the medians over the rounds, in seconds; the contestants take turns."""
    tiny = grid(TINY, seed=range(n_tiny))
    with WorkerPool(1) as one, WorkerPool(2) as two:
        turns: dict[str, Callable[[], float]] = {
            "start": seconds_to_start,
            "1 worker": partial(seconds, TRIALS, one),
            "2 workers": partial(seconds, TRIALS, two),
            "tiny, loop": partial(seconds_of_a_loop, tiny),
            "tiny, 1 worker": partial(seconds, tiny, one),
        }
        for executor in one, two:
            seconds(tiny[:20], executor)  # so that each worker has the images and its buffers
        found = []
        for number in range(1, rounds + 1):
            found.append({name: turn() for name, turn in turns.items()})
            print(
                f"round {number}:", *(f"{name} {took:.2f} s;" for name, took in found[-1].items()), flush=True
            )
    return {name: float(np.median([times[name] for times in found])) for name in turns}


def results(times: dict[str, float], n_tiny: int) -> list[Result]:
    loop, one, two = times["tiny, loop"], times["1 worker"], times["2 workers"]
    overhead = 1000 * (times["tiny, 1 worker"] - loop) / n_tiny
    return [
        Result(f"{N_TRIALS} trials", "2 workers, speed-up over 1", one / two, 1.7, True),
        Result(f"{n_tiny} tiny trials", "ms besides training", overhead, 20, False),
    ]


def prediction(model: Model, times: dict[str, float]) -> str:
    """What the model says of the sixteen trials, next to what was measured, and of others."""
    measured = {1: times["1 worker"], 2: times["2 workers"]}
    lines = [
        f"The model: {model.start:.2f} s + trials × {1000 * model.overhead:.1f} ms + trials × training / workers;",
        f"{N_TRIALS} trials of {model.training:.2f} s, from the start of the workers on:",
        f"{'workers':>9}{'predicted, s':>14}{'measured, s':>13}{'speed-up':>10}{'pays from a training of':>25}",
    ]
    for workers in WORKERS:
        predicted = model.seconds(workers)
        seen = f"{times['start'] + measured[workers]:.2f}" if workers in measured else ""
        pays = f"{model.length_that_pays(workers):.2f} s" if workers > 1 else ""
        speedup = N_TRIALS * model.training / predicted
        lines.append(f"{workers:>9}{predicted:>14.2f}{seen:>13}{speedup:>10.1f}{pays:>25}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    options = command(__doc__, quick="one round instead of three").parse_args(arguments)
    n_tiny = 200
    times = measure(1 if options.quick else 3, n_tiny)
    found = results(times, n_tiny)
    model = Model(
        start=times["start"],
        overhead=max(times["tiny, 1 worker"] - times["tiny, loop"], 0) / n_tiny,
        training=times["1 worker"] / N_TRIALS,
    )
    print("\n".join(result.line() for result in found))
    print(f"\n{prediction(model, times)}\n")
    say(machine())
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
