"""What weights are worth: averaged, on the line from start to solution, around it, and with most of them cut."""

from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
from scipy.ndimage import minimum_filter
from scipy.optimize import linear_sum_assignment

from explorer.datasets import Dataset
from explorer.experiments import Array, Knob, Result, Steps, batches, finish, reads, training
from explorer.extensions.demonstrations.presentation import curves, demonstration, for_any_theme, pictures
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import axis, drawn
from explorer.network import NeuralNetwork
from explorer.training import TrainingRun, new_network
from explorer.training.presets import PRESETS, START

_BETWEEN, _BEYOND = np.linspace(0, 1, 11), np.linspace(-0.25, 1.5, 36)
_ON_LINE, _AROUND, _SIDE = 5000, 2000, 41
_FIVE_EPOCHS = START.replace(epochs=5)


def average(a: NeuralNetwork, b: NeuralNetwork, share: float = 0.5) -> NeuralNetwork:
    """Return a network with the weights (1 − t) A + t B, of two with the same layers."""
    mean, both = a.copy(), zip(a.parameters, b.parameters, strict=True)
    mean.set_weights([(1 - share) * one + share * other for one, other in both])
    return mean


def match_units(a: NeuralNetwork, b: NeuralNetwork) -> NeuralNetwork:
    """Return network b with its hidden units in the order that is most like a's (Ainsworth et al., 2023).

    By layer, the order maximizes the sum of inner products with a's weights: an assignment problem (Kuhn, 1955).
    """
    same = b.copy()
    for layer in range(b.n_layers - 1):
        alike = a.W[layer] @ same.W[layer].T + a.b[layer] @ same.b[layer].T
        alike = alike + a.W[layer + 1].T @ same.W[layer + 1]
        order = linear_sum_assignment(alike, maximize=True)[1]
        same.W[layer][:], same.b[layer][:] = same.W[layer][order], same.b[layer][order]
        same.W[layer + 1][:] = same.W[layer + 1][:, order]
    return same


def blend(a: NeuralNetwork, b: NeuralNetwork, dataset: Dataset, shares: Sequence[float] | Array) -> Array:
    """Return the test accuracy of (1 − t) A + t B for each t, shape (n,)."""
    return np.array([reads(average(a, b, float(t)), dataset) for t in shares])


@demonstration("averages", _FIVE_EPOCHS, uses_run=True)
def averages(dataset: Dataset, seed: int, network: NeuralNetwork | None = None) -> Steps:
    """Average two strangers, two whose units are matched, and two forks of one run."""
    a = network or (yield from training(_FIVE_EPOCHS.replace(seed=seed), dataset, 0.2))
    alike = _FIVE_EPOCHS.replace(hidden_sizes=a.layer_sizes[1:-1], **a.functions)
    b = yield from finish(TrainingRun(alike.replace(seed=seed + 1000), dataset), 0.2, 0.4)
    root = TrainingRun(alike.replace(seed=seed, epochs=1), dataset)
    yield from finish(root, 0.4, 0.6)
    forks = list[NeuralNetwork]()
    for k in (1, 2):
        fork = TrainingRun(alike.replace(seed=seed + k), dataset, start=root.snapshot())
        forks.append((yield from finish(fork, 0.4 + 0.2 * k, 0.6 + 0.2 * k)))
    pairs = {"strangers": (a, b), "matched": (a, match_units(a, b)), "forks": (forks[0], forks[1])}
    found = {name: blend(*pair, dataset, _BETWEEN) for name, pair in pairs.items()}
    words = zip(("two seeds", "units matched", "two branches of one run"), found.values(), strict=True)
    lines = {name: (_BETWEEN, 100 * y) for name, y in words}
    numbers = {name: float(y[len(y) // 2]) for name, y in found.items()}
    ends = {name: float(y[[0, -1]].mean()) for name, y in found.items()}
    numbers |= {f"{name}_below": 100 * (ends[name] - numbers[name]) for name in found}
    numbers["closed"] = 1 - numbers["matched_below"] / max(numbers["strangers_below"], 1e-9)
    numbers["ends"] = ends["strangers"]
    yield Result(numbers, curves(lines, "share of network B", "test accuracy (%)"))


def loss_on_line(start: NeuralNetwork, end: NeuralNetwork, X: Array, d: Array, shares: Array) -> Array:
    """Return the mean loss of samples, (n_input, m), at start + t (end − start) for each t in `shares`: (n,)."""
    networks = (average(start, end, float(t)) for t in shares)
    return np.array([network.compute_loss(network.forward(X), d) / X.shape[1] for network in networks])


@demonstration("straight_line", START, uses_run=True)
def straight_line(dataset: Dataset, seed: int, network: NeuralNetwork | None = None) -> Steps:
    """Go straight from the start to the solution: no hill lies between."""
    network = network or (yield from training(START.replace(seed=seed), dataset, 0.8))
    start, few = network.copy(), dataset.head(_ON_LINE)
    start.rng = np.random.default_rng(seed)
    start.init_weights()
    losses = loss_on_line(start, network, few.X_train, few.Y_train, _BEYOND)
    first, last = (float(np.interp(end, _BEYOND, losses)) for end in (0, 1))
    between = losses[(_BEYOND >= 0) & (_BEYOND <= 1)]
    rise = float((between - np.minimum.accumulate(between)).max())  # above the lowest so far, or 0
    lines = {"": ([1, 1], [0, float(np.nanmax(losses))]), "loss": (_BEYOND, losses)}
    words = "from the initial weights, 0, to the trained ones, 1", "train loss per sample"
    yield Result({"rise": rise, "first": first, "last": last}, curves(lines, *words))


def directions(network: NeuralNetwork, seed: int = 0) -> tuple[list[Array], list[Array]]:
    """Return two random directions like ``network.W``, each unit's as long as its weights (Li et al., 2018)."""
    rng, found = np.random.default_rng(seed), (list[Array](), list[Array]())
    for W in network.W:
        lengths = np.linalg.norm(W, axis=1, keepdims=True)
        for direction in found:
            d = rng.standard_normal(W.shape).astype(W.dtype)
            direction.append(d * lengths / np.linalg.norm(d, axis=1, keepdims=True))
    return found


def losses_around(
    network: NeuralNetwork, both: tuple[list[Array], list[Array]], X: Array, d: Array, steps: Array
) -> Iterator[Array]:
    """Yield for each y in `steps` the losses per sample at W + x d₁ + y d₂ for each x in them: (n,)."""
    # The inputs, by far the longest sums, are multiplied with each part only once.
    (first, second), W, b, steps = both, network.W, network.b, steps.astype(X.dtype)
    own, one, other = W[0] @ X + b[0], first[0] @ X, second[0] @ X
    with np.errstate(all="ignore"):
        for y in steps:
            row = []
            for x in steps:
                h = network.f[0](own + x * one + y * other)
                for i in range(1, network.n_layers):
                    h = network.f[i]((W[i] + x * first[i] + y * second[i]) @ h + b[i])
                row.append(network.compute_loss(h, d) / X.shape[1])
            yield np.array(row)


@demonstration("landscape", START, uses_run=True)
def landscape(dataset: Dataset, seed: int, network: NeuralNetwork | None = None) -> Steps:
    """Look at the loss around a solution, on a plane of two random directions."""
    network = network or (yield from training(START.replace(seed=seed), dataset, 0.5))
    few, steps, both = dataset.head(_AROUND), np.linspace(-1, 1, _SIDE), directions(network, seed)
    losses = np.empty((_SIDE, _SIDE))
    for row, found in enumerate(losses_around(network, both, few.X_train, few.Y_train, steps)):
        losses[row] = found
        yield 0.5 + 0.5 * row / _SIDE
    at = np.unravel_index(np.argmin(losses), losses.shape)
    lowest, corners = float(losses[_SIDE // 2, _SIDE // 2]), losses[:: _SIDE - 1, :: _SIDE - 1]
    minima = int((losses <= minimum_filter(losses, 3)).sum())  # points that no neighbor is below
    numbers = {"factor": float(corners.mean()) / lowest, "lowest": lowest, "minima": minima}
    numbers |= {"least": corners.min(), "most": corners.max(), "away": float(np.hypot(*steps[[*at]]))}
    yield Result(numbers, _contours(steps, losses))


@for_any_theme
def _contours(theme: Theme, steps: Array, losses: Array) -> go.Figure:
    palette = PALETTES[theme]
    colors = [[0, palette.surface], [1, palette.heat]]
    trace = {
        "type": "contour", "x": steps, "y": steps, "z": np.log10(losses), "colorscale": colors, "ncontours": 20,
        "customdata": losses, "hovertemplate": "loss %{customdata:.3f}<extra></extra>",
        "colorbar": {"title": {"text": "log₁₀ loss"}},
    }  # fmt: skip
    across, up = axis("first direction"), axis("second direction", scaleanchor="x")
    return drawn([trace], theme, height=420, xaxis=across, yaxis=up)


_BATCH, _RATE, _SHOWN = 128, 0.3, 12
_MODERN = PRESETS["Modern"]


def large_weights(network: NeuralNetwork, share: float) -> list[Array]:
    """Return by layer which weights stay if the smallest `share` of all is cut (Han et al., 2015)."""
    smallest = np.quantile(np.abs(np.concatenate([W.ravel() for W in network.W])), share)
    return [np.abs(W) >= smallest for W in network.W]


def masked(network: NeuralNetwork, masks: Sequence[Array]) -> NeuralNetwork:
    """Return a copy in which only the weights in the masks are left."""
    copy = network.copy()
    for W, mask in zip(copy.W, masks, strict=True):
        W *= mask
    return copy


def _epoch(network: NeuralNetwork, masks: Sequence[Array], dataset: Dataset, seed: int) -> float:
    """Train an epoch without the weights that are cut; return the test accuracy."""
    for batch in batches(dataset.n_train, _BATCH, np.random.default_rng(seed)):
        network.train_iteration(dataset.X_train[:, batch], dataset.Y_train[:, batch], _RATE / len(batch))
        for W, mask in zip(network.W, masks, strict=True):
            W *= mask
    return reads(network, dataset)


@demonstration("lottery", _MODERN, Knob("share", "cut", (0.5, 0.8, 0.9, 0.95, 0.98), 0.9), uses_run=True)
def lottery_ticket(
    dataset: Dataset, seed: int, network: NeuralNetwork | None = None, share: float = 0.9
) -> Steps:
    """Cut the smallest weights, and train the others from where they began."""
    dense = network or (yield from training(_MODERN.replace(seed=seed), dataset, 0.5))
    config = _MODERN.replace(seed=seed, hidden_sizes=dense.layer_sizes[1:-1], **dense.functions)
    masks, start = large_weights(dense, share), new_network(config, dataset)
    ticket, other = masked(start, masks), masked(new_network(config.replace(seed=seed + 1), dataset), masks)
    kept = dense.W[0] * masks[0]
    images = [(row / (np.abs(row).max() or 1)).reshape(28, 28) for row in kept[:_SHOWN]]
    figure = pictures(images, [f"unit {k}" for k in range(len(images))], 6)
    found = {"untrained": reads(ticket, dataset), "dense": reads(dense, dataset), "share": share}
    yield Result({**found, "trained": np.nan, "other": np.nan}, figure)
    found["trained"] = trained = _epoch(ticket, masks, dataset, seed)
    yield Result({**found, "other": np.nan}, figure)
    found |= {"other": _epoch(other, masks, dataset, seed), "below": found["dense"] - trained}
    yield Result({**found, "lead": trained - found["other"]}, figure)
