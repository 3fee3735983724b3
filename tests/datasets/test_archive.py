"""MNIST's files, as they are written: the exercise's archive, and the package's own."""

import io
import tarfile

import numpy as np

from explorer.datasets import load_dataset
from explorer.datasets.mnist import write_archive


def test_the_archive_is_read_by_anybody_and_equal_data_gives_equal_bytes(make, npy_files, arrays):
    """As the exercise does: unpacked by `tarfile`, loaded by NumPy without pickles."""
    dataset, *streams = load_dataset(make.archive(npy_files)), io.BytesIO(), io.BytesIO()
    for stream in streams:
        write_archive(dataset, stream)
    content, again = (stream.getvalue() for stream in streams)
    assert content == again
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        assert len(packed.getnames()) == 4
        for name, array in arrays.items():
            member = packed.getmember(f"mnist-{name}.npy")
            loaded = np.load(io.BytesIO(packed.extractfile(member).read()), allow_pickle=False)
            assert loaded.dtype == np.uint8
            np.testing.assert_array_equal(loaded, array)
            assert (member.mode, member.mtime, member.uname) == (0o644, 0, "")
