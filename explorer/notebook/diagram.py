"""A network as a drawing: a circle for each unit, a line for each weight."""

from itertools import pairwise

from explorer.network import NeuralNetwork
from explorer.notebook.page import Shown

__all__ = ["diagram"]

_MOST_UNITS = 12  # in a layer; with more, the lines run together
_COLUMN, _ROW, _RADIUS, _TOP = 190, 44, 13, 34  # px


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
    lines = "".join(
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
        for left, right in pairwise(layers)
        for x1, y1 in left
        for x2, y2 in right
    )
    circles = "".join(f'<circle cx="{x}" cy="{y}" r="{_RADIUS}"/>' for layer in layers for x, y in layer)
    width, height = _COLUMN * len(sizes), _TOP + _ROW * max(sizes) + 8
    words = f"A {'-'.join(map(str, sizes))} network: a circle for each unit, a line for each weight."
    return Shown(
        f'<figure class="lesson-figure"><svg class="lesson-network" role="img" aria-label="{words}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">{lines}{circles}'
        f"{_names(len(sizes))}</svg><figcaption>{words}</figcaption></figure>",
        words,
    )


def _centres(layer: int, n_units: int, most: int) -> list[tuple[float, float]]:
    x, top = _COLUMN * (layer + 0.5), _TOP + _ROW * (most - n_units) / 2
    return [(x, top + _ROW * (unit + 0.5)) for unit in range(n_units)]


def _names(n_layers: int) -> str:
    units = ["X", *(f"a{i}, h{i}" for i in range(1, n_layers - 1)), f"a{n_layers - 1}, y"]
    shown = [(_COLUMN * (i + 0.5), name) for i, name in enumerate(units)]
    shown += [(_COLUMN * i, f"W{i}, b{i}") for i in range(1, n_layers)]
    return "".join(f'<text x="{x}" y="18">{name}</text>' for x, name in shown)
