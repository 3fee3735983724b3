"""Checks of a network: its initial weights, both passes, its predictions, a step of gradient descent, and `fit`.

Each works on a copy, in float64 if the network can, and only on the first samples, because loops are slow.
"""

import copy
import math
import operator
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.functions import PLAIN, measured_slopes, plain_loss, plain_softmax, precision
from explorer.checks.observations import Probe, initialized, unkept
from explorer.checks.results import CheckError, Passed, arrays_in, check, compare, expect, numbers
from explorer.checks.structure import (
    RATE,
    Step,
    attribute,
    fit_noted,
    in_double,
    numbered,
    option,
    outputs,
    parameters,
    shared,
    sizes_found,
    spread,
    unchanged,
    unfit,
)
from explorer.network.methods import Penalties
from explorer.wording import enumerated

Array = NDArray[Any]
Place = tuple[str, int, int]
"""A weight or bias: the name of its array, its row and its column."""

_DOUBLE = 1e-10  # a pass through a network in float64
_STEP = 1e-7  # a weight after a step
_ROUNDED = 1e-5  # one number in float32
_EXACT = 1e-12  # a few operations in float64
_EPOCHS = 3
_SAMPLES = 100
_DRAWN = 40  # from a large array; of a small one all are used
_BEGINNING = MappingProxyType({"W": "small random weights", "b": "biases near 0"})


@check
def initial_weights(network: Any) -> Passed:
    """Check initial weights: different for each unit, of both signs, and by Glorot's rule if that is named."""
    arrays, by_glorot = parameters(network), option(network, "initializer") == "glorot"
    worst = 0.0
    for name, array in arrays.items():
        _refuse_unfit(name, array)
        if name.startswith("W"):
            r, spreading, sure = math.sqrt(6 / sum(array.shape)), spread(array), 5 / math.sqrt(array.size)
            mean, most = float(array.mean()), sure * float(np.std(array))  # five standard errors
            if abs(mean) > most:
                raise CheckError(f"{name}: expected a mean within {most:.2g} of 0, got {mean:.4f}")
            if by_glorot and (np.abs(array).max() > r * (1 + _ROUNDED) or abs(spreading**2 - 1) > sure):
                got = f"{array.min():.4f} to {array.max():.4f}"
                expected = f"weights spread evenly from {-r:.4f} to {r:.4f}"
                raise CheckError(f"{name}: expected {expected}, got {got}")
            worst = max(worst, abs(mean) / r)
        elif by_glorot:
            compare(name, array, np.zeros(array.shape), 0.0)
    rule = "biases are 0, weights within ±r" if by_glorot else "weights differ from unit to unit"
    n = sum(array.size for array in arrays.values())
    return Passed(f"{n} parameters: {rule}; their means against 0, in units of r", worst)


@check
def forward_pass(network: Any, X: Array) -> Passed:
    """Check a forward pass against loops in plain numbers: each a and h, and each output."""
    X, moved, rng = _samples(X), in_double(network), np.random.default_rng(0)
    for name, array in parameters(moved).items():
        if name.startswith("b"):  # biases of 0 would hide mistakes in adding them
            setattr(moved, name, array + rng.normal(0, 0.5, array.shape))
    before = copy.deepcopy(parameters(moved))
    outputs(moved, -X)  # so that the arrays it keeps belong to other inputs
    y, h, worst = outputs(moved, X), X, 0.0
    unchanged("forward(X)", moved, before)
    for number in range(1, len(sizes_found(moved))):
        a, h = _plain_layer(moved, number, h)
        for name, expected in ((f"a{number}", a), (f"h{number}", h)):
            found = getattr(moved, name, None)
            if found is not None:  # a network need not keep all of them
                worst = max(worst, compare(name, found, expected, _DOUBLE))
    worst = max(worst, compare("forward(X)", y, h, _DOUBLE))
    compare("forward(X) of one sample", attribute(moved, "forward")(X[:, :1]), h[:, :1], _DOUBLE)
    return Passed(f"the forward pass of {X.shape[1]} samples against loops in plain numbers", worst)


@check
def decisions(network: Any, X: Array) -> Passed:
    """Check the predicted classes against a search for the largest output, sample by sample."""
    X, twin = _samples(X), copy.deepcopy(network)
    largest = [column.index(max(column)) for column in outputs(twin, X).T.tolist()]
    if getattr(twin, "predict", None) is None:
        return Passed(f"{len(largest)} predictions", 0.0, "there is no predict: the largest output decides")
    outputs(twin, -X)  # so that the arrays it keeps belong to other inputs
    found = numbers("predict(X)", twin.predict(X))
    compare("predict(X)", found, largest, 0.0)
    if found.dtype.kind not in "iu":
        raise CheckError(f"predict(X): expected integers, got dtype {found.dtype}")
    compare("predict(X) of one sample", twin.predict(X[:, :1]), largest[:1], 0.0)
    unchanged("predict(X)", twin, parameters(network))
    return Passed(f"{len(largest)} predictions against a search for the largest output")


@check
def gradients(network: Any, X: Array, d: Array, *, alone: bool = False) -> Passed:
    """Check gradients' shapes, and their values against measured slopes; if `alone`, also of a single sample."""
    twin, worst = in_double(network), 0.0
    for prefix, n in (("d_", _SAMPLES), ("with one sample, d_", 1))[: 1 + alone]:
        X, d = X[:, :n].astype(np.float64), d[:, :n].astype(np.float64)
        outputs(twin, -X)  # so that the arrays it keeps belong to other inputs
        found, (slopes, tolerance) = _gradients(twin, X, d), _measured(twin, X, d)
        worst = max(worst, _compare_at(prefix, found, slopes, tolerance))
    return Passed(f"{len(slopes)} derivatives against measured slopes of the loss", worst)


@check
def step(network: Any, X: Array, d: Array, lr: float = 1e-2) -> Passed:
    """Check one iteration: each weight minus lr times its measured slope, and the loss before the step."""
    X, d, before, worst = _samples(X), _samples(d), in_double(network), 0.0
    after = copy.deepcopy(before)
    for which, where in (("the step", ""), ("a second step", " in a second step")):
        weights, (slopes, tolerance) = parameters(before), _measured(before, X, d)
        loss, found = _loss(before, X, d), after.train_iteration(X, d, lr)
        worst = max(worst, compare(f"the loss that train_iteration returns{where}", found, loss, _ROUNDED))
        expected = {place: weights[place[0]][place[1:]] - lr * slope for place, slope in slopes.items()}
        tolerance = max(lr * tolerance, _STEP)
        worst = max(worst, _compare_at(f"after {which}, ", parameters(after), expected, tolerance))
        for name, array in parameters(after).items():
            setattr(before, name, array.copy())
    return Passed(f"{len(slopes)} parameters after a step against parameter − lr · measured slope", worst)


@check
def mini_batches(network: Any, n_samples: int = 23, batch_size: int = 5) -> Passed:
    """Check the loop of `fit`: each numbered sample is used once per epoch, in a new order, with its target."""
    steps, sizes, n_batches = list[Step](), sizes_found(network), -(-n_samples // batch_size)
    fitted, (X, d) = copy.deepcopy(network), numbered(sizes, n_samples)
    history = fit_noted(steps, fitted, X, d, batch_size, _EPOCHS)
    unchanged("fit, between its steps", fitted, parameters(network))
    largest = max((step.X.shape for step in steps), key=math.prod, default="no batch")
    expect("shape of the largest batch", largest, (sizes[0], min(batch_size, n_samples)))
    expect(f"calls of train_iteration in {_EPOCHS} epochs", len(steps), _EPOCHS * n_batches)
    compare("learning rate of step", [step.lr for step in steps], [RATE] * len(steps), _EXACT)
    rest = n_samples - (n_batches - 1) * batch_size
    orders, mixtures, losses = [], [], []
    for epoch in range(_EPOCHS):
        batches = steps[epoch * n_batches : (epoch + 1) * n_batches]
        used = [k for batch in batches for k in batch.samples]
        if sorted(used) != list(range(n_samples)):
            found = f"expected each of {n_samples} samples once, got {sorted(used)}"
            raise CheckError(f"epoch {epoch + 1}: {found}")
        lengths = sorted(len(batch.samples) for batch in batches)  # the short one may be anywhere
        expect(f"batch sizes in epoch {epoch + 1}", lengths, [rest, *[batch_size] * (n_batches - 1)])
        for name, batch in product("Xd", batches):
            whole, n = {"X": X, "d": d}[name], len(batch.samples)
            compare(f"{name} of a batch of {n}", getattr(batch, name), whole[:, batch.samples], _ROUNDED)
        orders.append(used)
        mixtures.append({frozenset(batch.samples) for batch in batches})
        losses.append(math.fsum(batch.loss for batch in batches) / n_samples)
    epochs = [f"mean loss of epoch {epoch + 1}" for epoch in range(_EPOCHS)]
    compare("the history that fit returns", history, losses, _ROUNDED, lambda at: epochs[at[0]])
    if orders[0] == orders[1]:
        raise CheckError("order of the samples: expected a new one in each epoch, got the same twice")
    if mixtures[0] == mixtures[1] and n_batches > 1:
        raise CheckError("batches: expected other samples together in each epoch, got the same batches twice")
    return Passed(f"{_EPOCHS} epochs of {n_samples} numbered samples: each used once, with its own target")


@check
def output_delta(network: Any, X: Array, d: Array) -> Passed:
    """Check y − d and the delta that is propagated against slopes of −Σ d log softmax(a), in plain numbers."""
    X, d, twin, worst = _samples(X), _samples(d), in_double(network), 0.0
    for k in range(X.shape[1]):
        x, target = X[:, [k]], d[:, [k]]
        # Of one sample, the derivative of a bias is the delta.
        y, propagated = outputs(twin, x), [*_gradients(twin, x, target).values()][-1]
        a = np.array(attribute(twin, f"a{len(sizes_found(twin)) - 1}"), np.float64)
        measured, tolerance = measured_slopes(partial(_softmax_loss, target), a)
        for name, found in ((f"y − d of sample {k}", y - target), (f"delta of sample {k}", propagated)):
            worst = max(worst, compare(name, found, measured, tolerance))
    what = f"y − d and the network's own delta against measured slopes, for {X.shape[1]} samples"
    return Passed(what, worst)


@check
def several_layers(kind: type[Any]) -> Passed:
    """Check both passes of a class of networks, with two hidden layers; unnamed functions are those that fit."""
    begun = initialized(kind, 20, (12, 9), 8)
    expect("sizes of the layers", sizes_found(begun), (20, 12, 9, 8))
    for name, array in parameters(begun).items():
        _refuse_unfit(name, array)
    network, (X, d) = Probe().network(kind, 3, (6, 5), 4), Probe().samples(3, 4, 7)
    outputs(network, -X)  # so that the arrays it keeps belong to other inputs
    is_softmax = np.allclose(outputs(network, X).sum(axis=0), 1)
    network.assumed = {"output": "softmax", "loss": "cross_entropy"} if is_softmax else {}
    errors = list[CheckError]()
    for hidden in (option(network, "hidden_activation"), *PLAIN):
        network.assumed["hidden_activation"] = hidden
        try:
            forward_pass(network, X)
        except CheckError as error:
            errors.append(error)
        else:
            return gradients(network, X, d)
    raise errors[0]


def initial_weights_of(kind: type[Any], _: Probe) -> Passed:
    """Check the initial weights of a class of networks, and that no two networks share them."""
    network, another = (initialized(kind, 784, 32, 10) for _ in range(2))
    passed = initial_weights(network)
    if shared(network, another):
        raise CheckError("W1, b1, W2, b2: expected arrays of their own in each network, got shared memory")
    for sizes in ((784, 32, 10), (20, 12, 8)):
        expect("sizes of the layers", sizes_found(initialized(kind, *sizes)), sizes)
    return passed


def mini_batches_of(kind: type[Any], probe: Probe) -> Passed:
    """Check `fit` with a short batch, without, and with one of a single sample."""
    network = probe.network(kind, 4, 3, 5)
    for n_samples in (20, 21):  # no short batch, and one of a single sample
        mini_batches(network, n_samples, 5)
    return mini_batches(network)


def forward_pass_of(kind: type[Any], probe: Probe) -> Passed:
    """Check the forward pass of a class, and that it keeps what the backward pass needs."""
    network, X, _ = probe.trial(kind)
    passed, before = forward_pass(network, X), copy.deepcopy(arrays_in(vars(network)))
    network.forward(X)
    after = arrays_in(vars(network))
    if len(after) == len(before) and all(map(np.array_equal, before, after)):
        raise CheckError("forward keeps nothing: the backward pass needs self.a1, self.h1 and self.a2")
    if lost := unkept(network, X):
        names = enumerated([f"self.{name}" for name in lost])
        raise CheckError(f"forward(X): expected it to keep {names}, which backward uses")
    return passed


def _softmax_loss(d: Array, a: Array) -> float:
    return plain_loss("cross_entropy", plain_softmax(a), d)


def _samples(array: Array) -> Array:
    return np.array(array, np.float64)[:, :_SAMPLES]


def _refuse_unfit(name: str, array: Array) -> None:
    if found := unfit(name, array):
        raise CheckError(f"{name}: expected {_BEGINNING[name[0]]}; these are {found}")


def _plain_layer(network: Any, number: int, inputs: Array) -> tuple[Array, Array]:
    W, b = (getattr(network, f"{kind}{number}").tolist() for kind in "Wb")
    units, samples = [*zip(W, b, strict=True)], inputs.T.tolist()
    a = np.array([[math.fsum([*bias, *map(operator.mul, row, x)]) for x in samples] for row, bias in units])
    is_last = number == len(sizes_found(network)) - 1
    name = option(network, "output" if is_last else "hidden_activation")
    if name == "softmax":
        return a, plain_softmax(a)
    return a, np.array([[*map(PLAIN[name], row)] for row in a.tolist()])


def _gradients(network: Any, X: Array, d: Array) -> dict[str, Array]:
    weights, y = parameters(network), attribute(network, "forward")(X)
    before = copy.deepcopy(weights)
    found = attribute(network, "backward")(X, y, d)
    unchanged("backward(X, y, d)", network, before)
    got = f"{len(found)} arrays" if isinstance(found, tuple | list) else type(found).__name__
    if got != f"{len(weights)} arrays":
        names = ", ".join(f"d_{name}" for name in weights)
        raise CheckError(f"backward(X, y, d): expected ({names}), got {got}")
    for (name, array), gradient in zip(weights.items(), found, strict=True):
        expect(f"d_{name}", f"shape {np.shape(gradient)}", f"shape {array.shape}")
    return dict(zip(weights, found, strict=True))


def _measured(network: Any, X: Array, d: Array) -> tuple[dict[Place, float], float]:
    """Return measured slopes of the loss, except where a relu unit turns on or off, and their tolerance."""
    moved, slopes, rng = copy.deepcopy(network), dict[Place, float](), np.random.default_rng(0)
    size, tolerance = precision(outputs(moved, X))
    for name, array in parameters(network).items():
        # In W1, inputs that are all 0 have no slope.
        usable = np.argwhere(np.broadcast_to(X.any(axis=1) if name == "W1" else True, array.shape))
        for row, column in rng.permutation(usable)[:_DRAWN].tolist():
            losses, on = [], []
            for shift in (size, -size):
                shifted = np.array(array)
                shifted[row, column] += shift
                setattr(moved, name, shifted)
                losses.append(_loss(moved, X, d))
                on.append(_units_on(moved))
            if on[0] == on[1]:
                slopes[name, row, column] = (losses[0] - losses[1]) / (2 * size)
        setattr(moved, name, np.array(array))
    return slopes, tolerance


def _loss(network: Any, X: Array, d: Array) -> float:
    loss = plain_loss(option(network, "loss"), outputs(network, X), d)
    if isinstance(network, Penalties) and any(network.penalties):
        weights = [w for W in network.W for w in W.ravel().tolist()]
        l2, l1 = network.penalties
        loss += X.shape[1] * math.fsum(l2 * w * w / 2 + l1 * abs(w) for w in weights)
    return loss


def _units_on(network: Any) -> list[bytes]:
    """Return which relu units of the hidden layers are on for each sample; empty for smooth activations."""
    if option(network, "hidden_activation") != "relu":
        return []
    sums = [getattr(network, f"a{number}", None) for number in range(1, len(sizes_found(network)) - 1)]
    return [(a > 0).tobytes() for a in sums if a is not None]


def _compare_at(
    prefix: str, found: dict[str, Array], expected: dict[Place, float], tolerance: float
) -> float:
    values = [np.asarray(found[name])[row, column] for name, row, column in expected]
    names = ["{}{}[{}, {}]".format(prefix, *place) for place in expected]
    return compare(prefix, values, [*expected.values()], tolerance, lambda at: names[at[0]])
