"""Sharing a data set between processes through files that all of them map.

The first process has unpacked and checked it. Its arrays are then in memory once, instead of once per process.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from explorer.datasets.dataset import ARRAYS, Dataset
from explorer.safe_write import own_folder

_NAMES = "names.json"


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write a data set for `map_dataset`, with its name, its class names and its source.

    The folder must exist, and no other process may write to it. Raises `OSError` without space or permission.
    """
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", getattr(dataset, name), allow_pickle=False)
    names = {"name": dataset.name, "class_names": dataset.class_names, "source": dataset.source}
    (folder / _NAMES).write_text(json.dumps(names), encoding="utf-8")


def map_dataset(folder: Path) -> Dataset:
    """Return the data set written by `write_dataset`, with mapped arrays. `OSError` if a file is missing."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    return Dataset(**arrays, **json.loads((folder / _NAMES).read_text(encoding="utf-8")))


def shared_dataset(folder: Path, load: Callable[[], Dataset]) -> Dataset:
    """Return the data set in `folder`; if there is none yet, `load` it and store it there for all to map.

    It is stored atomically. Without space or permission, this process keeps what it has loaded. Errors of
    `load` are raised.
    """
    with suppress(OSError):
        return map_dataset(folder)
    dataset = load()
    with suppress(OSError), own_folder("part-", folder.parent) as parts:
        part = parts / folder.name
        part.mkdir()
        write_dataset(dataset, part)
        part.rename(folder)  # fails if another process was faster
    with suppress(OSError):
        return map_dataset(folder)
    return dataset
