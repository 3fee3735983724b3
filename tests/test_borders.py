"""Whatever comes over a border, there is a result or a documented error, and it costs little."""

import gzip
import io
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile

import dataset_files
import hostile_inputs
import needs
import numpy as np
import pytest
from hostile_inputs import (
    READERS,
    archive,
    changed,
    files,
    header,
    journal,
    npy,
    session,
    sound_archive,
    weights,
    with_entries,
    with_text,
    zipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.app.url_state import Link
from explorer.network.weights_file import MOST_BYTES
from explorer.serve.request import visit

IMAGES, LABELS = "mnist-train-images.npy", "mnist-train-labels.npy"
ZEROS = hostile_inputs.ZEROS * 20  # 200 MB in 200 kB
ARRAY = "something else than a plain array"
ONES = np.ones((4, 784), np.float32)
SOUND = {"weights": weights, "session": session, "journal": journal, "archive": sound_archive}


class Trap:
    """Unpickling it makes a folder."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


# ---------------------------------------------------------------- one file of a data set


def npy_header(text, version=1):
    """A .npy file of nothing but a header."""
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode()


def lying(shape="40, 28, 28", order="False"):
    return npy_header(f"{{'descr': '|u1', 'fortran_order': {order}, 'shape': ({shape}), }}\n")


def idx(*sizes, kind=8, magic=b"\0\0", axes=None):
    return magic + bytes([kind, axes or len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


def of(shape, dtype="u1"):
    return npy(np.zeros(shape, dtype))


GOOD = npy(np.zeros((40, 28, 28), np.uint8))
BAD_IMAGES = [
    ("an empty file", b""),
    (ARRAY, b"not an array\n"),
    (ARRAY, pickle.dumps(Trap())),
    (ARRAY, b"PK\3\4" + bytes(100)),
    ("Python objects of shape", npy(np.full((40, 28, 28), None))),
    (r"uint8 of shape \(0, 28, 28\), expected an array", of((0, 28, 28))),
    (r"uint8 of shape \(40,\), expected images of shape \(n, height, width\)", of(40)),
    (r"\d{12} bytes of data, as its header says, expected at most 50000000", lying("9" * 9 + ", 28, 28")),
    ("784000000 bytes of data, as its header says, expected at most 50000000", lying("1000000, 28, 28")),
    ("0 bytes of data, expected 31360", lying(order="True")),
    (f"found {ARRAY}", lying("-1, 28, 28")),
    (f"{ARRAY}, expected an array", npy_header("(" * 60_000)),
    (f"{ARRAY}, expected an array", GOOD.replace(b"NUMPY", b"NUMPI")),
    (f"{ARRAY}, expected an array", b"\x93NUMPY\x02\0\xff\xff\xff\xff" + bytes(9000)),
    (f"{ARRAY}, expected an array", GOOD[:60]),
    (f"{ARRAY}, expected an array", npy_header("__import__('os').mkdir('sprung')")),
    (f"{ARRAY}, expected an array", npy(np.zeros(3, "u1,u1"))),
    ("31359 bytes of data, expected 31360 bytes, as its header says", GOOD[:-1]),
    ("more data than its header says, expected 31360 bytes", GOOD + b"\0"),
    (ARRAY, idx(40, 28, 28, kind=7)),
    ("0 bytes of data, expected 125440", idx(40, 28, 28, kind=0x0D)),
    ("0 bytes of data, expected 1 bytes", idx()),
    (ARRAY, idx(40, 28, 28, axes=255)),
    (ARRAY, idx(40, 28, 28)[:9]),
    (r"\d{29} bytes of data", idx(*[2**32 - 1] * 3)),
    ("31359 bytes of data, expected 31360", idx(40, 28, 28) + bytes(31359)),
    ("more data than its header says", idx(40, 28, 28) + bytes(31361)),
    ("damaged data, “compressed file ended before", gzip.compress(GOOD)[:-9]),
    ("damaged data, “CRC check failed", gzip.compress(GOOD)[:-8] + bytes(8)),
    ("damaged data, “error -3", b"\x1f\x8b\x08\0" + bytes(6) + b"\xff" * 99),
    ("damaged data, “unknown compression", b"\x1f\x8b\x63" + bytes(99)),
    ("damaged data, “not a gzipped file", gzip.compress(GOOD) + b"tail"),
    (ARRAY, gzip.compress(gzip.compress(GOOD))),
    ("more data than its header says, expected", gzip.compress(GOOD) + ZEROS),
    (f"{ARRAY}, expected an array", gzip.compress(b"\x93NUMPY\x03\0\xff\xff\xff\x7f") + ZEROS),
    (ARRAY, ZEROS),
    (
        "200000000 bytes of data, as its header says, expected",
        gzip.compress(lying("1, 10000, 20000")) + ZEROS,
    ),
    (r"found labels of shape \(40,\), expected 39, one for each image", of((39, 28, 28))),
]
BAD_LABELS = [
    (f"found {ARRAY}", of(40, "M8[s]")),
    (r"Python objects of shape \(40,\), expected an array", npy(np.array([Trap()] * 40))),
    (r"labels of shape \(40, 28, 28\), expected 40, one for each", GOOD),
    (r"found labels of shape \(39,\), expected 40, one for each image", of(39, int)),
]


def data_files():
    """The file that is replaced, and its content."""
    for name, cases in ((IMAGES, BAD_IMAGES), (LABELS, BAD_LABELS)):
        for words, content in cases:
            yield words, (name, content)


# ---------------------------------------------------------------- an archive


def member(name, content=b"", **fields):
    """A member of a tar archive, as bytes."""
    info, _ = dataset_files.member(name, content, **fields)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def changed_byte(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


NO_TAR = "a file of another kind, or a damaged one, expected a folder of images for each class"


def archives():
    before = [  # the four good files
        (r"\.\./mnist-train.*, a path that leaves the archive", member(f"../{IMAGES}", b"x")),
        (r"a/\.\./\.\./b, a path that leaves", member("a/../../b", b"x")),
        ("/etc/passwd, a path that leaves", member("/etc/passwd", b"x")),
        ("a path that leaves", member("..\\" + IMAGES, b"x")),
        ("C:.*, a path that leaves", member("C:\\" + IMAGES, b"x")),
        ("there.*, a path that leaves", member("../there", type=b"5")),
        ("�.*, a path that leaves", member("../\x1b[31m\n")),
        *(
            (
                f"{IMAGES}, a link or special file, expected plain",
                member(IMAGES, type=kind, linkname="/etc/passwd"),
            )
            for kind in (b"1", b"2", b"3", b"4", b"6", b"7")
        ),
        ("two files called mnist-train-images.npy", member(f"again/{IMAGES}", files()[IMAGES])),
        ("more than 1000 members", b"".join(member(f"{number}") for number in range(1001))),
        (f"{NO_TAR}|more than 150000000", member("a").replace(b"00000000000\0", b"-0000000777\0", 1)),
    ]
    whole = [
        ("an empty file, expected a folder", b""),
        (NO_TAR, gzip.compress(b"")),
        ("found no images, expected a folder", bytes(10_240)),
        *((f"{NO_TAR}|not a zip", content) for content in (b"hello" * 500, GOOD, b"PK\3\4" + bytes(600))),
        *((NO_TAR, member("8 GB", type=flag, size=0o77777777777)) for flag in (b"0", b"L", b"x")),
        (NO_TAR, member("a", type=b"L") * 3000),
        ("more than 150000000 bytes when unpacked", ZEROS),
        ("more than 150000000 bytes when unpacked", gzip.compress(sound_archive()) + ZEROS),
        (NO_TAR, member("README", bytes(2000))[:1500]),
        ("damaged data, “CRC check failed", changed_byte(gzip.compress(sound_archive()), -8)),
        (NO_TAR, changed_byte(sound_archive(), 148)),
        (
            "found only ._mnist-train-images.npy, README, expected a folder",
            archive({"README": b"hello", f"._{IMAGES}": b"x"}, "w"),
        ),
        *((words, archive(files() | dict([file]), "w:gz")) for words, file in [*data_files()][::3]),
    ]
    for gone in files():
        left = {name: content for name, content in files().items() if name != gone}
        whole.append((f"only .*{', '.join(sorted(left))[-60:]}, expected", archive(left, "w")))
    return [*((words, content + sound_archive()) for words, content in before), *whole]


# ---------------------------------------------------------------- weights

NETWORK = {
    "format": 1, "hidden_activation": "tanh", "output": "softmax", "loss": "cross_entropy", "initializer": "he",
    "metadata": ["weights_epoch", "config", "losses"],
}  # fmt: skip


def network(**changes):
    return {"network": np.array(json.dumps(NETWORK | changes))}


def redeclared(name, data, size):
    """Weights with an entry whose header and directory declare another size than it has."""
    content, true = with_entries(weights(), **{name: data}), struct.pack("<L", len(data))
    assert content.count(true) == 2
    return content.replace(true, struct.pack("<L", size))


def twice(name):
    with (
        zipfile.ZipFile(stream := io.BytesIO(weights()), "a") as packed,
        pytest.warns(match="Duplicate name"),
    ):
        packed.writestr(name, b"")
    return stream.getvalue()


def weights_files():
    return [
        *((words, with_entries(weights(), **changes)) for words, changes in [
            ("no W2", {"W2": None}),
            ("no entry “network”", {"network": None}),
            ("no W1", dict.fromkeys(("W1", "W2", "b1", "b2"))),
            ("no W2, expected W1", {"W2": None, "b2": None}),
            ("no W3", {"W4": np.ones((2, 2)), "b4": np.ones((2, 1))}),
            (r"an entry x/\.\./\.\./W1", {"x/../../W1": np.ones(3)}),
            *((f"W1: found {np.dtype(dtype).name}", {"W1": ONES.astype(dtype)}) for dtype in ("f2", int, complex)),
            (r"b1: found float32 of shape \(4, 1\), expected float64", {"W1": ONES.astype(float)}),
            (r"W1: found float32 of shape \(9,\), expected float32 or float64 in two", {"W1": ONES[0, :9]}),
            (r"W1|b1: found float32 of shape \(4, 1\), expected float32 of shape \(3, 1\)", {"W1": ONES[:3]}),
            (r"W2: found float32 of shape \(10, 5\), expected .*\(10, 4\)", {"W2": np.ones((10, 5), "f4")}),
            (r"b2: found float32 of shape \(1, 10\)", {"b2": np.ones((1, 10), "f4")}),
            ("b2: found values that are infinite or not a number", {"b2": np.full((10, 1), np.nan, "f4")}),
            ("W1: found Python objects", {"W1": np.array([[Trap()] * 784] * 4)}),
            *((f"W1: found {ARRAY}", {"W1": one}) for one in (np.zeros((4, 9), "f4,f4"), pickle.dumps(ONES))),
            ("W1: found an empty file", {"W1": b""}),
            ("its header says", {"W1": header((10**9, 10**3), "<f4") + bytes(48)}),
            ("its header says", {"W1": header((10**11, 10**11), "<f4") + bytes(48)}),
            ("found more data than its header says", {"W1": header((2, 4), "<f4") + bytes(48)}),
            (r"network: found float64 of shape \(3, 4\), expected a text", {"network": np.ones((3, 4))}),
            ("network: found letters that Unicode", {"network": np.frombuffer(b"\xff" * 8, "<U2").reshape(())}),
            ("network: found a text that is not JSON", {"network": np.array("[" * 9000)}),
            ("network: found no settings, expected format 1", {"network": np.array("[1]")}),
            ("network: found 80128 bytes, expected a text of at most", {"network": np.array("x" * 20_000)}),
            ("found format 2, expected format 1", network(format=2)),
            ("network: found other settings", network(more=1)),
            ("network: found other settings", network(metadata=3)),
            ("no x", network(metadata=["x", *NETWORK["metadata"]])),
            ("no …", network(metadata=["x\n\x1b[31m" * 50])),
            ("output is 'gelu'; expected one of", network(output="gelu")),
            (r"loss is \['a'\]; expected", network(loss=["a"])),
            ("“bad|its header says|plain array", {"b2": header((10, 1), "<f4").ljust(5000) + bytes(40)}),
        ]),
        *(("zip file", content) for content in (b"", b"PK\3\4", b"no zip file" * 100, pickle.dumps([1]))),
        (f"expected at most {MOST_BYTES}", redeclared("b2", bytes(1_000_003), MOST_BYTES)),
        ("bad CRC|its header says", redeclared("W1", header((4, 784), "<f4") + bytes(99_999_999), 12_672)),
        ("9 entries, expected each name once", twice("W1.npy")),
        ("101 entries", zipped({f"x{number}": b"" for number in range(101)})),
        *(
            ("compression method", zipped(hostile_inputs.entries(weights()), way))
            for way in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        ),
    ]  # fmt: skip


# ---------------------------------------------------------------- sessions


def of_settings(**values):
    return with_text(lambda text: text["runs"][0]["settings"].update(values))


def table(name, place, value):
    array = hostile_inputs.entry(session(), name)
    array[place] = value
    return with_entries(session(), **{name: array})


CHANGE = {"step": 9, "learning_rate": 0.1, "batch_size": 16}


def sessions():
    return [
        *(("zip file", content) for content in (b"", b"PK\3\4", b"not a zip file" * 100)),
        ("no entry “session”", weights()),
        ("found a session in format 4, expected format 3: a newer explorer opens it", changed(format=4)),
        ("format: found '1', expected a whole number", changed(format="1")),
        ("something else than named values", with_text(lambda text: [text])),
        ("found 10000 runs", changed(runs=[{}] * 10_000)),
        ("settings: found other settings", changed(settings={})),
        ("saved_at: found 7, expected a text", changed(saved_at=7)),
        ("present: found 99", changed(present=99)),
        ("expected a number above those before it, at most 1", changed(n_runs=1)),
        ("n_tested: found -1, expected a whole number from 0", changed(n_tested=-1)),
        ("number: found 1000", changed(0, number=10**30)),
        ("run 2, number: found 1", changed(1, number=1)),
        ("expected a text of at most 60 letters", changed(0, name="x" * 61)),
        ("note: found None", changed(0, note=None)),
        ("pinned: found 1, expected true or false", changed(0, pinned=1)),
        ("batches: found rows of no run", changed(-1, n_batches=0)),
        ("epochs: found", changed(0, n_epochs=500)),
        ("expected a whole number from 0 to 500", changed(0, n_epochs=10**9)),
        ("weights: found", changed(0, weights=[3.0, 2.0, 1.0])),
        ("expected epochs from 0 to 2", changed(0, weights=["3"])),
        ("at most 502", changed(0, weights=[1] * 5000)),
        ("status: found 'idle'", changed(0, status="idle")),
        ("records out of order", changed(0, first_epoch=3)),
        ("first_seconds: found -1.0", changed(0, first_seconds=-1.0)),
        ("parent: found 8", changed(0, parent=8)),
        ("opened, file: found 5", changed(0, opened={"file": 5})),
        (r"hidden_sizes \[0\], expected 1 to 6 hidden layers", of_settings(hidden_sizes=[0])),
        (r"hidden_sizes \{\}", of_settings(hidden_sizes={})),
        ("learning_rate 'fast'", of_settings(learning_rate="fast")),
        ("loss", of_settings(loss=["squared_error"])),
        ("n_validation 41, expected a whole number up to", of_settings(n_validation=41)),
        ("changes '9:0.1:16', expected up to 50 changes", of_settings(changes="9:0.1:16")),
        *(("changes", of_settings(changes=values)) for values in (
            [{"step": 9, "learning_rate": 0.1}],
            [CHANGE | {"step": 10**13}],
            [CHANGE | {"learning_rate": 1000}],
            [CHANGE] * 2,
        )),
        ("figures that no run can have", table("epochs", (0, 0), 1.5)),
        ("records out of order", table("epochs", (0, 0), 2)),
        *(("figures that no run can have", table("epochs", (0, column), value))
          for column, value in ((1, np.nan), (4, 1.01), (5, -1), (6, -1))),
        ("figures that no run can have", table("batches", (0, 1), 1e300)),
        ("figures that no run can have", table("batches", (0, 4), 101)),
        ("figures that no run can have", table("evaluations", (0, 0), np.nan)),
        ("confusions: found other counts", table("confusions", (0, 0, 0), -1)),
        ("run 1: found other counts", table("confusions", (0, 0, 0), 10_000)),
        ("infinite or not a number", table("weights", 0, np.inf)),
        *((words, with_entries(session(), **arrays)) for words, arrays in [
            ("found other entries", {"weights": None}),
            ("found other entries", {"more": np.zeros(3)}),
            ("weights: found 3 rows", {"weights": np.zeros(3, np.float32)}),
            (r"float64 of shape \(2, 2\), expected float32", {"weights": np.zeros((2, 2))}),
                ("confusions: found other counts", {"confusions": np.zeros((2, 3, 3), np.int32)}),
            (r"found Python objects of shape \(1, 1\)", {"batches": np.array([[None]])}),
            ("bytes when unpacked", {"epochs": bytes(100 << 20)}),
        ]),
    ]  # fmt: skip


# ---------------------------------------------------------------- journals


def of_trial(**changes):
    """A journal of three trials whose second line is changed."""
    lines = journal().splitlines(keepends=True)
    return b"".join([*lines[:2], json.dumps(json.loads(lines[1]) | changes).encode() + b"\n", *lines[3:]])


def of_columns(**changes):
    return of_trial(epochs=json.loads(journal().splitlines()[1])["epochs"] | changes)


def of_epoch(**changes):
    """In the first format, in which each epoch was an object."""
    columns = json.loads(journal().splitlines()[1])["epochs"]
    record = {name: column[0] for name, column in columns.items() if isinstance(column, list)}
    return of_trial(epochs=[record | {"confusion": [[1]]} | changes])


def with_line(line):
    lines = journal().splitlines(keepends=True)
    return b"".join([*lines[:2], line + b"\n", *lines[3:]])


def journals():
    return [
        *((r"^it\.jsonl is damaged in line 3\.$", content) for content in (
            with_line(b"once upon a time"), with_line(journal().splitlines()[2][:99]), with_line(b"\xff{}"),
            with_line(b"[]"), with_line(b"{}"), with_line(b"[" * 40_000),
            of_trial(config={"epochs": 0}), of_trial(status="lucky"),
            of_trial(final={"train_loss": 0.1}), of_trial(final=0), of_trial(final={}),
            of_epoch(confusion=[[1, 2]]), of_epoch(confusion=[[np.nan]]), of_epoch(confusion=[[-1]]),
            of_epoch(epoch=np.inf), of_epoch(epoch=10**400), of_epoch(test_accuracy=-1e308),
            of_epoch(test_accuracy=np.nan), of_epoch(seconds=np.inf), of_columns(epoch=[]), of_columns(epoch=1),
            of_columns(seconds=["1 s"]), of_columns(confusion=7), of_columns(classes=np.inf), of_trial(epochs=7),
        )),
        *((r"^it\.jsonl is not the journal of a study\.$", content)
          for content in (b"a,b\n1,2\n", b"{}\n", b"\x89PNG\r\n", b'{"nn-explorer run": 1}\n')),
        *((r"^it\.jsonl was written by a later version .*; update to read it\.$", content) for content in (
            journal().replace(b'study": 2', b'study": 3', 1),
            journal().replace(b'"config": {', b'"config": {"sparsity": 0.1, ', 1),
        )),
    ]  # fmt: skip


HOSTILE = {"folder": data_files, "archive": archives, "weights": weights_files}
HOSTILE |= {"session": sessions, "journal": journals}


@pytest.mark.parametrize("name", ["folder", pytest.param("archive", marks=pytest.mark.long), *[*HOSTILE][2:]])
def test_a_hostile_file_is_one_sentence(name, tmp_path, monkeypatch):
    """It names the file, what was found and what was expected; nothing else happens, in little memory."""
    monkeypatch.chdir(tmp_path)
    reader = READERS[name]
    for words, content in HOSTILE[name]():
        tracemalloc.start()
        try:
            with pytest.raises(reader.errors, match=words) as caught:
                reader.read(content)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        text = str(caught.value)
        assert text.replace("\u202f", " ").isprintable(), text
        assert len(text) < 500, text
        if name != "journal":
            assert text.startswith(caught.value.file)
            assert re.match(r".*: found .*, expected .*\.$", text), text
        assert peak < 20_000_000, words
        assert [*tmp_path.iterdir()] == [], words


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_is_read_and_its_beginnings_are_refused(name):
    sound, reader = SOUND[name](), READERS[name]
    reader.read(sound)
    if name == "journal":
        return  # one that is cut off is read as far as it goes
    end = len(sound) if name != "archive" else sound.rindex(files()["mnist-test-labels.npy"])  # zeros follow
    for length in [*range(0, 600, 97), *range(600, end, end // 25), end - 1]:
        with pytest.raises(reader.errors):
            reader.read(sound[:length])


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False))
def test_a_hostile_input_is_a_documented_error_or_nothing(name, rng):
    reader = READERS[name]
    reader.attempt(reader.hostile(rng))


def measured(*arguments):
    """What the inputs' program finds in a process of its own, whose memory is theirs alone."""
    program = [sys.executable, hostile_inputs.__file__, *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs.PROC
@pytest.mark.long
def test_what_is_small_and_grows_is_refused_before_it_does():
    found = measured("bombs")
    assert found.keys() == hostile_inputs.BOMBS.keys()
    assert {name: cost["wrong"] for name, cost in found.items() if cost["wrong"]} == {}
    costly = {name: cost for name, cost in found.items() if cost["seconds"] > 10 or cost["megabytes"] > 200}
    assert costly == {}


@needs.PROC
@pytest.mark.sweep
@pytest.mark.parametrize("name", READERS)
def test_thousands_of_hostile_inputs(name):
    cost = measured(name, 3_000)[name]
    assert cost["wrong"] == []
    assert (cost["seconds"] < 10, cost["megabytes"] < 200) == (True, True), cost


@pytest.mark.parametrize(
    "query", ["hidden=\ud800", "\udfff=1&tab=\ud800", "controls=\ud83d", "data=a\ud800b"]
)
def test_half_a_surrogate_pair_in_a_query_is_told_as_a_question_mark(query):
    _, notices = Link.read(query, {"overview": ""})
    assert "?" in "".join(notices).encode().decode()
    assert "%3F" in visit(query).query
