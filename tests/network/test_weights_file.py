"""Weights come back as they went, and a hostile file is one clear error that costs no memory."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.network import ACTIVATIONS, INITIALIZERS, LOSSES, OUTPUTS, NeuralNetwork
from explorer.network.weights_file import (
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


# ---------------------------------------------------------------- no file; hostile ones are in `test_borders`


def test_there_is_no_file(file):
    assert "no such file" in refused(file).lower()


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "found a pipe, expected a file" in refused(tmp_path / "pipe")
    assert "found a folder, expected a file" in refused(tmp_path)


def test_the_error_crosses_processes():
    error = pickle.loads(pickle.dumps(WeightsError("a", "b", "c")))
    assert (str(error), error.file) == ("a: found b, expected c.", "a")
    assert isinstance(error, ValueError)
