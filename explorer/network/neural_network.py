"""The feed-forward network: weights, a forward pass, a backward pass, and a step down the gradient.

Samples are COLUMNS everywhere. The comment at the end of a line gives the shape of what it computes: n is the
number of samples, n_in and n_out are the inputs and units of a layer.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from explorer.network import arguments
from explorer.network.activations import ACTIVATIONS, OUTPUTS, Activation
from explorer.network.initializers import INITIALIZERS
from explorer.network.losses import LOSSES, OUTPUT_DELTAS
from explorer.network.optimizers import OPTIMIZERS
from explorer.network.regularization import d_penalty, dropout_mask, limit_norms, penalty
from explorer.network.weights_file import SavedLayers

__all__ = ["NeuralNetwork"]

Array = NDArray[np.floating[Any]]


class NeuralNetwork(SavedLayers):
    """A fully connected network. Every formula is a method, which a subclass may replace: `fit` follows it.

    Parameters
    ----------
    n_input, n_output : int
        Inputs, and outputs (one per class), at least 1.
    n_hidden : int, or sequence or one-dimensional array of int
        Units in the hidden layer, or in each of several hidden layers, at least 1.
    hidden_activation : {"sigmoid", "relu", "tanh"}
        Activation of the hidden layers.
    output : {"sigmoid", "softmax"}
        Activation of the output layer.
    loss : {"squared_error", "cross_entropy"}
        Loss, a sum over classes and samples.
    initializer : {"glorot", "he", "normal", "uniform"}
        Distribution of the initial weights; the initial biases are 0.
    optimizer : {"sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"}
        How the gradient becomes a step; see `explorer.network.optimizers`.
    l2, l1 : float
        Penalties on the weights, at least 0, that are added to the loss of each sample; with AdamW, `l2` is the
        decay of the weights instead. See `explorer.network.regularization`.
    dropout, input_dropout : float
        Share of the hidden units, and of the inputs, that a step leaves out, at least 0 and below 1.
    max_norm : float
        Longest that the incoming weights of a hidden unit may become together; 0 for any length.
    dtype : dtype
        float32, or float64 for checking gradients.
    seed : int, numpy.random.Generator or None
        Source of the weights and of the order of samples in `fit`; None takes a fresh one.

    Attributes
    ----------
    W1, b1, W2, b2, … : ndarray
        Parameters of each layer: weights (n_out, n_in), biases (n_out, 1); to be changed in place or assigned.
    a1, h1, a2, h2, … : ndarray
        Weighted sums and activations of the last forward pass, shape (n_out, n), in arrays of their own.

    Raises
    ------
    ValueError
        If an argument, here or in a method, is wrong; the message says which, what was found and expected.
    """

    def __init__(
        self,
        n_input: int,
        n_hidden: int | Sequence[int] | NDArray[np.integer],
        n_output: int,
        *,
        hidden_activation: str = "sigmoid",
        output: str = "sigmoid",
        loss: str = "squared_error",
        initializer: str = "glorot",
        optimizer: str = "sgd",
        l2: float = 0.0,
        l1: float = 0.0,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        max_norm: float = 0.0,
        dtype: DTypeLike = np.float32,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__(arguments.layer_sizes(n_input, n_hidden, n_output), dtype)
        self.hidden_activation = arguments.choice("hidden_activation", hidden_activation, ACTIVATIONS)
        self.output = arguments.choice("output", output, OUTPUTS)
        self.loss = arguments.choice("loss", loss, LOSSES)
        self.initializer = arguments.choice("initializer", initializer, INITIALIZERS)
        self.optimizer = arguments.choice("optimizer", optimizer, OPTIMIZERS)
        self.l2, self.l1 = arguments.number("l2", l2), arguments.number("l1", l1)
        self.dropout = arguments.number("dropout", dropout, 1.0)
        self.input_dropout = arguments.number("input_dropout", input_dropout, 1.0)
        self.max_norm = arguments.number("max_norm", max_norm)
        self.masks: dict[int, Array] = {}  # of dropout, by layer, 0 for the inputs; none but in a step
        self.rng = np.random.default_rng(seed)
        self.init_weights()

    def init_weights(self) -> None:
        """Draw new weights with the initializer, and set the biases to 0; the optimizer remembers nothing."""
        draw = INITIALIZERS[self.initializer]
        for layer, (n_in, n_out) in enumerate(pairwise(self.layer_sizes), 1):
            self.W[layer] = draw(self.rng, n_in, n_out).astype(self.dtype)  # (n_out, n_in)
            self.b[layer] = np.zeros((n_out, 1), self.dtype)  # (n_out, 1)
        n_memories = OPTIMIZERS[self.optimizer].n_memories
        self.memory = {
            name: (np.zeros(shape, self.dtype),) * n_memories for name, shape in self.shapes.items()
        }
        self.n_steps = 0

    def activation(self, layer: int) -> Activation:
        """Return the function f of a hidden layer, 1 for the first, with its derivative f.d."""
        return ACTIVATIONS[self.hidden_activation]

    def output_activation(self, a: Array) -> Array:
        """Return the outputs for the weighted sums of the last layer, both of shape (n_output, n)."""
        return np.asarray(OUTPUTS[self.output](a))

    def compute_loss(self, y: Array, d: Array) -> float:
        """Return the loss of outputs `y` against desired outputs `d`, summed over classes and samples."""
        return LOSSES[self.loss](y, d)

    @property
    def penalties(self) -> tuple[float, float]:
        """The penalties λ₂ and λ₁ in the loss; with AdamW λ₂ is not: the weights decay in each step instead."""
        return 0.0 if OPTIMIZERS[self.optimizer].decays_weights else self.l2, self.l1

    @property
    def penalty(self) -> float:
        """What the penalties on all weights add to the loss of each sample."""
        return sum((penalty(W, *self.penalties) for W in self.W.values()), 0.0)

    def total_loss(self, y: Array, d: Array) -> float:
        """Return the loss of outputs `y` against desired outputs `d`, with the penalty of each sample: a sum."""
        return self.compute_loss(y, d) + len(y.T) * self.penalty

    def output_delta(self, y: Array, d: Array) -> Array:
        """Return ∂L/∂a of the last layer, from its outputs and the desired ones: (n_output, n)."""
        return OUTPUT_DELTAS[self.output, self.loss](y, d)

    def forward(self, X: ArrayLike) -> Array:
        """Return the outputs in [0, 1] for `X`, shape (n_input, n): (n_output, n).

        ``a1 = W1 X + b1``, ``h1 = f(a1)``, ``a2 = W2 h1 + b2``, … and the output activation at the end. The
        weighted sums and activations of each layer are kept as `a1`, `h1`, `a2`, …
        """
        h = self.drop(0, arguments.columns("X", X, self.layer_sizes[0], self.dtype))  # (n_input, n)
        for layer in self.layers:
            f = self.activation(layer) if layer < self.n_layers else self.output_activation
            with np.errstate(invalid="ignore"):  # some BLAS warn of what they never compute (numpy#24067)
                self.a[layer] = self.W[layer] @ h + self.b[layer]  # (n_out, n)
            self.h[layer] = h = self.drop(layer, f(self.a[layer]))  # (n_out, n)
        return h

    def drop(self, layer: int, h: Array) -> Array:
        """Return the activations of a layer without those that the step leaves out; 0 stands for the inputs."""
        return h * self.masks[layer] if layer in self.masks else h  # (n_units, n)

    def draw_masks(self, n: int) -> None:
        """Draw what a step on `n` samples leaves out: masks of the inputs, and of each hidden layer."""
        for layer, n_units in enumerate(self.layer_sizes[:-1]):
            if rate := self.dropout if layer else self.input_dropout:
                self.masks[layer] = dropout_mask(self.rng, rate, n_units, n)  # (n_units, n)

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the class with the largest output for each sample of `X`, shape (n_input, n): int64, (n,)."""
        decided: NDArray[np.int64] = self.forward(X).argmax(axis=0)  # (n,)
        return decided

    @np.errstate(invalid="ignore")  # as in forward
    def backward(self, X: ArrayLike, y: ArrayLike, d: ArrayLike) -> tuple[Array, ...]:
        """Return the gradient of `total_loss` with respect to each parameter, summed over the samples.

        Backpropagation (Rumelhart, Hinton & Williams, 1986). Let h be the inputs of a layer, a = W h + b its
        weighted sums and delta = ∂L/∂a. By the chain rule ∂L/∂W = delta hᵀ and ∂L/∂b = Σ delta; and as
        h = f(a) of the layer before, the delta of that layer is (Wᵀ delta) ∘ f′(a).

        Parameters
        ----------
        X : array_like, shape (n_input, n)
            The inputs of the last forward pass.
        y : array_like, shape (n_output, n)
            The outputs that it returned.
        d : array_like, shape (n_output, n)
            The desired outputs.

        Returns
        -------
        tuple of ndarray
            ``(d_W1, d_b1, d_W2, d_b2, …)``, each of the shape of its parameter.
        """
        X = self.drop(0, arguments.columns("X", X, self.layer_sizes[0], self.dtype))  # (n_input, n)
        y = arguments.columns("y", y, self.layer_sizes[-1], self.dtype, X.shape[1])  # (n_output, n)
        d = arguments.columns("d", d, self.layer_sizes[-1], self.dtype, X.shape[1])  # (n_output, n)
        arguments.last_pass(y, self.a.get(self.n_layers), self.h.get(self.n_layers))
        gradients: list[Array] = []
        delta = self.output_delta(y, d)  # (n_output, n)
        for layer in reversed(self.layers):
            h = self.h[layer - 1] if layer > 1 else X  # (n_in, n)
            d_W = delta @ h.T  # (n_out, n_in)
            if any(self.penalties):
                d_W += X.shape[1] * d_penalty(self.W[layer], *self.penalties)
            d_b = delta.sum(axis=1, keepdims=True)  # (n_out, 1)
            gradients = [d_W, d_b, *gradients]
            if layer > 1:
                f = self.activation(layer - 1)
                delta = self.drop(layer - 1, self.W[layer].T @ delta) * f.d(self.a[layer - 1])  # (n_in, n)
        return tuple(gradients)

    def train_iteration(self, X: ArrayLike, d: ArrayLike, lr: float = 1e-2) -> float:
        """Take one step with the optimizer, and return `total_loss` before it, a sum over the samples.

        Parameters
        ----------
        X : array_like, shape (n_input, n)
            The mini-batch.
        d : array_like, shape (n_output, n)
            Its desired outputs.
        lr : float
            Learning rate, the factor on the SUMMED gradient (on the mean, with RMSProp and Adam); finite, above 0.
        """
        lr = arguments.learning_rate(lr)
        X = arguments.columns("X", X, self.layer_sizes[0], self.dtype)  # (n_input, n)
        d = arguments.columns("d", d, self.layer_sizes[-1], self.dtype, X.shape[1])  # (n_output, n)
        self.draw_masks(X.shape[1])
        try:
            y = self.forward(X)  # (n_output, n)
            loss = self.total_loss(y, d)
            gradients = self.backward(X, y, d)
        finally:
            self.masks = {}
        self.update(gradients, lr, y.shape[1])
        return loss

    def update(self, gradients: Sequence[Array], lr: float, n: int) -> None:
        """Change each parameter as the optimizer says, by its gradient, the sum over `n` samples."""
        optimizer, self.n_steps = OPTIMIZERS[self.optimizer], self.n_steps + 1
        for (name, theta), g in zip(self.named().items(), gradients, strict=True):
            g = g / n if optimizer.is_scale_free else g  # the mean, or the sum
            change, self.memory[name] = optimizer.change(g, lr, self.n_steps, *self.memory[name])
            if optimizer.decays_weights and name.startswith("W"):
                change = change + lr * self.l2 * theta
            theta -= change  # plain gradient descent: θ ← θ − lr · ∂L/∂θ
        for layer in self.layers[:-1] if self.max_norm else ():
            self.W[layer] = limit_norms(self.W[layer], self.max_norm)  # (n_out, n_in)

    def fit(
        self,
        X: ArrayLike,
        d: ArrayLike,
        batch_size: int,
        n_epochs: int = 10,
        lr: float | Callable[[float], float] = 1e-2,
        *,
        reduction: str = "sum",
    ) -> NDArray[np.float64]:
        """Train by mini-batch gradient descent, and return the mean loss per sample of each epoch: (n_epochs,).

        Every epoch shuffles the samples and uses each exactly once, in mini-batches of `batch_size`; the last
        one may be shorter. Each mini-batch is one call of `train_iteration`; its loss is that before the step.

        Parameters
        ----------
        X : array_like, shape (n_input, n)
            All training samples, finite.
        d : array_like, shape (n_output, n)
            Their desired outputs, finite.
        batch_size, n_epochs : int
            Samples per step (more than there are means all), and passes over the samples; at least 1.
        lr : float or callable
            Learning rate, finite and greater than 0; or a function of the epochs so far, called with those at the
            middle of each mini-batch: a schedule, as `explorer.network.schedules` has them.
        reduction : {"sum", "mean"}
            Whether `lr` multiplies the sum or the mean of the gradients; RMSProp and Adam take the mean anyhow.
        """
        X = arguments.samples("X", X, self.layer_sizes[0], self.dtype)  # (n_input, n)
        d = arguments.samples("d", d, self.layer_sizes[-1], self.dtype, X.shape[1])  # (n_output, n)
        batch_size = arguments.count("batch_size", batch_size)
        n_epochs = arguments.count("n_epochs", n_epochs)
        lr = lr if callable(lr) else arguments.learning_rate(lr)
        reduction = arguments.choice("reduction", reduction, ("sum", "mean"))
        history, n, is_free = np.zeros(n_epochs), X.shape[1], OPTIMIZERS[self.optimizer].is_scale_free
        for epoch in range(n_epochs):
            order = self.rng.permutation(n)
            for start in range(0, n, batch_size):
                batch = order[start : start + batch_size]  # the last one may be shorter
                rate = lr(epoch + (start + len(batch) / 2) / n) if callable(lr) else lr
                rate = rate if reduction == "sum" or is_free else rate / len(batch)
                history[epoch] += self.train_iteration(X[:, batch], d[:, batch], rate)
        history /= n
        return history

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        return f"<{type(self).__name__} {sizes}, {self.hidden_activation}, {self.output} + {self.loss}>"
