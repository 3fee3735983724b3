"""The exercise's archive, as it is written."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from explorer.datasets import load_dataset
from explorer.datasets.archive import write_archive


@pytest.fixture
def written(make, npy_files):
    dataset, stream = load_dataset(make.archive(npy_files)), io.BytesIO()
    write_archive(dataset, stream)
    return dataset, stream.getvalue()


def test_what_is_written_is_read_again(written, make):
    dataset, content = written
    again = load_dataset(make.file(content))
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(dataset, name))


def test_anybody_else_reads_it_too(written, arrays):
    """As the exercise does: unpacked by `tarfile`, loaded by NumPy without pickles."""
    with tarfile.open(fileobj=io.BytesIO(written[1])) as archive:
        assert len(archive.getnames()) == 4
        for name, array in arrays.items():
            member = archive.getmember(f"mnist-{name}.npy")
            loaded = np.load(io.BytesIO(archive.extractfile(member).read()), allow_pickle=False)
            assert loaded.dtype == np.uint8
            np.testing.assert_array_equal(loaded, array)
            assert (member.mode, member.mtime, member.uname) == (0o644, 0, "")


def test_the_same_data_gives_the_same_bytes(written):
    dataset, content = written
    stream = io.BytesIO()
    write_archive(dataset, stream)
    assert stream.getvalue() == content
    assert content[3:8] == b"\0\0\0\0\0"  # RFC 1952, section 2.3: flags, then the time of the last change
