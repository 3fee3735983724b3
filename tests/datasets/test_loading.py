"""Every layout that is promised opens, and gives the same arrays."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path

import needs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.datasets import DatasetError, load_dataset

IMAGES = "mnist-train-images.npy"
FASHION = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist


def assert_holds(dataset, arrays):
    for name, array in arrays.items():
        assert np.array_equal(getattr(dataset, name.replace("-", "_")), array)


def gzipped(files):
    return {f"{name}.gz": gzip.compress(content) for name, content in files.items()}


def dotted(files):
    return {name.replace("-idx", ".idx"): content for name, content in files.items()}


@pytest.mark.parametrize("change", [dict, gzipped], ids=["plain", "gzipped"])
def test_a_folder_of_npy_files(make, npy_files, arrays, change):
    folder = make.folder(change(npy_files))
    dataset = load_dataset(folder)
    assert_holds(dataset, arrays)
    assert dataset.name == folder.name
    assert dataset.class_names == tuple("0123456789")
    assert_holds(load_dataset(str(folder) + "/"), arrays)


@pytest.mark.parametrize("change", [dict, gzipped, dotted, lambda files: gzipped(dotted(files))])
def test_a_folder_of_idx_files(make, idx_files, arrays, change):
    assert_holds(load_dataset(make.folder(change(idx_files))), arrays)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
@pytest.mark.parametrize("folder", ["", "./", "data/digits/"])
def test_an_archive(make, npy_files, arrays, mode, folder):
    members = [make.member(folder + name, content) for name, content in npy_files.items()]
    extra = [make.member("data/digits", type=b"5"), make.member("README", b"hello")]
    path = make.file(make.tar(extra + members, mode), "mine.tgz")
    dataset = load_dataset(path)
    assert_holds(dataset, arrays)
    assert dataset.name == "mine.tgz"


def test_an_archive_of_idx_files(make, idx_files, arrays):
    assert_holds(load_dataset(make.archive(gzipped(idx_files))), arrays)


def test_an_archive_with_extended_headers(make, npy_files, arrays):
    members = [
        make.member("données/" + "x" * 200 + "/notes.txt", b"a long name"),
        *(make.member(f"données/{name}", content, mtime=1.5) for name, content in npy_files.items()),
    ]
    assert_holds(load_dataset(make.file(make.tar(members))), arrays)


def test_the_name_does_not_decide_the_format(make, npy_files, idx_files, arrays):
    misnamed = dict(zip(npy_files, gzipped(idx_files).values(), strict=True))
    assert_holds(load_dataset(make.folder(misnamed)), arrays)
    assert_holds(load_dataset(make.folder({f"{name}.gz": data for name, data in npy_files.items()})), arrays)


def test_a_folder_with_two_data_sets_opens_a_complete_one(make, npy_files, idx_files, arrays):
    del (some := dict(npy_files))["mnist-test-labels.npy"]
    assert_holds(load_dataset(make.folder(some | idx_files)), arrays)


def test_folders_and_broken_links_next_to_the_files_are_ignored(make, idx_files, arrays):
    folder = make.folder(dotted(idx_files))
    (folder / "train-images-idx3-ubyte").mkdir()
    (folder / "loop").symlink_to("loop")
    assert_holds(load_dataset(folder), arrays)


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i4", ">i2", "<i8", ">u8"])
def test_labels_of_any_integer_type(make, npy_files, arrays, dtype):
    files = npy_files | {"mnist-train-labels.npy": make.npy(arrays["train-labels"].astype(dtype))}
    dataset = load_dataset(make.folder(files))
    assert_holds(dataset, arrays)
    assert dataset.train_labels.dtype == np.int64


@pytest.mark.parametrize(("code", "dtype"), [(0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4")])
def test_idx_labels_of_any_integer_type(make, idx_files, arrays, code, dtype):
    labels = arrays["test-labels"]
    content = bytes([0, 0, code, 1]) + len(labels).to_bytes(4, "big") + labels.astype(dtype).tobytes()
    assert_holds(load_dataset(make.folder(idx_files | {"t10k-labels-idx1-ubyte": content})), arrays)


def test_a_plain_file_goes_before_a_gzipped_one(make, npy_files, arrays):
    other = {f"{name}.gz": b"not even gzipped" for name in npy_files}
    assert_holds(load_dataset(make.folder(npy_files | other)), arrays)


def test_images_in_column_order(make, npy_files, arrays):
    files = npy_files | {"mnist-train-images.npy": make.npy(np.asfortranarray(arrays["train-images"]))}
    assert b"'fortran_order': True" in files["mnist-train-images.npy"]
    dataset = load_dataset(make.folder(files))
    assert_holds(dataset, arrays)
    assert dataset.train_images.flags.c_contiguous


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_npy(make, npy_files, arrays, version, tmp_path):
    with (tmp_path / "array.npy").open("wb") as file:
        np.lib.format.write_array(file, arrays["test-images"], version=version)
    files = npy_files | {"mnist-test-images.npy": (tmp_path / "array.npy").read_bytes()}
    assert_holds(load_dataset(make.folder(files)), arrays)


def test_a_tilde_is_the_home_folder(make, npy_files, arrays, monkeypatch):
    folder = make.folder(npy_files)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert_holds(load_dataset(f"~/{folder.name}"), arrays)
    with pytest.raises(DatasetError, match="no home folder"):
        load_dataset("~nobody-has-this-name/digits")


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 5), seed=st.integers(0, 2**32 - 1), zipped=st.booleans())
def test_idx_round_trip(make, idx_files, n, seed, zipped):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 28, 28), np.uint8)
    labels = rng.integers(0, 10, n, np.uint8)
    files = idx_files | {
        "train-images-idx3-ubyte": make.idx(images),
        "train-labels-idx1-ubyte": make.idx(labels),
    }
    dataset = load_dataset(make.folder(gzipped(files) if zipped else files))
    assert np.array_equal(dataset.train_images, images)
    assert np.array_equal(dataset.train_labels, labels)


def test_the_exercises_archive_is_mnist(make, mnist):
    members = [
        make.member(f"mnist-{split}-{kind}.npy", make.npy(getattr(mnist, f"{split}_{kind}").astype(np.uint8)))
        for split in ("train", "test")
        for kind in ("images", "labels")
    ]
    dataset = load_dataset(make.file(gzip.compress(make.tar(members, "w"), 1), "mnist.tgz"))
    assert dataset.name == "MNIST"
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        assert np.array_equal(getattr(dataset, name), getattr(mnist, name))


def test_a_part_or_a_changed_copy_of_mnist_is_not_called_so(make, mnist):
    parts = {
        f"mnist-{s}-{k}": getattr(mnist, f"{s}_{k}") for s in ("train", "test") for k in ("images", "labels")
    }
    folder = make.folder({f"{name}.npy": make.npy(part.astype(np.uint8)) for name, part in parts.items()})
    assert load_dataset(folder).name == "MNIST"
    for changed in ("mnist-train-images", "mnist-train-labels", "mnist-test-labels", "mnist-test-images"):
        array = np.load(folder / f"{changed}.npy", mmap_mode="r+")
        place = (5, *[0] * (array.ndim - 1))
        before = array[place].copy()
        array[place] = (before + 1) % 10
        array.flush()
        assert load_dataset(folder).name == folder.name, changed
        array[place] = before
        array.flush()
    for kind in ("images", "labels"):
        np.save(folder / f"mnist-train-{kind}.npy", parts[f"mnist-train-{kind}"][:1000].astype(np.uint8))
    assert load_dataset(folder).name == folder.name


def test_fashion_mnist(make):
    if not FASHION.is_dir() and os.environ.get("EXPLORER_REQUIRE_ALL") != "1":
        pytest.skip("FASHION-MNIST IS NOT TESTED: install Debian's package dataset-fashion-mnist")
    dataset = load_dataset(FASHION)
    assert dataset.name == "Fashion-MNIST"
    assert (len(dataset.train_images), len(dataset.test_images)) == (60_000, 10_000)
    assert set(np.bincount(dataset.train_labels)) == {6000}
    assert set(np.bincount(dataset.test_labels)) == {1000}
    first = [dataset.class_names[label] for label in dataset.train_labels[:4]]
    assert first == ["Ankle boot", "T-shirt/top", "T-shirt/top", "Dress"]
    some = dataset.head(1000)
    folder = make.folder(
        {
            f"mnist-{split}-{kind}.npy": make.npy(getattr(some, f"{split}_{kind}").astype(np.uint8))
            for split in ("train", "test")
            for kind in ("images", "labels")
        }
    )
    part = load_dataset(folder)
    assert (part.name, part.class_names) == (folder.name, dataset.class_names)


# ---------------------------------------------------------------- what is no file


@contextmanager
def refusal(words, file=""):
    """Assert one sentence with the file's name and `words`; hostile content has its tests in `test_borders`."""
    with pytest.raises(DatasetError, match=words) as caught:
        yield
    assert file in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", [None, 3, b"digits", 1.5, ["digits"], "", object])
def test_what_is_not_a_path(path):
    with refusal("expected a path as text"):
        load_dataset(path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/no/such/file.tgz", "file.tgz: found “no such file or directory”"),
        ("a\0b", "null"),
        ("x" * 5000, "name too long"),
        ("\ud800", "existing file or folder"),
        ("~\ud800", "no home folder"),
        ("/dev/null", "null: found a device, expected a file"),
        ("/dev/zero", "zero: found a device, expected a file"),
        ("/proc/self/mem", "mem: found "),
        ("/etc/hostname/x", "not a directory"),
        ("loop", "symbolic links"),
    ],
)
def test_a_path_that_leads_nowhere(here, path, words):
    Path("loop").symlink_to("loop")
    with refusal(words):
        load_dataset(path)


def place_pipe(path):
    os.mkfifo(path)


def place_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # in the working folder: a socket's path must be short


@pytest.mark.parametrize(("place", "kind"), [(place_pipe, "a pipe"), (place_socket, "a socket")])
def test_pipes_and_sockets_are_not_waited_for(here, make, npy_files, place, kind):
    place(Path("digits.tgz"))
    with refusal(f"digits.tgz: found {kind}, expected a file"):
        load_dataset("digits.tgz")
    folder = make.folder({name: data for name, data in npy_files.items() if name != IMAGES})
    shutil.move("digits.tgz", folder / IMAGES)
    with refusal(f"found {kind}, expected a file", f"{folder.name}/{IMAGES}"):
        load_dataset(folder)


def test_a_pipe_that_takes_a_files_place_is_not_waited_for(here, monkeypatch):
    os.mkfifo("digits.tgz")
    regular = os.stat_result((stat.S_IFREG | 0o644, *[0] * 9))
    monkeypatch.setattr(Path, "stat", lambda self, **_: regular)  # what was there a moment ago
    with pytest.raises(DatasetError, match="an empty file"):
        load_dataset(here / "digits.tgz")


def test_a_folder_named_like_a_file(here, make, npy_files):
    folder = make.folder({name: data for name, data in npy_files.items() if name != IMAGES})
    (folder / IMAGES).mkdir()
    with refusal("no train images", folder.name):
        load_dataset(folder)
    (here / "mnist.tgz").mkdir()
    with refusal("mnist.tgz: found none of the four files"):
        load_dataset("mnist.tgz")


@contextmanager
def nobody():
    """Run as a user without rights if the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@needs.POSIX
@pytest.mark.parametrize(
    ("locked", "mode", "opened", "named"),
    [
        ("digits", 0o000, "digits", "digits"),
        ("digits", 0o444, "digits", "digits/mnist-train-images.npy"),  # names may be listed, files not opened
        ("digits/mnist-train-images.npy", 0o000, "digits", "digits/mnist-train-images.npy"),
        ("digits.tgz", 0o000, "digits.tgz", "digits.tgz"),
    ],
)
def test_what_may_not_be_read(make, npy_files, locked, mode, opened, named):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(make.folder(npy_files), folder / "digits")
        (folder / "digits").chmod(0o755)
        (folder / "digits.tgz").touch()
        (folder / locked).chmod(mode)
        with refusal("“permission denied”, expected", named), nobody():
            load_dataset(folder / opened)
        (folder / locked).chmod(0o755)
