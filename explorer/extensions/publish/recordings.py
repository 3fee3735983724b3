"""Runs as a published page carries them: their records, and their weights at some epochs, rounded."""

import json
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.foreign_files import ArrayArchive, FileError, explained, open_plain_file
from explorer.network.metrics import accuracy
from explorer.network.weights_file import MOST_BYTES, load_weights, sizes_of
from explorer.safe_write import whole_file
from explorer.session.saved_session import SUFFIX, kept_weights, read_session
from explorer.training import EpochRecord, History, SampleRecord, Snapshot, TrainingConfig, new_network
from explorer.training.query import write_query
from explorer.training.records import figure_kinds
from explorer.training.studies import Trial, WorkerPool
from explorer.training.studies.configs import n_weights

Weights = Sequence[NDArray[np.floating[Any]]]
"""``(W1, b1, W2, b2, …)``."""

_FEW_WEIGHTS = 10_000
_MOST_KEPT = 10  # epochs of a run
_MOST_WEIGHTS = 7_500_000  # of all runs and epochs: about 6 MB


@dataclass(frozen=True, slots=True, eq=False)
class PublishedRun:
    """A run with its records, and its finite weights by epoch."""

    config: TrainingConfig
    history: History
    weights: Mapping[int, Weights]
    early: Mapping[float, SampleRecord] = field(default_factory=dict)
    """Networks within its first epoch, by their fraction of it as links write it."""

    @property
    def moments(self) -> dict[float, Weights]:
        """All weights by epoch, in order."""
        early = {at: one.snapshot.weights for at, one in self.early.items()}
        return early | {at: self.weights[at] for at in sorted(self.weights)}


def fitting(available: Sequence[Sequence[int]], sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Return for each run the epochs whose weights fit into a page, of those available, in ascending order.

    `sizes` are the runs' numbers of weights. The epochs are at equal ratios: ``(1, 2, 5, 10)``. Each run keeps its
    last one, however large the page gets.
    """
    for n in range(_MOST_KEPT, 0, -1):
        kept = []
        for epochs in available:
            goals = np.geomspace(epochs[-1], 1, n).round().tolist()
            kept.append(tuple(sorted({min(epochs, key=lambda one: abs(one - goal)) for goal in goals})))
        if sum(size * len(epochs) for size, epochs in zip(sizes, kept, strict=True)) <= _MOST_WEIGHTS:
            break
    return kept


def kept_epochs(configs: Sequence[TrainingConfig], dataset: Dataset) -> tuple[int, ...]:
    """Return the epochs at which runs that are yet to be trained keep their weights."""
    available = [range(1, config.epochs + 1) for config in configs]
    kept = fitting(available, [n_weights(config, dataset) for config in configs])
    return tuple(sorted({*chain.from_iterable(kept)}))


@dataclass(frozen=True, slots=True)
class KeptWeights:
    """A folder for the weights that the trials of a study have at some epochs, a file each."""

    folder: Path
    epochs: Sequence[int]

    def __call__(self, config: TrainingConfig, snapshot: Snapshot) -> None:
        """Keep a trial's network, if it is of one of the epochs."""
        if snapshot.epoch in self.epochs:
            with whole_file(self._path(config, int(snapshot.epoch)), overwrite=True) as stream:
                np.savez(stream, *snapshot.weights)

    def has(self, trial: Trial) -> bool:
        """Whether a trial's weights are there, up to its last epoch."""
        last = trial.epochs[-1].epoch if trial.epochs else 0
        return all(self._path(trial.config, epoch).exists() for epoch in self.epochs if epoch <= last)

    def run_of(self, trial: Trial, dataset: Dataset) -> PublishedRun:
        """Return a trial with its finite weights; raises `FileError` if a file has others than its network's."""
        shapes = [array.shape for array in new_network(trial.config, dataset).named().values()]
        paths = {epoch: self._path(trial.config, epoch) for epoch in self.epochs}
        weights = {epoch: _weights_in(path, shapes) for epoch, path in paths.items() if path.exists()}
        finite = {at: own for at, own in weights.items() if all(np.isfinite(W).all() for W in own)}
        return PublishedRun(trial.config, trial.history, finite)

    def _path(self, config: TrainingConfig, epoch: int) -> Path:
        name = sha256(write_query(config).encode()).hexdigest()[:16]
        return self.folder / f"{name}-{epoch}.npz"


class KeepingPool(WorkerPool):
    """A pool whose trials keep their weights."""

    def __init__(self, kept: KeptWeights) -> None:
        super().__init__()
        self._kept = kept

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a trial."""
        return super().submit(fn, *args, self._kept, **kwargs)


def _weights_in(path: Path, shapes: Sequence[tuple[int, ...]]) -> Weights:
    expected = "the weights that publish keeps of this run"
    with explained(path.name, FileError, expected), open_plain_file(path, path.name) as stream:
        archive = ArrayArchive(stream, path.name, MOST_BYTES)
        names = [f"arr_{k}" for k in range(len(shapes))]
        weights = [archive.array(name, "f4|f8", 2, expected) for name in names]
        if archive.names != {*names} or [array.shape for array in weights] != [*shapes]:
            raise FileError(path.name, "other arrays", expected)
        return weights


def accuracy_change(run: PublishedRun, dataset: Dataset) -> float:
    """Return by what share of the test images rounding changes the last epoch's accuracy."""
    *_, exact = moments = [*run.moments.values()]
    layers, shares = [np.stack(arrays) for arrays in zip(*moments, strict=True)], []
    for weights in (exact, [*stored(layers)]):
        network = new_network(run.config, dataset)
        network.set_weights(weights)
        shares.append(accuracy(dataset.test_labels, network.forward(dataset.X_test).argmax(axis=0)))
    return abs(shares[0] - shares[1])


def stored(layers: Sequence[NDArray[np.floating[Any]]]) -> Iterator[NDArray[np.floating[Any]]]:
    """Yield the last epoch's weights and biases as the page reads them, of those of several epochs."""
    for k, array in enumerate(layers):
        if k % 2:
            yield array[-1]
        else:
            scales, whole = quantized(array)
            yield scales[:, None] * whole[-1].view(f"i{whole.itemsize}")


def quantized(W: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float32], NDArray[np.uint8 | np.uint16]]:
    """Return the weights of several epochs (n_epochs, n_units, n_inputs) as integers, to be read as signed.

    They are in units of the first result, one for each unit: its largest weight of all epochs is 127 of them, or
    32767 where weights are too few for errors to average out.
    """
    levels, kind = (127, np.uint8) if W[0].size > _FEW_WEIGHTS else (32767, np.uint16)
    scales = (np.abs(W).max(axis=(0, 2)) / levels).astype(np.float32)
    scales[scales == 0] = 1
    return scales, np.rint(W / scales[:, None]).astype(np.int16).astype(kind)


def packed(run: PublishedRun, **about: object) -> bytes:
    """Return a run in the format that `host.js` reads: a description as JSON, then the weights of each layer.

    Of a layer, the scales and the biases of all epochs are float32; the weights (n_epochs, n_inputs, n_units) are
    int8 or int16, from the second epoch on as differences from the epoch before, which compress better.
    """
    moments = [*run.moments.values()]
    first = moments[0]
    sizes = [first[0].shape[1], *map(len, first[::2])]
    functions = {"hidden": run.config.hidden_activation, "output": run.config.output, "loss": run.config.loss}
    head = {"epochs": [*run.moments], "sizes": sizes, "few": _FEW_WEIGHTS, **functions, **about}
    text = json.dumps(head, allow_nan=False).encode()
    parts = [struct.pack("<I", len(text)), text]
    for layer in range(len(sizes) - 1):
        W, b = (np.stack([weights[2 * layer + k] for weights in moments]) for k in (0, 1))
        scales, whole = quantized(W)
        differences = np.diff(whole.swapaxes(1, 2), axis=0, prepend=whole.dtype.type(0))
        parts += [scales.tobytes(), b.astype("<f4").tobytes(), differences.tobytes()]
    return b"".join(parts)


def read_runs(paths: Iterable[str], dataset: Dataset) -> list[PublishedRun]:
    """Read the runs, the last of equal settings; raises `FileError` for another file or data set than theirs."""
    found = {run.config: run for path in paths for run in _runs_of(Path(path).expanduser(), dataset)}
    return [*found.values()]


def _runs_of(path: Path, dataset: Dataset) -> list[PublishedRun]:
    with open_plain_file(path, path.name) as stream:
        if (size := stream.seek(0, os.SEEK_END)) > MOST_BYTES:
            raise FileError(path.name, f"{size >> 20} MiB", f"a file of at most {MOST_BYTES >> 20}")
        stream.seek(0)
        content = stream.read()
    if not path.name.lower().endswith(SUFFIX) and content[30:41] != b"session.npy":
        history, epoch, saved = _read_archive(path, dataset)
        return [PublishedRun(history.config, history, {epoch: saved})]
    runs, session = [], read_session(content, path.name, dataset)
    if session.dataset is not dataset:
        raise FileError(path.name, "runs on points", f"runs on {dataset.name}")
    for run in session.runs:
        weights = {int(at): own for at, own in kept_weights(run).items() if at >= 1 and at % 1 == 0}
        if weights:
            runs.append(PublishedRun(run.config, run.history, weights))
    return runs


def _read_archive(path: Path, dataset: Dataset) -> tuple[History, int, Sequence[NDArray[Any]]]:
    """Return the records, without confusion matrices, the epoch and the weights in a file of `weights_archive`."""
    saved = load_weights(path)
    n_inputs, *_, n_classes = sizes_of(saved.weights)
    expected = f"the settings of a run on {dataset.name}, as nn-explorer train --save writes them"
    with explained(path.name, FileError, expected), np.load(path, allow_pickle=False) as archive:
        if (n_inputs, n_classes) != (dataset.n_inputs, dataset.n_classes):
            own = f"{n_inputs} inputs and {n_classes} outputs"
            needed = f"{dataset.n_inputs} and {dataset.n_classes}, as {dataset.name} has"
            raise FileError(path.name, own, needed)
        names = [name for name in figure_kinds(EpochRecord) if name in archive]
        rows = zip(*(archive[name].tolist() for name in names), strict=True)
        blank: dict[str, Any] = {"confusion": np.zeros((n_classes, n_classes), np.int64)}
        records = tuple(EpochRecord(**blank, **dict(zip(names, row, strict=True))) for row in rows)
        history = History(TrainingConfig(**json.loads(str(archive["config"]))), records)
        return history, max(1, round(float(archive["weights_epoch"]))), [*saved.weights.values()]
