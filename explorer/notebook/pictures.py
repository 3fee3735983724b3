"""The figures of the teaching notebooks, each with its caption.

Some are of networks that classify points in a square whose opposite quarters belong to the same class. No straight
line separates the two (M. Minsky and S. Papert, "Perceptrons", 1969); four hidden units do.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.datasets import Dataset
from explorer.datasets.augmentation import Augmentation, distort
from explorer.figures import charts
from explorer.figures.axes import Metric
from explorer.figures.confusion import confusion_figure, mix_ups
from explorer.figures.curves import curves_figure
from explorer.figures.layers import histograms_figure
from explorer.network import OPTIMIZERS, Network, NeuralNetwork, hardest_classes, per_class
from explorer.network.gradient_check import check_gradient, choose_weights
from explorer.network.losses import LOSSES
from explorer.network.metrics import select_samples
from explorer.notebook.page import Shown, figure, images, lesson_html, side_by_side
from explorer.notebook.studies import Trained
from explorer.wording import counted

_Curves = Mapping[str, tuple[ArrayLike, ArrayLike]]
_MOST_UNITS = 12  # per layer; with more, the lines are indistinguishable
_COLUMN, _ROW, _TOP = 190, 44, 34  # px
_CELLS = 61  # of the map, per side
_MARGIN = 0.06  # left empty along both axes, so that every point is clearly inside a quarter
_POINTS = 401  # per function; odd, so that the middle of the span is a point


def curves(
    functions: Mapping[str, Callable[[float], Any]], span: tuple[float, float], axis: str, words: str
) -> Shown:
    """Return a plot of functions of one number over `span`."""
    x = np.linspace(*span, _POINTS)
    drawn = {name: (x, np.array([float(f(at)) for at in x])) for name, f in functions.items()}
    return lines(drawn, axis, words)


def lines(arrays: _Curves, axis: str, words: str, *, measured: str = "", is_log: bool = False) -> Shown:
    """Return a plot of curves given by points, (x, y) of shape (n,) each, on axes that may be logarithmic."""
    scale = {"type": "log", "dtick": 1, "exponentformat": "none"} if is_log else {}
    drawn = charts.lines_figure(arrays, x_title=axis, y_title=measured)
    return figure(drawn.update_xaxes(scale).update_yaxes(scale), words)


def digits(dataset: Dataset, n: int = 12) -> Shown:
    """Return the first `n` training images, each with its label."""
    labels = [dataset.class_names[label] for label in dataset.train_labels[:n]]
    of = f"{counted(len(dataset.train_labels), 'training image')} of {dataset.name}"
    return images(dataset.train_images[:n], labels, f"The first {n} of {of}, each with its label.")


def histograms(values: Mapping[str, NDArray[np.floating]], what: str, words: str) -> Shown:
    """Return the distribution of some numbers, with a row for each name."""
    drawn = histograms_figure([*values.values()], names=[*values], what=what)
    return figure(drawn.update_layout(showlegend=False), words)


def gradients(network: NeuralNetwork, X: NDArray[Any], d: NDArray[Any]) -> Shown:
    """Return backpropagation's derivatives against measured slopes, for 40 weights and biases of all layers."""
    places = choose_weights(network, X, np.random.default_rng(0), min(40, network.n_parameters))
    checked = check_gradient(network, X, d, places)
    words = f"{len(places)} derivatives, computed in two ways. Where the two agree, the point is on the line."
    return figure(charts.gradients_figure(checked), words)


def step_length(network: NeuralNetwork, X: NDArray[Any], d: NDArray[Any], lr: float, most: float) -> Shown:
    """Return the loss after a single step, for learning rates from 0 to `most`; `lr` is marked. A copy steps."""
    moved, start = copy.deepcopy(network), network.weights()
    gradient = moved.backward(X, moved.forward(X), d)

    def loss_after(rate: float) -> float:
        moved.set_weights([w - rate * slope for w, slope in zip(start, gradient, strict=True)])
        return float(LOSSES[moved.loss](moved.forward(X), d) / X.shape[1])

    rates = np.linspace(0, most, 41)
    losses, chosen = [loss_after(rate) for rate in rates], loss_after(lr)
    best = float(rates[int(np.argmin(losses))])
    beyond = "Within the figure, a longer step would be better still."
    if best < most:
        beyond = f"It is lowest near lr = {best:.2g}; beyond that, the step goes too far."
    after = f"{losses[0]:.3f} before it, {chosen:.3f} with lr = {lr:g}"
    words = f"Loss per sample after one step on {counted(X.shape[1], 'sample')}: {after}. {beyond}"
    axes = {"x_title": "learning rate of the step", "y_title": "loss per sample after the step"}
    marks = {f"lr = {lr:g}": (lr, chosen)}
    return figure(charts.lines_figure({"loss": (rates, losses)}, **axes, marks=marks), words)


def epochs(history: NDArray[np.floating], words: str = "Mean loss per sample in each epoch.") -> Shown:
    """Return the losses returned by `fit`, over the epochs."""
    steps = np.arange(1, len(history) + 1)
    return lines({"loss": (steps, history)}, "epoch", words, measured="loss per sample")


def learning(result: Trained) -> Shown:
    """Return loss and accuracy over the epochs; train figures are means over each epoch's own forward passes."""
    last, held_out = result.final, result.history.config.held_out.capitalize()
    n = int(last.epoch)
    when = "at the end" if n == len(result.history) else f"after epoch {n}, whose weights are kept"
    loss = f"Loss per sample. {held_out} loss {when}: {last.test_loss:.4f}."
    accuracy = f"Accuracy. {held_out} accuracy {when}: {100 * last.test_accuracy:.1f} %."
    words: tuple[tuple[Metric, str], ...] = (("loss", loss), ("accuracy", accuracy))
    return side_by_side(*(figure(curves_figure(result.history, metric=m), caption) for m, caption in words))


def confusion(matrix: NDArray[np.integer], class_names: Sequence[str]) -> Shown:
    """Return the confusion matrix of the test set, with the most common mix-ups in words."""
    words = f"Most common mix-ups: {mix_ups(matrix, class_names)}."
    return figure(confusion_figure(matrix, class_names), words)


def recall(matrix: NDArray[np.integer], class_names: Sequence[str]) -> Shown:
    """Return the recall of each class, hardest class first."""
    scores = per_class(matrix)
    hardest, *_, easiest = hardest_classes(matrix)
    words = (
        f"Hardest: {class_names[hardest]} ({100 * scores.recall[hardest]:.1f} % of its images recognized). "
        f"Easiest: {class_names[easiest]} ({100 * scores.recall[easiest]:.1f} %)."
    )
    return figure(charts.recall_figure(matrix, class_names), words)


def mistakes(
    outputs: NDArray[np.floating], dataset: Dataset, n: int = 24, loss: str = "squared_error"
) -> Shown:
    """Return the misclassified held-out images with the largest loss, from a network's outputs for all of them."""
    labels = dataset.test_labels
    wrong = select_samples(outputs, labels, mistakes_only=True, loss=loss)
    decided = outputs.argmax(axis=0)
    captions = [f"{dataset.class_names[labels[i]]} → {dataset.class_names[decided[i]]}" for i in wrong[:n]]
    of = f"{len(wrong)} of {counted(len(labels), f'{dataset.held_out} image')}"
    words = f"{of} {'is' if len(wrong) == 1 else 'are'} misclassified."
    worst = "Those with the largest loss, true → predicted:"
    return images(dataset.test_images[wrong[:n]], captions, f"{words} {worst}")


def answers(outputs: Mapping[str, NDArray[np.floating]], class_names: Sequence[str], words: str) -> Shown:
    """Return the outputs of networks for one sample, shape (n_classes,) each."""
    return figure(charts.answers_figure(outputs, class_names), words)


def valley(rates: Mapping[str, float], n_steps: int = 40, steepness: float = 100.0) -> Shown:
    """Return the paths of optimizers, each with its learning rate, down L(x, y) = ½ (x² + steepness · y²)."""
    slopes, paths, losses = np.array([1.0, steepness]), {}, {}
    memory: tuple[NDArray[Any], ...]
    for name, lr in rates.items():
        optimizer, path = OPTIMIZERS[name], [np.array([-4.0, 1.0])]
        memory = (np.zeros(2),) * optimizer.n_memories
        for t in range(1, n_steps + 1):
            change, memory = optimizer.change(slopes * path[-1], lr, t, *memory)
            path.append(path[-1] - change)
        x, y = np.array(path).T
        paths[f"{name}, lr = {lr:g}"], losses[name] = (x, y), float(slopes @ path[-1] ** 2) / 2
    ends = ", ".join(f"{loss:.2g} ({name})" for name, loss in losses.items())
    where = f"a valley {steepness:g} times as steep across as along"
    words = f"{n_steps} steps in {where}. Loss at the end: {ends}."
    marks = {"start": (-4.0, 1.0), "bottom": (0.0, 0.0)}
    drawn = charts.lines_figure(paths, x_title="along the valley", y_title="across", marks=marks)
    return figure(drawn.update_yaxes(range=[-1.5, 1.5]), words)


def compared(runs: Mapping[str, Trained], part: Literal["train", "held_out"]) -> Shown:
    """Return the losses of runs by name, on the training images or on the held-out ones."""
    held_out = next(iter(runs.values())).history.config.held_out
    what = "train" if part == "train" else held_out
    drawn, lowest = {}, []
    for name, run in runs.items():
        losses = [record.train_loss if part == "train" else record.test_loss for record in run.history]
        drawn[name] = [record.epoch for record in run.history], losses
        lowest.append(f"{min(losses):.3f} ({name}, epoch {drawn[name][0][int(np.argmin(losses))]})")
    words = f"{what.capitalize()} loss in each epoch. Lowest: {', '.join(lowest)}."
    return lines(drawn, "epoch", words, measured=f"{what} loss per sample")


def distorted(dataset: Dataset, augmentation: Augmentation, n_images: int = 3, n_epochs: int = 3) -> Shown:
    """Return the first training images, each followed by its augmented versions in some epochs."""
    originals, rng = dataset.train_images[:n_images], np.random.default_rng(0)
    changed = [distort(originals, augmentation, rng) for _ in range(n_epochs)]
    versions = np.stack([originals, *changed], axis=1)
    after = [f"epoch {epoch}" for epoch in range(1, n_epochs + 1)]
    labels = [name for k in dataset.train_labels[:n_images] for name in (dataset.class_names[k], *after)]
    words = f"{n_images} training images, and what the network sees in place of each in {n_epochs} epochs."
    return images(versions.reshape(-1, *originals.shape[1:]), labels, words)


def diagram(network: Network) -> Shown:
    """Return a drawing of a small network, layer by layer; ValueError if one has more than 12 units."""
    sizes = network.layer_sizes
    if max(sizes) > _MOST_UNITS:
        raise ValueError(f"a layer has {max(sizes)} units; expected at most {_MOST_UNITS}")
    layers, names, last = list[list[tuple[float, float]]](), list[tuple[float, str]](), len(sizes) - 1
    for i, n in enumerate(sizes):
        x, top = _COLUMN * (i + 0.5), _TOP + _ROW * (max(sizes) - n) / 2
        layers.append([(x, top + _ROW * (unit + 0.5)) for unit in range(n)])
        names.append((x, f"a{i}, y" if i == last else f"a{i}, h{i}" if i else "X"))
    names += [(_COLUMN * i, f"W{i}, b{i}") for i in range(1, len(sizes))]  # between the layers
    lines = [(*one, *other) for left, right in pairwise(layers) for one in left for other in right]
    circles = [center for layer in layers for center in layer]
    width, height = _COLUMN * len(sizes), _TOP + _ROW * max(sizes) + 8
    words = f"A {'-'.join(map(str, sizes))} network: a circle for each unit, a line for each weight."
    return Shown(lesson_html("network", lines, circles, names, width, height, words), words)


def quarters(n: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return `n` points in (−1, 1), (2, n), and their classes, (n,): 1 if both signs are the same, else 0."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(_MARGIN, 1, (2, n)) * rng.choice([-1.0, 1.0], (2, n))
    return X, (X[0] * X[1] > 0).astype(np.int64)


def show_plane(
    X: NDArray[np.floating], labels: NDArray[np.integer], network: Network | None = None, words: str = ""
) -> Shown:
    """Return points, as of `quarters`, on a map of the outputs of a network with 2 inputs and 2 outputs."""
    shares = None
    if network is not None:
        steps = np.linspace(-1, 1, _CELLS)
        places = np.stack([axis.ravel() for axis in np.meshgrid(steps, steps)])  # (2, cells²)
        y = copy.deepcopy(network).forward(places)
        shares = (y[1] / y.sum(axis=0)).reshape(_CELLS, _CELLS)
    return figure(charts.plane_figure(X, labels, shares), words)
