"""Every reader of what comes from outside, with hostile inputs for it; run as a program, it measures one of them.

    python tests/hostile_inputs.py READER [COUNT] [SEED]

prints as JSON which inputs ended otherwise than in a result or a documented error, and the most CPU time and
memory that one took.
"""

import atexit
import contextlib
import gc
import gzip
import io
import json
import os
import random
import re
import shutil
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import dataset_files
import numpy as np
import traitlets
from dataset_files import npy
from study_steps import journal_content

from explorer import TrainingConfig
from explorer.app.url_state import Link
from explorer.datasets import Dataset, DatasetError, load_dataset
from explorer.datasets.dataset import ARRAYS
from explorer.datasets.loading import sent_dataset
from explorer.datasets.preprocessing import preprocess
from explorer.figures.studies import StudyView, study_data
from explorer.network import NeuralNetwork
from explorer.network.weights_file import WeightsError, load_weights, weights_bytes
from explorer.serve.request import visit
from explorer.session import Session, SessionFileError, read_session
from explorer.training import FIELDS
from explorer.training.studies import StudyError, Trial, grid, study
from explorer.training.studies.journal import parse_journal
from explorer.training.studies.summary import level_rows, study_words, varied
from explorer.widgets.drawing_pad import SIDE, DrawingPad
from explorer.widgets.header import Header

CONFIG = TrainingConfig(hidden_sizes=4, epochs=2, batch_size=10)
BLOBS = b"\xff" * 8, b"\0" * 8, b"\xff\xff\xff\x7f", b"PK\5\6", b"\x1f\x8b", b"<f9", b"'O'", b"9" * 8
VALUES = (
    None, True, -1, 0, 1, 2, 10**30, 0.5, 1e308, float("nan"), float("-inf"), "", "\ud800", "\0\x1b[31m\n",
    "x" * 5000, [], {}, [[]], {"a": {}}, [1] * 600, "a\u2028b", "١", "1_0", "all", "784-8-10", "1e999", b"bytes",
)  # fmt: skip
ZEROS = gzip.compress(bytes(10_000_000))


class Reader(NamedTuple):
    """A border: what makes a hostile input for it, what reads it, and the errors that are documented."""

    hostile: Callable[[random.Random], Any]
    read: Callable[[Any], object]
    errors: tuple[type[Exception], ...] = ()

    def attempt(self, given: object) -> None:
        """Read it; whatever is no documented error, of one printable line, is raised."""
        try:
            self.read(given)
        except self.errors as error:
            if not str(error).replace("\u202f", " ").isprintable() or len(str(error)) > 2000:
                raise AssertionError(f"no line to show: {error!r:.500}") from error


# ---------------------------------------------------------------- what sound inputs are made of


@cache
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    splits = [(rng.integers(0, 256, (n, 28, 28)).astype(np.uint8), np.arange(n) % 10) for n in (40, 20)]
    return Dataset("dots", *splits[0], *splits[1])


@cache
def files() -> dict[str, bytes]:
    return {f"mnist-{name.replace('_', '-')}.npy": npy(getattr(dataset(), name)) for name in ARRAYS}


def archive(content: dict[str, bytes], mode: str) -> bytes:
    return dataset_files.tar((dataset_files.member(*one) for one in content.items()), mode)


@cache
def sound_archive() -> bytes:
    return archive(files(), "w")


@cache
def weights() -> bytes:
    network = NeuralNetwork(784, 4, 10, seed=0)
    return weights_bytes(network.named(), network.functions, weights_epoch=2, config="{}", losses=[1.0, 2.0])


@cache
def session() -> bytes:
    with contextlib.closing(Session(dataset(), CONFIG)) as made:
        for seed in (0, 1):
            made.train(CONFIG.replace(seed=seed))
            assert made.wait(60)
        made.edit(1, name="first", note="a note", pinned=True)
        return made.save_session()


@cache
def journal() -> bytes:
    with ThreadPoolExecutor(1) as executor:
        done = tuple(study(grid(CONFIG, batch_size=(10, 20)), dataset(), executor=executor))
    return journal_content([*done, Trial(CONFIG.replace(seed=1), "failed", error="why")], dataset())


@cache
def folder() -> Path:
    """A folder with the sound data set, of which an attempt replaces one file: on a disk that takes long."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="hostile-", dir=memory if os.access(memory, os.W_OK) else None))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    for name, content in files().items():
        (path / name).write_bytes(content)
    return path


# ---------------------------------------------------------------- what is hostile


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return it with bytes changed, cut, doubled or replaced by those at the edge of what a format allows."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randrange(len(data) + 1), rng.choice((1, 2, 8, 500))
        part = data[at : at + size]
        blob = rng.choice((b"", bytes(part[::-1]), bytes(part) * 2, rng.choice(BLOBS), rng.randbytes(size)))
        data[at : at + rng.choice((0, len(blob), size))] = blob
    return bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.1 else data)


def entries(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def zipped(content: dict[str, bytes], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w", way, compresslevel=1) as packed:
        for name, data in content.items():
            packed.writestr(name, data)
    return stream.getvalue()


def repacked(content: bytes, rng: random.Random, change: Callable[[str, bytes], bytes]) -> bytes:
    """Return a zip file with one entry changed, left out, or under another name, its checksum fitting."""
    found = entries(content)
    name = rng.choice(list(found))
    data = found[name] if rng.random() < 0.9 else found.pop(name)
    found[rng.choice((name,) * 9 + ("network.npy", "x"))] = change(name, data)
    return zipped(found, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def with_odd_value(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        return {**value, key: with_odd_value(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        return [*value[:at], with_odd_value(value[at], rng), *value[at + 1 :]]
    return rng.choice([odd for odd in VALUES if not isinstance(odd, bytes)])


def odd_array(data: bytes, rng: random.Random) -> bytes:
    """Return an .npy file with a figure changed, or another shape, or dtype, or its header damaged."""
    array, way = np.load(io.BytesIO(data)), rng.randrange(5)
    if way == 0:
        return damaged(data, rng)
    if way == 1:
        other = rng.choice((b"<f9", b"<i9", b"<f1", b"<U0", b"<i3"))
        return data[:128].replace(array.dtype.str.encode(), other) + data[128:]
    if way in (2, 3) and array.size:
        odd = (-1.0, 0.5, np.nan, np.inf, 3e38) if array.dtype.kind == "f" else (0, 1, 7, 255)
        array.flat[rng.randrange(array.size)] = rng.choice(odd)
    else:
        array = np.resize(array, rng.choice(((3,), (2, 3), (0, 4), (), (2, 10, 10))))
    return npy(array)


def odd_session(rng: random.Random) -> bytes:
    def change(name: str, data: bytes) -> bytes:
        if name != "session.npy" or rng.random() < 0.1:
            return odd_array(data, rng)
        text = with_odd_value(json.loads(np.load(io.BytesIO(data)).tobytes()), rng)
        return npy(np.frombuffer(json.dumps(text).encode(), np.uint8))

    return damaged(session(), rng) if rng.random() < 0.2 else repacked(session(), rng, change)


def odd_weights(rng: random.Random) -> bytes:
    if rng.random() < 0.2:
        return damaged(weights(), rng)
    return repacked(weights(), rng, lambda _, data: odd_array(data, rng))


def odd_journal(rng: random.Random) -> bytes:
    if rng.random() < 0.2:
        return damaged(journal(), rng)
    first, *rows = journal().splitlines()
    rows = [json.dumps(with_odd_value(json.loads(row), rng)).encode() for row in rows]
    return b"\n".join([first, *rows, b""])


def odd_archive(rng: random.Random) -> bytes:
    plain, before = sound_archive(), rng.random() < 0.7
    plain = damaged(plain, rng) if before else plain
    if rng.random() < 0.5:
        return plain if before else damaged(plain, rng)
    packed = gzip.compress(plain, 1)
    return packed if before else damaged(packed, rng)


def odd_file(rng: random.Random) -> tuple[str, bytes]:
    name = rng.choice(list(files()))
    content = odd_array(files()[name], rng) if rng.random() < 0.5 else damaged(files()[name], rng)
    return name, gzip.compress(content, 1) if rng.random() < 0.3 else content


def odd_text(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return str(rng.choice(VALUES))
    n_letters = rng.randrange(30)
    letters = (rng.choice((rng.randrange(128), rng.randrange(0x110000), 0xD800)) for _ in range(n_letters))
    return "".join(map(chr, letters))


def odd_query(rng: random.Random) -> str:
    keys = [field.key for field in FIELDS.values()] + ["tab", "theme", "controls", "data", "section"]
    words = [*keys, odd_text(rng)]
    parts = (rng.choice(words) + rng.choice("===%&") + odd_text(rng) for _ in range(rng.randrange(6)))
    return "&".join(parts) * rng.choice((1, 1, 1, 200))


def odd_message(rng: random.Random) -> tuple[dict[str, Any], list[bytes]]:
    message = {key: rng.choice((*VALUES, 3)) for key in ("open", "size", "at") if rng.random() < 0.9}
    return message, [rng.randbytes(rng.choice((0, 3, 2000)))] * rng.randrange(3)


def odd_folder(rng: random.Random) -> bytes:
    """Return drawings or files as the page sends them, or not quite."""
    content = bytes(rng.choices((0, 255), k=400))
    files = [[f"{k}/{i}", 100] for k in "ab" for i in range(2)]
    files[rng.randrange(4)] = rng.choice((*VALUES, [rng.choice(VALUES), 100], ["../a/1", rng.choice(VALUES)]))
    line = json.dumps(
        {"drawn": rng.choice(VALUES), "files": rng.choice((files, files, *VALUES))}, default=str
    )
    return damaged(line.encode() + b"\n" + content, rng)


# ---------------------------------------------------------------- what reads it


def read_weights(content: bytes) -> None:
    (path := folder() / "it.npz").write_bytes(content)
    load_weights(path)


def read_journal(content: bytes) -> None:
    """What it holds can be put into figures, a table and words that can be written."""
    trials = parse_journal(content, "it.jsonl").trials
    axes = varied(trial.config for trial in trials)[:2] or ("batch_size",)
    study_data(StudyView(trials, axes))
    level_rows(trials, axes)
    "".join([study_words(trials, axes), *(trial.error + trial.worker for trial in trials)]).encode()


def read_archive(content: bytes) -> None:
    (path := folder() / "it.tgz").write_bytes(content)
    load_dataset(path)


def read_file(given: tuple[str, bytes]) -> None:
    name, content = given
    try:
        (folder() / name).write_bytes(content)
        load_dataset(folder())
    finally:
        (folder() / name).write_bytes(files()[name])


def read_query(query: str) -> None:
    """All that is told of it can be written."""
    link, notices = Link.read(query, {"overview": "", "inside": ""}, ["weights"], ["dots"])
    assert len("".join((*notices, link.write())).encode()) < 10_000
    visit(query).query.encode()


@cache
def pad() -> DrawingPad:
    return DrawingPad()


def read_drawing(ink: bytes) -> None:
    pad().ink = ink
    preprocess(pad().image)


@cache
def file_part() -> Header:
    return Header(most_bytes=1000)


def read_message(given: tuple[dict[str, Any], list[bytes]]) -> None:
    file_part()._on_message(None, *given)


READERS = {
    "weights": Reader(odd_weights, read_weights, (WeightsError,)),
    "session": Reader(
        odd_session, lambda content: read_session(content, "it.session", dataset()), (SessionFileError,)
    ),
    "journal": Reader(odd_journal, read_journal, (StudyError,)),
    "archive": Reader(odd_archive, read_archive, (DatasetError,)),
    "sent": Reader(odd_folder, lambda content: sent_dataset("it/", content), (DatasetError,)),
    "folder": Reader(odd_file, read_file, (DatasetError,)),
    "drawing": Reader(lambda rng: damaged(bytes(SIDE * SIDE), rng), read_drawing, (traitlets.TraitError,)),
    "upload": Reader(odd_message, read_message),
    "query": Reader(odd_query, read_query),
}


# ---------------------------------------------------------------- what is small and grows


def entries_without_end() -> bytes:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 1, *[0] * 6) + b"x"
    n_bytes = 1_300_000 * len(entry)
    return entry * 1_300_000 + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, n_bytes, 0, 0)


def header(shape: tuple[int, ...], dtype: str) -> bytes:
    fields = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream := io.BytesIO(), fields)
    return stream.getvalue()


def with_entries(content: bytes, **changes: Any) -> bytes:
    """Return a zip file with other entries, compressed: arrays, or bytes as they are; None leaves one out."""
    found = entries(content) | {f"{name}.npy": data for name, data in changes.items()}
    return zipped(
        {n: data if isinstance(data, bytes) else npy(data) for n, data in found.items() if data is not None}
    )


def entry(content: bytes, name: str) -> np.ndarray:
    return np.load(io.BytesIO(entries(content)[f"{name}.npy"]))


def with_text(change: Callable[[dict[str, Any]], Any], content: bytes = b"") -> bytes:
    """Return a session, or the one of `content`, whose text is changed, or replaced by what `change` returns."""
    content = content or session()
    text = json.loads(entry(content, "session").tobytes())
    text = change(text) or text
    return with_entries(content, session=np.frombuffer(json.dumps(text).encode(), np.uint8))


def changed(run: int | None = None, content: bytes = b"", **values: Any) -> bytes:
    """Return a session, or the one of `content`, whose text has other values, or one of its runs."""
    return with_text(lambda text: (text if run is None else text["runs"][run]).update(values), content)


def large_weights() -> bytes:
    return with_entries(weights(), W1=header((16_000, 1000), "<f8") + bytes(128_000_000))


def many_lists() -> bytes:
    text = b"[" + (b"[" * 400 + b"]" * 400 + b",") * 3_800 + b"0]"
    return with_entries(session(), session=header((len(text),), "|u1") + text)


def many_rows() -> bytes:
    n_rows = 6_000_000
    return with_entries(session(), batches=header((n_rows, 4), "<f8") + bytes(32 * n_rows))


def many_batches() -> bytes:
    """Return a session with a run of as many mini-batches as a file may hold, each with its figures."""

    def longer(text: dict[str, Any]) -> None:
        text["runs"][0]["n_batches"] += 390_000

    content = with_text(longer)
    n_rows = 390_000 + len(entry(content, "batches"))
    steps = np.arange(n_rows)
    columns = [1 + steps / n_rows / 2, steps, steps / n_rows, steps / n_rows]
    return with_entries(content, batches=np.stack(columns, axis=1))


def images_without_end() -> bytes:
    """Return a gzipped file of 784 MB of images that takes 0.8 MB."""
    return gzip.compress(header((1_000_000, 28, 28), "|u1")) + ZEROS * 78 + gzip.compress(bytes(4_000_000))


BOMBS: dict[str, tuple[str, Callable[[], Any]]] = {
    "weights of many entries": ("weights", entries_without_end),
    "large weights": ("weights", large_weights),
    "a session of lists": ("session", many_lists),
    "a session of batches": ("session", many_rows),
    "a session of one long run": ("session", many_batches),
    "images": ("folder", lambda: ("mnist-train-images.npy", images_without_end())),
    "an archive in full": ("archive", lambda: gzip.compress(archive(files(), "w")[:-1024]) + ZEROS * 100),
}


# ---------------------------------------------------------------- what it costs


def megabytes(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(rf"{name}:\s*(\d+)", status)[1]) / 1024


def measured(reader: Reader, inputs: list[Any]) -> dict[str, Any]:
    """Return the most seconds of CPU that an input took, the most megabytes that 500 added, and faults."""
    wrong, seconds, added, before = [], 0.0, 0.0, 0.0
    for number, given in enumerate(inputs):
        if number % 500 == 0:
            gc.collect()
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the most so far is forgotten
            before = megabytes("VmRSS")
        began = time.process_time()
        try:
            reader.attempt(given)
        except Exception as error:  # noqa: BLE001
            wrong.append(f"{type(error).__name__}: {error!s:.300} for {given!r:.300}")
        seconds = max(seconds, time.process_time() - began)
        if number % 500 == 499 or given is inputs[-1]:
            added = max(added, megabytes("VmHWM") - before)
    return {"seconds": seconds, "megabytes": added, "wrong": wrong[:5]}


def program() -> None:
    name, *numbers = sys.argv[1:]
    count, seed = (*map(int, numbers), *(10_000, 0)[len(numbers) :])
    if name == "bombs":
        found = {}
        for bomb, (kind, make) in BOMBS.items():
            given = make()
            reader = READERS[kind]
            reader.attempt(reader.hostile(random.Random(0)))  # what is loaded at first is no cost
            found[bomb] = measured(reader, [given])
    else:
        reader, rng = READERS[name], random.Random(seed)
        measured(reader, [reader.hostile(rng) for _ in range(20)])
        found = {name: measured(reader, [reader.hostile(rng) for _ in range(count)])}
    print(json.dumps(found))


if __name__ == "__main__":
    program()
