"""A task small enough to fit into one picture: points in a square, whose opposite quarters are the same class.

No straight line separates the two classes (M. Minsky and S. Papert, "Perceptrons", 1969), so the network needs a
hidden layer. Four units are enough, and every matrix is small enough to print.
"""

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.figures.points import plane_figure
from explorer.network import NeuralNetwork
from explorer.notebook.page import Shown, figure

__all__ = ["quarters", "show_plane"]

_CELLS = 61  # of the map, along each side
_MARGIN = 0.06  # left empty along both axes, so that every point is clearly inside a quarter


def quarters(n: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return points of a square and the class of each: 1 if both coordinates have the same sign, else 0.

    Parameters
    ----------
    n : int
        How many points.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    X : ndarray of float64, shape (2, n)
        One point a column, in (−1, 1).
    labels : ndarray of int64, shape (n,)
        0 or 1.
    """
    rng = np.random.default_rng(seed)
    X = rng.uniform(_MARGIN, 1, (2, n)) * rng.choice([-1.0, 1.0], (2, n))
    return X, (X[0] * X[1] > 0).astype(np.int64)


def show_plane(
    X: NDArray[np.floating],
    labels: NDArray[np.integer],
    network: NeuralNetwork | None = None,
    words: str = "",
) -> Shown:
    """Return a figure of the points, on a map of what a network outputs at each place.

    Parameters
    ----------
    X, labels
        As `quarters` returns them.
    network : NeuralNetwork, optional
        Of 2 inputs and 2 outputs; it is not changed.
    words : str
        The caption.
    """
    return figure(plane_figure(X, labels, None if network is None else _shares(network)), words)


def _shares(network: NeuralNetwork) -> NDArray[Any]:
    steps = np.linspace(-1, 1, _CELLS)
    places = np.stack([axis.ravel() for axis in np.meshgrid(steps, steps)])  # (2, cells²)
    y = copy.deepcopy(network).forward(places)
    shares: NDArray[Any] = (y[1] / y.sum(axis=0)).reshape(_CELLS, _CELLS)
    return shares
