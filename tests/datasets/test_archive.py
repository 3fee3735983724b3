"""MNIST's files, as they are written: the exercise's archive, and the package's own."""

from __future__ import annotations

import gzip
import io
import sys
import tarfile
import zlib

import dataset_files
import numpy as np
import pytest

from explorer.datasets import archive as module
from explorer.datasets import load_dataset
from explorer.datasets.archive import write_archive
from explorer.datasets.mnist import DATA, IMAGES, LABELS


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


def run(monkeypatch, path):
    monkeypatch.setattr(sys, "argv", ["archive", str(path)])
    module.main()


@pytest.mark.long
def test_the_command_makes_the_package_s_files_byte_for_byte(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "DATA", tmp_path)
    run(monkeypatch, dataset_files.write(mnist, tmp_path))
    for name in (IMAGES, LABELS):
        made, shipped = (tmp_path / name).read_bytes(), (DATA / name).read_bytes()
        assert gzip.decompress(made) == gzip.decompress(shipped)
        if "zlib-ng" not in getattr(zlib, "ZLIBNG_VERSION", zlib.ZLIB_RUNTIME_VERSION):  # it packs otherwise
            assert made == shipped


def test_the_command_refuses_other_data(make, npy_files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "DATA", tmp_path)
    for path, words in (
        (make.folder(npy_files), "another data set than MNIST"),
        ("/no/such", "no such file"),
    ):
        with pytest.raises(SystemExit):
            run(monkeypatch, path)
        assert words in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []
