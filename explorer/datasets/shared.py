"""A data set handed from one process to others as files that they all map.

The first has unpacked and checked it. Its arrays then lie once in memory, instead of once in every process.
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

    The folder is there already, and nobody else writes to it. Raises `OSError` if there is no room or no right to.
    """
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", getattr(dataset, name), allow_pickle=False)
    names = {"name": dataset.name, "class_names": dataset.class_names, "source": dataset.source}
    (folder / _NAMES).write_text(json.dumps(names), encoding="utf-8")


def map_dataset(folder: Path) -> Dataset:
    """Return the data set that `write_dataset` wrote, its arrays mapped. Raises `OSError` if a file is gone."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    return Dataset(**arrays, **json.loads((folder / _NAMES).read_text(encoding="utf-8")))


def shared_dataset(folder: Path, load: Callable[[], Dataset]) -> Dataset:
    """Return the data set in `folder`; where it isn't there yet, `load` it and put it there for all to map.

    It comes there in one step, so that another process sees all of it or nothing. Where there is no room or no
    right to, this process keeps what it has loaded. Raises what `load` raises.
    """
    with suppress(OSError):
        return map_dataset(folder)
    dataset = load()
    with suppress(OSError), own_folder("part-", folder.parent) as parts:
        part = parts / folder.name
        part.mkdir()
        write_dataset(dataset, part)
        part.rename(folder)  # fails where another process was faster
    with suppress(OSError):
        return map_dataset(folder)
    return dataset
