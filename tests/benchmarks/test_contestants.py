"""The benchmark compares like with like: from the same start all contestants reach equal weights."""

import sys
from pathlib import Path

import needs
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Files of this folder, which is no package.
from contestants import Case, HandWrittenTorch, Jax, Naive, Ours, TorchEager
from engine import installed

CASES = [Case((6,), 50, 600), Case((6, 5), 60, 600, modern=True)]
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.network)


class InOrder:
    """A generator of random numbers that leaves the images in their order."""

    def permutation(self, n):
        return np.arange(n)


def course_code(case, dataset, rng=None):
    naive = Naive(case, dataset)
    naive.rng = rng or InOrder()
    naive.epoch()
    return [(W, b[:, 0]) for W, b in naive.layers]


def assert_same(layers, expected):
    for (W, b), (V, c) in zip(layers, expected, strict=True):
        np.testing.assert_allclose(W, V, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(b, c, rtol=1e-4, atol=1e-5)


@cases
def test_ours_is_the_course_code(small_dataset, case):
    ours = Ours(case, small_dataset)
    ours.run.set_weights([array for layer in case.first_weights() for array in layer])
    rng = ours.run.network.rng  # a copy: what the run shuffles with
    ours.epoch()
    assert_same(ours.weights(), course_code(case, small_dataset, rng))


@cases
@pytest.mark.parametrize("kind", [k for k in (TorchEager, HandWrittenTorch) if installed(k)])
def test_pytorch_is_the_course_code(small_dataset, case, kind, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch, "randperm", lambda n, generator: torch.arange(n))
    contestant = kind(case, small_dataset)
    contestant.epoch()
    if kind is TorchEager:
        layers = contestant.weights()
    else:
        layers = [(V.numpy().T, b.numpy()) for V, b in contestant.layers]
    assert_same(layers, course_code(case, small_dataset))


@needs.needs("jax, of the extra bench", installed(Jax), always=False)
@pytest.mark.parametrize("method", ["sgd", "adam"])
def test_jax_is_the_course_code_and_its_adam_the_explorers(small_dataset, method):
    case = Case((6, 5), 70, 600, modern=True, method=method)  # the last mini-batch is shorter
    contestant, ours = Jax(case, small_dataset), Ours(case, small_dataset)
    ours.run.set_weights([array for layer in case.first_weights() for array in layer])
    contestant.rng = ours.run.network.rng
    contestant.epoch()
    ours.epoch()
    assert_same(contestant.weights(), ours.weights())
