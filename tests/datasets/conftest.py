"""A tiny data set as files: what a test takes, damages in one place, and tries to load."""

import io
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest

N_TRAIN, N_TEST = 30, 20


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def idx(array):
    """An idx file of bytes: two zeros, type 8, the number of dimensions, the big-endian sizes, the data."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def member(name, content=b"", **fields):
    """A tar member; `fields` set attributes of its header."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


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
    """Writers: `make.folder(files)`, `make.archive(files)`; and the bytes: `make.npy`, `idx`, `tar`, `member`."""

    def folder(files):
        path = tmp_path_factory.mktemp("digits")
        for name, content in files.items():
            (path / name).write_bytes(content)
        return path

    def file(content, name="digits.tgz"):
        path = tmp_path_factory.mktemp("file") / name
        path.write_bytes(content)
        return path

    def archive(files):
        return file(tar(member(name, content) for name, content in files.items()))

    return SimpleNamespace(
        folder=folder, file=file, archive=archive, npy=npy, idx=idx, tar=tar, member=member
    )
