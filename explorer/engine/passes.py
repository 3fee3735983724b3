"""The forward and the backward pass of one mini-batch, as lists of bound calls.

Everything is written into arrays made once for a batch size. Samples are ROWS, as images lie in memory, and a
layer's weights V have shape (n_in, n_out): with a few dozen units after 784 inputs the product X·V is half as fast
again as W·X. V is the transpose of the textbook's W.

The first layer's bias is the weight of one more input, which is always 1: its sums and its step then come with the
products, and at 32 units no call is left that goes through 512 × 32 numbers row by row.

Rates are folded in early: the delta of the output layer is multiplied by the learning rate once, and since every
delta and gradient before it is linear in that delta, they all arrive as steps, ready to be subtracted.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from explorer.engine.dropout import Dropout
from explorer.engine.kernels import (
    HIDDEN_KERNELS,
    OUTPUT_DELTA_KERNELS,
    OUTPUT_KERNELS,
    Array,
    Calls,
    perform,
    product,
)
from explorer.engine.model import Model, Parameters

__all__ = ["BlockedPass", "Pass", "bounds", "inputs"]

_PIXEL_SCALE = 1.0 / 255.0


def inputs(rows: int, model: Model) -> Array:
    """Return room for the pixels of `rows` images, and after them the input of the bias."""
    X = np.empty((rows, model.parameters.sizes[0] + 1), model.dtype)
    X[:, -1] = 1 / _PIXEL_SCALE
    return X


def bounds(stop: int, size: int) -> list[tuple[int, int]]:
    """Return where the parts of `size` begin and end that 0 … `stop` is cut into; the last may be shorter."""
    return [(start, min(start + size, stop)) for start in range(0, stop, size)]


class LayerPass:
    """What one layer holds during a pass of `n` samples.

    ``a`` and ``h`` are the weighted sums and activations, ``kept`` the activations without those that dropout
    leaves out, ``delta`` is ∂L/∂a times the rate, each of shape (n, n_out); ``dV`` and ``db`` are the steps of the
    layer's parameters.
    """

    __slots__ = ("V", "a", "b", "dV", "db", "delta", "h", "kept", "scratch")

    def __init__(
        self, parameters: tuple[Array, Array], steps: tuple[Array, Array], n: int, drops: bool
    ) -> None:
        self.V, self.b = parameters
        self.dV, self.db = steps
        self.a, self.h, self.delta, self.scratch = (
            np.empty((n, self.V.shape[1]), self.V.dtype) for _ in range(4)
        )
        self.kept = np.empty_like(self.h) if drops else self.h
        if n == 1:
            self.delta = self.db  # one sample's delta is the sum of the deltas


class Pass:
    """The forward and the backward pass of one mini-batch of `n` samples, as calls to perform.

    Inputs have the shape (n, n_input + 1): pixels from 0 to 255, and a last column of 255. All count as divided
    by 255, but that is done after the first product: to the few sums instead of the many pixels.

    Parameters
    ----------
    model : Model
        Its weights are read at each pass, and written by nobody here.
    n : int
        Samples in the mini-batch.
    dropout : Dropout, optional
        What is left out of the pass; without it, nothing is.
    """

    def __init__(self, model: Model, n: int, dropout: Dropout | None = None) -> None:
        self.small_product, self.parameters = model.small_product, model.parameters
        self.steps = Parameters(model.parameters.sizes, model.dtype)
        self.activation, self.slope = HIDDEN_KERNELS[model.hidden_activation]
        self.output_activation = OUTPUT_KERNELS[model.output]
        self.output_delta = OUTPUT_DELTA_KERNELS[model.output, model.loss]
        pairs = zip(self.parameters.layers, self.steps.layers, strict=True)
        self.masks = {} if dropout is None else dropout.masks(n)
        self.dropout = dropout
        self.layers = tuple(
            LayerPass(layer, steps, n, number in self.masks) for number, (layer, steps) in enumerate(pairs, 1)
        )
        self.first, self.last = self.layers[0], self.layers[-1]
        self.scale = np.array(_PIXEL_SCALE, model.dtype)
        self.ones = np.ones((1, n), model.dtype)

    def forward(self, X: Array, Y: Array) -> Calls:
        """Return the calls that write the outputs for the inputs `X` into `Y`, shape (n, n_output).

        Layer by layer a = h V + b and h = f(a), from h = X.
        """
        return (
            *self.drop(0, X[:, :-1], X[:, :-1]),
            *self.first_sums(X, self.first.a),
            *self.forward_from_first(Y),
        )

    def drop(self, number: int, h: Array, kept: Array) -> Calls:
        """Return the calls that write what dropout keeps of a layer, 0 for the inputs, into `kept`."""
        if self.dropout is None or number not in self.masks:
            return ()
        mask = self.masks[number]
        return partial(self.dropout.draw, number, mask), partial(np.multiply, h, mask, kept)

    def first_sums(self, X: Array, a: Array) -> Calls:
        """Return the calls that write the first layer's weighted sums into `a`."""
        return (
            # (n, n_input + 1) · (n_input + 1, n_1) → (n, n_1)
            *product(X, self.parameters.first, a, self.small_product),
            partial(np.multiply, a, self.scale, a),
        )

    def forward_from_first(self, Y: Array) -> Calls:
        """Return the calls from the first layer's weighted sums to the outputs `Y`."""
        calls: Calls = ()
        for number, (layer, following) in enumerate(pairwise(self.layers), 1):
            calls += (
                *self.activation(layer.a, layer.h),
                *self.drop(number, layer.h, layer.kept),
                # (n, n_l) · (n_l, n_l+1) → (n, n_l+1)
                *product(layer.kept, following.V, following.a, self.small_product),
                partial(np.add, following.a, following.b, following.a),
            )
        return (*calls, *self.output_activation(self.last.a, Y))

    def backward(self, X: Array, Y: Array, D: Array, rate: Array) -> Calls:
        """Return the calls that write `rate` times the gradient of the loss, summed over samples, into `steps`.

        ``delta_L = rate · ∂L/∂a_L``, then back through the layers
        ``dV = hᵀ delta``, ``db = Σ delta``, ``delta before = (delta Vᵀ) ∘ f′(a before)``
        (Rumelhart, Hinton & Williams, 1986).

        Parameters
        ----------
        X : ndarray, shape (n, n_input + 1)
            The inputs of the forward pass.
        Y, D : ndarray, shape (n, n_output)
            Outputs of the forward pass, and the desired ones.
        rate : ndarray, shape ()
            Factor on the gradient: 1 for the gradient itself, the learning rate for a step.
        """
        delta = self.first.delta
        return (*self.backward_to_first(Y, D, rate, delta), *self.first_steps(X, delta))

    def first_steps(self, X: Array, delta: Array) -> Calls:
        """Return the calls that write the first layer's steps from its delta."""
        scaled = self.first.scratch
        return (
            partial(np.multiply, delta, self.scale, scaled),
            # (n_input + 1, n) · (n, n_1) → (n_input + 1, n_1)
            *product(X.T, scaled, self.steps.first, self.small_product),
        )

    def backward_to_first(self, Y: Array, D: Array, rate: Array, first_delta: Array) -> Calls:
        """Return the calls for the steps of all layers but the first, and the first layer's delta."""
        layer, delta = self.last, self.last.delta
        calls: Calls = (
            *self.output_delta(Y, D, delta, layer.scratch),
            partial(np.multiply, delta, rate, delta),
        )
        for number, before in reversed([*enumerate(self.layers[:-1], 1)]):
            before_delta = first_delta if before is self.first else before.delta
            # db = Σ delta, as a product, which is faster: (1, n) · (n, n_l) → (1, n_l)
            sums = () if delta is layer.db else product(self.ones, delta, layer.db)
            calls += (
                # (n_l, n) · (n, n_l+1) → (n_l, n_l+1)
                *product(before.kept.T, delta, layer.dV, self.small_product),
                *sums,
                *product(delta, layer.V.T, before_delta),  # (n, n_l+1) · (n_l+1, n_l) → (n, n_l)
                *self.only_kept(number, before_delta),
                *self.slope(before.h, before.scratch),
                partial(np.multiply, before_delta, before.scratch, before_delta),
            )
            layer, delta = before, before_delta
        return calls

    def only_kept(self, number: int, delta: Array) -> Calls:
        """Return the calls that multiply ∂L/∂h of a layer by its mask."""
        return (partial(np.multiply, delta, self.masks[number], delta),) if number in self.masks else ()


class BlockedPass:
    """Exact gradient descent on tiny mini-batches, the first layer a block of samples at a time.

    With one sample per step, most of the time goes into reading and writing the first layer's 784 × n_1 weights.
    But a step changes them by xᵀ delta only, so the weighted sums of a later sample t in the same block are
    known without applying it:

        x_t V_t  =  x_t V_0  −  Σ_{s<t} (x_t · x_s) delta_s

    One product X V_0 and the Gram matrix X Xᵀ serve the whole block, and one product Xᵀ delta applies all its
    steps at the end. The same numbers as step by step, up to rounding.

    The array `sums` holds the first term of each sample until its step, and its delta from then on. So the
    formula is one product: of the rows of `sums` down to t, with 1 for t itself and −x_t · x_s for each earlier
    s, which is what `gram` is made into.

    Parameters
    ----------
    model : Model
        Trained in place.
    X : ndarray, shape (rows, n_input + 1)
        The block's inputs.
    Y, D : ndarray, shape (rows, n_output)
        Outputs and desired outputs.
    batch_size : int
        Samples in a mini-batch; the last one in the block may be shorter.
    make_rate : callable
        Gives the factor on the gradient of a mini-batch, shape (), for its number of samples.
    """

    def __init__(
        self, model: Model, X: Array, Y: Array, D: Array, batch_size: int, make_rate: Callable[[int], Array]
    ) -> None:
        self.model, self.X, self.Y, self.D = model, X, Y, D
        rows, whole = len(X), Pass(model, len(X))
        self.sums = np.empty_like(whole.first.a)
        self.gram = np.zeros((rows, rows), X.dtype)
        passes = {n: Pass(model, n) for n in {min(batch_size, rows), rows % batch_size or batch_size}}
        updates = [
            self._update(passes[stop - start], start, stop, make_rate(stop - start))
            for start, stop in bounds(rows, batch_size)
        ]
        first, first_steps = whole.parameters.first, whole.steps.first
        updates[0] = (*whole.first_sums(X, self.sums), *self._make_gram(batch_size, whole), *updates[0])
        updates[-1] += (*whole.first_steps(X, self.sums), partial(np.subtract, first, first_steps, first))
        self.updates = tuple(updates)
        """For each mini-batch the calls for its outputs and its step, that of the first layer with the last."""

    def unapplied(self, rows: int) -> Array:
        """Return the steps that the first layer's weights and biases lack after `rows` of the block's samples."""
        begun = Pass(self.model, rows)
        perform(begun.first_steps(self.X[:rows], self.sums[:rows]))
        return begun.steps.first

    def _make_gram(self, batch_size: int, whole: Pass) -> Calls:
        batch = np.arange(len(self.X)) // batch_size
        earlier = batch[:, np.newaxis] > batch
        factor = np.where(earlier, -whole.scale * whole.scale, 0).astype(self.X.dtype)
        one = np.eye(len(batch), dtype=self.X.dtype)
        later = slice(batch_size, None)  # the first mini-batch has none before it
        return (
            *product(self.X[later], self.X.T, self.gram[later], whole.small_product),
            partial(np.multiply, self.gram, factor, self.gram),
            partial(np.add, self.gram, one, self.gram),
        )

    def _update(self, batch: Pass, start: int, stop: int, rate: Array) -> Calls:
        Y, D, own = self.Y[start:stop], self.D[start:stop], self.sums[start:stop]
        parameters, steps = batch.parameters.after_first, batch.steps.after_first
        return (
            # (n, stop) · (stop, n_1) → (n, n_1)
            *product(self.gram[start:stop, :stop], self.sums[:stop], batch.first.a),
            *batch.forward_from_first(Y),
            *batch.backward_to_first(Y, D, rate, own),
            partial(np.subtract, parameters, steps, parameters),
        )
