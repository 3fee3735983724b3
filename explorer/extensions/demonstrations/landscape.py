"""The loss around a solution, on a plane of two random directions."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import plotly.graph_objects as go
from scipy.ndimage import minimum_filter

from explorer.datasets import Dataset
from explorer.experiments.demonstration import Array, Demonstration, Result, Steps, training
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.template import axis, drawn
from explorer.network import NeuralNetwork
from explorer.training.presets import START

_IMAGES, _SIDE = 2000, 41


def directions(network: NeuralNetwork, seed: int = 0) -> tuple[list[Array], list[Array]]:
    """Return two random directions in weight space, each unit's part as long as its weights (Li et al., 2018).

    Biases stay, as in the paper. Each direction is a list like ``network.W``.
    """
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
    """Yield for each y in `steps` the losses per sample at W + x d₁ + y d₂ for each x in them: (n,).

    The inputs, by far the longest sums, are multiplied with each part only once.
    """
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


def _run(dataset: Dataset, seed: int, network: NeuralNetwork | None = None) -> Steps:
    network = network or (yield from training(START.replace(seed=seed), dataset, 0.5))
    few, steps, both = dataset.head(_IMAGES), np.linspace(-1, 1, _SIDE), directions(network, seed)
    losses = np.empty((_SIDE, _SIDE))
    for row, found in enumerate(losses_around(network, both, few.X_train, few.Y_train, steps)):
        losses[row] = found
        yield 0.5 + 0.5 * row / _SIDE
    at = np.unravel_index(np.argmin(losses), losses.shape)
    lowest, corners = float(losses[_SIDE // 2, _SIDE // 2]), losses[:: _SIDE - 1, :: _SIDE - 1]
    minima = int((losses <= minimum_filter(losses, 3)).sum())  # points that no neighbor is below
    numbers = {"factor": float(corners.mean()) / lowest, "lowest": lowest, "minima": minima}
    numbers |= {"least": corners.min(), "most": corners.max(), "away": float(np.hypot(*steps[[*at]]))}
    yield Result(numbers, partial(_figure, steps, losses))


def _figure(steps: Array, losses: Array, theme: Theme) -> go.Figure:
    palette = PALETTES[theme]
    colors = [[0, palette.surface], [1, palette.heat]]
    trace = {
        "type": "contour", "x": steps, "y": steps, "z": np.log10(losses), "colorscale": colors, "ncontours": 20,
        "customdata": losses, "hovertemplate": "loss %{customdata:.3f}<extra></extra>",
        "colorbar": {"title": {"text": "log₁₀ loss"}},
    }  # fmt: skip
    across, up = axis("first direction"), axis("second direction", scaleanchor="x")
    return drawn([trace], theme, height=420, xaxis=across, yaxis=up)


DEMONSTRATION = Demonstration("landscape", TEXTS["landscape"], START, _run, uses_run=True)
