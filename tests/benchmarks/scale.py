"""How cost grows with size: of studies, journals, data sets, networks, long sessions and visitors.

    python tests/benchmarks/scale.py --only data

prints for each part what each size costs, and under each column the exponent: the slope of log cost on log size, 0
if it stays the same, 1 if it grows in proportion. Time is CPU time. Memory is that of all processes of a study,
what a training set needs beyond its images, and what a session takes beyond its runs. (All parts take 10 minutes
on two cores, with ``--quick`` 2; `visitors.py` says more of the page's.)
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from pickle import dumps
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter, process_time
from typing import Any

import distributed
import numpy as np
from contestants import Case, Ours
from engine import Load, turn_of
from report import command, machine, mebibytes, say
from served import cpu_seconds, explorer, family, mebibytes_of, wait_until_warm
from visitors import visit_at_once

from explorer.datasets import Dataset, load_mnist
from explorer.session import Session
from explorer.training import EpochRecord, TrainingConfig, TrainingRun
from explorer.training.process_settings import one_blas_thread
from explorer.training.studies import Trial, WorkerPool, grid, read_journal, study
from explorer.training.studies.journal import Journal

TINY = TrainingConfig(n_train=200, hidden_sizes=8, batch_size=50, epochs=1)
WIDE = TrainingConfig(n_train=500, hidden_sizes=(1024, 1024, 1024), batch_size=250, epochs=6)

Costs = dict[str, float]


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> str:
    """The slope of log cost on log size, or a dash if a cost is 0 or below."""
    if len(sizes) < 2 or min(costs) <= 0:
        return "–"
    return f"{np.polyfit(np.log(sizes), np.log(costs), 1)[0]:.2f}"


def table(title: str, sizes: Sequence[float], cost: Callable[[Any], Costs]) -> None:
    """Print what each size costs as it is known, and then the exponents."""
    found: list[Costs] = []
    for size in sizes:
        found.append(cost(size))
        if len(found) == 1:
            print(f"\n{title:>32}" + "".join(f"{name:>18}" for name in found[0]))
        print(f"{size:>32,}" + "".join(f"{figure:18.3f}" for figure in found[-1].values()), flush=True)
    slopes = (exponent(sizes, [one[name] for one in found]) for name in found[0])
    print(f"{'exponent':>32}" + "".join(f"{slope:>18}" for slope in slopes), flush=True)


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own, where memory is only what it takes."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def studies(quick: bool) -> None:
    """Tiny runs on images of one's own, by a pool and by Dask."""
    mnist = load_mnist()
    own = replace(mnist, test_images=mnist.test_images[:200], test_labels=mnist.test_labels[:200])
    sizes = (10, 100, 1000) if quick else (10, 100, 1000, 5000)
    with WorkerPool(2) as pool:
        table("WorkerPool, runs", sizes, partial(study_costs, own, pool, pool))
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        table("Dask, runs", sizes, partial(study_costs, own, client, client.get_executor()))


def study_costs(own: Dataset, calls: Any, executor: Any, n: int) -> Costs:
    """Train `n` networks with seeds that no study had before, and count what `calls` submits."""
    list(study(grid(TINY, seed=range(10**6, 10**6 + 20)), own, executor=executor))  # workers have started
    sent, submit = [0], calls.submit

    def counting(*call: Any, **options: Any) -> Any:
        sent[0] += len(dumps(call))
        return submit(*call, **options)

    calls.submit = counting
    pids, configs = family(os.getpid()), grid(TINY, seed=range(n))
    start = sum(map(cpu_seconds, pids))
    with TemporaryDirectory() as folder:
        trials = list(study(configs, own, executor=executor, journal=Path(folder) / "study.jsonl"))
    calls.submit = submit
    assert all(trial.status == "finished" for trial in trials), [trial.error for trial in trials]
    spent = sum(map(cpu_seconds, pids)) - start
    return {"CPU ms a run": 1000 * spent / n, "MB sent": sent[0] / 1e6, "MiB in all": mebibytes_of(pids)}


def journals(quick: bool) -> None:
    """Journals of runs with the matrices of a real one."""
    dataset, config = load_mnist(), TINY.replace(epochs=100)
    epochs = tuple(event for event in TrainingRun(config, dataset) if isinstance(event, EpochRecord))
    final = next(study([TINY], dataset)).final
    for n_epochs in (1, 10, 100):
        config = config.replace(epochs=n_epochs)
        like = Trial(config, "finished", epochs[:n_epochs], final, worker="hal:4711")
        sizes = (100, 1000) if quick else (100, 1000, 10_000)
        table(f"runs of {n_epochs} epochs", sizes, partial(journal_costs, dataset, like))


def journal_costs(dataset: Dataset, like: Trial, n: int) -> Costs:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "study.jsonl"
        with Journal(path, dataset) as journal:
            start = process_time()
            for seed in range(n):
                journal.add(replace(like, config=like.config.replace(seed=seed)))
            written = process_time() - start
        start = process_time()
        assert len(read_journal(path).trials) == n
        read, size = process_time() - start, path.stat().st_size
        return {"bytes a run": size / n, "ms a run to write": 1000 * written / n, "s to read": read}


def data(quick: bool) -> None:
    """Training sets up to a million images, in memory and mapped from a file."""
    sizes = (60_000, 240_000) if quick else (60_000, 240_000, 1_000_000)
    for units in (32, 256):
        for how in ("in memory", "mapped"):
            table(f"images, {how}, {units} units", sizes, partial(alone, data_costs, how, units))


def data_costs(how: str, units: int, n: int) -> Costs:
    """Train on 60 000 of `n` images or more, up to the next score."""
    mnist = load_mnist()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        written = np.lib.format.open_memmap(path, "w+", np.uint8, (n, 28, 28))
        for start in range(0, n, mnist.n_train):
            written[start : start + mnist.n_train] = mnist.train_images[: n - start]
        del written
        images = np.load(path, mmap_mode=None if how == "in memory" else "r")
        dataset = replace(mnist, train_images=images, train_labels=np.resize(mnist.train_labels, n))
        with one_blas_thread(), peak() as memory:
            start, first, before = process_time(), 0.0, mebibytes("RssAnon")
            run = Ours(Case((units,), 128, n, modern=True), dataset).run
            for _ in run:
                first = first or process_time()
                if run.step * 128 >= mnist.n_train:
                    break
            images_per_second = (run.step - 1) * 128 / (process_time() - first)
            kept = mebibytes("RssAnon") - before
        return {
            "µs an image": 1e6 / images_per_second,
            "s to the start": first - start,
            "MiB kept": kept,
            "MiB at the peak": memory[0] - before,
        }


@contextmanager
def peak() -> Iterator[list[float]]:
    """The most memory that no file backs, looked at every 2 ms."""
    most, is_over = [0.0], Event()

    def look() -> None:
        while not is_over.wait(0.002):
            most[0] = max(most[0], mebibytes("RssAnon"))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(look)
        try:
            yield most
        finally:
            is_over.set()


def networks(quick: bool) -> None:
    """An epoch of networks of more units, and of more layers of 128."""
    dataset = load_mnist().head(3000 if quick else 12_000)
    table("units", (32, 64, 128, 256, 512, 1024), lambda units: epoch_costs(dataset, (units,)))
    table("layers of 128 units", (1, 2, 3, 6), lambda n: epoch_costs(dataset, n * (128,)))


def epoch_costs(dataset: Dataset, hidden: tuple[int, ...]) -> Costs:
    with one_blas_thread():
        seconds = turn_of(Ours(Case(hidden, 128, dataset.n_train, modern=True), dataset))
        return {"µs an image": 1e6 * median(seconds() for _ in range(3)) / dataset.n_train}


def session(quick: bool) -> None:
    """A session's wide runs, one after the other."""
    sizes = alone(session_sizes, 4 if quick else 12)
    table("runs in a session", range(1, 1 + len(sizes)), lambda n: sizes[n - 1])


def session_sizes(n_runs: int) -> list[Costs]:
    one, sizes = Session(), list[Costs]()
    for config in grid(WIDE, seed=range(n_runs)):
        one.train(config)
        one.wait()
        kept = sum(run.n_bytes for run in one.state.runs) / 2**20
        sizes.append({"MiB kept": kept, "MiB besides": mebibytes("VmRSS") - kept})
    return sizes


def visitors(quick: bool) -> None:
    """Visitors who open the page at once, train and leave."""
    with explorer() as server:

        def cost(n: int) -> Costs:
            wait_until_warm(server)
            found = asyncio.run(visit_at_once(server, n))
            assert not found["failed"], found
            return {name: found[name] for name in ("CPU s a seat", "MiB a seat")} | {
                "s to the page": found["page"][0]
            }

        cost(1)  # a server that has just started has caches to fill
        table("visitors at once", (2, 5, 10) if quick else (2, 10, 30), cost)


PARTS = {part.__name__: part for part in (studies, journals, data, networks, session, visitors)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command(__doc__, quick="smaller sizes")
    parser.add_argument("--only", choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    options = parser.parse_args(arguments)
    load, start = Load(), perf_counter()
    for name, part in PARTS.items():
        if options.only in (None, name):
            part(options.quick)
    print()
    say(machine("distributed") | {"load": str(load), "took": f"{perf_counter() - start:.0f} s"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
