"""How much slower a recorded call is than a plain one: a step of 784-32-10 with few images and with many.

    python tests/benchmarks/recording.py

takes a few seconds. Both calls run by turns, in one process; the figure is the median of the ratios. The first
recording also rewrites the textbook's files.
"""

import statistics
import sys
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import psutil
from report import Result, command, exit_code, machine, say
from threadpoolctl import threadpool_limits

from explorer.datasets import load_mnist
from explorer.inspection.record import record
from explorer.network.network import Network


def milliseconds(function: Callable[[], object]) -> float:
    start = perf_counter()
    function()
    return 1000 * (perf_counter() - start)


def measure(rounds: int) -> list[Result]:
    dataset, network, found = load_mnist(), Network(784, 32, 10, seed=0), []
    for n in (4, 512):
        X, d = (array[:, :n].astype(float) for array in (dataset.X_train, dataset.Y_train))
        plain, recorded = (
            partial(network.train_iteration, X, d),
            partial(record, network.train_iteration, X, d),
        )
        plain()
        first = milliseconds(recorded)
        if not found:
            found.append(Result("first recording", "ms", first, None, at_least=False))
        times = [(milliseconds(plain), milliseconds(recorded)) for _ in range(rounds)]
        ratio = statistics.median(slow / fast for fast, slow in times)
        middle = [statistics.median(column) for column in zip(*times, strict=True)]
        words = f"recorded / plain, {middle[0]:.2f} ms"
        found.append(Result(f"784-32-10, {n} images", words, ratio, None, at_least=False))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    options = command(__doc__, quick="fewer rounds").parse_args(arguments)
    with threadpool_limits(1, user_api="blas"):
        found = measure(20 if options.quick else 200)
    print("\n".join(result.line() for result in found))
    load = ", ".join(f"{load:.1f}" for load in psutil.getloadavg())
    say(machine("threadpoolctl") | {"load average": load})
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
