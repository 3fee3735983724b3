"""Tables of a network's matrices, of its derivatives, and of one sample's numbers."""

import copy
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.figures.formulas import backward_formulas, forward_formulas, loss_formula, written
from explorer.network import NeuralNetwork
from explorer.network.walkthrough import busiest_units, walk_through
from explorer.notebook.page import Shown, table

__all__ = ["backward_numbers", "derivatives", "forward_numbers", "matrices"]


def matrices(network: NeuralNetwork, n_samples: int) -> Shown:
    """Return the shape of every matrix of a forward pass of `n_samples` columns."""
    n, sizes = n_samples, network.layer_sizes
    rows = [["`X`", "inputs, a column for each sample", _shape(sizes[0], n), ""]]
    for number, (n_in, n_out) in enumerate(pairwise(sizes), 1):
        inputs, is_last = "X" if number == 1 else f"h{number - 1}", number == len(sizes) - 1
        function = network.output if is_last else network.hidden_activation
        result = "y" if is_last else f"h{number}"
        rows += [
            [f"`W{number}`", "weights, a row for each unit", _shape(n_out, n_in), ""],
            [f"`b{number}`", "biases", _shape(n_out, 1), ""],
            [f"`a{number}`", "weighted sums", _shape(n_out, n), f"`W{number} {inputs} + b{number}`"],
            [
                f"`{result}`",
                "outputs" if is_last else "activations",
                _shape(n_out, n),
                f"`{function}(a{number})`",
            ],
        ]
    rows.append(["`d`", "desired outputs, one-hot", _shape(sizes[-1], n), ""])
    words = f"The matrices of a {'-'.join(map(str, sizes))} network with {n} samples."
    return table(("name", "what it holds", "shape", "how it is computed"), rows, words)


def derivatives(network: NeuralNetwork, n_samples: int) -> Shown:
    """Return the formula and the shapes of each derivative of the backward pass, in its order."""
    n, sizes, rows = n_samples, network.layer_sizes, []
    n_layers = len(sizes) - 1
    for k in range(n_layers, 0, -1):
        n_in, n_out = sizes[k - 1], sizes[k]
        inputs = "X" if k == 1 else f"h{k - 1}"
        if k == n_layers:
            rows.append([f"`delta{k}`", _output_delta(network, k), _shape(n_out, n), _shape(n_out, n)])
        else:
            factors = f"{_shape(n_out, sizes[k + 1])} · {_shape(sizes[k + 1], n)}"
            rows.append([f"`delta{k}`", f"`(W{k + 1}ᵀ delta{k + 1}) ∘ f′(a{k})`", factors, _shape(n_out, n)])
        product = f"{_shape(n_out, n)} · {_shape(n, n_in)}"
        rows.append([f"`d_W{k}`", f"`delta{k} {inputs}ᵀ`", product, f"{_shape(n_out, n_in)}, as `W{k}`"])
        rows.append(
            [
                f"`d_b{k}`",
                f"`Σ delta{k}` over the samples",
                _shape(n_out, n),
                f"{_shape(n_out, 1)}, as `b{k}`",
            ]
        )
    layers = "-".join(map(str, sizes))
    words = f"The backward pass of a {layers} network with {n} samples, from output to input."
    return table(("name", "formula", "shapes of the factors", "shape of the result"), rows, words)


def forward_numbers(network: NeuralNetwork, x: NDArray[np.floating], d: NDArray[np.floating]) -> Shown:
    """Return the forward pass of one sample with its numbers, along the units that contribute most, and its loss.

    Parameters
    ----------
    network : NeuralNetwork
        It is not changed.
    x : ndarray, shape (n_input,)
        The inputs.
    d : ndarray, shape (n_output,)
        The desired outputs, one-hot.
    """
    walk = walk_through(copy.deepcopy(network), x, d)
    units = busiest_units(walk, walk.decided)
    formulas = [
        f for layer, unit in zip(walk.layers, units, strict=True) for f in forward_formulas(walk, layer, unit)
    ]
    return _numbers(
        [*formulas, loss_formula(walk)],
        "The forward pass of one sample, through the units that contribute most.",
    )


def backward_numbers(network: NeuralNetwork, x: NDArray[np.floating], d: NDArray[np.floating]) -> Shown:
    """Return the backward pass of one sample with its numbers, along the same units as `forward_numbers`."""
    walk = walk_through(copy.deepcopy(network), x, d)
    units = busiest_units(walk, walk.decided)
    before = (int(np.abs(walk.x).argmax()), *units[:-1])
    formulas = [
        formula
        for layer, unit, source in reversed(list(zip(walk.layers, units, before, strict=True)))
        for formula in backward_formulas(walk, layer, unit, source)
    ]
    return _numbers(formulas, "The backward pass of the same sample, through the same units.")


def _numbers(formulas: list[Any], words: str) -> Shown:
    rows = [
        [f"`{f.name}`", f"`{f.symbols}`", f"`{f.numbers}`" if f.numbers else "", f"`{written(f.value)}`"]
        for f in formulas
    ]
    return table(("name", "formula", "with numbers", "result"), rows, words)


def _output_delta(network: NeuralNetwork, k: int) -> str:
    names = {
        ("sigmoid", "squared_error"): f"`(y − d) ∘ f′(a{k})`",
        ("sigmoid", "cross_entropy"): "`−d ∘ (1 − y)`",
        ("softmax", "cross_entropy"): "`y − d`",
    }
    return names.get((network.output, network.loss), f"`∂L/∂a{k}`")


def _shape(rows: int, columns: int) -> str:
    return f"({rows}, {columns})"
