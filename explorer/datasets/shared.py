"""A data set handed from one process to others as files that they all map.

The first has unpacked and checked it. Its arrays then lie once in memory, instead of once in every process.
"""

import json
from pathlib import Path

import numpy as np

from explorer.datasets.dataset import Dataset

__all__ = ["map_dataset", "write_dataset"]

_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
_NAMES = "names.json"


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write a data set for `map_dataset`, with its name, its class names and its source.

    The folder is there already, and nobody else writes to it. Raises `OSError` if there is no room or no right to.
    """
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(dataset, name), allow_pickle=False)
    names = {"name": dataset.name, "class_names": dataset.class_names, "source": dataset.source}
    (folder / _NAMES).write_text(json.dumps(names), encoding="utf-8")


def map_dataset(folder: Path) -> Dataset:
    """Return the data set that `write_dataset` wrote, its arrays mapped. Raises `OSError` if a file is gone."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS}
    return Dataset(**arrays, **json.loads((folder / _NAMES).read_text(encoding="utf-8")))
