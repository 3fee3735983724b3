import itertools
import math
import re

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import all_close

from explorer.network import NeuralNetwork
from explorer.network.activations import Activation


def network(n_input=5, n_hidden=4, n_output=3, seed=1, **options):
    """A small network in float64, with biases that are not zero."""
    nn = NeuralNetwork(n_input, n_hidden, n_output, dtype=np.float64, seed=seed, **options)
    rng = np.random.default_rng(seed)
    for b in nn.b:
        b[:] = rng.normal(0, 0.3, b.shape)
    return nn


def data(n_input=5, n_output=3, n_samples=6, seed=2):
    """Inputs in [0, 1] and one-hot labels, samples in columns."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, (n_input, n_samples)), np.eye(n_output)[:, rng.integers(0, n_output, n_samples)]


class Recorder(NeuralNetwork):
    """Keeps the batches that `fit` hands to `train_iteration`, and the losses that come back."""

    def train_iteration(self, X, d, lr=1e-2):
        loss = super().train_iteration(X, d, lr)
        vars(self).setdefault("calls", []).append((X.copy(), d.copy(), lr, float(loss)))
        return loss


def recorder(n_samples, **options):
    """A recording network, and data whose first row is the sample's number."""
    nn = Recorder(4, 3, 2, dtype=np.float64, seed=5, **options)
    X = np.random.default_rng(0).uniform(0, 1, (4, n_samples))
    X[0] = np.arange(n_samples)
    return nn, X, np.eye(2)[:, np.arange(n_samples) % 2]


# ---------------------------------------------------------------- what it is made of


@pytest.mark.parametrize(("n_hidden", "sizes"), [
    (4, (5, 4, 3)),
    ((4,), (5, 4, 3)),
    ([6, 2], (5, 6, 2, 3)),
    ((7, 2, 4), (5, 7, 2, 4, 3)),
    (np.array([6, 4]), (5, 6, 4, 3)),
    (np.array([6, 4], np.uint8), (5, 6, 4, 3)),
])  # fmt: skip
def test_names_and_shapes(n_hidden, sizes):
    nn = NeuralNetwork(np.int64(5), n_hidden, np.int64(3))
    assert nn.layer_sizes == sizes
    assert {type(size) for size in nn.layer_sizes} == {int}
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        assert getattr(nn, f"W{i}").shape == (n_out, n_in)
        assert getattr(nn, f"b{i}").shape == (n_out, 1)
    assert not hasattr(nn, f"W{len(sizes)}")
    assert not hasattr(nn, f"b{len(sizes)}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_everything_has_the_dtype_that_was_asked_for(dtype):
    nn = NeuralNetwork(5, (4, 4), 3, dtype=dtype, seed=0)
    X, d = data()
    y = nn.forward(X)
    assert y.dtype == nn.h1.dtype == nn.a2.dtype == dtype
    assert {p.dtype for p in nn.weights()} == {np.dtype(dtype)}
    assert {g.dtype for g in nn.backward(X, y, d)} == {np.dtype(dtype)}
    nn.train_iteration(X, d)
    assert {p.dtype for p in nn.weights()} == {np.dtype(dtype)}


def test_init_weights_draws_new_ones_and_the_seed_decides_which():
    first, second = NeuralNetwork(5, 4, 3, seed=3), NeuralNetwork(5, 4, 3, seed=3)
    before = first.W1.copy()
    first.init_weights()
    second.init_weights()
    assert not np.any(before == first.W1)
    all_close(first.weights(), second.weights(), rtol=0)


def test_rng_is_a_source_as_numpy_has_it_and_seed_a_number_for_the_same():
    for rng in (3, np.random.SeedSequence(3), np.random.PCG64(3), np.random.default_rng(3)):
        all_close(NeuralNetwork(5, 4, 3, rng=rng).weights(), NeuralNetwork(5, 4, 3, seed=3).weights(), rtol=0)
    shared = np.random.default_rng(3)
    first, second = NeuralNetwork(5, 4, 3, rng=shared), NeuralNetwork(5, 4, 3, rng=shared)
    assert not np.any(first.W1 == second.W1)
    assert first.rng is second.rng is shared
    with pytest.raises(ValueError, match="seed is 0 and rng is given, too; expected one of them"):
        NeuralNetwork(5, 4, 3, seed=0, rng=shared)


def test_numpys_global_random_numbers_are_neither_used_nor_changed():
    np.random.seed(0)  # noqa: NPY002  # what must have no effect
    first = NeuralNetwork(5, 4, 3).W1
    NeuralNetwork(5, 4, 3).fit(*data(n_samples=20), batch_size=3, n_epochs=2)
    assert np.random.random() == np.random.RandomState(0).random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    assert not np.any(first == NeuralNetwork(5, 4, 3).W1)


# ---------------------------------------------------------------- weights can be read and set


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2", "W3", "b3"])
def test_a_parameter_changed_in_place_is_used(name):
    X, _ = data()
    nn = network(n_hidden=(4, 4))
    setattr(nn, name, getattr(nn, name) + 0.5)
    expected = {key: array.copy() for key, array in nn.named().items()}
    for array in (expected[name], getattr(nn, name)):
        array *= 0.5
        array[0, 0] = 1.0
    expected = [*expected.values()]
    all_close(nn.weights(), expected, rtol=1e-15)
    y = reference.forward(expected, X, "sigmoid", "sigmoid")[1][-1]
    np.testing.assert_allclose(nn.forward(X), y, rtol=1e-12)


def test_an_assigned_matrix_is_copied():
    nn, mine = network(), np.zeros((4, 5))
    nn.W1 = mine
    nn.train_iteration(*data(), lr=1.0)
    assert nn.W1.any()
    assert not mine.any(), "training changes an array of the caller's"


@pytest.mark.parametrize(
    ("name", "shape"),
    [("W1", (5, 4)), ("W1", (20,)), ("W2", (4, 3)), ("b1", (4,)), ("b1", (1, 4)), ("b2", (1, 1)), ("W1", ())],
)
def test_assigning_a_wrong_shape_is_refused(name, shape):
    """Also where NumPy would broadcast it silently."""
    nn = network()
    before = nn.weights()
    with pytest.raises(ValueError, match=f"{name}.*{re.escape(str(getattr(nn, name).shape))}"):
        setattr(nn, name, np.zeros(shape))
    all_close(nn.weights(), before, rtol=0)


def test_weights_go_out_as_read_only_copies_and_come_in_again():
    nn, other = network(n_hidden=(4, 3)), network(n_hidden=(4, 3), seed=8)
    weights = nn.weights()
    assert [w.shape for w in weights] == [(4, 5), (4, 1), (3, 4), (3, 1), (3, 3), (3, 1)]
    assert not any(w.flags.writeable for w in weights)
    other.set_weights(weights)
    all_close(other.weights(), weights, rtol=0)
    nn.W1 *= 2
    all_close(other.weights(), weights, rtol=0)


def test_weights_that_do_not_fit_are_refused_and_change_nothing():
    nn = network(n_hidden=(4, 3))
    before = nn.weights()
    for weights in (before[:4], [*before, *before[:2]], [2 * before[0], *(w.T for w in before[1:])]):
        with pytest.raises(ValueError, match=r"shape|arrays"):
            nn.set_weights(weights)
        all_close(nn.weights(), before, rtol=0)


# ---------------------------------------------------------------- forward


@pytest.mark.parametrize("n_hidden", [4, (4, 6), (4, 3, 5)])
@pytest.mark.parametrize("output", reference.OUTPUTS)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_forward_keeps_every_layer(activation, output, n_hidden):
    X, _ = data()
    nn = network(n_hidden=n_hidden, hidden_activation=activation, output=output)
    y = nn.forward(X)
    a, h = reference.forward(nn.weights(), X, activation, output)
    np.testing.assert_allclose(y, h[-1], rtol=1e-12)
    for i in range(1, len(a) + 1):
        np.testing.assert_allclose(getattr(nn, f"a{i}"), a[i - 1], rtol=1e-12, atol=1e-14)
    for i in range(1, len(a)):
        np.testing.assert_allclose(getattr(nn, f"h{i}"), h[i], rtol=1e-12)


# ---------------------------------------------------------------- backward


@pytest.mark.parametrize("n_hidden", [(4,), (4, 3), (4, 3, 4)], ids=str)
@pytest.mark.parametrize("functions", reference.COMBINATIONS, ids="-".join)
def test_gradient_is_the_slope_of_the_loss(functions, n_hidden):
    """Every weight of a small network against central differences of the reference loss."""
    activation, output, loss = functions
    X, d = data()
    nn = network(n_hidden=n_hidden, hidden_activation=activation, output=output, loss=loss)
    theta = [array.copy() for array in nn.weights()]
    if activation == "relu":
        a, _ = reference.forward(theta, X, activation, output)
        assert min(np.abs(layer).min() for layer in a[:-1]) > 1e-4, "choose data away from relu's kink"
    expected = reference.central_differences(
        lambda: reference.loss(loss, reference.forward(theta, X, activation, output)[1][-1], d), theta
    )
    gradient = nn.backward(X, nn.forward(X), d)
    all_close(gradient, expected, rtol=1e-6, atol=1e-8)
    expected = reference.backward(theta, X, d, activation, output, loss)
    all_close(gradient, expected, rtol=1e-10, atol=1e-13)


def test_backward_refuses_outputs_of_another_pass():
    """`predict` is a forward pass as well: what it keeps is not what `y` came from."""
    nn = network()
    X, d = data()
    with pytest.raises(ValueError, match="forward"):
        nn.backward(X, d, d)
    y = nn.forward(X)
    nn.predict(X / 2)
    words = r"y is not what the last forward pass returned; call forward\(X\) again"
    with pytest.raises(ValueError, match=words):
        nn.backward(X, y, d)


def test_softmax_with_cross_entropy_stays_finite_when_sure_and_wrong():
    """The joint derivative y − d needs no division by a probability of 0."""
    nn = network(output="softmax", loss="cross_entropy")
    nn.W2 = nn.W2 * 1e4
    X, d = data(n_samples=30)
    y = nn.forward(X)
    assert np.any((y == 0) & (d == 1)), "the case that is meant"
    assert all(np.isfinite(g).all() for g in nn.backward(X, y, d))
    np.testing.assert_allclose(nn.backward(X, y, d)[3], (y - d).sum(axis=1, keepdims=True), atol=1e-12)


# ---------------------------------------------------------------- fit


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 30), batch_size=st.integers(1, 40), n_epochs=st.integers(1, 3))
def test_fit_uses_every_sample_once_an_epoch(n, batch_size, n_epochs):
    nn, X, d = recorder(n)
    nn.fit(X, d, batch_size=batch_size, n_epochs=n_epochs)
    per_epoch = math.ceil(n / batch_size)
    assert len(nn.calls) == per_epoch * n_epochs
    for epoch in range(n_epochs):
        calls = nn.calls[epoch * per_epoch : (epoch + 1) * per_epoch]
        numbers = np.concatenate([x[0] for x, *_ in calls]).astype(int)
        assert sorted(numbers) == list(range(n))
        assert [x.shape[1] for x, *_ in calls[:-1]] == [batch_size] * (per_epoch - 1)
        for x, labels, *_ in calls:
            columns = x[0].astype(int)
            np.testing.assert_array_equal(x, X[:, columns])
            np.testing.assert_array_equal(labels, d[:, columns])


def test_fit_shuffles_again_every_epoch():
    nn, X, d = recorder(20)
    nn.fit(X, d, batch_size=5, n_epochs=3)
    orders = [tuple(np.concatenate([x[0] for x, *_ in nn.calls[i : i + 4]])) for i in (0, 4, 8)]
    assert len({*orders, tuple(range(20))}) == 4


def test_fit_steps_as_the_reference_does():
    nn, X, d = recorder(23)
    theta = nn.weights()
    history = nn.fit(X, d, batch_size=4, n_epochs=2, lr=0.05)
    batches = [x[0].astype(int) for x, *_ in nn.calls]
    theta, losses, _ = reference.sgd(theta, X, d, batches, lr=0.05)
    all_close(nn.weights(), theta, rtol=1e-10)
    np.testing.assert_allclose([loss for *_, loss in nn.calls], losses, rtol=1e-10)
    np.testing.assert_allclose(history, [sum(losses[:6]) / 23, sum(losses[6:]) / 23], rtol=1e-10)


def test_fit_passes_the_learning_rate_and_its_defaults_on():
    nn, X, d = recorder(6)
    assert len(nn.fit(X, d, 6)) == len(nn.calls) == 10
    nn.fit(X, d, 6, 1, 0.5)
    assert [lr for _, _, lr, _ in nn.calls] == [0.01] * 10 + [0.5]


def test_fit_repeats_with_its_seed_and_leaves_the_data_alone():
    X, d = data(n_samples=40)
    X.flags.writeable = d.flags.writeable = False
    first, second, other = network(seed=3), network(seed=3), network(seed=4)
    histories = [list(nn.fit(X, d, batch_size=7, n_epochs=3)) for nn in (first, second, other)]
    assert histories[0] == histories[1] != histories[2]
    all_close(first.weights(), second.weights(), rtol=0)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("method", ["forward", "predict", "train_iteration", "fit"])
def test_samples_left_in_rows_are_refused_with_words_that_say_what_to_do(method):
    nn, X = NeuralNetwork(784, 32, 10), np.zeros((100, 784))
    rest = {"train_iteration": [np.zeros((10, 100))], "fit": [np.zeros((10, 100)), 10]}.get(method, ())
    with pytest.raises(ValueError, match=r"\(784, n_samples\): samples are columns, so pass X\.T"):
        getattr(nn, method)(X, *rest)
    with pytest.raises(ValueError, match=r"a single sample is a column"):
        getattr(nn, method)(X[0], *rest)


@pytest.mark.parametrize("shape", [(3, 5), (4, 6), (2, 6), (6, 3), (6,), (1, 6)])
def test_targets_of_a_wrong_shape_are_refused(shape):
    """Labels instead of one-hot columns among them: NumPy would broadcast these."""
    nn, (X, _) = network(), data()
    before, words = nn.weights(), "(?i)one-hot" if len(shape) == 1 else r"\(3, 6\)|3 rows|6 columns|samples"
    for call in (
        lambda d: nn.train_iteration(X, d),
        lambda d: nn.fit(X, d, batch_size=2),
        lambda d: nn.backward(X, nn.forward(X), d),
    ):
        with pytest.raises(ValueError, match=words):
            call(np.zeros(shape))
    all_close(nn.weights(), before, rtol=0)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True, None, "8"])
def test_fit_refuses_a_batch_size(batch_size):
    X, d = data()
    with pytest.raises((ValueError, TypeError), match="batch_size"):
        network().fit(X, d, batch_size=batch_size)


NO_HIDDEN_SIZES = [
    0, (), -3, (4, 0), (4, -1), True, (4, True), 2.5, (2.5,), "8", None, {4, 3}, np.array([]), np.array(4),
    np.array([4.0]), np.array([4, 0]), np.array([True]), np.array([[4, 3]]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sizes"), [
    *(("n_input", (size, 4, 3)) for size in (0, 2.5)),
    *(("n_output", (5, 4, size)) for size in (-1, True)),
    *(("n_hidden", (5, size, 3)) for size in NO_HIDDEN_SIZES),
])  # fmt: skip
def test_a_size_is_refused(name, sizes):
    with pytest.raises(ValueError, match=name):
        NeuralNetwork(*sizes)


@pytest.mark.parametrize(
    "lr",
    [0, -1, -0.01, math.nan, math.inf, -math.inf, "0.1", None, True, 1j, 10**400, [0.1]],
    ids=lambda lr: str(lr)[:20],
)
@pytest.mark.parametrize("method", ["train_iteration", "fit"])
def test_a_learning_rate_is_refused_before_anything_changes(method, lr):
    nn, (X, d) = network(), data()
    before = nn.weights()
    options = {"batch_size": 2} if method == "fit" else {}
    with pytest.raises(ValueError, match=r"^lr is .{1,20}; expected a finite number greater than 0$"):
        getattr(nn, method)(X, d, lr=lr, **options)
    all_close(nn.weights(), before, rtol=0)


@pytest.mark.parametrize(("option", "known"), [
    ("hidden_activation", ["sigmoid", "relu", "tanh"]),
    ("output", ["sigmoid", "softmax"]),
    ("loss", ["squared_error", "cross_entropy"]),
    ("initializer", ["glorot", "he", "normal", "uniform"]),
    ("optimizer", ["sgd", "adam"]),
])  # fmt: skip
@pytest.mark.parametrize("name", ["swish", "", "Sigmoid", None, 3])
def test_an_unknown_name_is_refused_and_the_known_are_listed(option, known, name):
    with pytest.raises(ValueError, match=option) as refused:
        NeuralNetwork(5, 4, 3, **{option: name})
    assert all(word in str(refused.value) for word in known)


@pytest.mark.parametrize("dtype", [np.int64, np.complex128, np.float16, "text", None, 3, ">f4"])
def test_a_dtype_that_is_no_float_is_refused(dtype):
    named = getattr(dtype, "__name__", dtype)
    with pytest.raises(ValueError, match=f"^dtype is {named}; expected float32 or float64$"):
        NeuralNetwork(5, 4, 3, dtype=dtype)


def test_nothing_becomes_a_number_again():
    """NaN in the data shows in the outputs and in the loss, instead of passing for a figure."""
    nn = network()
    X, d = data()
    X[0, 0] = np.nan
    assert np.isnan(nn.forward(X)[:, 0]).all()
    assert math.isnan(nn.train_iteration(X, d))


def test_a_copy_may_count_in_another_dtype():
    nn = NeuralNetwork(5, 4, 3, seed=1)
    X, _ = data()
    other = nn.copy(np.float64)
    assert (nn.W1.dtype, other.W1.dtype, other.forward(X).dtype) == (np.float32, np.float64, np.float64)
    all_close(other.weights(), nn.weights(), rtol=0)
    all_close(other.forward(X), nn.forward(X), rtol=1e-5)
    with pytest.raises(ValueError, match="expected float32 or float64"):
        nn.copy(np.int32)


# ---------------------------------------------------------------- formulas may be replaced


def test_what_a_pass_keeps_is_not_overwritten_by_the_next():
    nn, (X, d) = network(), data()
    nn.forward(X)
    kept = [*nn.a, *nn.h]
    before = [array.copy() for array in kept]
    nn.train_iteration(X / 2, d)
    all_close(kept, before, rtol=0)


def test_a_layer_is_there_under_its_name_and_in_its_list():
    nn = network(n_hidden=(4, 3))
    X, _ = data()
    nn.forward(X)
    for kind, arrays in {"W": nn.W, "b": nn.b, "a": nn.a, "h": nn.h[1:]}.items():
        assert all(getattr(nn, f"{kind}{i}") is array for i, array in enumerate(arrays, 1))
        assert len(arrays) == nn.n_layers == 3
    np.testing.assert_array_equal(nn.h[0], X)
    assert [*nn.named()] == ["W1", "b1", "W2", "b2", "W3", "b3"]


def test_what_a_network_does_not_have_is_named():
    nn = network()
    with pytest.raises(AttributeError, match=r"NeuralNetwork has no attribute 'a1': forward\(X\) makes it"):
        nn.a1  # noqa: B018
    with pytest.raises(AttributeError, match="there is no W3: the network has 2 layers"):
        nn.W3 = np.zeros((3, 3))


class Leaky(NeuralNetwork):
    """A formula of one's own: relu with a slope on the left."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        leaky = Activation(lambda a: np.where(a > 0, a, 0.1 * a), lambda a: np.where(a > 0, 1, 0.1))
        self.f = [leaky] * (self.n_layers - 1) + self.f[-1:]


class Linear(NeuralNetwork):
    """An output and a loss of one's own: the weighted sums themselves, and the fourth power of the error."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.f[-1] = lambda a: a

    def compute_loss(self, y, d):
        return float(((y - d) ** 4).sum())

    def output_delta(self, y, d):
        return 4 * (y - d) ** 3


@pytest.mark.parametrize("kind", [Leaky, Linear])
def test_the_gradient_follows_a_formula_of_ones_own(kind):
    nn = kind(5, (4, 3), 3, dtype=np.float64, seed=1)
    X, d = data()
    gradient = nn.backward(X, nn.forward(X), d)
    expected = reference.central_differences(lambda: nn.compute_loss(nn.forward(X), d), nn.parameters)
    all_close(gradient, expected, rtol=1e-6, atol=1e-8)


# ---------------------------------------------------------------- it learns


def test_the_network_learns_exclusive_or():
    X = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]])
    d = np.array([[1.0, 0, 0, 1], [0, 1, 1, 0]])
    nn = NeuralNetwork(2, 8, 2, hidden_activation="tanh", output="softmax", loss="cross_entropy", seed=0)
    history = nn.fit(X, d, batch_size=2, n_epochs=500, lr=0.2)
    assert history[-1] < 0.05 < history[0]
    np.testing.assert_array_equal(nn.predict(X), [0, 1, 1, 0])
