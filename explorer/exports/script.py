"""A run as a Python script that trains its network again: the textbook's own files, then the run's settings."""

import gzip
import inspect
import sys
import tarfile
from collections.abc import Callable
from dataclasses import astuple, replace
from io import BytesIO
from itertools import pairwise
from math import ceil
from pathlib import Path
from textwrap import fill
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import explorer.network as textbook
from explorer.datasets.dataset import split_indices
from explorer.datasets.plane import all_points
from explorer.exports.files import ExportedRun, page
from explorer.network import OPTIMIZERS, NeuralNetwork
from explorer.training import Evaluation


def training_script(run: ExportedRun) -> str:
    """Return a script that imports only NumPy, trains the run again and prints its figures.

    It includes the methods beyond the exercise only if the run uses one. A run that began with a file of weights
    loads it by name; so does a fork, whose script says where to export that file. A paused or stopped run stops
    after the same mini-batch, a failed one with its last complete epoch, one whose best weights were restored with
    those. With validation images the figures refer to these, and the script finally prints the test accuracy.
    """
    forks = run.stages[:-1]
    if forks:
        fork = forks[-1]
        file = f"explorer-{run.architecture}-seed{fork.config.seed}-epoch{fork.end:g}.npz"
        run = replace(run, before=(), file=file, first_epoch=int(fork.end))
    config, figures = run.config, run.newest.record
    shown = f"The explorer showed a {config.held_out} accuracy of {figures.test_accuracy:.3%}"
    if isinstance(figures, Evaluation):
        shown += f" and a train accuracy of {figures.train_accuracy:.3%} on all training images"
    methods = ("optimizer", "l2", "l1", "dropout", "input_dropout", "max_norm")
    used = {name: getattr(config, name) for name in methods}
    settings = {name: value for name, value in used.items() if value != getattr(NeuralNetwork, name)}
    return page(
        "script.py.j2",
        run=run,
        config=config,
        shown=f"{shown}.",
        is_fork=bool(forks),
        closeness=_closeness(run),
        methods=settings,
        points=fill(all_points(run.dataset).tobytes().hex(), 110) if run.dataset.is_plane else "",
        source=_source,
        textbook=textbook,
        functions={each.__name__: each for each in (read, split_indices, augmented, interpolated)},
        **_loop(run),
    )


def _closeness(run: ExportedRun) -> tuple[float, float]:
    """Return the tolerances of the script's figures: losses in percent, accuracies in points.

    In ten epochs on MNIST with several seeds, smooth networks differed by 0.01 % and 0.02 points, those with relu
    and Adam by 1.5 % and 0.09 points, and where the loss jumped, by up to 71 % and 1.7 points.
    """
    losses, is_relu = [record.test_loss for record in run.history], run.config.hidden_activation == "relu"
    most = 1.05 if is_relu else 1.01
    jumps = any(after > most * before for before, after in pairwise(losses))
    is_gentle = not is_relu or OPTIMIZERS[run.config.optimizer].is_scale_free
    if jumps or run.dataset.is_plane or not is_gentle:
        return 100, 3
    return (3, 0.3) if is_relu else (0.1, 0.1)


def _loop(run: ExportedRun) -> dict[str, object]:
    """Return the settings as the training loop needs them."""
    config, end, begin = run.config, run.newest.epoch, run.first_epoch
    n = (config.n_train or run.dataset.n_train) - config.n_validation
    steps = config.steps_at_ends(n)
    return {
        "begin": begin,
        "last": ceil(end),
        "pause": round(end % 1 * n),  # images of the last epoch that were used before it
        "n": n,
        "amounts": (config.shift, *astuple(config.augmentation)),
        "steps_before": steps[begin],
        "changes": [it for it in config.changes if steps[begin] < it.step < steps[ceil(end)]],
        "first": config.at_step(steps[begin]),
        "is_mean": config.reduction == "mean" and not OPTIMIZERS[config.optimizer].is_scale_free,
        "is_scheduled": config.schedule != "constant" or bool(config.warmup),
        "is_augmented": config.augmentation.is_on and not run.dataset.is_plane,
    }


def _source(part: ModuleType | Callable[..., object]) -> str:
    """Return the source of a function or a module, without imports from the modules that stand above it."""
    lines = inspect.getsource(part).splitlines()
    title = [f"# {f' {part.__name__} ':=^108}", ""] if isinstance(part, ModuleType) else []
    return "\n".join([*title, *(line for line in lines if not line.startswith("from ."))])


# ---------------------------------------------------------------- what a script contains, as source


def read(path: Path, kind: str, size: int) -> NDArray[Any]:
    """Return the "images" or "labels" in a folder or an archive as one flat array, training set first."""
    if path.is_file():
        with tarfile.open(path) as tar:
            files = [(it.name, f.read()) for it in tar if kind in it.name and (f := tar.extractfile(it))]
    else:
        files = [(file.name, file.read_bytes()) for file in path.glob(f"*{kind}*") if file.is_file()]
    arrays = {}
    for name, content in sorted(files, reverse=True):  # "train" comes before "test" and "t10k"
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        is_npy, dtype = content[:6] == b"\x93NUMPY", {8: "u1", 9: "i1", 11: ">i2", 12: ">i4"}.get(content[2])
        array = np.load(BytesIO(content)) if is_npy else np.frombuffer(content, dtype, -1, 4 + 4 * content[3])
        arrays[name.removesuffix(".gz")] = array.ravel()
    if sum(map(len, arrays.values())) != size:
        sys.exit(f"usage: python {sys.argv[0]} IMAGES ({path} has not all the {kind})")
    return np.concatenate([*arrays.values()])


def augmented(images: NDArray[np.uint8], amounts: Any, *seed: int) -> NDArray[np.float32]:
    """Return images (n, side, side) as columns (n_pixels, n), each distorted at random by up to `amounts`.

    These are shifts to the right and down, rotation, scale and elastic, as in `Augmentation`. The random numbers
    are the explorer's; one pixel in 40 differs by one gray level, because coordinates aren't rounded.
    """
    (*limits, elastic), (n, side, _) = amounts, images.shape
    X, (v, u) = np.empty((side * side, n), np.float32), np.indices((side, side)) - (side - 1) / 2
    smoothing = np.exp(-((np.arange(side)[:, None] - np.arange(-8, side + 9, 4)) ** 2) / 32)  # (side, k)
    smoothing /= np.sqrt((smoothing**2).sum(axis=1, keepdims=True))
    k = smoothing.shape[1]
    for i in range(0, n, 32):
        if i % 2048 == 0:
            rng = np.random.default_rng([*seed, i // 2048])
            drawn = rng.uniform(-1, 1, (len(images[i : i + 2048]), 4)) * limits
        right, down, degrees, growth = drawn[i % 2048 :][:32].T[:, :, None, None]  # each (n, 1, 1)
        point = (u - right + 1j * (v - down)) * np.exp(1j * np.deg2rad(degrees)) / (1 + growth)  # x + iy
        noise = smoothing @ rng.standard_normal((2, len(right), k, k), np.float32) @ smoothing.T
        x, y = np.clip(np.array([point.real, point.imag]) + elastic * noise + (side + 1) / 2, 0, side + 1)
        X[:, i : i + 32] = interpolated(images[i : i + 32], x, y).reshape(-1, side * side).T / 255
    return X


def interpolated(images: NDArray[np.uint8], x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Return the gray levels of images, in a frame of zeros, at columns x and rows y, from 0, bilinearly."""
    image, framed = np.arange(len(images))[:, None, None], np.pad(images / 1.0, ((0, 0), (1, 2), (1, 2)))
    left, top, right, below = x.astype(int), y.astype(int), x % 1, y % 1
    upper = (1 - right) * framed[image, top, left] + right * framed[image, top, left + 1]
    lower = (1 - right) * framed[image, top + 1, left] + right * framed[image, top + 1, left + 1]
    return np.asarray(np.rint((1 - below) * upper + below * lower))
