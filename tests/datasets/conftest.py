"""A tiny data set as files: what a test takes, damages in one place, and tries to load."""

from types import SimpleNamespace

import numpy as np
import pytest
from dataset_files import idx, npy

N_TRAIN, N_TEST = 30, 20


@pytest.fixture(scope="session")
def arrays():
    rng = np.random.default_rng(7)
    return {
        f"{split}-{kind}": rng.integers(0, 256 if kind == "images" else 10, shape).astype(np.uint8)
        for split, n in (("train", N_TRAIN), ("test", N_TEST))
        for kind, shape in (("images", (n, 28, 28)), ("labels", (n,)))
    }


@pytest.fixture(scope="session")
def npy_files(arrays):
    return {f"mnist-{name}.npy": npy(array) for name, array in arrays.items()}


@pytest.fixture(scope="session")
def idx_files(arrays):
    names = {
        "train-images": "train-images-idx3-ubyte",
        "train-labels": "train-labels-idx1-ubyte",
        "test-images": "t10k-images-idx3-ubyte",
        "test-labels": "t10k-labels-idx1-ubyte",
    }
    return {names[name]: idx(array) for name, array in arrays.items()}


@pytest.fixture(scope="session")
def make(tmp_path_factory):
    """Writers of files by name in a folder, and of a file."""

    def folder(files):
        path = tmp_path_factory.mktemp("digits")
        for name, content in files.items():
            (path / name).write_bytes(content)
        return path

    def file(content, name="digits.tgz"):
        path = tmp_path_factory.mktemp("file") / name
        path.write_bytes(content)
        return path

    return SimpleNamespace(folder=folder, file=file)
