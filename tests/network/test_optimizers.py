"""Each optimizer against what its formula comes to in closed form, and a network that takes its steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.network import OPTIMIZERS, NeuralNetwork

RATE, STEPS = 0.01, 12
numbers = st.floats(1e-1, 1e3).flatmap(lambda size: st.sampled_from([size, -size]))


def changes(name, gradients):
    """What an optimizer subtracts from one number, step by step."""
    optimizer = OPTIMIZERS[name]
    memory = (np.zeros(1),) * optimizer.n_memories
    for t, g in enumerate(gradients, 1):
        change, memory = optimizer.change(np.array([g]), RATE, t, *memory)
        assert len(memory) == optimizer.n_memories
        yield float(change[0])


@given(numbers)
def test_under_a_constant_gradient_each_takes_the_steps_of_its_formula(g):
    powers = np.arange(1, STEPS + 1)
    whole = RATE * g * (1 - 0.9**powers) / 0.1  # the geometric series of momentum
    expected = {
        "sgd": np.full(STEPS, RATE * g),
        "momentum": whole,
        "nesterov": RATE * g + 0.9 * whole,
        "rmsprop": RATE * np.sign(g) / np.sqrt(1 - 0.9**powers),
        "adam": np.full(STEPS, RATE * np.sign(g)),  # its corrections make the first step as long as any other
    }
    expected["adamw"] = expected["adam"]
    assert expected.keys() == OPTIMIZERS.keys()
    for name, steps in expected.items():
        np.testing.assert_allclose([*changes(name, [g] * STEPS)], steps, rtol=2e-5, err_msg=name)


@given(st.lists(numbers, min_size=1, max_size=9), st.floats(1e-1, 1e2))
def test_two_of_them_do_not_feel_the_size_of_the_gradient(gradients, factor):
    for name, optimizer in OPTIMIZERS.items():
        steps, scaled = (np.array([*changes(name, np.multiply(gradients, by))]) for by in (1, factor))
        size = 1 if optimizer.is_scale_free else factor
        np.testing.assert_allclose(scaled, size * steps, rtol=1e-3, atol=1e-9 * RATE, err_msg=name)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_network_takes_these_steps_and_forgets_them_with_its_weights(name):
    network, rng = NeuralNetwork(3, 4, 2, dtype=np.float64, optimizer=name, seed=0), np.random.default_rng(0)
    X, d = rng.random((3, 5)), np.eye(2)[:, [0, 1, 1, 0, 1]]
    memory = {key: (np.zeros(shape),) * OPTIMIZERS[name].n_memories for key, shape in network.shapes.items()}
    for t in (1, 2, 3):
        gradients = network.backward(X, network.forward(X), d)
        expected = {}
        for (key, theta), g in zip(network.named().items(), gradients, strict=True):
            g = g / 5 if OPTIMIZERS[name].is_scale_free else g
            change, memory[key] = OPTIMIZERS[name].change(g, RATE, t, *memory[key])
            expected[key] = theta - change
        network.train_iteration(X, d, RATE)
        for key, theta in network.named().items():
            np.testing.assert_allclose(theta, expected[key], rtol=1e-12)
    network.init_weights()
    assert network.n_steps == 0
    assert all(not np.any(array) for kept in network.memory for array in kept)


def test_by_mean_is_by_sum_where_the_size_does_not_count():
    X, d = np.random.default_rng(1).random((3, 20)), np.eye(2)[:, np.arange(20) % 2]
    for name, optimizer in OPTIMIZERS.items():
        fitted = []
        for reduction in ("sum", "mean"):
            network = NeuralNetwork(3, 4, 2, dtype=np.float64, optimizer=name, seed=0)
            network.fit(X, d, 7, 2, RATE, reduction=reduction)
            fitted.append(network.W1)
        assert np.array_equal(*fitted) == optimizer.is_scale_free
