"""Every layout that is promised opens, and gives the same arrays."""

import gzip
import io
import os
import shutil
import socket
import stat
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dataset_files
import needs
import numpy as np
import pytest
from dataset_files import member, npy, tar

from explorer.datasets import DatasetError, load_dataset, load_mnist, loading
from explorer.datasets.dataset import ARRAYS
from explorer.datasets.loading import map_dataset, offer_file, shared_dataset, usual_offers, write_dataset
from explorer.datasets.mnist import write_archive

IMAGES = "mnist-train-images.npy"
FASHION = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist


def assert_holds(dataset, arrays):
    for name, array in arrays.items():
        assert np.array_equal(getattr(dataset, name.replace("-", "_")), array)


def gzipped(files):
    return {f"{name}.gz": gzip.compress(content) for name, content in files.items()}


def dotted(files):
    return {name.replace("-idx", ".idx"): content for name, content in files.items()}


def test_a_folder_by_each_of_its_names(make, npy_files, arrays, monkeypatch):
    folder = make.folder(npy_files)
    dataset = load_dataset(folder)
    assert (dataset.name, dataset.class_names) == (folder.name, tuple("0123456789"))
    monkeypatch.setenv("HOME", str(folder.parent))
    for name in (folder, str(folder) + "/", f"~/{folder.name}"):
        assert_holds(load_dataset(name), arrays)


def test_a_folder_of_files_in_each_format(make, npy_files, idx_files, arrays):
    plain = idx_files, dotted(idx_files)
    for files in (*plain, *map(gzipped, plain), gzipped(npy_files)):
        assert_holds(load_dataset(make.folder(files)), arrays)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
@pytest.mark.parametrize("folder", ["", "./", "data/digits/", "données/"])
def test_an_archive(make, npy_files, arrays, mode, folder):
    """Also with the extended headers that long names, other letters and fractions of seconds have."""
    members = [member(folder + name, content, mtime=1.5) for name, content in npy_files.items()]
    extra = [member("data/digits", type=b"5"), member("x" * 200 + "/README", b"hello")]
    dataset = load_dataset(make.file(tar(extra + members, mode), "mine.tgz"))
    assert_holds(dataset, arrays)
    assert dataset.name == "mine.tgz"


def test_the_archive_is_read_by_anybody_and_equal_data_gives_equal_bytes(make, npy_files, arrays):
    """As the exercise does: unpacked by `tarfile`, loaded by NumPy without pickles."""
    dataset, *streams = load_dataset(make.folder(npy_files)), io.BytesIO(), io.BytesIO()
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


def test_the_name_does_not_decide_the_format(make, npy_files, idx_files, arrays):
    other = {f"{name}.gz": b"not even gzipped" for name in npy_files}  # a plain file goes before it
    assert_holds(load_dataset(make.folder(npy_files | other)), arrays)
    misnamed = dict(zip(npy_files, gzipped(idx_files).values(), strict=True))
    assert_holds(load_dataset(make.folder(misnamed)), arrays)
    assert_holds(load_dataset(make.folder({f"{name}.gz": data for name, data in npy_files.items()})), arrays)


def test_folders_and_broken_links_next_to_the_files_are_ignored(make, idx_files, arrays):
    folder = make.folder(dotted(idx_files))
    (folder / "train-images-idx3-ubyte").mkdir()
    (folder / "loop").symlink_to("loop")
    assert_holds(load_dataset(folder), arrays)


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i4", ">i2", ">i4", "<i8", ">u8"])
def test_labels_of_any_integer_type(make, npy_files, idx_files, arrays, dtype):
    files = npy_files | {"mnist-train-labels.npy": npy(arrays["train-labels"].astype(dtype))}
    dataset = load_dataset(make.folder(files))
    assert_holds(dataset, arrays)
    assert dataset.train_labels.dtype == np.int64
    labels, code = arrays["test-labels"], {"i1": 0x09, ">i2": 0x0B, ">i4": 0x0C}.get(dtype)
    if code is not None:
        content = bytes([0, 0, code, 1]) + len(labels).to_bytes(4, "big") + labels.astype(dtype).tobytes()
        assert_holds(load_dataset(make.folder(idx_files | {"t10k-labels-idx1-ubyte": content})), arrays)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_of_npy_and_columns_first(make, npy_files, arrays, version):
    in_columns = np.asfortranarray(arrays["train-images"])
    np.lib.format.write_array(stream := io.BytesIO(), in_columns, version=(version, 0))
    assert b"'fortran_order': True" in stream.getvalue()
    dataset = load_dataset(make.folder(npy_files | {IMAGES: stream.getvalue()}))
    assert_holds(dataset, arrays)
    assert dataset.train_images.flags.c_contiguous


def test_a_part_or_a_changed_copy_of_mnist_is_not_called_so(make, mnist):
    folder = dataset_files.write(mnist, make.folder({}))
    assert load_dataset(folder).name == "MNIST"
    for changed in folder.iterdir():
        array = np.load(changed, mmap_mode="r+")
        place = (5, *[0] * (array.ndim - 1))
        before = array[place].copy()
        array[place] = (before + 1) % 10
        array.flush()
        assert load_dataset(folder).name == folder.name, changed.name
        array[place] = before
        array.flush()
    assert load_dataset(dataset_files.write(mnist.head(1000), folder)).name == folder.name


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
        ("~\ud800", "can't encode"),
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


def place_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # in the working folder: a socket's path must be short


@pytest.mark.parametrize(("place", "kind"), [(os.mkfifo, "a pipe"), (place_socket, "a socket")])
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
    with refusal("only mnist-test-images.npy, mnist-test-labels.npy, mnist-train-labels.npy", folder.name):
        load_dataset(folder)
    (here / "mnist.tgz").mkdir()
    with refusal("mnist.tgz: found no images, expected a folder of images for each class"):
        load_dataset("mnist.tgz")


@needs.POSIX
@pytest.mark.parametrize(
    ("locked", "mode", "opened", "named"),
    [
        ("digits", 0o000, "digits", "digits"),
        ("digits", 0o444, "digits", "digits/mnist-"),  # names may be listed, files not opened
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
        user = os.geteuid()
        try:
            os.seteuid(65534 if user == 0 else user)  # nobody, whom root's rights don't help
            with refusal("“permission denied”, expected", named):
                load_dataset(folder / opened)
        finally:
            os.seteuid(user)
            (folder / locked).chmod(0o755)


# ---------------------------------------------------------------- shared by processes, and offered

CLOTHES = tuple("abcdefghij")


@pytest.fixture
def own(small_dataset):
    names = {"name": "Clothes “at night”", "class_names": CLOTHES, "source": "/data/clothes.tgz"}
    return replace(small_dataset, **names, notes=("Color was turned into gray.",))


def mapped_file(array):
    """The file that an array lies in, if any."""
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return None if array is None else Path(array.filename)


def assert_same(found, dataset):
    for name in ("name", "class_names", "source", "notes"):
        assert getattr(found, name) == getattr(dataset, name)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(dataset, name), strict=True)


def test_what_was_written_is_mapped_and_the_same(own, tmp_path):
    write_dataset(own, tmp_path)
    found = map_dataset(tmp_path)
    assert_same(found, own)
    arrays = [found.train_images, found.train_labels, found.test_images, found.test_labels]
    assert {mapped_file(array).parent for array in arrays} == {tmp_path}
    assert mapped_file(found.head(10).train_images) == mapped_file(found.train_images)
    assert not any(array.flags.writeable for array in arrays)


def test_whoever_was_faster_is_the_one_that_all_map(own, tmp_path):
    folder = tmp_path / "clothes"

    def load():
        shared_dataset(folder, lambda: own)
        return own

    assert mapped_file(shared_dataset(folder, load).train_images).parent == folder
    assert [path.name for path in tmp_path.iterdir()] == ["clothes"]


def test_with_no_room_it_is_kept_by_the_one_that_read_it(own, tmp_path):
    assert shared_dataset(tmp_path / "no" / "such", lambda: own) is own


def test_a_file_is_read_when_it_is_chosen_and_put_where_all_map_it(folder, tmp_path, monkeypatch):
    offer = offer_file("Mine", folder, tmp_path / "mine")
    assert not [*tmp_path.iterdir()]
    first = offer.load()
    assert (first.name, first.source) == ("Mine", str(folder))
    monkeypatch.setattr(loading, "load_dataset", None)  # the second has no need of it
    second = offer.load()
    np.testing.assert_array_equal(second.train_images, first.train_images)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_fashion_mnist_is_offered_where_it_is_installed(small_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "_FASHION_MNIST", ("Fashion-MNIST", tmp_path / "fashion"))
    mnist, *planes = usual_offers()
    assert [offer.load().name for offer in planes] == [offer.name for offer in planes]
    assert (mnist.name, mnist.load()) == ("MNIST", load_mnist())
    (tmp_path / "fashion").mkdir()
    dataset_files.write(replace(small_dataset, name="any"), tmp_path / "fashion")
    _, fashion, *_ = usual_offers(tmp_path)
    assert (fashion.name, fashion.load().name) == ("Fashion-MNIST", "Fashion-MNIST")
    assert usual_offers(but=["MNIST"])[0].name == "Fashion-MNIST"
