"""Products, and large arrays in two halves, by one thread or two: equal to the bit."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product as combinations

import needs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thinned import one_in

from explorer.engine import kernels
from explorer.engine.kernels import in_halves, perform, product, rows_at_once
from explorer.network import OPTIMIZERS, NeuralNetwork
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.process_settings import one_blas_thread

LARGE = TrainingConfig(
    hidden_sizes=(320, 160), hidden_activation="relu", output="softmax", loss="cross_entropy", initializer="he",
    reduction="mean", learning_rate=0.001, batch_size=250, n_train=600, epochs=2,
)  # fmt: skip
METHODS = {"l2": 0.01, "dropout": 0.5, "input_dropout": 0.2, "max_norm": 3.0}


def trained(dataset, n_threads, **changes):
    run = TrainingRun(LARGE.replace(**changes), dataset, n_threads=n_threads)
    list(run)
    return run.weights()


@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_that_is_cut_after_whole_groups_of_rows_has_the_same_numbers(transposed):
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=shape).astype(np.float32) for shape in ((130, 600), (600, 210)))
    left = np.asfortranarray(left) if transposed else left
    with one_blas_thread():
        whole = left @ right
        # What is smaller, AVX-512's kernels multiply in another way.
        for cut in range(24, 106, rows_at_once()):
            np.testing.assert_array_equal(np.concatenate([left[:cut] @ right, left[cut:] @ right]), whole)


@pytest.mark.parametrize(
    ("methods", "batch_size", "optimizer"),
    one_in(8, [*combinations([METHODS, {"dropout": 0.5}], [250, 7], OPTIMIZERS)]),
)
def test_two_threads_give_the_numbers_of_one(mnist, monkeypatch, optimizer, batch_size, methods):
    monkeypatch.setattr(kernels, "LARGE_WORK", 100_000)  # so that all that can be cut is
    changes = {"optimizer": optimizer, "batch_size": batch_size, **methods}
    one, two = (trained(mnist.head(600), n_threads, **changes) for n_threads in (1, 2))
    assert np.isfinite(one[0]).all()
    np.testing.assert_equal(one, two)


def test_trainings_that_overlap_share_the_second_thread(small_dataset):
    alone = [trained(small_dataset, 1, seed=seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as threads:
        found = threads.map(lambda seed: trained(small_dataset, 2, seed=seed), range(3))
    for weights, together in zip(alone, found, strict=True):
        np.testing.assert_equal(weights, together)


def cut(first, second):
    return in_halves(lambda half: (second if half(64).start else first,), kernels.LARGE_WORK, 2)


def test_what_either_half_raises_is_raised_when_both_have_ended():
    ended = []

    def fail():
        raise ZeroDivisionError

    for calls in (cut(fail, partial(ended.append, "second")), cut(partial(ended.append, "first"), fail)):
        with pytest.raises(ZeroDivisionError):
            perform(calls)
    perform(cut(partial(ended.append, "first"), partial(ended.append, "second")))
    assert sorted(ended) == ["first", "first", "second", "second"]


def test_the_second_half_is_done_here_while_the_other_thread_is_busy():
    begun, free, found = threading.Event(), threading.Event(), []

    def occupy():
        begun.set()
        assert free.wait(30)

    busy = threading.Thread(target=perform, args=[cut(partial(begun.wait, 30), occupy)])
    busy.start()
    assert begun.wait(30)
    perform(cut(lambda: None, lambda: found.append(threading.current_thread())))
    free.set()
    busy.join()
    assert found == [threading.current_thread()]


@needs.LINUX
def test_a_forked_process_has_a_second_thread_of_its_own(small_dataset):
    expected = trained(small_dataset, 2)
    child = os.fork()
    if child == 0:
        right = all(map(np.array_equal, trained(small_dataset, 2), expected))
        os._exit(0 if right and perform_elsewhere() else 1)
    assert os.waitpid(child, 0)[1] == 0


def perform_elsewhere():
    """Whether a half is performed in a thread of the process."""
    found = threading.Event()
    perform(cut(partial(found.wait, 30), found.set))
    return found.is_set()


def test_small_work_stays_whole():
    def make(half):
        return half(100), half(7)

    assert in_halves(make, kernels.LARGE_WORK - 1, 2) == (slice(0, 100), slice(0, 7))
    expected = (slice(0, 48), slice(0, 0), slice(48, 100), slice(0, 7))  # whole groups of 4, 8 and 12 rows
    assert in_halves(make, kernels.LARGE_WORK, 1) == expected
    assert in_halves(make, kernels.LARGE_WORK, 1, 0.25)[::2] == (slice(0, 24), slice(24, 100))


AS_ADAM = {"l2": 0.01, "max_norm": 3.0, "optimizer": "adam", "learning_rate": 0.0001}
AS_MOMENTUM = {"optimizer": "momentum", "learning_rate": 0.01}


@pytest.mark.parametrize(
    ("methods", "hidden_sizes", "batch_size"),
    one_in(7, [*combinations([AS_ADAM, AS_MOMENTUM], [(400, 160), (90, 1000)], [7, 40, 250, 600])]),
)
def test_the_textbook_and_the_halves_agree(mnist, monkeypatch, hidden_sizes, batch_size, methods):
    """With every method that works without random numbers, or blank pixels left out, or a later layer cut."""
    monkeypatch.setattr(kernels, "LARGE_WORK", 100_000)
    data = mnist.head(600)
    changes = {"hidden_sizes": hidden_sizes, "batch_size": batch_size, **methods}
    config = LARGE.replace(hidden_activation="tanh", epochs=1, **changes)
    run = TrainingRun(config, data, n_threads=2)
    names = ("hidden_activation", "output", "loss", "initializer", "optimizer", "l2", "max_norm", "seed")
    options = {name: getattr(config, name) for name in names}
    network = NeuralNetwork(data.n_inputs, config.hidden_sizes, 10, **options)
    list(run)
    network.fit(data.X_train, data.Y_train, batch_size, 1, config.learning_rate, reduction="mean")
    for w, v in zip(run.weights(), network.parameters, strict=True):
        np.testing.assert_allclose(w, v, rtol=1e-3, atol=1e-5)  # a tenth of one step of Adam
    outputs = run.network.forward(data.X_test)
    np.testing.assert_allclose(run.snapshot().test_outputs, outputs, rtol=1e-4, atol=1e-6)


sizes = st.integers(1, 40)


@settings(deadline=None)
@given(
    n_rows=st.integers(1, 200), n_inner=sizes, n_columns=sizes, small=st.integers(0, 50_000), data=st.data()
)
def test_a_product_is_the_product_however_it_is_cut(n_rows, n_inner, n_columns, small, data):
    rng = np.random.default_rng(0)
    left = rng.normal(size=(n_rows, n_inner))
    right = rng.normal(size=(n_inner, n_columns))
    if data.draw(st.booleans(), "left transposed"):
        left = np.ascontiguousarray(left.T).T
    if data.draw(st.booleans(), "right transposed"):
        right = np.ascontiguousarray(right.T).T
    out = np.full((n_rows, n_columns), np.nan)
    calls = product(left, right, out, small)
    assert np.isnan(out).all(), "nothing is done before the calls are made"
    perform(calls)
    np.testing.assert_allclose(out, left @ right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("transposed", "n_units"), [(False, 32), (True, 32), (False, 128), (True, 128)])
def test_a_large_product_is_made_of_small_ones(transposed, n_units):
    """None of the calls has more multiplications than asked for, and nothing is copied."""
    X = np.ones((512, 785), np.float32)
    left = X.T if transposed else X
    right, out = np.ones((left.shape[1], n_units), np.float32), np.empty((left.shape[0], n_units), np.float32)
    calls = product(left, right, out, 1_000_000)
    for call in calls:
        part, _, result = call.args
        assert part.shape[-2] * part.shape[-1] * n_units <= 1_000_000
        assert np.shares_memory(part, X)
        assert np.shares_memory(result, out)
    assert len(calls) <= 2
    assert len(product(left, right, out)) == 1
