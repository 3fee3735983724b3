"""The optimizers as in-place NumPy calls on the one array that holds all parameters.

The formulas are those of `explorer.network.optimizers`. The updates of plain SGD and momentum are linear in the
gradient, so they receive it already multiplied by the learning rate; RMSProp and Adam receive the mean gradient.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from explorer.engine.kernels import Array, Calls
from explorer.network.optimizers import BETA_1, BETA_2, DECAY, EPSILON, MOMENTUM, OPTIMIZERS

__all__ = ["Descent"]

_PIECE = 16_384
"""Parameters processed at a time: with their memories they fit a 256 kB cache."""


class Descent:
    """An optimizer at work on a model's parameters, with its memory.

    Parameters
    ----------
    name : str
        One of `OPTIMIZERS`.
    parameters : ndarray, shape (n_parameters,)
        Changed in place.
    learning_rate : float
        Factor on the gradient.
    """

    def __init__(self, name: str, parameters: Array, learning_rate: float) -> None:
        optimizer = OPTIMIZERS[name]
        self._name, self._parameters, self._learning_rate = name, parameters, learning_rate
        self.is_scale_free = optimizer.is_scale_free
        """Whether `calls` expects the mean gradient instead of learning rate × gradient."""
        self._memory = tuple(np.zeros_like(parameters) for _ in range(optimizer.n_memories))
        self._n_steps = 0
        self._scratch = np.empty(min(_PIECE, parameters.size), parameters.dtype)
        self._rate, self._root = self._number(learning_rate), self._number(1.0)

    def calls(self, steps: Array) -> Calls:
        """Return the calls that apply one update, given `steps` of the shape of the parameters."""
        theta = self._parameters
        if self._name == "sgd":
            return (partial(np.subtract, theta, steps, theta),)
        pieces = [slice(start, start + _PIECE) for start in range(0, theta.size, _PIECE)]
        kernel = getattr(self, f"_{self._name}")
        calls = [
            call
            for piece in pieces
            for call in kernel(
                theta[piece],
                steps[piece],
                self._scratch[: theta[piece].size],
                *(memory[piece] for memory in self._memory),
            )
        ]
        return (*((self._correct,) if self._name == "adam" else ()), *calls)

    def _momentum(self, theta: Array, step: Array, _scratch: Array, v: Array) -> Calls:
        """Momentum: v ← μ v + η g; θ ← θ − v."""
        return (
            partial(np.multiply, v, self._number(MOMENTUM), v),
            partial(np.add, v, step, v),
            partial(np.subtract, theta, v, theta),
        )

    def _nesterov(self, theta: Array, step: Array, scratch: Array, v: Array) -> Calls:
        """Nesterov's: v ← μ v + η g; θ ← θ − η g − μ v."""
        mu = self._number(MOMENTUM)
        return (
            partial(np.multiply, v, mu, v),
            partial(np.add, v, step, v),
            partial(np.multiply, v, mu, scratch),
            partial(np.add, scratch, step, scratch),
            partial(np.subtract, theta, scratch, theta),
        )

    def _rmsprop(self, theta: Array, g: Array, scratch: Array, s: Array) -> Calls:
        """RMSProp: s ← ρ s + (1 − ρ) g²; θ ← θ − η g / (√s + ε)."""
        return (
            *self._mean_square(g, s, DECAY, scratch),
            partial(np.sqrt, s, scratch),
            partial(np.add, scratch, self._number(EPSILON), scratch),
            partial(np.divide, g, scratch, scratch),
            partial(np.multiply, scratch, self._rate, scratch),
            partial(np.subtract, theta, scratch, theta),
        )

    def _adam(self, theta: Array, g: Array, scratch: Array, m: Array, s: Array) -> Calls:
        """Adam: m ← β₁ m + (1 − β₁) g; s ← β₂ s + (1 − β₂) g²; θ ← θ − η m̂ / (√ŝ + ε)."""
        return (
            partial(np.multiply, m, self._number(BETA_1), m),
            partial(np.multiply, g, self._number(1 - BETA_1), scratch),
            partial(np.add, m, scratch, m),
            *self._mean_square(g, s, BETA_2, scratch),
            partial(np.sqrt, s, scratch),
            partial(np.multiply, scratch, self._root, scratch),
            partial(np.add, scratch, self._number(EPSILON), scratch),
            partial(np.divide, m, scratch, scratch),
            partial(np.multiply, scratch, self._rate, scratch),
            partial(np.subtract, theta, scratch, theta),
        )

    def _mean_square(self, g: Array, s: Array, kept: float, scratch: Array) -> Calls:
        return (
            partial(np.multiply, g, g, scratch),
            partial(np.multiply, scratch, self._number(1 - kept), scratch),
            partial(np.multiply, s, self._number(kept), s),
            partial(np.add, s, scratch, s),
        )

    def _correct(self) -> None:
        """Fold what Adam's m and s lack at the start into the rate and into the root."""
        self._n_steps += 1
        self._rate[...] = self._learning_rate / (1 - BETA_1**self._n_steps)
        self._root[...] = (1 - BETA_2**self._n_steps) ** -0.5

    def _number(self, value: float) -> Array:
        return np.array(value, self._parameters.dtype)
