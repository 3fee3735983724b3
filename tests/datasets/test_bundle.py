"""The maker gives the package's own files, byte for byte, and refuses anything but MNIST."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib

import pytest

from explorer.datasets import archive as bundle
from explorer.datasets.mnist import DATA, IMAGES, LABELS


@pytest.mark.slow
def test_the_maker_reproduces_the_package(mnist, tmp_path):
    bundle.write_bundle(mnist, tmp_path)
    for name in (IMAGES, LABELS):
        made, shipped = (tmp_path / name).read_bytes(), (DATA / name).read_bytes()
        assert gzip.decompress(made) == gzip.decompress(shipped)
        if "zlib-ng" not in getattr(zlib, "ZLIBNG_VERSION", zlib.ZLIB_RUNTIME_VERSION):  # it packs otherwise
            assert made == shipped


@pytest.mark.slow
def test_the_command_packs_an_archive(mnist, tmp_path, monkeypatch, make):
    arrays = {
        f"mnist-{s}-{k}.npy": getattr(mnist, f"{s}_{k}")
        for s in ("train", "test")
        for k in ("images", "labels")
    }
    folder = make.folder({name: make.npy(array) for name, array in arrays.items()})
    monkeypatch.setattr(sys, "argv", ["bundle", str(folder)])
    monkeypatch.setattr(bundle, "DATA", tmp_path)
    bundle.main()
    assert gzip.decompress((tmp_path / LABELS).read_bytes()) == gzip.decompress((DATA / LABELS).read_bytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == [IMAGES, LABELS]


def test_the_command_refuses_other_data(make, npy_files):
    before = {path: path.stat().st_mtime_ns for path in DATA.iterdir()}
    for path, words in (
        (make.folder(npy_files), "another data set than MNIST"),
        ("/no/such", "no such file"),
    ):
        command = [sys.executable, "-m", "explorer.datasets.archive", str(path)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 2
        assert words in result.stderr
        assert "Traceback" not in result.stderr
    assert {path: path.stat().st_mtime_ns for path in DATA.iterdir()} == before


@pytest.mark.parametrize("name", [IMAGES, LABELS])
def test_the_files_hold_no_time_and_no_name(name):
    header = (DATA / name).read_bytes()[:10]
    assert header[3:8] == b"\0\0\0\0\0"  # RFC 1952, section 2.3: flags, then the time of the last change
