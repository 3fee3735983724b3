"""Weights come back as they went, and a hostile file is one clear error that costs no memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.network import ACTIVATIONS, INITIALIZERS, LOSSES, OUTPUTS, NeuralNetwork
from explorer.network.weights_file import (
    MOST_BYTES,
    WeightsError,
    read_weights,
    weights_bytes,
)

SETTINGS = {
    "format": 1,
    "hidden_activation": "tanh",
    "output": "softmax",
    "loss": "cross_entropy",
    "initializer": "he",
    "metadata": [],
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.npz"


def arrays(**changes):
    """What a sound file of a 4-3-2 network holds; None leaves an entry out."""
    rng = np.random.default_rng(0)
    shapes = {"W1": (3, 4), "b1": (3, 1), "W2": (2, 3), "b2": (2, 1)}
    sound = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    everything = {"network": np.array(json.dumps(SETTINGS)), **sound, **changes}
    return {name: array for name, array in everything.items() if array is not None}


def packed(network, **metadata):
    return weights_bytes(network.named(), network.functions, **metadata)


def npy(array):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array))
    return stream.getvalue()


def write(path, entries, compression=zipfile.ZIP_STORED):
    """A zip file of these entries: bytes as they are, arrays as .npy."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            data = content if isinstance(content, bytes) else npy(content)
            archive.writestr(f"{name}.npy", data)


def refused(path):
    """The error's text; whatever the file is, it is one line that names the file."""
    with pytest.raises(WeightsError) as refusal:
        NeuralNetwork.load(path)
    text = str(refusal.value)
    assert text.startswith(f"{path.name}")
    assert "found " in text
    assert ", expected " in text
    assert "\n" not in text
    return text


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [(3,), (5, 4, 3)])
def test_the_weights_come_back_to_the_bit(file, hidden, dtype):
    network = NeuralNetwork(
        6, hidden, 2, hidden_activation="tanh", output="softmax", loss="cross_entropy", initializer="he",
        dtype=dtype, seed=3,
    )  # fmt: skip
    network.b1 = np.arange(hidden[0])[:, None]
    network.save(file)
    again = NeuralNetwork.load(file)
    assert again.layer_sizes == (6, *hidden, 2)
    assert again.dtype == network.dtype
    for name in ("hidden_activation", "output", "loss", "initializer"):
        assert getattr(again, name) == getattr(network, name)
    for before, after in zip(network.weights(), again.weights(), strict=True):
        np.testing.assert_array_equal(after, before)
    X = np.random.default_rng(0).random((6, 7))
    np.testing.assert_array_equal(again.forward(X), network.forward(X))


@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=6),
    names=st.tuples(
        *(st.sampled_from(sorted(known)) for known in (ACTIVATIONS, OUTPUTS, LOSSES, INITIALIZERS))
    ),
)
@settings(max_examples=30, deadline=None)
def test_every_network_comes_back(tmp_path_factory, sizes, names):
    path = tmp_path_factory.mktemp("weights") / "any.npz"
    settings = dict(zip(("hidden_activation", "output", "loss", "initializer"), names, strict=True))
    network = NeuralNetwork(sizes[0], sizes[1:-1], sizes[-1], seed=1, **settings)
    network.save(path)
    again = NeuralNetwork.load(path)
    assert repr(again) == repr(network)
    assert again.initializer == network.initializer
    np.testing.assert_array_equal(again.W2, network.W2)


def test_numpy_reads_the_file_too(file):
    network = NeuralNetwork(4, 3, 2, seed=0)
    more = {"config": '{"lr": 0.1}', "train_loss": [2.0, float("nan")], "kwds": np.eye(2, dtype=int)}
    file.write_bytes(packed(network, **more))
    with np.load(file, allow_pickle=False) as content:
        np.testing.assert_array_equal(content["W1"], network.W1)
        assert content["config"].item() == '{"lr": 0.1}'
        np.testing.assert_array_equal(content["train_loss"], [2.0, np.nan])
        np.testing.assert_array_equal(content["kwds"], np.eye(2))
    np.testing.assert_array_equal(NeuralNetwork.load(file).W2, network.W2)


def test_a_network_saves_and_loads_itself(file):
    network = NeuralNetwork(4, (3, 2), 2, seed=0)
    network.save(file)
    np.testing.assert_array_equal(NeuralNetwork.load(file).W3, network.W3)
    with pytest.raises(FileExistsError):
        network.save(file)
    network.save(file, overwrite=True)
    file.write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"run.npz: found “file is not a zip file”"):
        NeuralNetwork.load(file)


def test_bytes_come_back_with_the_single_values_that_come_with_them():
    network = NeuralNetwork(4, (3, 2), 2, seed=0)
    content = packed(network, config='{"lr": 0.1}', weights_epoch=10, rate=0.5, losses=[2.0, 1.0])
    saved = read_weights(content, "any.npz")
    assert saved.metadata == {"config": '{"lr": 0.1}', "weights_epoch": 10, "rate": 0.5}
    for before, after in zip(network.weights(), saved.weights.values(), strict=True):
        np.testing.assert_array_equal(after, before)
    with pytest.raises(WeightsError, match=r"any.npz: found “file is not a zip file”"):
        read_weights(b"junk", "any.npz")


def test_what_comes_with_the_weights_is_as_little_trusted(file):
    for extra in (np.array("x" * 20_000), np.ones(3), np.array(1 + 1j)):
        settings = np.array(json.dumps({**SETTINGS, "metadata": ["more"]}))
        write(file, arrays(network=settings, more=extra), zipfile.ZIP_DEFLATED)
        if extra.dtype.kind == "c":
            assert "more: found complex128 of shape ()" in refused(file)
        else:
            assert read_weights(file.read_bytes(), "run.npz").metadata == {}


def test_equal_networks_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        NeuralNetwork(4, 3, 2, seed=0).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() == packed(NeuralNetwork(4, 3, 2, seed=0))


def test_what_numpy_compresses_or_swaps_is_read(file):
    """Other programs may write the file too."""
    swapped = {name: array if name == "network" else array.astype(">f4") for name, array in arrays().items()}
    swapped["W1"] = np.asfortranarray(swapped["W1"])
    np.savez_compressed(file, **swapped)
    network = NeuralNetwork.load(file)
    assert network.dtype == np.float32
    np.testing.assert_array_equal(network.W1, arrays()["W1"])
    np.testing.assert_array_equal(network.predict(np.eye(4)), network.forward(np.eye(4)).argmax(axis=0))


# ---------------------------------------------------------------- writing


def test_a_file_is_replaced_only_on_demand(file):
    NeuralNetwork(4, 3, 2, seed=0).save(file)
    before = file.read_bytes()
    with pytest.raises(FileExistsError, match="is there already"):
        NeuralNetwork(4, 3, 2, seed=1).save(file)
    assert file.read_bytes() == before
    NeuralNetwork(4, 3, 2, seed=1).save(file, overwrite=True)
    np.testing.assert_array_equal(NeuralNetwork.load(file).W1, NeuralNetwork(4, 3, 2, seed=1).W1)


def test_a_link_is_followed(tmp_path, file):
    link = tmp_path / "link.npz"
    link.symlink_to(file)
    NeuralNetwork(4, 3, 2, seed=0).save(link)
    assert link.is_symlink()
    assert NeuralNetwork.load(file).layer_sizes == (4, 3, 2)
    with pytest.raises(FileExistsError):
        NeuralNetwork(4, 3, 2, seed=0).save(link)


def test_a_failed_save_leaves_what_was_there(tmp_path, file):
    network = NeuralNetwork(4, 3, 2, seed=0)
    network.save(file)
    before = file.read_bytes()
    network.W2 = np.full((2, 3), np.nan)
    with pytest.raises(
        WeightsError, match=r"the network, W2: found values that are infinite or not a number"
    ):
        network.save(file, overwrite=True)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["W1", "b7"])
def test_a_name_of_the_network_is_reserved(name):
    with pytest.raises(ValueError, match="kept for the network"):
        packed(NeuralNetwork(4, 3, 2), **{name: [1]})


def test_what_is_neither_text_nor_numbers_is_refused():
    with pytest.raises(ValueError, match="note has dtype object; expected text and numbers"):
        packed(NeuralNetwork(4, 3, 2), note=[None])


# ---------------------------------------------------------------- hostile files


def test_the_sound_file_of_these_tests_is_read(file):
    write(file, arrays())
    assert NeuralNetwork.load(file).layer_sizes == (4, 3, 2)


def test_there_is_no_file(file):
    assert "no such file" in refused(file).lower()


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "found a pipe, expected a file" in refused(tmp_path / "pipe")
    assert "found a folder, expected a file" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip file" * 100, pickle.dumps([1])])
def test_no_zip_file(file, content):
    file.write_bytes(content)
    assert "zip file" in refused(file)


def test_every_cut_is_noticed(file):
    write(file, arrays())
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        refused(file)


@pytest.mark.slow
def test_every_changed_byte_is_noticed_or_harmless(file):
    """Checksums guard the arrays; elsewhere a change must give the same network or the one error."""
    write(file, arrays())
    whole = file.read_bytes()
    for position in range(0, len(whole), 3):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        with contextlib.suppress(WeightsError):
            np.testing.assert_array_equal(NeuralNetwork.load(file).W1, arrays()["W1"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"W2": None}, "no W2"),
        ({"b1": None}, "no b1"),
        ({"network": None}, "no entry “network”"),
        ({"W1": None, "W2": None, "b1": None, "b2": None}, "no W1"),
        ({"W2": None, "b2": None}, "no W2"),
        ({"W4": np.ones((2, 2)), "b4": np.ones((2, 1))}, "no W3"),
        ({"extra": np.ones(3)}, "an entry extra"),
        ({"x/../../W1": np.ones(3)}, "an entry x/../../W1"),
        ({"W1": np.ones((3, 4), np.float16)}, "W1: found float16"),
        ({"W1": np.ones((3, 4), np.int64)}, "W1: found int64"),
        ({"W1": np.ones((3, 4), complex)}, "W1: found complex128"),
        ({"W1": np.ones((3, 4), np.float64)}, "b1: found float32 of shape (3, 1), expected float64"),
        (
            {"W1": np.ones(12, np.float32)},
            "W1: found float32 of shape (12,), expected float32 or float64 in two",
        ),
        ({"W1": np.ones((0, 4), np.float32)}, "W1: found float32 of shape (0, 4)"),
        (
            {"W1": np.ones((5, 4), np.float32)},
            "b1: found float32 of shape (3, 1), expected float32 of shape (5, 1)",
        ),
        (
            {"W2": np.ones((2, 4), np.float32)},
            "W2: found float32 of shape (2, 4), expected float32 of shape (2, 3)",
        ),
        ({"b2": np.ones((1, 2), np.float32)}, "b2: found float32 of shape (1, 2)"),
        ({"b2": np.full((2, 1), np.nan, np.float32)}, "b2: found values that are infinite or not a number"),
        ({"W1": np.full((3, 4), -np.inf, np.float32)}, "W1: found values that are infinite"),
        ({"W1": np.array([[object()] * 4] * 3)}, "W1: found Python objects"),
        ({"W1": np.zeros((3, 4), [("a", "f4")])}, "W1: found something else than a plain array"),
        ({"W1": pickle.dumps(np.ones((3, 4)))}, "W1: found something else than a plain array"),
        ({"W1": b""}, "W1: found something else than a plain array"),
        ({"network": np.ones((3, 4))}, "network: found float64 of shape (3, 4), expected a text"),
        ({"network": np.frombuffer(b"\xff" * 8, "<U2").reshape(())}, "network: found letters that Unicode"),
        ({"network": np.array("{")}, "network: found a text that is not JSON"),
        ({"network": np.array("[" * 9000)}, "network: found a text that is not JSON"),
        ({"network": np.array("[1]")}, "network: found no settings, expected format 1"),
        ({"network": np.array("x" * 20_000)}, "network: found 80128 bytes, expected a text of at most"),
        ({"network": np.array(json.dumps({**SETTINGS, "format": 2}))}, "found format 2, expected format 1"),
        ({"network": np.array(json.dumps({**SETTINGS, "more": 1}))}, "network: found other settings"),
        ({"network": np.array(json.dumps({**SETTINGS, "metadata": 3}))}, "network: found other settings"),
        ({"network": np.array(json.dumps({**SETTINGS, "metadata": ["x"]}))}, "no x"),
        ({"network": np.array(json.dumps({**SETTINGS, "metadata": ["x\n\x1b[31m" * 50]}))}, "no …"),
        (
            {"network": np.array(json.dumps({**SETTINGS, "output": "gelu"}))},
            "output is 'gelu'; expected one of",
        ),
        ({"network": np.array(json.dumps({**SETTINGS, "loss": ["a"]}))}, "loss is ['a']; expected"),
    ],
)
def test_a_foreign_part(file, changes, words):
    write(file, arrays(**changes))
    assert words in refused(file)


def test_a_pickle_in_it_is_never_run(file, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    write(file, arrays(W1=np.array([[Trap()]], dtype=object)))
    refused(file)
    assert not (tmp_path / "sprung").exists()


def header_of(shape, dtype="<f4"):
    """An .npy file's start for an array of this shape, without the array."""
    text = str({"descr": dtype, "fortran_order": False, "shape": shape}).encode()
    text = text[:-1] + b", }" + b" " * (115 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize("shape", [(10**9, 10**3), (3, 5), (2, 4), (10**11, 10**11)])
def test_a_shape_that_the_entry_cant_hold(file, shape):
    write(file, arrays(W1=header_of(shape) + bytes(48)))
    assert peak_while(lambda: refused(file)) < 10e6
    assert "its header says" in refused(file)


def test_a_bomb_is_refused_by_the_size_that_it_declares(file):
    write(file, arrays(b2=bytes(1_000_003)), zipfile.ZIP_DEFLATED)
    declare(file, 1_000_003, MOST_BYTES)
    assert file.stat().st_size < 10_000
    assert peak_while(lambda: refused(file)) < 10e6
    assert f"expected at most {MOST_BYTES}" in refused(file)


@pytest.mark.parametrize("shape", [(3, 4), (32, 784)], ids=["less than one read", "many reads"])
def test_a_bomb_that_declares_too_little_gives_no_more_than_that(file, shape):
    write(file, arrays(W1=header_of(shape) + bytes(100_000_000)), zipfile.ZIP_DEFLATED)
    size = len(header_of(shape))
    declare(file, size + 100_000_000, size + 4 * shape[0] * shape[1])
    assert file.stat().st_size < 200_000
    assert peak_while(lambda: refused(file)) < 2e6


def test_a_header_longer_than_is_read_is_no_way_around_the_checksum(file):
    header = header_of((3, 4))
    padded = header[:8] + struct.pack("<H", 5000) + header[10:-1] + b" " * (5000 - len(header) + 10) + b"\n"
    write(file, arrays(W1=padded + bytes(48)))
    refused(file)


def test_entries_twice_or_too_many(file):
    write(file, arrays())
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("W1.npy", npy(np.ones((3, 4))))
    assert "6 entries" in refused(file)
    write(file, {f"x{number}": b"" for number in range(101)})
    assert "101 entries" in refused(file)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(file, compression):
    write(file, arrays(), compression)
    assert "compression method" in refused(file)


def declare(path, size, other_size):
    """Let the one entry of this size declare another, both where it starts and in the directory."""
    declared, false = (struct.pack("<L", number) for number in (size, other_size))
    content = path.read_bytes()
    assert content.count(declared) == 2
    path.write_bytes(content.replace(declared, false))


def peak_while(action):
    """Most bytes of memory that Python used at a time."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_error_crosses_processes():
    error = pickle.loads(pickle.dumps(WeightsError("a", "b", "c")))
    assert (str(error), error.file) == ("a: found b, expected c.", "a")
    assert isinstance(error, ValueError)
