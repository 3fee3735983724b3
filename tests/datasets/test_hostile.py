"""Whatever is wrong with a file gives a `DatasetError` that names it, and nothing else happens."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import shutil
import socket
import stat
import struct
import tarfile
import tempfile
import time
import tracemalloc
from contextlib import contextmanager, suppress
from pathlib import Path

import needs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.datasets import Dataset, DatasetError, load_dataset

pytestmark = pytest.mark.timeout(60)  # a pipe that is waited for, a loop without end

IMAGES, LABELS = "mnist-train-images.npy", "mnist-train-labels.npy"
LARGE = gzip.compress(bytes(10_000_000)) * 20  # 200 MB of zeros in 200 kB


class Explosive:
    """Unpickling it makes a folder."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_header(text, version=1):
    """A .npy file of nothing but a header."""
    text = text.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text


def plain_header(dtype="|u1", shape="30, 28, 28", fortran="False"):
    return npy_header(f"{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': ({shape}), }}\n")


def idx_header(*sizes, kind=8, magic=b"\0\0", dimensions=None):
    return magic + bytes([kind, dimensions or len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


GOOD = npy(np.zeros((30, 28, 28), np.uint8))
GOOD_LABELS = npy(np.zeros(30, np.uint8))
OBJECTS = npy(np.array([Explosive()] * 30, dtype=object))

# id: (the file that is replaced, its content, words of the message)
CONTENTS = {
    "empty": (IMAGES, b"", "an empty file"),
    "text": (IMAGES, b"not an array\n", "starts with the bytes 6e 6f 74 20"),
    "two bytes": (IMAGES, b"\0\0", "starts with the bytes 00 00"),
    "pickle": (IMAGES, pickle.dumps(Explosive()), "starts with the bytes 80 04"),
    "zip": (IMAGES, b"PK\x03\x04" + bytes(100), "starts with the bytes 50 4b 03 04"),
    "floats": (IMAGES, npy(np.zeros((30, 28, 28))), r"float64 of shape \(30, 28, 28\), expected uint8"),
    "signed": (IMAGES, npy(np.zeros((30, 28, 28), np.int8)), r"int8 of shape \(30, 28, 28\), expected uint8"),
    "booleans": (IMAGES, npy(np.zeros((30, 28, 28), bool)), "bool of shape"),
    "objects": (IMAGES, npy(np.full((30, 28, 28), None)), "Python objects of shape"),
    "flat": (
        IMAGES,
        npy(np.zeros((30, 784), np.uint8)),
        r"\(30, 784\), expected uint8 of shape \(n, 28, 28\)",
    ),
    "colour": (IMAGES, npy(np.zeros((30, 28, 28, 3), np.uint8)), r"\(30, 28, 28, 3\)"),
    "32 pixels": (IMAGES, npy(np.zeros((30, 32, 32), np.uint8)), r"\(30, 32, 32\)"),
    "no images": (
        IMAGES,
        npy(np.zeros((0, 28, 28), np.uint8)),
        r"\(0, 28, 28\), expected .* n from 1 to 1000000",
    ),
    "a scalar": (IMAGES, npy(np.uint8(1)), r"uint8 of shape \(\)"),
    "labels as images": (
        IMAGES,
        GOOD_LABELS,
        r"uint8 of shape \(30,\), expected uint8 of shape \(n, 28, 28\)",
    ),
    "too few": (IMAGES, npy(np.zeros((29, 28, 28), np.uint8)), "found 30 labels, expected 29, one for each"),
    "too many": (
        IMAGES,
        plain_header(shape="1000001, 28, 28"),
        r"\(1000001, 28, 28\), expected .* to 1000000",
    ),
    "far too many": (IMAGES, plain_header(shape="9" * 9 + ", 28, 28"), r"shape \(9+, 28, 28\)"),
    "a lying shape": (
        IMAGES,
        plain_header(shape="1000000, 28, 28"),
        "784000000 bytes of data, expected at most 50000000 in a file of this size",
    ),
    "a lying order": (IMAGES, plain_header(fortran="True"), "0 bytes of data, expected 23520"),
    "negative": (IMAGES, plain_header(shape="-1, 28, 28"), "found something else than a plain array"),
    "record": (IMAGES, npy(np.zeros(3, "u1,u1")), "found something else than a plain array"),
    "code": (IMAGES, npy_header("__import__('os').mkdir('evaluated')"), "something else than a plain array"),
    "nested": (IMAGES, npy_header("(" * 60_000), "something else than a plain array"),
    "digits": (IMAGES, plain_header(shape="1" * 3000), "something else than a plain array"),
    "no header": (IMAGES, b"\x93NUMPY", "something else than a plain array"),
    "other magic": (IMAGES, GOOD.replace(b"NUMPY", b"NUMPI"), "something else than a plain array"),
    "4 GB header": (IMAGES, b"\x93NUMPY\x02\0\xff\xff\xff\xff" + bytes(9000), "something else than a plain"),
    "cut header": (IMAGES, GOOD[:60], "something else than a plain array"),
    "cut data": (IMAGES, GOOD[:-1], "23519 bytes of data, expected 23520, as its header says"),
    "a byte more": (IMAGES, GOOD + b"\0", "more data than its header says, expected 23520 bytes"),
    "idx magic": (IMAGES, idx_header(30, 28, 28, magic=b"\0\1"), "starts with the bytes 00 01 08 03"),
    "idx type": (IMAGES, idx_header(30, 28, 28, kind=7), "starts with the bytes 00 00 07 03"),
    "idx floats": (IMAGES, idx_header(30, 28, 28, kind=0x0D), "float32 of shape"),
    "idx integers": (IMAGES, idx_header(30, 28, 28, kind=0x0C), "int32 of shape"),
    "idx scalar": (IMAGES, idx_header(), r"uint8 of shape \(\)"),
    "idx dimensions": (IMAGES, idx_header(30, 28, 28, dimensions=255), "starts with the bytes 00 00 08 ff"),
    "idx cut header": (IMAGES, idx_header(30, 28, 28)[:9], "an idx header that is cut off"),
    "idx sizes": (
        IMAGES,
        idx_header(2**32 - 1, 2**32 - 1, 2**32 - 1),
        r"\(4294967295, 4294967295, 4294967295\)",
    ),
    "idx too long": (IMAGES, idx_header(30, 28, 28) + bytes(23519), "23519 bytes of data, expected 23520"),
    "idx too short": (IMAGES, idx_header(30, 28, 28) + bytes(23521), "more data than its header says"),
    "gzip cut": (IMAGES, gzip.compress(GOOD)[:-9], "damaged data, “compressed file ended before"),
    "gzip without its end": (IMAGES, gzip.compress(GOOD)[:-8], "damaged data"),
    "gzip checksum": (IMAGES, gzip.compress(GOOD)[:-8] + bytes(8), "damaged data, “CRC check failed"),
    "gzip garbage": (IMAGES, b"\x1f\x8b\x08\0" + bytes(6) + b"\xff" * 99, "damaged data"),
    "gzip magic only": (IMAGES, b"\x1f\x8b", "damaged data"),
    "gzip method": (IMAGES, b"\x1f\x8b\x63" + bytes(99), "damaged data"),
    "gzip tail": (IMAGES, gzip.compress(GOOD) + b"tail", "damaged data"),
    "gzip twice": (IMAGES, gzip.compress(gzip.compress(GOOD)), "starts with the bytes 1f 8b"),
    "bomb": (IMAGES, gzip.compress(GOOD) + LARGE, "more data than its header says"),
    "bomb of a header": (IMAGES, gzip.compress(b"\x93NUMPY\x03\0\xff\xff\xff\x7f") + LARGE, "something else"),
    "bomb of nothing": (IMAGES, LARGE, r"uint8|starts with the bytes 00 00 00 00"),
    "bomb of an image": (
        IMAGES,
        gzip.compress(plain_header(shape="1, 10000, 20000")) + LARGE,
        r"uint8 of shape \(1, 10000, 20000\), expected uint8 of shape \(n, 28, 28\)",
    ),
    "label 10": (LABELS, npy(np.full(30, 10)), "label 10, expected labels from 0 to 9"),
    "label -1": (LABELS, npy(np.full(30, -1)), "label -1, expected labels from 0 to 9"),
    "float labels": (
        LABELS,
        npy(np.zeros(30)),
        r"float64 of shape \(30,\), expected integers of shape \(n,\)",
    ),
    "one-hot labels": (LABELS, npy(np.zeros((30, 10), int)), r"int64 of shape \(30, 10\)"),
    "text labels": (LABELS, npy(np.full(30, "7")), "str32 of shape"),
    "dates": (LABELS, npy(np.zeros(30, "M8[s]")), "something else than a plain array"),
    "object labels": (LABELS, OBJECTS, r"Python objects of shape \(30,\), expected integers"),
    "images as labels": (LABELS, GOOD, r"uint8 of shape \(30, 28, 28\), expected integers"),
    "labels missing one": (
        LABELS,
        npy(np.zeros(29, int)),
        "found 29 labels, expected 30, one for each image",
    ),
}


@contextmanager
def refusal(words, file=""):
    """Assert one short sentence with the file's name and `words`, in bounded time and memory, and no trace."""
    before = sorted(Path.cwd().rglob("*"))
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match=words) as caught:
            yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert file in message
    assert message.startswith(caught.value.file)
    assert ": found " in message
    assert ", expected " in message
    assert message.isprintable()
    assert len(message) < 400
    assert peak < 20_000_000
    assert sorted(Path.cwd().rglob("*")) == before


@pytest.fixture(autouse=True)
def empty_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("source", ["folder", "archive"])
@pytest.mark.parametrize(("file", "content", "words"), CONTENTS.values(), ids=CONTENTS)
def test_a_bad_file(make, npy_files, source, file, content, words):
    path = getattr(make, source)(npy_files | {file: content})
    if words.startswith("found 30 labels"):  # with too few images it is the labels that are too many
        file = LABELS
    with refusal(words, f"{path.name}/{file}"):
        load_dataset(path)


@pytest.mark.parametrize("source", ["folder", "archive"])
@pytest.mark.parametrize("gone", [0, 1, 2, 3])
def test_one_of_the_four_is_missing(make, npy_files, idx_files, source, gone):
    for files in (npy_files, idx_files):
        missing = list(files)[gone]
        role = ["train images", "train labels", "test images", "test labels"][gone]
        path = getattr(make, source)({name: data for name, data in files.items() if name != missing})
        with refusal(f"no {role}, expected mnist-train-images.npy, .* or idx", path.name):
            load_dataset(path)


@pytest.mark.parametrize("source", ["folder", "archive"])
def test_nothing_that_is_looked_for(make, source):
    for files in ({}, {"README": b"hello", "._mnist-train-images.npy": b"x"}):
        path = getattr(make, source)(files)
        with refusal("none of the four files", path.name):
            load_dataset(path)


def link(make, kind, target="/etc/passwd"):
    return make.member(IMAGES, type=kind, linkname=target)


# id: (what comes before the four good files, words of the message)
MEMBERS = {
    "outside": (lambda make: make.member("../" + IMAGES, b"x"), r"\.\./mnist-train.*leaves the archive"),
    "outside, later": (lambda make: make.member("a/../../b", b"x"), r"a/\.\./\.\./b, a path that leaves"),
    "absolute": (lambda make: make.member("/etc/passwd", b"x"), "/etc/passwd, a path that leaves"),
    "Windows": (lambda make: make.member("..\\" + IMAGES, b"x"), "a path that leaves"),
    "drive": (lambda make: make.member("C:\\" + IMAGES, b"x"), "C:.*, a path that leaves"),
    "folder": (lambda make: make.member("../there", type=b"5"), "a path that leaves"),
    "symbolic link": (lambda make: link(make, tarfile.SYMTYPE), f"{IMAGES}, a symbolic link, expected plain"),
    "hard link": (lambda make: link(make, tarfile.LNKTYPE), f"{IMAGES}, a hard link, expected plain files"),
    "device": (lambda make: link(make, tarfile.CHRTYPE, ""), "a device"),
    "block device": (lambda make: link(make, tarfile.BLKTYPE, ""), "a device"),
    "pipe": (lambda make: link(make, tarfile.FIFOTYPE, ""), "a pipe"),
    "unknown": (lambda make: link(make, b"S", ""), "a special file"),
    "twice": (lambda make: make.member("again/" + IMAGES, GOOD), "two files for the train images"),
    "control letters": (lambda make: make.member("../\x1b[31m\n" + "x" * 90, b""), "leaves the archive"),
}


@pytest.mark.parametrize(("bad", "words"), MEMBERS.values(), ids=MEMBERS)
@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_a_bad_member(make, npy_files, bad, words, tar_format):
    good = [make.member(name, content) for name, content in npy_files.items()]
    headers = b"".join(
        info.tobuf(tar_format) + content + bytes(-len(content) % 512) for info, content in good
    )
    info, content = bad(make)
    data = info.tobuf(tar_format) + content + bytes(-len(content) % 512) + headers + bytes(1024)
    path = make.file(data)
    with refusal(words, "digits.tgz"):
        load_dataset(path)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_an_archive_cut_anywhere(make, npy_files, mode):
    data = make.tar([make.member(name, content) for name, content in npy_files.items()], mode)
    end = len(data) if mode == "w:gz" else data.rindex(npy_files["mnist-test-labels.npy"])  # zeros follow
    for length in [*range(1, 600, 97), *range(600, end, end // 20), end - 1]:
        with refusal(".", "digits.tgz"):
            load_dataset(make.file(data[:length]))


def test_an_archive_with_a_false_checksum(make, npy_files):
    members = [make.member(name, content) for name, content in npy_files.items()]
    packed = bytearray(make.tar(members))
    packed[-8] ^= 1  # gzip's own, of the whole archive
    with refusal("damaged data, “CRC check failed", "digits.tgz"):
        load_dataset(make.file(packed))
    plain = bytearray(make.tar(members, "w"))
    plain[148] ^= 1  # that of the first header
    with refusal("something else than a tar archive, or a damaged one", "digits.tgz"):
        load_dataset(make.file(plain))


def enormous(make, flag):
    """A header that announces 8 GB, and nothing after it."""
    info, _ = make.member("large", type=flag)
    info.size = 0o77777777777
    return info.tobuf(tarfile.USTAR_FORMAT)


ARCHIVES = {
    "empty": (lambda make: b"", "an empty file, expected a .tgz"),
    "gzip of nothing": (lambda make: gzip.compress(b""), "something else than a tar archive"),
    "zeros": (lambda make: bytes(10_240), "none of the four files"),
    "text": (lambda make: b"hello" * 500, "something else than a tar archive"),
    "an array": (lambda make: GOOD, "something else than a tar archive.*, expected .*, or their folder"),
    "zip": (lambda make: b"PK\x03\x04" + bytes(600), "something else than a tar archive"),
    "large file": (lambda make: enormous(make, b"0"), "more than 150 MB when unpacked"),
    "large name": (lambda make: enormous(make, b"L"), "something else than a tar"),
    "large pax header": (lambda make: enormous(make, b"x"), "something else than a tar"),
    "many members": (
        lambda make: make.tar(make.member(f"{i}") for i in range(1001)),
        "more than 1000 members",
    ),
    "chained names": (
        lambda make: make.member("a", type=b"L")[0].tobuf() * 3000,
        "something else than a tar",
    ),
    "bomb": (lambda make: LARGE, "more than 150 MB"),
    "bomb at the end": (lambda make: make.tar([make.member("a")]) + LARGE, "more than 150 MB"),
    "cut in what is ignored": (
        lambda make: make.member("README", bytes(2000))[0].tobuf(tarfile.USTAR_FORMAT) + b"x" * 1000,
        "something else than a tar archive, or a damaged one",
    ),
    "negative size": (
        lambda make: make.member("a")[0].tobuf().replace(b"00000000000\0", b"-0000000777\0", 1),
        "something else than a tar archive",
    ),
}


@pytest.mark.parametrize(("content", "words"), ARCHIVES.values(), ids=ARCHIVES)
def test_a_bad_archive(make, content, words):
    path = make.file(content(make))
    start = time.process_time()
    with refusal(words, "digits.tgz"):
        load_dataset(path)
    assert time.process_time() - start < 2


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
def test_a_path_that_leads_nowhere(path, words):
    Path("loop").symlink_to("loop")
    with refusal(words):
        load_dataset(path)


def place_pipe(path):
    os.mkfifo(path)


def place_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)  # in the working folder: a socket's path must be short


@pytest.mark.parametrize(("place", "kind"), [(place_pipe, "a pipe"), (place_socket, "a socket")])
def test_pipes_and_sockets_are_not_waited_for(make, npy_files, place, kind):
    place(Path("digits.tgz"))
    with refusal(f"digits.tgz: found {kind}, expected a file"):
        load_dataset("digits.tgz")
    folder = make.folder({name: data for name, data in npy_files.items() if name != IMAGES})
    shutil.move("digits.tgz", folder / IMAGES)
    with refusal(f"found {kind}, expected a file", f"{folder.name}/{IMAGES}"):
        load_dataset(folder)


def test_a_pipe_that_takes_a_files_place_is_not_waited_for(monkeypatch, tmp_path):
    os.mkfifo("digits.tgz")
    regular = os.stat_result((stat.S_IFREG | 0o644, *[0] * 9))
    monkeypatch.setattr(Path, "stat", lambda self, **_: regular)  # what was there a moment ago
    with pytest.raises(DatasetError, match="an empty file"):
        load_dataset(tmp_path / "digits.tgz")


def test_a_folder_named_like_a_file(make, npy_files):
    folder = make.folder({name: data for name, data in npy_files.items() if name != IMAGES})
    (folder / IMAGES).mkdir()
    with refusal("no train images", folder.name):
        load_dataset(folder)
    Path("mnist.tgz").mkdir()
    try:
        with refusal("mnist.tgz: found none of the four files"):
            load_dataset("mnist.tgz")
    finally:
        Path("mnist.tgz").rmdir()


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
        ("digits", 0o444, "digits", f"digits/{IMAGES}"),  # names may be listed, files not opened
        (f"digits/{IMAGES}", 0o000, "digits", f"digits/{IMAGES}"),
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


STARTS = st.sampled_from(
    [
        b"",
        b"\x93NUMPY\x01\0",
        plain_header(),
        plain_header(shape="30"),
        idx_header(30, 28, 28),
        idx_header(30),
    ]
)
FILES = st.sampled_from(
    [IMAGES, LABELS, "mnist-test-images.npy", "mnist-test-labels.npy"],
)


@settings(max_examples=150, deadline=None)
@given(file=FILES, start=STARTS, rest=st.binary(max_size=300), zipped=st.booleans(), packed=st.booleans())
def test_any_bytes_in_place_of_a_file(make, npy_files, file, start, rest, zipped, packed):
    content = gzip.compress(start + rest) if zipped else start + rest
    path = (make.archive if packed else make.folder)(npy_files | {file: content})
    try:
        load_dataset(path)
    except DatasetError:
        return
    assert len(content) >= 30  # thirty labels, by chance all below ten


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=2000), zipped=st.booleans())
def test_any_bytes_in_place_of_an_archive(make, content, zipped):
    with pytest.raises(DatasetError):
        load_dataset(make.file(gzip.compress(content) if zipped else content))


@settings(max_examples=200, deadline=None)
@given(
    where=st.floats(0, 1, exclude_max=True),
    bits=st.integers(1, 255),
    cut=st.booleans(),
    form=st.sampled_from(["tar", "tgz", "images", "labels.gz"]),
)
def test_any_damage(make, npy_files, where, bits, cut, form):
    """One byte changed, or everything after it gone: a data set or a `DatasetError`."""
    members = [make.member(name, content) for name, content in npy_files.items()]
    whole = {
        "tar": lambda: make.tar(members, "w"),
        "tgz": lambda: make.tar(members),
        "images": lambda: npy_files[IMAGES][:1000],
        "labels.gz": lambda: gzip.compress(npy_files[LABELS]),
    }[form]()
    at = int(where * len(whole))
    damaged = whole[:at] + (b"" if cut else bytes([whole[at] ^ bits]) + whole[at + 1 :])
    if form in ("tar", "tgz"):
        path = make.file(damaged)
    else:
        path = make.folder(npy_files | {IMAGES if form == "images" else LABELS: damaged})
    with suppress(DatasetError):
        assert isinstance(load_dataset(path), Dataset)
