"""How much faster a study is with more workers, and what a trial costs besides its training.

    python tests/benchmarks/studies.py

trains the exercise's network with sixteen seeds on one and on two processes of a pool that wait for work; then
many tiny networks, also in a plain loop. (It takes 2 minutes on two cores with nothing else to do.) The exit code
is 0 if every target is met.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
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

Configs = Sequence[TrainingConfig]


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


def main(arguments: Sequence[str] | None = None) -> int:
    options = command(__doc__, quick="one round instead of three").parse_args(arguments)
    n_tiny = 200
    times = measure(1 if options.quick else 3, n_tiny)
    found = results(times, n_tiny)
    print("\n".join(result.line() for result in found))
    say(machine())
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
