"""The textbook and the engine are one mathematics: every combination, step by step."""

import itertools

import numpy as np
import pytest
from thinned import one_in

from explorer.engine import MiniBatches, Model
from explorer.network import ACTIVATIONS, LOSSES, OPTIMIZERS, OUTPUTS, NeuralNetwork
from explorer.network.optimizers import MOMENTUM
from explorer.network.regularization import dropout_mask

FUNCTIONS = [*itertools.product(ACTIVATIONS, OUTPUTS, LOSSES)]
HIDDEN = [(6,), (6, 5), (6, 5, 4)]
CASES = {
    1: (70, 0.02),
    2: (70, 0.04),
    8: (70, 0.1),
    9: (70, 0.1),
    64: (200, 0.3),
    513: (600, 0.3),
    600: (600, 0.3),
}
"""Batch sizes, each with a number of images and a learning rate on the mean gradient.

The epoch ends in a short batch, and in a short block where there are blocks. The rates are small enough for
training not to be chaotic, which would amplify each rounding from step to step.
"""
BOUND = {"float64": 1e-10, "float32": 1e-6}
"""How far a weight, or a loss per sample, of the one may lie from that of the other."""


def engine_steps(network, data, batch_size, lr, reduction):
    """After each step of an epoch the weights, their penalty, and where there is a score, the loss so far."""
    model = Model(network)
    batches = MiniBatches(model, data, batch_size, lr, reduction)
    loss = 0.0
    for part in batches.epoch(np.arange(len(data.train_labels))):
        loss += part.score.loss if part.score else 0.0
        if part.is_step:
            with batches.settled():
                yield model.parameters.weights(), model.penalty(), loss if part.score else None


def rate(batch_size, reduction, optimizer):
    _, by_mean = CASES[batch_size]
    if OPTIMIZERS[optimizer].is_scale_free:
        return by_mean / 300  # each weight moves by about so much
    by_mean *= 1 if optimizer == "sgd" else 1 - MOMENTUM  # steps that point the same way add up
    return by_mean if reduction == "mean" else by_mean / batch_size


class Textbook(NeuralNetwork):
    """The textbook's network, which draws what dropout leaves out from as many generators as the engine has."""

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.rngs = [np.random.default_rng([0, 1, 1, layer]) for layer in range(len(self.layer_sizes) - 1)]

    def draw_masks(self, n):
        rates = [self.input_dropout] + [self.dropout] * (self.n_layers - 1)
        drawn = zip(self.rngs, rates, self.layer_sizes, strict=False)
        return [dropout_mask(rng, rate, n_units, n) if rate else 1 for rng, rate, n_units in drawn]


def furthest(functions, hidden, reduction, batch_size, dtype, dataset, *, optimizer="sgd", **methods):
    """The largest difference between textbook and engine over an epoch; NaN counts as infinite."""
    data = dataset.head(CASES[batch_size][0])
    names = dict(zip(("hidden_activation", "output", "loss"), functions, strict=True))
    sizes = data.n_inputs, hidden, data.n_classes
    network = Textbook(*sizes, dtype=dtype, seed=1, optimizer=optimizer, **names, **methods)
    lr, is_divided = rate(batch_size, reduction, optimizer), reduction == "mean"
    is_divided &= not OPTIMIZERS[optimizer].is_scale_free
    X, d = data.X_train, data.Y_train
    if dtype == "float64":  # the division by 255 exact to as many digits
        X = data.train_images.reshape(len(data.train_images), -1).T / 255
    loss = worst = 0.0
    starts = itertools.count(0, batch_size)
    steps = engine_steps(network, data, batch_size, lr, reduction)
    for start, (weights, penalty, said) in zip(starts, steps, strict=False):
        batch = slice(start, start + batch_size)
        by = X[:, batch].shape[1] if is_divided else 1
        loss += network.train_iteration(X[:, batch], d[:, batch], lr / by)
        differences = [np.abs(w - v).max() for w, v in zip(weights, network.parameters, strict=True)]
        differences.append(abs(penalty - network.penalty))
        if said is not None:
            differences.append(abs(said - loss) / min(start + batch_size, X.shape[1]))
        worst = max(worst, np.nan_to_num(max(differences), nan=np.inf))
    assert start + batch_size >= X.shape[1], "the epoch was gone through"
    return worst


SHAPES = [*itertools.product(HIDDEN, ("sum", "mean"))]


@pytest.mark.parametrize("n_shapes", [1, pytest.param(len(SHAPES), marks=pytest.mark.long)])
@pytest.mark.parametrize("dtype", BOUND)
@pytest.mark.parametrize("batch_size", CASES)
@pytest.mark.parametrize("functions", FUNCTIONS, ids="-".join)
def test_the_engine_does_what_the_textbook_says(small_dataset, functions, batch_size, dtype, n_shapes):
    """With one shape in turn, so that each is met with all functions, sizes and types; and with all of them."""
    first = FUNCTIONS.index(functions) + [*CASES].index(batch_size) + [*BOUND].index(dtype)
    for hidden, reduction in (SHAPES[n % len(SHAPES)] for n in range(first, first + n_shapes)):
        worst = furthest(functions, hidden, reduction, batch_size, dtype, small_dataset)
        assert worst <= BOUND[dtype], f"{hidden}, by {reduction}: {worst:.1e}"


# What comes before the step is the same for all optimizers: two of the functions are enough.
@pytest.mark.parametrize("functions", one_in(2, [(FUNCTIONS[0],), (FUNCTIONS[-1],)]))
@pytest.mark.parametrize("dtype", BOUND)
@pytest.mark.parametrize("batch_size", CASES)
@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "sgd"])
def test_every_optimizer_takes_the_textbooks_steps(small_dataset, optimizer, batch_size, dtype, functions):
    for reduction in ("sum", "mean"):
        case = functions, (6, 5), reduction, batch_size, dtype, small_dataset
        worst = furthest(*case, optimizer=optimizer)
        # A sum of many gradients that nearly cancel is rounded, and divided by its own small size.
        bound = BOUND[dtype] * (10 if OPTIMIZERS[optimizer].is_scale_free else 1)
        assert worst <= bound, f"by {reduction}: {worst:.1e}"


METHODS = {
    "l2": {"l2": 0.02},
    "l1": {"l1": 0.003},
    "dropout": {"dropout": 0.5},
    "input dropout": {"input_dropout": 0.2},
    "max-norm": {"max_norm": 0.5},
}
"""Each alone, and any two of them together."""
PAIRS = [pytest.param(names, marks=pytest.mark.long) for names in itertools.combinations(METHODS, 2)]


@pytest.mark.long
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.sweep)])
@pytest.mark.parametrize("names", [*itertools.combinations(METHODS, 1), *PAIRS], ids=" and ".join)
def test_all_that_regularizes_alone_and_in_pairs_with_every_optimizer(small_dataset, names, dtype):
    methods = {key: value for name in names for key, value in METHODS[name].items()}
    for optimizer, batch_size in itertools.product(OPTIMIZERS, (1, 9, 600)):
        functions, reduction = FUNCTIONS[-1 if batch_size == 9 else 0], ("sum", "mean")[batch_size == 9]
        case = functions, (6, 5), reduction, batch_size, dtype, small_dataset
        worst = furthest(*case, optimizer=optimizer, **methods)
        bound = BOUND[dtype] * (10 if OPTIMIZERS[optimizer].is_scale_free else 1)
        bound *= 2 if "dropout" in names else 1  # what is kept counts twice
        if "l1" in names and dtype == "float32":  # what the sign of a weight near 0 decides
            bound = 1e-3
        assert worst <= bound, f"{optimizer}, batches of {batch_size}: {worst:.1e}"
