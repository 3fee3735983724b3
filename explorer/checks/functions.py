"""Checks of functions: activations, losses and their derivatives, inputs and evaluation, methods beyond these."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.checks.observations import POINTS, Probe, apart, many_outputs
from explorer.checks.results import CheckError, Passed, check, compare, expect, name_of, numbers

if TYPE_CHECKING:
    from explorer.datasets import Dataset


Array = NDArray[Any]
Function = Callable[[Any], Any]
Loss = Callable[[Any, Any], Any]

_EXACT = 1e-12  # float64, a few operations
_CLIPPED = 1e-5  # a logarithm whose argument is kept away from 0 by a small number
_COSTLY = 4.6  # −log 0.01: the least cost of an output of 0
_FAR = np.array([[-1000.0, 0.0, 1000.0]])

PLAIN: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "sigmoid": lambda a: 1 / (1 + math.exp(-a)) if a > -700 else 0.0,  # below, e⁻ᵃ overflows
        "relu": lambda a: a if a > 0 else 0.0,
        "tanh": math.tanh,
    }
)
"""The activations that work on a single number, by name."""


def plain_softmax(a: Array) -> Array:
    """Return the softmax of each column: exponentials, each divided by their sum."""
    columns = []
    for column in a.T.tolist():
        powers = [math.exp(value - max(column)) for value in column]
        columns.append([power / math.fsum(powers) for power in powers])
    return np.array(columns).T


def plain_loss(name: str, y: Array, d: Array) -> float:
    """Return the loss with that name, ½ Σ (y − d)² or −Σ d log y, in a loop over all outputs."""
    pairs = zip(y.ravel().tolist(), d.ravel().tolist(), strict=True)
    if name == "squared_error":
        return math.fsum(0.5 * (output - target) ** 2 for output, target in pairs)
    return -math.fsum(target * math.log(output) for output, target in pairs if target)


def precision(result: ArrayLike) -> tuple[float, float]:
    """Return the step for central differences of a function with this result, and the tolerance of the slope."""
    return {2: (0.1, 1e-2), 4: (1e-2, 1e-3)}.get(np.asarray(result).dtype.itemsize, (1e-5, 1e-7))


def measured_slopes(function: Callable[[Array], Any], at: Array) -> tuple[Array, float]:
    """Return the slope of `function` along each element of `at`, by central differences, and their tolerance."""
    slopes = np.empty_like(at)
    step, tolerance = precision(function(at))
    for index in np.ndindex(at.shape):
        moved = np.zeros_like(at)
        moved[index] = step
        slopes[index] = (function(at + moved) - function(at - moved)) / (2 * step)
    return slopes, tolerance


@check
def sigmoid(f: Function) -> Passed:
    """Check a sigmoid against 1 / (1 + e⁻ᵃ) in plain numbers, even where e⁻ᵃ exceeds the range of a float."""
    return _elementwise("sigmoid", f, "1 / (1 + e⁻ᵃ) in plain numbers")


@check
def relu(f: Function) -> Passed:
    """Check a rectifier against max(0, a) in plain numbers."""
    return _elementwise("relu", f, "the larger of 0 and a")


@check
def slope(f: Function, d_f: Function) -> Passed:
    """Check a derivative against its function's slope, measured between a − ε and a + ε."""
    step, tolerance = precision(f(POINTS.copy()))
    worst = 0.0
    for points, move in ((POINTS, step), (_FAR[:, ::2], 1.0)):  # far from 0 nothing curves
        with np.errstate(over="ignore" if points is not POINTS else "warn"):
            low, high = (numbers(name_of(f), f(points + shift)) for shift in (-move, move))
            found = d_f(points.copy())
        measured = (high - low) / (2 * move)
        worst = max(worst, compare(name_of(d_f), found, measured, tolerance, _at(d_f, points)))
    # At 0, where a function may have a kink, between the slopes on either side.
    zero = np.zeros((1, 1))
    left, middle, right = (numbers(name_of(f), f(zero + move)) for move in (-step, 0.0, step))
    either = np.sort([(middle - left) / step, (right - middle) / step], axis=0)
    nearest = np.clip(np.nan_to_num(numbers(name_of(d_f), d_f(zero.copy()))), *either)
    compare(name_of(d_f), d_f(zero.copy()), nearest, 10 * step, _at(d_f, zero))
    what = f"{name_of(d_f)} against the measured slope of {name_of(f)}, at {POINTS.size} points"
    return Passed(what, worst)


@check
def squared_error(loss: Loss) -> Passed:
    """Check a squared error against ½ Σ (y − d)², summed in a loop."""
    return _summed("squared_error", loss)


@check
def cross_entropy(loss: Loss) -> Passed:
    """Check a cross-entropy against −Σ d log y, summed in a loop, even where an output is exactly 0."""
    passed = _summed("cross_entropy", loss, _CLIPPED)
    d = _outputs_and_targets()[1]
    compare(f"{name_of(loss)}(d, d)", np.asarray(loss(d.copy(), d)).reshape(()), 0.0, _CLIPPED)
    try:
        cost = float(loss(np.where(d > 0, 0, 1 / (len(d) - 1)), d))
    except ValueError:  # `math.log` is undefined at 0, which is as good as infinity
        return passed
    if not cost > _COSTLY * d.shape[1]:
        where = f"{name_of(loss)} where each target's output is 0"
        raise CheckError(f"{where}: expected more than {_COSTLY * d.shape[1]:g}, got {cost:.8g}")
    return passed


@check
def loss_slope(loss: Loss, d_loss: Loss) -> Passed:
    """Check a loss's derivative against its slope, measured by moving one output at a time."""
    y = _outputs_and_targets()[0]
    d = Probe().samples(1, *y.shape, soft=True)[1]
    measured, tolerance = measured_slopes(lambda moved: loss(moved, d), y)
    worst = compare(name_of(d_loss), d_loss(y.copy(), d), measured, tolerance)
    what = f"{name_of(d_loss)} against the measured slope of {name_of(loss)}, for {y.size} outputs"
    return Passed(what, worst)


@check
def softmax(f: Function) -> Passed:
    """Check a softmax against exponentials and their sum in plain numbers, column by column."""
    a, name = np.random.default_rng(5).normal(0, 3, (4, 6)), name_of(f)
    worst = compare(f"{name}(a)", f(a.copy()), plain_softmax(a), _EXACT)
    for where, moved in (("a + 1000", a + 1000.0), ("columns that lie apart", apart(a))):
        # Such sums are known to 1e-13.
        compare(f"{name}({where})", f(moved.copy()), plain_softmax(moved), 1e-9)
    return Passed(f"{name} against plain exponentials divided by their sum, also 1000 above and apart", worst)


def _elementwise(kind: str, f: Function, formula: str) -> Passed:
    worst = 0.0
    for points in (POINTS, _FAR):
        expected = [[*map(PLAIN[kind], row)] for row in points.tolist()]
        worst = max(worst, compare(name_of(f), f(points.copy()), expected, _EXACT, _at(f, points)))
    return Passed(f"{name_of(f)} against {formula}, from a = −1000 to 1000", worst)


def _at(f: Function, points: Array) -> Callable[[tuple[int, ...]], str]:
    return lambda index: f"{name_of(f)}({points[index]:g})"


def _summed(kind: str, loss: Loss, tolerance: float = _EXACT) -> Passed:
    name, worst = name_of(loss), 0.0
    # Students may read the class off a one-hot target where the formula has a logarithm.
    few, many = _outputs_and_targets(), many_outputs(soft=kind == "squared_error")
    for part, (y, d) in ((f"{name}(y, d)", few), (f"{name}(y, d) of 600 samples", many)):
        found = numbers(part, loss(y.copy(), d))
        found = found.reshape(()) if found.size == 1 else found
        worst = max(worst, compare(part, found, plain_loss(kind, y, d), max(tolerance, 1e-11)))
    return Passed(f"{name} against a loop over {few[0].size} outputs, and over those of 600 samples", worst)


def _outputs_and_targets() -> tuple[Array, Array]:
    """Return outputs between 0.05 and 0.95 and one-hot targets, shape (3, 4)."""
    y = np.random.default_rng(3).uniform(0.05, 0.95, (3, 4))
    return y, np.eye(3)[:, [0, 2, 1, 2]]


@check
def pixels(X: Array, images: Array, n_images: int = 20) -> Passed:
    """Check a matrix of inputs: image k is column k, in row-major order, with 255 scaled to 1."""
    X, (n, height, width) = np.asarray(X), images.shape
    expect("X", f"shape {X.shape}", f"shape {(height * width, n)}")
    columns = np.linspace(0, n - 1, min(n, n_images)).astype(int).tolist()
    expected = np.array([[pixel / 255 for row in images[k].tolist() for pixel in row] for k in columns]).T

    def place(at: tuple[int, ...]) -> str:
        (row, column), k = divmod(at[0], width), columns[at[1]]
        byte = f"the byte {images[k, row, column]} in row {row}, column {column} of image {k}"
        return f"X[{at[0]}, {k}], for {byte}"

    worst = compare("X", X[:, columns], expected, 1e-5, place)
    return Passed(f"{len(columns)} columns of X against their images, pixel by pixel", worst)


@check
def one_hot(Y: Array, labels: Array) -> Passed:
    """Check one-hot targets: each column has a single 1, in the row of its label, and 0 elsewhere."""
    Y, classes = np.asarray(Y), np.asarray(labels).tolist()
    if Y.ndim != 2 or Y.shape[1] != len(classes):
        raise CheckError(f"Y: expected shape (n_classes, {len(classes)}), got shape {Y.shape}")
    for k, (column, label) in enumerate(zip(Y.T.tolist(), classes, strict=True)):
        expected = [int(row == label) for row in range(max(len(column), label + 1))]
        if column != expected:
            raise CheckError(f"column {k} of Y: expected {expected} for label {label}, got {column}")
    return Passed(f"{len(classes)} columns of Y against their labels")


@check
def confusion(matrix: Array, true: Array, predicted: Array) -> Passed:
    """Check a confusion matrix by counting the pairs of true and predicted class one by one."""
    pairs = list(zip(np.asarray(true).tolist(), np.asarray(predicted).tolist(), strict=True))
    counts = np.zeros((max(len(matrix), 1 + max(map(max, pairs))),) * 2)
    for pair in pairs:
        counts[pair] += 1
    compare("confusion", matrix, counts, 0.0)
    return Passed(f"{counts.size} cells against {len(pairs)} samples counted one by one")


@check
def digits(load: Callable[[str], Any]) -> Passed:
    """Check a function that reads the exercise's archive, on a small one: inputs, targets and labels."""
    data = Probe().dataset
    with Probe().archive() as path:
        found = load(path)
    expect("arrays that load_digits returns", _length(found), 6)
    for split, (X, Y, labels) in (("train", found[:3]), ("test", found[3:])):
        compare(f"{split}_labels", labels, getattr(data, f"{split}_labels"), 0.0)
        passed = pixels(X, getattr(data, f"{split}_images"))
        one_hot(Y, labels)
    return Passed("a small archive: X against the images, Y against the labels", passed.difference)


@check
def evaluation(evaluate: Callable[..., Any]) -> Passed:
    """Check accuracies and a confusion matrix by counting, on a network with known predictions."""
    network, X_train, train, X_test, test = given = Probe().read
    found = evaluate(*given)
    expect("results that evaluate returns", _length(found), 3)
    for split, share, X, labels in (("train", found[0], X_train, train), ("test", found[1], X_test, test)):
        correct = sum(map(int.__eq__, network.predict(X).tolist(), labels.tolist()))
        compare(f"{split} accuracy", share, correct / len(labels), 1e-6)
    confusion(found[2], test, network.predict(X_test))
    return Passed(f"both accuracies and the confusion matrix against counting {len(test)} test images")


def _length(found: Any) -> Any:
    return len(found) if isinstance(found, tuple | list) else type(found).__name__


_RATE, _STEPS, _SHAPE = 0.01, 12, (2, 3)
_ROUNDED = 1e-5  # a sum in float32
_MASK = 60, 500  # units, samples
_AMOUNTS = MappingProxyType({"shift": 3.0, "rotation": 30.0, "scale": 0.2})
_IMAGES = 400
_BLURRED = 0.1  # tolerance of an amount, for the rounding to pixels and gray levels


@check
def momentum(f: Callable[..., Any]) -> Passed:
    """Check momentum, ``change, (v,) = f(g, lr, t, v)``, against a sum: 0.9ᵏ times the gradient k steps ago."""
    return _changes(f, 1, lambda gradients: _RATE * _weighted(gradients, 0.9))


@check
def adam(f: Callable[..., Any]) -> Passed:
    """Check Adam, ``change, (m, s) = f(g, lr, t, m, s)``, against weighted means over all gradients so far."""

    def expected(gradients: Array) -> Array:
        # Dividing by the sum of the weights is the same as correcting the bias of m and s.
        mean, square = _mean(gradients, 0.9), _mean(gradients**2, 0.999)
        return _RATE * mean / (np.sqrt(square) + 1e-8)

    return _changes(f, 2, expected)


@check
def dropout(draw: Callable[..., Any]) -> Passed:
    """Check masks ``draw(rng, rate, n_units, n)``: a share `rate` is 0, the others are 1 / (1 − rate)."""
    name, worst = name_of(draw), 0.0
    for rate in (0.2, 0.5):
        mask = numbers(name, draw(np.random.default_rng(0), rate, *_MASK))
        expect(name, f"shape {mask.shape}", f"shape {_MASK}")
        kept, share = mask[mask != 0], float(np.mean(mask == 0))
        compare(f"what {name} keeps at rate {rate}", kept, np.full(kept.shape, 1 / (1 - rate)), _ROUNDED)
        if abs(share - rate) > 5 * math.sqrt(rate * (1 - rate) / mask.size):
            raise CheckError(f"share of zeros at rate {rate}: expected about {rate}, got {share:.4f}")
        if any((part == part[:1]).all() for part in (mask, mask.T)):
            problem = "expected units of each sample to be drawn by themselves, got one draw for all"
            raise CheckError(f"{name}: {problem}")
        worst = max(worst, abs(share - rate))
    return Passed(f"the share of zeros in {mask.size} places of {name} against its rate", worst)


@check
def split(part: "Dataset", whole: "Dataset") -> Passed:
    """Check a split: each training image, with its label, is in exactly one part, and nothing else is."""
    expected = _labeled(whole.train_images, whole.train_labels)
    found = _labeled(part.train_images, part.train_labels) + _labeled(part.test_images, part.test_labels)
    expect("training images in neither part", (expected - found).total(), 0)
    expect("images in both parts, or from elsewhere", (found - expected).total(), 0)
    return Passed(f"{expected.total()} images against those of two parts, counted one by one")


@check
def early_stopping(losses: Sequence[float], patience: int, kept: float) -> Passed:
    """Check that a run stopped `patience` epochs after its lowest validation loss, which is the one `kept`."""
    best = min(range(len(losses)), key=losses.__getitem__)
    expect("epochs since the one with the lowest loss", len(losses) - 1 - best, patience)
    worst = compare("loss of the weights that are kept", float(kept), losses[best], _ROUNDED)
    what = f"{len(losses)} epochs: the weights of epoch {best + 1} are kept, which had the lowest loss"
    return Passed(what, worst)


@check
def augmentation(distort: Callable[..., Any]) -> Passed:
    """Check ``distort(images, augmentation, rng)`` by measuring distorted images of a bar of ink.

    The bar's center gives the shift, its direction the rotation, and its amount of ink the scale. Amounts that are
    uniform up to a limit have a standard deviation of limit / √3.
    """
    from explorer.datasets.augmentation import Augmentation  # here, so that the checks load NumPy alone

    bars, name, worst = np.zeros((_IMAGES, 28, 28), np.uint8), name_of(distort), 0.0
    bars[:, 11:17, 7:21] = 250
    still = distort(bars.copy(), Augmentation(), np.random.default_rng(0))
    compare("images that nothing is done to", still, bars, 0.0)
    for kind, limit in _AMOUNTS.items():
        changed = numbers(name, distort(bars.copy(), Augmentation(**{kind: limit}), np.random.default_rng(0)))
        expect(name, f"shape {changed.shape}", f"shape {bars.shape}")
        for measure, amounts in _measured(changed, bars[0]).items():
            up_to = limit if measure == kind else 0.0
            largest, spread = float(np.abs(amounts).max()), float(np.std(amounts))
            slack = _BLURRED * _AMOUNTS[measure]
            if largest > up_to + slack or abs(spread - up_to / math.sqrt(3)) > slack:
                got = f"{largest:.3g}, with a spread of {spread:.3g}"
                raise CheckError(f"{kind} = {limit:g}: expected {measure} of up to {up_to:g}, got {got}")
            worst = max(worst, (largest - up_to) / _AMOUNTS[measure])
    what = f"how far {name} moves, turns and scales {_IMAGES} bars against its limits, in shares of them"
    return Passed(what, worst)


def _weighted(values: Array, kept: float) -> Array:
    """Return the sum of values, shape (n, …), each weighted by `kept` to the power of its age."""
    return np.asarray(sum(kept**age * value for age, value in enumerate(values[::-1])))


def _mean(values: Array, kept: float) -> Array:
    return _weighted(values, kept) / math.fsum(kept**age for age in range(len(values)))


def _changes(f: Callable[..., Any], n_memories: int, expected: Callable[[Array], Array]) -> Passed:
    """Check an optimizer's changes for a series of gradients, each step against all gradients up to it."""
    gradients = np.random.default_rng(0).normal(0, 1, (_STEPS, *_SHAPE))
    memory, worst = (np.zeros(_SHAPE),) * n_memories, 0.0
    for t in range(1, _STEPS + 1):
        change, memory = f(gradients[t - 1].copy(), _RATE, t, *memory)
        worst = max(worst, compare(f"change {t}", change, expected(gradients[:t]), _EXACT))
    return Passed(f"{_STEPS} steps of {name_of(f)} against weighted sums over all gradients so far", worst)


def _labeled(images: Array, labels: Array) -> Counter[tuple[bytes, int]]:
    return Counter((image.tobytes(), label) for image, label in zip(images, labels.tolist(), strict=True))


def _measured(images: Array, bar: Array) -> dict[str, Array]:
    """Return the shift (both axes), rotation (degrees) and scale (share) of images of a bar."""
    y, x = np.indices(bar.shape) - (len(bar) - 1) / 2
    ink = images.astype(float) / images.sum(axis=(1, 2), keepdims=True)
    right, down = ((ink * axis).sum(axis=(1, 2)) for axis in (x, y))
    xx, yy, xy = ((ink * product).sum(axis=(1, 2)) for product in (x * x, y * y, x * y))
    turned = np.degrees(np.arctan2(2 * (xy - right * down), xx - right**2 - yy + down**2)) / 2
    size = np.sqrt(images.sum(axis=(1, 2)) / bar.sum(dtype=float)) - 1
    return {"shift": np.concatenate([right, down]), "rotation": turned, "scale": size}
