"""Weights come back as they went; hostile files are refused in `test_borders`."""

import json
import os
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import all_close

from explorer.network import ACTIVATIONS, INITIALIZERS, LOSSES, OUTPUTS, NeuralNetwork
from explorer.network.weights_file import WeightsError, weights_bytes

TABLES = {"hidden_activation": ACTIVATIONS, "output": OUTPUTS, "loss": LOSSES, "initializer": INITIALIZERS}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.npz"


@pytest.fixture
def network():
    return NeuralNetwork(4, 3, 2, seed=0)


def packed(network, **metadata):
    return weights_bytes(network.named(), network.functions, **metadata)


@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=6),
    names=st.fixed_dictionaries({name: st.sampled_from(sorted(table)) for name, table in TABLES.items()}),
    dtype=st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=30, deadline=None)
def test_every_network_comes_back_to_the_bit(tmp_path_factory, sizes, names, dtype):
    path = tmp_path_factory.mktemp("weights") / "any.npz"
    network = NeuralNetwork(sizes[0], sizes[1:-1], sizes[-1], dtype=dtype, seed=1, **names)
    network.save(path)
    again = NeuralNetwork.load(path)
    assert (repr(again), again.functions, again.dtype) == (repr(network), network.functions, network.dtype)
    all_close(again.weights(), network.weights(), rtol=0)


def test_numpy_reads_the_file_too(file, network):
    more = {"config": '{"lr": 0.1}', "train_loss": [2.0, float("nan")], "kwds": np.eye(2, dtype=int)}
    file.write_bytes(packed(network, **more))
    with np.load(file, allow_pickle=False) as content:
        np.testing.assert_array_equal(content["W1"], network.W1)
        assert content["config"].item() == '{"lr": 0.1}'
        np.testing.assert_array_equal(content["train_loss"], [2.0, np.nan])
        np.testing.assert_array_equal(content["kwds"], np.eye(2))


def test_equal_networks_give_equal_bytes(tmp_path, network):
    for name in ("a", "b"):
        NeuralNetwork(4, 3, 2, seed=0).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == packed(network)


def test_what_numpy_compresses_or_swaps_is_read(file, network):
    """Other programs may write the file too."""
    swapped = {name: np.asfortranarray(array.astype(">f4")) for name, array in network.named().items()}
    text = json.dumps({"format": 1, **network.functions, "metadata": []})
    np.savez_compressed(file, network=np.array(text), **swapped)
    again = NeuralNetwork.load(file)
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again.predict(np.eye(4)), network.predict(np.eye(4)))


def test_a_file_is_replaced_only_on_demand_and_a_link_is_followed(tmp_path, file, network):
    (link := tmp_path / "link.npz").symlink_to(file)
    network.save(link)
    other = NeuralNetwork(4, 3, 2, seed=1)
    for path in (file, link):
        with pytest.raises(FileExistsError, match="is there already"):
            other.save(path)
    np.testing.assert_array_equal(NeuralNetwork.load(file).W1, network.W1)
    other.save(link, overwrite=True)
    np.testing.assert_array_equal(NeuralNetwork.load(file).W1, other.W1)


def test_a_failed_save_leaves_what_was_there(tmp_path, file, network):
    network.save(file)
    before = file.read_bytes()
    network.W2 = np.full((2, 3), np.nan)
    with pytest.raises(WeightsError, match="the network, W2: found values that are infinite or not a number"):
        network.save(file, overwrite=True)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"W1": [1]}, "kept for the network"),
        ({"b7": [1]}, "kept for the network"),
        ({"note": [None]}, "note has dtype object; expected text and numbers"),
    ],
)
def test_metadata_that_no_file_may_have_is_refused(network, metadata, words):
    with pytest.raises(ValueError, match=words):
        packed(network, **metadata)


def test_a_path_to_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    places = {tmp_path / "none": "no such file", tmp_path / "pipe": "a pipe", tmp_path: "a folder"}
    for path, words in places.items():
        with pytest.raises(WeightsError, match=f"{path.name}: found .*{words}.*, expected .*file"):
            NeuralNetwork.load(path)


def test_the_error_crosses_processes():
    error = pickle.loads(pickle.dumps(WeightsError("a", "b", "c")))
    assert (str(error), error.file) == ("a: found b, expected c.", "a")
    assert isinstance(error, ValueError)
