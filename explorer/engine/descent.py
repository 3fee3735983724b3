"""The optimizers as in-place NumPy calls on the one array of all parameters, with penalties and max-norm.

The updates of plain SGD and momentum are linear in the gradient, so they receive it already multiplied by the
learning rate; RMSProp and Adam receive the mean gradient.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from explorer.engine.kernels import Array, Calls, Half
from explorer.engine.model import Model, Parameters
from explorer.network.optimizers import BETA_1, BETA_2, DECAY, EPSILON, MOMENTUM, OPTIMIZERS

UPDATE_WORK = 100  # the cost of updating one parameter, in multiplications of a matrix product
# Parameters processed at a time: few enough for the cache, but enough that two threads seldom wait for the
# interpreter, which each call needs before and after.
_PIECE = 131_072


class Descent:
    """The optimizer of a model, updated in place, with its state, penalties, max-norm and learning rate."""

    def __init__(self, model: Model, learning_rate: float, reduction: str) -> None:
        optimizer = OPTIMIZERS[model.optimizer]
        self._model, self._flat = model, model.parameters.flat
        self._is_scale_free = optimizer.is_scale_free
        self._takes_mean = reduction == "mean" or optimizer.is_scale_free
        self._memory = tuple(np.zeros_like(self._flat) for _ in range(optimizer.n_memories))
        self._n_steps = 0
        self._learning_rate = learning_rate
        self._bound = dict[tuple[tuple[float, ...], float], Array]()
        self._updates = dict[tuple[int, int, int, int], Calls]()
        self._rate, self._epsilon = self._number(learning_rate), self._number(EPSILON)  # for Adam's next step

    @property
    def is_plain(self) -> bool:
        """Whether a step is θ ← θ − η g and nothing else."""
        model = self._model
        return model.optimizer == "sgd" and not (any(model.penalties) or model.max_norm)

    @property
    def learning_rate(self) -> float:
        """Factor on the gradient; assigning another one updates all existing calls."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if rate != self._learning_rate:
            self._learning_rate = rate
            for (factors, by), array in self._bound.items():
                array[...] = math.prod(factors, start=rate) / by

    def rate(self, n: int) -> Array:
        """Return the factor on the summed gradient of a mini-batch of `n` samples, shape ()."""
        by = n if self._takes_mean else 1
        return self._number(1 / by) if self._is_scale_free else self._bind(by=by)

    @property
    def _kernel(self) -> Callable[..., Calls]:
        kernels: dict[str, Callable[..., Calls]] = {
            "sgd": self._sgd,
            "momentum": self._momentum,
            "nesterov": self._nesterov,
            "rmsprop": self._rmsprop,
            "adam": self._adam,
            "adamw": self._adam,
        }
        return kernels[self._model.optimizer]

    def prepare(self) -> Calls:
        """Return the calls to perform before an update."""
        return (self._correct,) if self._kernel == self._adam else ()

    def update(self, steps: Parameters, n: int, half: Half) -> Calls:
        """Return the calls, cached, that update half of the weights by the steps of `n` samples."""
        span = self._model.parameters.span(half)
        key = id(steps.flat), n, span.start, span.stop  # the calls keep that array alive
        if key not in self._updates:
            arrays = (self._flat[span], steps.flat[span])
            if self.is_plain:
                update = self._sgd(*arrays)
            else:
                in_pieces = self._in_pieces(self._kernel, *arrays, *(memory[span] for memory in self._memory))
                update = *self._penalise(steps, n, half), *self._decay(half), *in_pieces
            self._updates[key] = update
        return self._updates[key]

    def _in_pieces(self, kernel: Callable[..., Calls], *arrays: Array) -> Calls:
        size = arrays[0].size
        scratch = np.empty(min(_PIECE, size), arrays[0].dtype)
        calls: Calls = ()
        for start in range(0, size, _PIECE):
            pieces = [array[start : start + _PIECE] for array in arrays]
            calls += kernel(*pieces, scratch[: pieces[0].size])
        return calls

    def _penalise(self, steps: Parameters, n: int, half: Half) -> Calls:
        """Add λ₂ W + λ₁ sign W to the gradient, for each of the `n` samples in the sum."""
        model = self._model
        times = 1 if self._takes_mean else n
        l2, l1 = (
            self._number(weight) if self._is_scale_free else self._bind(weight, times)
            for weight in model.penalties
        )

        def add_l2(V: Array, dV: Array, scratch: Array) -> Calls:
            return partial(np.multiply, V, l2, scratch), partial(np.add, dV, scratch, dV)

        def add_l1(V: Array, dV: Array, scratch: Array) -> Calls:
            sign = partial(np.sign, V, scratch)
            return sign, partial(np.multiply, scratch, l1, scratch), partial(np.add, dV, scratch, dV)

        kernels = [kernel for weight, kernel in zip(model.penalties, (add_l2, add_l1), strict=True) if weight]
        pairs = [*zip(model.parameters.weights_of(half), steps.weights_of(half), strict=True)]
        return tuple(call for pair in pairs for kernel in kernels for call in self._in_pieces(kernel, *pair))

    def _decay(self, half: Half) -> Calls:
        """W ← W − η λ₂ W, before AdamW's step."""
        if not self._model.decay:
            return ()
        decay = self._bind(self._model.decay)

        def kernel(V: Array, scratch: Array) -> Calls:
            return partial(np.multiply, V, decay, scratch), partial(np.subtract, V, scratch, V)

        weights = self._model.parameters.weights_of(half)
        return tuple(call for V in weights for call in self._in_pieces(kernel, V))

    def finish(self) -> Calls:
        """Return the calls to perform after an update."""
        return self._model.in_halves(self._limit_norms, UPDATE_WORK) if self._model.max_norm else ()

    def _limit_norms(self, half: Half) -> Calls:
        """Scale the incoming weights of half of the hidden units down to max-norm, if they are longer."""
        longest, tiny = self._number(self._model.max_norm), self._number(np.finfo(self._flat.dtype).tiny)
        one, calls = self._number(1.0), tuple[Callable[[], Any], ...]()
        for V, _ in self._model.parameters.layers[:-1]:
            weights = V[:, half(V.shape[1])]
            factor = np.empty(weights.shape[1], V.dtype)
            calls += (
                partial(np.einsum, "io,io->o", weights, weights, out=factor),
                partial(np.sqrt, factor, factor),
                partial(np.maximum, factor, tiny, out=factor),
                partial(np.divide, longest, factor, factor),
                partial(np.minimum, factor, one, out=factor),
                partial(np.multiply, weights, factor, weights),
            )
        return calls

    def _sgd(self, theta: Array, step: Array, _scratch: Array | None = None) -> Calls:
        """θ ← θ − η g."""
        return (partial(np.subtract, theta, step, theta),)

    def _momentum(self, theta: Array, step: Array, v: Array, _scratch: Array) -> Calls:
        """Momentum: v ← μ v + η g; θ ← θ − v."""
        return (
            partial(np.multiply, v, self._number(MOMENTUM), v),
            partial(np.add, v, step, v),
            partial(np.subtract, theta, v, theta),
        )

    def _nesterov(self, theta: Array, step: Array, v: Array, scratch: Array) -> Calls:
        """Nesterov's: v ← μ v + η g; θ ← θ − η g − μ v."""
        mu = self._number(MOMENTUM)
        return (
            partial(np.multiply, v, mu, v),
            partial(np.add, v, step, v),
            partial(np.multiply, v, mu, scratch),
            partial(np.add, scratch, step, scratch),
            partial(np.subtract, theta, scratch, theta),
        )

    def _rmsprop(self, theta: Array, g: Array, s: Array, scratch: Array) -> Calls:
        """RMSProp: s ← ρ s + (1 − ρ) g²; θ ← θ − η g / (√s + ε). Stored is s / (1 − ρ), which saves a call."""
        root = (1 - DECAY) ** 0.5
        return (
            *self._sum_of_squares(g, s, DECAY, scratch),
            *self._scaled_step(theta, g, s, self._number(EPSILON / root), self._bind(by=root), scratch),
        )

    def _adam(self, theta: Array, g: Array, m: Array, s: Array, scratch: Array) -> Calls:
        """Adam: m ← β₁ m + (1 − β₁) g; s ← β₂ s + (1 − β₂) g²; θ ← θ − η m̂ / (√ŝ + ε).

        Stored are m / (1 − β₁) and s / (1 − β₂), which saves two calls; these factors and the bias corrections of
        m and s are folded into the rate and ε.
        """
        return (
            partial(np.multiply, m, self._number(BETA_1), m),
            partial(np.add, m, g, m),
            *self._sum_of_squares(g, s, BETA_2, scratch),
            *self._scaled_step(theta, m, s, self._epsilon, self._rate, scratch),
        )

    def _sum_of_squares(self, g: Array, s: Array, kept: float, scratch: Array) -> Calls:
        return (
            partial(np.square, g, scratch),
            partial(np.multiply, s, self._number(kept), s),
            partial(np.add, s, scratch, s),
        )

    def _scaled_step(
        self, theta: Array, g: Array, s: Array, epsilon: Array, rate: Array, scratch: Array
    ) -> Calls:
        return (
            partial(np.sqrt, s, scratch),
            partial(np.add, scratch, epsilon, scratch),
            partial(np.divide, g, scratch, scratch),
            partial(np.multiply, scratch, rate, scratch),
            partial(np.subtract, theta, scratch, theta),
        )

    def _correct(self) -> None:
        """Set the rate and the ε of Adam's next step."""
        self._n_steps += 1
        root = ((1 - BETA_2) / (1 - BETA_2**self._n_steps)) ** 0.5
        self._epsilon[...] = EPSILON / root
        self._rate[...] = self._learning_rate * (1 - BETA_1) / (1 - BETA_1**self._n_steps) / root

    def _number(self, value: float) -> Array:
        return np.array(value, self._flat.dtype)

    def _bind(self, *factors: float, by: float = 1.0) -> Array:
        """Return the learning rate times the factors, divided by `by`, as a shape-() array that follows it."""
        if (factors, by) not in self._bound:
            self._bound[factors, by] = self._number(math.prod(factors, start=self._learning_rate) / by)
        return self._bound[factors, by]
