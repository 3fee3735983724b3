"""A network as a drawing: a circle for each unit, a line for each weight."""

from itertools import pairwise

from explorer.network import NeuralNetwork
from explorer.notebook.page import Shown, lesson_html

__all__ = ["diagram"]

_MOST_UNITS = 12  # in a layer; with more, the lines run together
_COLUMN, _ROW, _TOP = 190, 44, 34  # px


def diagram(network: NeuralNetwork) -> Shown:
    """Return a drawing of a small network, its layers from left to right.

    Parameters
    ----------
    network : NeuralNetwork
        At most 12 units in each layer.

    Raises
    ------
    ValueError
        If a layer has more.
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


def _centres(layer: int, n_units: int, most: int) -> list[tuple[float, float]]:
    x, top = _COLUMN * (layer + 0.5), _TOP + _ROW * (most - n_units) / 2
    return [(x, top + _ROW * (unit + 0.5)) for unit in range(n_units)]


def _names(n_layers: int) -> list[tuple[float, str]]:
    """Return the names of each layer's units, and of the weights between, each with its place."""
    units = ["X", *(f"a{i}, h{i}" for i in range(1, n_layers - 1)), f"a{n_layers - 1}, y"]
    weights = [(_COLUMN * i, f"W{i}, b{i}") for i in range(1, n_layers)]
    return [*((_COLUMN * (i + 0.5), name) for i, name in enumerate(units)), *weights]
