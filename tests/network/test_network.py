"""The textbook: its size, its steps against those recorded from another way to write them, broken formulas."""

import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest
from random_networks import all_close

from explorer.network import NeuralNetwork, methods, network
from explorer.network.methods import Dropout, Optimization, Penalties, Schedule
from explorer.network.network import Network

HERE = Path(__file__).parent
STEPS = json.loads((HERE / "steps.json").read_text(encoding="utf-8"))
"""For each combination: the losses of three steps, and two weighted sums of all parameters after them.

They were recorded from a network whose layers were counted in dictionaries, and which had its penalties, its masks
and its optimizer in the same methods as the exercise: code that shared no line of a pass with this one.
"""
SETTINGS = {
    "plain": {},
    "penalties": {"l2": 0.02, "l1": 0.01},
    "dropout": {"dropout": 0.4, "input_dropout": 0.2},
    "max-norm": {"max_norm": 0.9},
}
SETTINGS["all"] = {key: value for method in SETTINGS.values() for key, value in method.items()}
SMALL_RATES = "rmsprop", "adam", "adamw"
RECORDED = [key.split("-", 4) for key in STEPS]


def samples():
    rng = np.random.default_rng(2)
    return rng.uniform(0.1, 1, (6, 8)), np.eye(3)[:, rng.integers(0, 3, 8)]


def three_steps(kind, activation, output, loss, optimizer, method):
    functions = {"hidden_activation": activation, "output": output, "loss": loss}
    nn = kind(6, (5, 4), 3, dtype=np.float64, seed=1, optimizer=optimizer, **functions, **SETTINGS[method])
    (X, d), lr = samples(), 0.01 if optimizer in SMALL_RATES else 0.05
    losses = [nn.train_iteration(X, d, lr) for _ in range(3)]
    theta = np.concatenate([array.ravel() for array in nn.parameters])
    return [*losses, theta @ np.cos(np.arange(theta.size)), theta @ np.sin(np.arange(theta.size))]


@pytest.mark.parametrize("functions", sorted({tuple(key[:3]) for key in RECORDED}), ids="-".join)
def test_three_steps_come_to_the_figures_that_were_recorded(functions):
    for *_, optimizer, method in (key for key in RECORDED if tuple(key[:3]) == functions):
        found = three_steps(NeuralNetwork, *functions, optimizer, method)
        expected = STEPS["-".join((*functions, optimizer, method))]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12, err_msg=f"{optimizer}, {method}")


def test_the_exercise_fits_on_two_screens_and_its_methods_too():
    texts = {module: inspect.getsource(module) for module in (network, methods)}
    assert len(texts[network].splitlines()) <= 110
    assert len(texts[methods].splitlines()) <= 110
    assert not re.search("mask|penalt|optimizer|arguments\\.", texts[network])
    functions = [member for member in vars(Network).values() if inspect.isfunction(member)]
    assert max(len(inspect.getsource(function).splitlines()) for function in functions) <= 20


@pytest.mark.parametrize("n_hidden", [4, (4, 3)])
def test_the_textbook_alone_is_the_network_without_a_method(n_hidden):
    X, d = samples()
    kinds = Network, Schedule, NeuralNetwork
    alone, scheduled, whole = (kind(6, n_hidden, 3, dtype=np.float64, seed=1) for kind in kinds)
    rates = 0.05, lambda t, n: 0.05, 0.05
    losses = [nn.fit(X, d, 3, 2, lr) for nn, lr in zip((alone, scheduled, whole), rates, strict=True)]
    np.testing.assert_array_equal(losses, losses[:1] * 3)
    np.testing.assert_array_equal(Schedule(6, n_hidden, 3, seed=1).fit(X, d, 3, 2, 0.05), losses[0])
    all_close(alone.parameters, whole.parameters, rtol=0)
    np.testing.assert_array_equal(alone.predict(X), whole.predict(X))


def test_methods_combine_as_they_are_asked_for():
    class Mine(Dropout, Penalties, Optimization):
        """Two methods, and an optimizer."""

        dropout, l2, optimizer = 0.4, 0.02, "adam"

    X, d = samples()
    options = {"dropout": 0.4, "l2": 0.02, "optimizer": "adam", "dtype": np.float64}
    mine, whole = Mine(6, 5, 3, seed=1), NeuralNetwork(6, 5, 3, seed=1, **options)
    for _ in range(3):
        assert mine.train_iteration(X, d, 0.01) == whole.train_iteration(X, d, 0.01)
