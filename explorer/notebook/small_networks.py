"""Networks small enough for one picture: their units and weights, and their outputs over a plane.

The task is to classify points in a square whose opposite quarters belong to the same class. No straight line
separates the two classes (M. Minsky and S. Papert, "Perceptrons", 1969), so the network needs a hidden layer. Four
units are enough, and every matrix is small enough to print.
"""

import copy
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.figures.points import plane_figure
from explorer.network import Network
from explorer.notebook.page import Shown, figure, lesson_html

__all__ = ["diagram", "quarters", "show_plane"]

_MOST_UNITS = 12  # per layer; with more, the lines are indistinguishable
_COLUMN, _ROW, _TOP = 190, 44, 34  # px
_CELLS = 61  # of the map, per side
_MARGIN = 0.06  # left empty along both axes, so that every point is clearly inside a quarter


def diagram(network: Network) -> Shown:
    """Return a drawing of a small network, its layers from left to right.

    Raises
    ------
    ValueError
        If a layer has more than 12 units.
    """
    sizes = network.layer_sizes
    if max(sizes) > _MOST_UNITS:
        raise ValueError(f"a layer has {max(sizes)} units; expected at most {_MOST_UNITS}")
    layers = [_centres(i, n, max(sizes)) for i, n in enumerate(sizes)]
    lines = [(*one, *other) for left, right in pairwise(layers) for one in left for other in right]
    circles = [centre for layer in layers for centre in layer]
    width, height = _COLUMN * len(sizes), _TOP + _ROW * max(sizes) + 8
    words = f"A {'-'.join(map(str, sizes))} network: a circle for each unit, a line for each weight."
    drawn = lesson_html("network", lines, circles, _names(len(sizes)), width, height, words)
    return Shown(drawn, words)


def quarters(n: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return `n` points of a square and the class of each: 1 if both coordinates have the same sign, else 0.

    Returns
    -------
    X : ndarray of float64, shape (2, n)
        One point per column, in (−1, 1).
    labels : ndarray of int64, shape (n,)
        0 or 1.
    """
    rng = np.random.default_rng(seed)
    X = rng.uniform(_MARGIN, 1, (2, n)) * rng.choice([-1.0, 1.0], (2, n))
    return X, (X[0] * X[1] > 0).astype(np.int64)


def show_plane(
    X: NDArray[np.floating],
    labels: NDArray[np.integer],
    network: Network | None = None,
    words: str = "",
) -> Shown:
    """Return a figure of points, as returned by `quarters`, on a map of a network's outputs over the plane.

    The network, with 2 inputs and 2 outputs, is not changed.
    """
    return figure(plane_figure(X, labels, None if network is None else _shares(network)), words)


def _centres(layer: int, n_units: int, most: int) -> list[tuple[float, float]]:
    x, top = _COLUMN * (layer + 0.5), _TOP + _ROW * (most - n_units) / 2
    return [(x, top + _ROW * (unit + 0.5)) for unit in range(n_units)]


def _names(n_layers: int) -> list[tuple[float, str]]:
    """Return the names of each layer's units, and of the weights between layers, with their positions."""
    units = ["X", *(f"a{i}, h{i}" for i in range(1, n_layers - 1)), f"a{n_layers - 1}, y"]
    weights = [(_COLUMN * i, f"W{i}, b{i}") for i in range(1, n_layers)]
    return [*((_COLUMN * (i + 0.5), name) for i, name in enumerate(units)), *weights]


def _shares(network: Network) -> NDArray[Any]:
    steps = np.linspace(-1, 1, _CELLS)
    places = np.stack([axis.ravel() for axis in np.meshgrid(steps, steps)])  # (2, cells²)
    y = copy.deepcopy(network).forward(places)
    shares: NDArray[Any] = (y[1] / y.sum(axis=0)).reshape(_CELLS, _CELLS)
    return shares
