"""The neural network: a forward pass, a backward pass, and a step down the gradient.

Samples are COLUMNS. The comment at the end of a line is the shape of its result: n is the number of samples, n_in
and n_out are the inputs and units of a layer. Losses and gradients are sums over the samples, not means.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .activations import ACTIVATIONS, OUTPUTS
from .initializers import INITIALIZERS
from .losses import LOSSES, OUTPUT_DELTAS

Array = NDArray[Any]


class Network:
    """A fully connected network. Every formula is a method: a subclass may replace it, and `fit` follows."""

    f: list[Any]  # activations, one of each layer
    W: list[Array]  # weights (n_out, n_in)
    b: list[Array]  # biases (n_out, 1)
    a: list[Array]  # weighted sums (n_out, n) of the last forward pass
    h: list[Array]  # its activations (n_out, n); h[0] are the inputs, so that h[i] are those of layer i

    def __init__(self, n_input: int, n_hidden: ArrayLike, n_output: int, *, hidden_activation: str = "sigmoid",
                 output: str = "sigmoid", loss: str = "squared_error", dtype: DTypeLike = np.float64,
                 initializer: str = "glorot", seed: int | np.random.Generator | None = None) -> None:  # fmt: skip
        self.layer_sizes: tuple[int, ...] = (n_input, *np.atleast_1d(n_hidden).tolist(), n_output)
        self.hidden_activation, self.output, self.loss = hidden_activation, output, loss
        self.f = [ACTIVATIONS[hidden_activation]] * (len(self.layer_sizes) - 2) + [OUTPUTS[output]]
        self.initializer, self.dtype, self.rng = initializer, np.dtype(dtype), np.random.default_rng(seed)
        self.init_weights()

    @property
    def parameters(self) -> tuple[Array, ...]:
        """The weights and biases themselves, ``(W1, b1, W2, b2, …)``."""
        return tuple(theta for layer in zip(self.W, self.b) for theta in layer)

    def init_weights(self) -> None:
        """Draw new weights, and set the biases to 0."""
        draw, self.W, self.b = INITIALIZERS[self.initializer], [], []
        for n_in, n_out in zip(self.layer_sizes, self.layer_sizes[1:]):
            self.W.append(draw(self.rng, n_in, n_out).astype(self.dtype))  # (n_out, n_in)
            self.b.append(np.zeros((n_out, 1), self.dtype))  # (n_out, 1)

    def forward(self, X: Array) -> Array:
        """Return the outputs (n_output, n) for the inputs (n_input, n)."""
        self.a, self.h = [], [X]
        for W, b, f in zip(self.W, self.b, self.f):
            self.a.append(W @ self.h[-1] + b)  # (n_out, n)
            self.h.append(f(self.a[-1]))  # (n_out, n)
        return self.h[-1]

    def predict(self, X: Array) -> Array:
        """Return the class with the largest output for each sample: (n,)."""
        return np.argmax(self.forward(X), axis=0)  # (n,)

    def compute_loss(self, y: Array, d: Array) -> float:
        """Return the loss of the outputs `y` for the desired outputs `d`, both (n_output, n)."""
        return LOSSES[self.loss](y, d)

    def output_delta(self, y: Array, d: Array) -> Array:
        """Return ∂L/∂a of the output layer."""
        return OUTPUT_DELTAS[self.output, self.loss](y, d)  # (n_output, n)

    def backward(self, X: Array, y: Array, d: Array) -> tuple[Array, ...]:
        """Return ``(d_W1, d_b1, …)``: δ hᵀ and Σ δ, with δ = ∂L/∂a by the chain rule (Rumelhart et al., 1986)."""
        h, delta, gradient = [X, *self.h[1:]], self.output_delta(y, d), []
        for i in reversed(range(len(self.W))):
            d_W = delta @ h[i].T  # (n_out, n_in)
            d_b = delta.sum(axis=1, keepdims=True)  # (n_out, 1)
            gradient = [d_W, d_b, *gradient]
            if i > 0:
                delta = (self.W[i].T @ delta) * self.f[i - 1].d(self.a[i - 1])  # (n_in, n)
        return tuple(gradient)

    def step(self, gradient: tuple[Array, ...], lr: float, n: int) -> None:
        """Change each parameter against its gradient, a sum over n samples: θ ← θ − lr ∂L/∂θ."""
        for theta, d_theta in zip(self.parameters, gradient):
            theta -= lr * d_theta

    def train_iteration(self, X: Array, d: Array, lr: float = 0.01) -> float:
        """Take one step on a mini-batch, and return the loss before it."""
        y = self.forward(X)  # (n_output, n)
        loss = self.compute_loss(y, d)
        gradient = self.backward(X, y, d)
        self.step(gradient, lr, X.shape[1])
        return loss

    def rate(self, lr: Any, t: float, n: int) -> float:
        """Return the learning rate of a step on n samples, after t epochs: always `lr`."""
        return lr

    def fit(self, X: Array, d: Array, batch_size: int, n_epochs: int = 10, lr: Any = 0.01) -> Array:
        """Train, and return the mean loss per sample of each epoch: (n_epochs,)."""
        n_samples, history = X.shape[1], []
        for epoch in range(n_epochs):
            loss = 0.0
            order = self.rng.permutation(n_samples)
            for start in range(0, n_samples, batch_size):
                batch = order[start : start + batch_size]  # the last one may be shorter
                X_batch, d_batch = X[:, batch], d[:, batch]
                t = epoch + (start + len(batch) / 2) / n_samples  # epochs up to the middle of the batch
                loss += self.train_iteration(X_batch, d_batch, self.rate(lr, t, len(batch)))
            history.append(loss / n_samples)
        return np.array(history)
