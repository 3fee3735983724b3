"""Tables of a network's matrices, its derivatives, one sample's numbers, and the engine's speed."""

import copy
from collections import deque
from collections.abc import Callable, Iterable
from itertools import pairwise
from time import process_time

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.figures import formulas
from explorer.network import NeuralNetwork
from explorer.notebook.page import Shown, table
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.process_settings import one_blas_thread
from explorer.wording import counted


def matrices(network: NeuralNetwork, n_samples: int) -> Shown:
    """Return the shape of every matrix in a forward pass of `n_samples` columns."""
    n, sizes = n_samples, network.layer_sizes
    rows, inputs = [["`X`", "inputs, a column for each sample", _shape(sizes[0], n), ""]], "X"
    for k, (n_in, n_out) in enumerate(pairwise(sizes), 1):
        result, what, function = f"h{k}", "activations", network.hidden_activation
        if k == len(sizes) - 1:
            result, what, function = "y", "outputs", network.output
        rows += [
            [f"`W{k}`", "weights, a row for each unit", _shape(n_out, n_in), ""],
            [f"`b{k}`", "biases", _shape(n_out, 1), ""],
            [f"`a{k}`", "weighted sums", _shape(n_out, n), f"`W{k} {inputs} + b{k}`"],
            [f"`{result}`", what, _shape(n_out, n), f"`{function}(a{k})`"],
        ]
        inputs = result
    rows.append(["`d`", "desired outputs, one-hot", _shape(sizes[-1], n), ""])
    words = f"The matrices of a {'-'.join(map(str, sizes))} network with {counted(n, 'sample')}."
    return table(("name", "what it holds", "shape", "how it is computed"), rows, words)


def derivatives(network: NeuralNetwork, n_samples: int) -> Shown:
    """Return the formula and the shapes of each derivative in the backward pass, in order."""
    n, sizes, rows = n_samples, network.layer_sizes, []
    n_layers = len(sizes) - 1
    for k in range(n_layers, 0, -1):
        n_in, n_out, inputs = sizes[k - 1], sizes[k], "X" if k == 1 else f"h{k - 1}"
        of_delta = _shape(n_out, n)
        if k == n_layers:
            formulas_of = {
                ("sigmoid", "squared_error"): f"`(y − d) ∘ f′(a{k})`",
                ("sigmoid", "cross_entropy"): "`−d ∘ (1 − y)`",
                ("softmax", "cross_entropy"): "`y − d`",
            }
            formula = formulas_of.get((network.output, network.loss), f"`∂L/∂a{k}`")
            factors = of_delta
        else:
            formula = f"`(W{k + 1}ᵀ delta{k + 1}) ∘ f′(a{k})`"
            factors = f"{_shape(n_out, sizes[k + 1])} · {_shape(sizes[k + 1], n)}"
        by_weights, by_biases = f"{_shape(n_out, n_in)}, as `W{k}`", f"{_shape(n_out, 1)}, as `b{k}`"
        rows += [
            [f"`delta{k}`", formula, factors, of_delta],
            [f"`d_W{k}`", f"`delta{k} {inputs}ᵀ`", f"{of_delta} · {_shape(n, n_in)}", by_weights],
            [f"`d_b{k}`", f"`Σ delta{k}` over the samples", of_delta, by_biases],
        ]
    layers = "-".join(map(str, sizes))
    words = f"The backward pass of a {layers} network with {counted(n, 'sample')}, from output to input."
    return table(("name", "formula", "shapes of the factors", "shape of the result"), rows, words)


def forward_numbers(network: NeuralNetwork, x: NDArray[np.floating], d: NDArray[np.floating]) -> Shown:
    """Return a forward pass of `x` (n_input,) through its busiest units, and the loss for `d` (n_output,)."""
    walk = formulas.walk_through(copy.deepcopy(network), x, d)
    units = enumerate(_busiest_units(walk), 1)
    shown = [formula for layer, unit in units for formula in formulas.forward_formulas(walk, layer, unit)]
    words = "The forward pass of one sample, through the units that contribute most."
    return _numbers([*shown, formulas.loss_formula(walk)], words)


def backward_numbers(network: NeuralNetwork, x: NDArray[np.floating], d: NDArray[np.floating]) -> Shown:
    """Return one sample's backward pass in numbers, through the same units as `forward_numbers`."""
    walk = formulas.walk_through(copy.deepcopy(network), x, d)
    units = [int(np.abs(walk.h[0]).argmax()), *_busiest_units(walk)]
    shown = [
        formula
        for layer in range(len(walk.a), 0, -1)
        for formula in formulas.backward_formulas(walk, layer, units[layer], units[layer - 1])
    ]
    return _numbers(shown, "The backward pass of the same sample, through the same units.")


def _busiest_units(walk: formulas.Walkthrough) -> list[int]:
    """Return one unit for each layer: the largest output, and before it the one that adds most to the next."""
    units = [int(walk.y.argmax())]
    for W, h in zip(walk.network.W[:0:-1], walk.h[-2:0:-1], strict=True):
        units.insert(0, int(np.nan_to_num(np.abs(W[units[0]] * h)).argmax()))
    return units


def speed_table(dataset: Dataset, batch_sizes: Iterable[int]) -> Shown:
    """Train the exercise's network for an epoch both ways; return CPU times by batch size."""
    rows, X, d = [], dataset.X_train, dataset.Y_train
    for size in batch_sizes:
        config = TrainingConfig(epochs=1, batch_size=size)
        run = TrainingRun(config, dataset)
        textbook = run.network
        with one_blas_thread():
            plain = _cpu_seconds(textbook.fit, X, d, size, 1, config.learning_rate)
            fast = _cpu_seconds(deque, run, 0)
        pairs = zip(textbook.parameters, run.network.parameters, strict=True)
        difference = max(float(np.abs(one - other).max()) for one, other in pairs)
        times = f"{plain:.2f} s", f"{fast:.2f} s", f"{plain / fast:.1f}"
        rows.append([str(size), *times, f"{difference:.1e}"])
    head = ("batch size", "fit", "train", "fit / train", "largest difference between weights")
    n, n_test = len(dataset.train_labels), len(dataset.test_labels)
    words = f"CPU time of one epoch on {n} images, with one BLAS thread. "
    return table(head, rows, f"{words}The time of train includes scoring {n_test} test images.")


def _numbers(shown: list[formulas.Formula], words: str) -> Shown:
    texts = ((f.name, f.symbols, f.numbers, formulas.written(f.value)) for f in shown)
    rows = [[f"`{text}`" if text else "" for text in row] for row in texts]
    return table(("name", "formula", "with numbers", "result"), rows, words)


def _shape(rows: int, columns: int) -> str:
    return f"({rows}, {columns})"


def _cpu_seconds(function: Callable[..., object], *arguments: object) -> float:
    start = process_time()
    function(*arguments)
    return process_time() - start
