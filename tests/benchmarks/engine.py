"""How fast the engine is: against plain course code, JAX, PyTorch, scikit-learn, and what the machine allows.

    python tests/benchmarks/engine.py

times an epoch on the 60 000 images of MNIST for each contestant of `contestants.py`, one BLAS thread each, and
prints the ratios, some next to those to reach (15 minutes on two cores; `pip install -e ".[bench]"` for the other
packages). Of CPU time, in one process, medians of the ratios of what was measured one right after the other: only
ratios mean something. The table of methods, momentum, Adam and dropout, is of wall time and of CPU time, with the
threads that each takes by itself, each in a process of its own and by turns; so is that of the textbook's `fit` in
a notebook's cell, alone and next to a load on all cores; and an epoch of 784-128-10, and all epochs until 97 % of
the test images are classified correctly, against JAX, PyTorch and scikit-learn, with the memory of each. It wants
a machine with nothing else to do, and prints how much of the cores others took meanwhile. The exit code is 0 if
every ratio is reached.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import psutil
from contestants import (
    Case,
    Cell,
    Contestant,
    HandWrittenTorch,
    Jax,
    Limit,
    Naive,
    Ours,
    OursThreaded,
    PreparedCell,
    ScikitLearn,
    TorchEager,
    TorchThreaded,
)
from report import Result, command, exit_code, forget_peak, machine, mebibytes, remember, say
from threadpoolctl import threadpool_limits

from explorer.datasets import Dataset, load_mnist
from explorer.network import NeuralNetwork
from explorer.training import TrainingConfig, train

EXERCISE = (Case((32,), 1, images=6_000), *(Case((32,), batch) for batch in (16, 128, 512, 4096)))
CONTESTANTS = (Limit, Ours, Naive, TorchEager, HandWrittenTorch, ScikitLearn)
TARGETS: dict[tuple[type[Contestant], type[Contestant]], dict[int, float]] = {
    (Naive, Ours): {1: 6, 16: 5.5, 128: 6, 512: 6.5, 4096: 6.5},
    (Ours, Limit): {1: 1.6, 16: 1.7, 128: 1.25, 512: 1.2, 4096: 1.2},
    (Ours, TorchEager): {1: 0.08, 16: 0.15, 128: 0.42, 512: 0.65, 4096: 0.65},
    (Ours, HandWrittenTorch): {1: 0.25, 16: 0.55, 128: 0.75, 512: 0.75, 4096: 0.65},
    (Ours, ScikitLearn): {1: 0.15, 16: 0.28, 128: 0.52, 512: 0.62},
}
TEXTBOOK_TARGETS = {16: 4, 128: 2.2, 512: 1.9}
METHODS = tuple(
    Case(hidden, batch, modern=True, method=method)
    for hidden in ((32,), (256, 128), (800,))
    for batch in (128, 512)
    for method in ("momentum", "adam", "dropout")
)
METHODS_TARGET = 0.8
CELLS = tuple(
    Case((units,), batch, images)
    for units, images in ((32, 20_000), (128, 20_000), (1024, 4_000))
    for batch in (8, 64, 512)
)
PEERS = (Ours, Jax, ScikitLearn, TorchEager)
PEERS_CASES = tuple(Case((128,), 128, modern=True, method=method) for method in ("sgd", "adam"))
GOAL, MOST_EPOCHS = 0.97, 30
GROUPS = ("1", "16", "128", "512", "4096", "methods", "textbook", "cells", "peers", "goal")


Seconds = dict[str, float]
"""CPU seconds of contestants, by name, measured one right after the other."""


def installed(contestant: type[Contestant]) -> bool:
    return contestant.needs is None or importlib.util.find_spec(contestant.needs) is not None


def take_turns(turns: dict[str, Callable[[], float]], rounds: int) -> list[Seconds]:
    """Return what the turns return, the first two once more with each of the others."""
    first, others = list(turns)[:2], list(turns)[2:]
    trios = [(*first, other) for other in others] or [tuple(first)]
    return [{name: turns[name]() for name in trio} for _ in range(rounds) for trio in trios]


def ratio(figures: Sequence[Seconds], above: str, below: str) -> float:
    """Return the median of the ratios of what was measured together."""
    return median(one[above] / one[below] for one in figures if above in one and below in one)


def turn_of(contestant: Contestant, clock: Callable[[], float] = process_time) -> Callable[[], float]:
    def seconds() -> float:
        start = clock()
        contestant.epoch()
        passed = clock() - start
        contestant.rest()
        return passed

    seconds()  # arrays are made, caches filled
    return seconds


def title(case: Case) -> str:
    return f"{case.network}, batch {case.batch}"


def compared(case: Case, data: Dataset, rounds: int) -> Iterator[Result]:
    """Say how long an epoch takes each contestant that is installed, and yield the ratios with their targets."""
    data = data.head(case.images)
    turns = {kind.name: turn_of(kind(case, data)) for kind in CONTESTANTS if installed(kind)}
    figures = take_turns(turns, rounds)
    medians = {name: median(one[name] for one in figures if name in one) for name in turns}
    per_image = "; ".join(f"{name} {1e6 * value / case.images:.2f}" for name, value in medians.items())
    print(f"{title(case)}: µs an image: {per_image}", file=sys.stderr, flush=True)
    for (above, below), targets in TARGETS.items():
        if installed(above) and installed(below):
            figure, target = ratio(figures, above.name, below.name), targets.get(case.batch)
            yield Result(title(case), f"{above.name} / {below.name}", figure, target, at_least=below is Ours)


Spent = tuple[float, float]
"""Seconds of an epoch: by the clock, and of computing, that of all threads together."""


def serve_epochs(kind: type[Contestant], case: Case, asked: Connection) -> None:
    """Train an epoch each time anything is asked, and send what it took: the process of one contestant."""
    limits = threadpool_limits(kind.blas_threads, user_api="blas")
    with limits, asked, suppress(EOFError):  # nobody asks any more
        contestant = kind(case, load_mnist().head(case.images))
        clocks = perf_counter, process_time
        while asked.recv():
            start = [clock() for clock in clocks]
            contestant.epoch()
            asked.send(tuple(clock() - begun for clock, begun in zip(clocks, start, strict=True)))
            contestant.rest()


def by_turns(case: Case, kinds: Sequence[type[Contestant]], rounds: int) -> list[dict[str, Spent]]:
    """Return what epochs took of contestants that take turns, each in a process of its own.

    So nobody's idle threads, which a library may have wait awake, take a core from somebody else's.
    """
    spawn, processes = get_context("spawn"), {}
    try:
        for kind in kinds:
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=serve_epochs, args=(kind, case, theirs), daemon=True)
            process.start()
            theirs.close()
            processes[kind.name] = process, ours

        def epoch(name: str) -> Spent:
            processes[name][1].send(True)
            spent: Spent = processes[name][1].recv()
            return spent

        _warm_up, *found = [{name: epoch(name) for name in processes} for _ in range(rounds + 1)]
        return found
    finally:
        for process, ours in processes.values():
            ours.close()  # which ends it
            process.terminate()
            process.join()


def method(case: Case, rounds: int) -> Iterator[Result]:
    """Hold an epoch with a method against PyTorch's, in wall and CPU time, and next to it its products alone.

    Those are of one thread, shared among the cores: less than this nobody takes who leaves none of them out.
    By the clock two epochs differ by a tenth, so each ratio is the median of twice as many rounds and one.
    """
    if not installed(TorchThreaded):
        return
    both = by_turns(case, (OursThreaded, TorchThreaded, Limit), 2 * rounds + 1)
    wall, cpu = ([{name: spent[i] for name, spent in one.items()} for one in both] for i in (0, 1))
    said = ", ".join(f"{name} {median(one[name] for one in wall):.2f} s" for name in wall[0])
    print(f"{title(case)}, {case.method}: {said}", file=sys.stderr, flush=True)
    figure, computing = (ratio(times, OursThreaded.name, TorchThreaded.name) for times in (wall, cpu))
    name = f"{case.method}: ours / PyTorch"
    yield Result(title(case), f"{name}, wall", figure, METHODS_TARGET, at_least=False)
    yield Result(title(case), f"{name}, CPU", computing, None, at_least=False)
    least = ratio(wall, Limit.name, TorchThreaded.name) / TorchThreaded.n_threads
    yield Result(title(case), f"{case.method}: products / PyTorch", least, None, at_least=False)


def cell(case: Case, rounds: int) -> Iterator[Result]:
    """Hold an epoch in a notebook's cell against one in a prepared cell, alone and next to a load on all cores."""
    for where, n_busy in (("alone", 0), ("loaded", os.cpu_count() or 1)):
        load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n_busy)]
        try:
            both = by_turns(case, (Cell, PreparedCell), rounds)
        finally:
            for process in load:
                process.kill()
        for i, clock in enumerate(("wall", "CPU")):
            times = [{name: spent[i] for name, spent in one.items()} for one in both]
            said = ", ".join(f"{name} {median(one[name] for one in times):.3f} s" for name in times[0])
            print(f"{title(case)}, {where}, {clock}: {said}", file=sys.stderr, flush=True)
            figure = ratio(times, Cell.name, PreparedCell.name)
            yield Result(title(case), f"{where}: cell / prepared, {clock}", figure, None, at_least=True)


def peers(case: Case, rounds: int) -> Iterator[Result]:
    """Hold the CPU time of an epoch against that of other packages, one thread each."""
    both = by_turns(case, [kind for kind in PEERS if installed(kind)], 2 * rounds + 1)
    cpu = [{name: spent[1] for name, spent in one.items()} for one in both]
    said = ", ".join(f"{name} {median(one[name] for one in cpu):.3f} s" for name in cpu[0])
    print(f"{title(case)}, {case.method}, CPU: {said}", file=sys.stderr, flush=True)
    for name in list(cpu[0])[1:]:
        pairs = [one[Ours.name] / one[name] for one in cpu]
        print(f"  ours / {name}: {min(pairs):.2f} to {max(pairs):.2f}", file=sys.stderr, flush=True)
        yield Result(title(case), f"{case.method}: ours / {name}", median(pairs), 1.0, at_least=False)


Reached = tuple[float, float, float, float]
"""CPU seconds until the goal, those of the first epoch, epochs, and MiB at the peak of that epoch."""


def reach(kind: type[Contestant], case: Case, asked: Connection) -> None:
    """Train until the goal in this process, and send what it took beyond imports and images; scores are free."""
    data = load_mnist()
    kind(case, data.head(case.batch))  # which imports its package
    with threadpool_limits(kind.blas_threads, user_api="blas"), asked:
        memory, start = mebibytes("VmRSS"), process_time()
        contestant = kind(case, data)
        forget_peak()
        contestant.epoch()
        first = passed = process_time() - start
        memory, n = mebibytes("VmHWM") - memory, 1
        while contestant.accuracy(data) < GOAL and n < MOST_EPOCHS:
            contestant.rest()
            start = process_time()
            contestant.epoch()
            passed, n = passed + process_time() - start, n + 1
        asked.send((passed, first, n, memory))


def goal(case: Case, rounds: int) -> Iterator[Result]:
    """Hold the CPU time until the goal, compiling included, against that of other packages."""
    spawn, found = get_context("spawn"), list[dict[str, Reached]]()
    for _ in range(rounds):
        found.append({})
        for kind in PEERS:
            if installed(kind):
                ours, theirs = spawn.Pipe()
                process = spawn.Process(target=reach, args=(kind, case, theirs))
                process.start()
                found[-1][kind.name] = ours.recv()
                process.join()
    for name in found[0]:
        passed, first, n, memory = (
            median(figures) for figures in zip(*(one[name] for one in found), strict=True)
        )
        words = f"{passed:.2f} s for {n:.0f} epochs, {first:.2f} s the first, {memory:.0f} MiB"
        print(
            f"{title(case)}, {case.method}, to {GOAL:.0%}, CPU: {name} {words}", file=sys.stderr, flush=True
        )
        if name != Ours.name:
            figure = median(one[Ours.name][0] / one[name][0] for one in found)
            yield Result(title(case), f"to {GOAL:.0%}: ours / {name}", figure, 1.0, at_least=False)


class Load:
    """How busy others keep the machine, from when it is made on."""

    def __init__(self) -> None:
        self._start = self._times()

    @staticmethod
    def _times() -> tuple[float, float]:
        """CPU seconds of the whole machine that were not idle, and those of this process and its children."""
        times, own = psutil.cpu_times(), os.times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        return sum(times) - idle, own.user + own.system + own.children_user + own.children_system

    def __str__(self) -> str:
        now = self._times()
        everybody, own = (after - before for after, before in zip(now, self._start, strict=True))
        average = ", ".join(f"{load:.1f}" for load in psutil.getloadavg())
        return f"others computed {max(0.0, everybody - own):.0f} s next to our {own:.0f} s; load average {average}"


def textbook(data: Dataset, rounds: int) -> Iterator[Result]:
    """Hold an epoch of `NeuralNetwork.fit` against one of `train`, which the engine does."""
    X, d = data.X_train, data.Y_train  # made before the clock starts

    def seconds(function: Callable[[], object]) -> float:
        start = process_time()
        function()
        return process_time() - start

    for batch, target in TEXTBOOK_TARGETS.items():
        network, config = NeuralNetwork(784, 32, 10, seed=0), TrainingConfig(batch_size=batch, epochs=1)
        turns = {
            "textbook": partial(seconds, partial(network.fit, X, d, batch, n_epochs=1)),
            "train": partial(seconds, lambda config=config: [*train(config, data)]),
        }
        figures = take_turns(turns, 2 * rounds)
        figure = ratio(figures[1:], "textbook", "train")  # the first fills the caches
        yield Result(title(Case((32,), batch)), "fit / train", figure, target, at_least=False)


def run(only: Sequence[str], rounds: int) -> Iterator[Result]:
    data = load_mnist()
    for case in EXERCISE:
        if str(case.batch) in only:
            yield from compared(case, data, rounds)
    if "methods" in only:
        for case in METHODS:
            yield from method(case, rounds)
    if "cells" in only:
        for case in CELLS:
            yield from cell(case, rounds)
    if "textbook" in only:
        yield from textbook(data, rounds)
    if "peers" in only:
        for case in PEERS_CASES:
            yield from peers(case, rounds)
    if "goal" in only:
        yield from goal(PEERS_CASES[-1], rounds)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command(__doc__, quick="two rounds instead of five")
    parser.add_argument(
        "--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="GROUP", help=", ".join(GROUPS)
    )
    parser.add_argument("--history", type=Path, metavar="FILE", help="append a line of JSON to this file")
    options = parser.parse_args(arguments)
    load = Load()
    with threadpool_limits(1, user_api="blas"):
        results = list(run(options.only, 2 if options.quick else 5))
    facts = machine("jax", "torch", "scikit-learn", "threadpoolctl") | {"load": str(load)}
    print("\n".join(result.line() for result in results))
    say(facts)
    if options.history:
        remember(options.history, facts, results)
    return exit_code(results)


if __name__ == "__main__":
    sys.exit(main())
