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
from explorer.engine.halves import in_halves
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

ALL = slice(None)

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
    leaves out by its ``mask``, ``delta`` is ∂L/∂a times the rate, each of shape (n, n_out); ``dV`` and ``db`` are
    the steps of the layer's parameters.
    """

    __slots__ = ("V", "a", "b", "dV", "db", "delta", "h", "kept", "mask", "number", "scratch")

    def __init__(
        self,
        number: int,
        parameters: tuple[Array, Array],
        steps: tuple[Array, Array],
        n: int,
        mask: Array | None,
    ) -> None:
        self.number, self.mask = number, mask
        self.V, self.b = parameters
        self.dV, self.db = steps
        self.a, self.h, self.delta, self.scratch = (
            np.empty((n, self.V.shape[1]), self.V.dtype) for _ in range(4)
        )
        self.kept = self.h if mask is None else np.empty_like(self.h)
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
        self.model, self.n, self.parameters = model, n, model.parameters
        self.steps = Parameters(model.parameters.sizes, model.dtype)
        self.activation, self.slope = HIDDEN_KERNELS[model.hidden_activation]
        self.output_activation = OUTPUT_KERNELS[model.output]
        self.output_delta = OUTPUT_DELTA_KERNELS[model.output, model.loss]
        pairs = zip(self.parameters.layers, self.steps.layers, strict=True)
        self.masks = {} if dropout is None else dropout.masks(n)
        self.dropout = dropout
        self.layers = tuple(
            LayerPass(number, layer, steps, n, self.masks.get(number))
            for number, (layer, steps) in enumerate(pairs, 1)
        )
        self.first, self.last = self.layers[0], self.layers[-1]
        self.scale = np.array(_PIXEL_SCALE, model.dtype)
        self.ones = np.ones((1, n), model.dtype)

    def product(self, left: Array, right: Array, out: Array) -> Calls:
        """Return the calls for a matrix product."""
        return product(left, right, out, self.model.small_product)

    def in_halves(self, make: Callable[[slice], Calls], V: Array, axis: int) -> Calls:
        """Return the calls for each of a layer's inputs, axis 0 of its weights `V`, or units, axis 1."""
        return in_halves(make, V.shape[axis], self.n * V.size, self.model.n_threads)

    def forward(self, X: Array, Y: Array) -> Calls:
        """Return the calls that write the outputs for the inputs `X` into `Y`, shape (n, n_output).

        Layer by layer a = h V + b and h = f(a), from h = X.
        """

        def first(units: slice) -> Calls:
            return *self.first_sums(X, self.first.a, units), *self.activate(self.first, units)

        pixels, mask = X[:, :-1], self.masks.get(0)
        drop: Calls = () if mask is None else (*self.draw(0), partial(np.multiply, pixels, mask, pixels))
        return *drop, *self.draw(1), *self.in_halves(first, self.first.V, 1), *self.forward_from_second(Y)

    def draw(self, number: int) -> Calls:
        """Return the calls that draw what dropout keeps of a layer, 0 for the inputs."""
        if self.dropout is None or number not in self.masks:
            return ()
        return (partial(self.dropout.draw, number, self.masks[number]),)

    def first_sums(self, X: Array, a: Array, units: slice = ALL) -> Calls:
        """Return the calls that write the weighted sums of the first layer's units into their columns of `a`."""
        sums = a[:, units]
        return (
            # (n, n_input + 1) · (n_input + 1, n_1) → (n, n_1)
            *self.product(X, self.parameters.first[:, units], sums),
            partial(np.multiply, sums, self.scale, sums),
        )

    def activate(self, layer: LayerPass, units: slice = ALL) -> Calls:
        """Return the calls from the weighted sums of a hidden layer's units to what is kept of h = f(a)."""
        h = layer.h[:, units]
        drop = (
            ()
            if layer.mask is None
            else (partial(np.multiply, h, layer.mask[:, units], layer.kept[:, units]),)
        )
        return *self.activation(layer.a[:, units], h), *drop

    def forward_from_second(self, Y: Array) -> Calls:
        """Return the calls from the first layer's activations to the outputs `Y`."""
        calls: Calls = ()
        for before, layer in pairwise(self.layers):
            make = partial(self.follow, before, layer)
            calls += (*self.draw(layer.number), *self.in_halves(make, layer.V, 1))
        return (*calls, *self.output_activation(self.last.a, Y))

    def follow(self, before: LayerPass, layer: LayerPass, units: slice) -> Calls:
        """Return the calls for the weighted sums of some of a layer's units, and what comes of them."""
        a = layer.a[:, units]
        return (
            # (n, n_l) · (n_l, n_l+1) → (n, n_l+1)
            *self.product(before.kept, layer.V[:, units], a),
            partial(np.add, a, layer.b[:, units], a),
            *(() if layer is self.last else self.activate(layer, units)),
        )

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
        scaled, steps = self.first.scratch, self.steps.first

        def make(inputs: slice) -> Calls:
            # (n_input + 1, n) · (n, n_1) → (n_input + 1, n_1)
            return self.product(X.T[inputs], scaled, steps[inputs])

        return partial(np.multiply, delta, self.scale, scaled), *self.in_halves(make, steps, 0)

    def backward_to_first(self, Y: Array, D: Array, rate: Array, first_delta: Array) -> Calls:
        """Return the calls for the steps of all layers but the first, and the first layer's delta."""
        delta = self.last.delta
        calls: Calls = (
            *self.output_delta(Y, D, delta, self.last.scratch),
            partial(np.multiply, delta, rate, delta),
        )
        for before, layer in reversed([*pairwise(self.layers)]):
            before_delta = first_delta if before is self.first else before.delta
            # db = Σ delta, as a product, which is faster: (1, n) · (n, n_l) → (1, n_l)
            sums = () if delta is layer.db else product(self.ones, delta, layer.db)
            steps = self.in_halves(partial(self.steps_of, before, layer, delta), layer.V, 0)
            back = self.in_halves(partial(self.go_back, before, layer, delta, before_delta), layer.V, 0)
            calls += (*steps, *sums, *back)
            delta = before_delta
        return calls

    def steps_of(self, before: LayerPass, layer: LayerPass, delta: Array, inputs: slice) -> Calls:
        """Return the calls for the steps of the weights between some of a layer's inputs and all its units."""
        # (n_l, n) · (n, n_l+1) → (n_l, n_l+1)
        return self.product(before.kept.T[inputs], delta, layer.dV[inputs])

    def go_back(
        self, before: LayerPass, layer: LayerPass, delta: Array, before_delta: Array, inputs: slice
    ) -> Calls:
        """Return the calls for the delta of some of a layer's inputs, which are the units before."""
        out, slope = before_delta[:, inputs], before.scratch[:, inputs]
        mask = before.mask
        return (
            *product(delta, layer.V[inputs].T, out),  # (n, n_l+1) · (n_l+1, n_l) → (n, n_l)
            *(() if mask is None else (partial(np.multiply, out, mask[:, inputs], out),)),
            *self.slope(before.h[:, inputs], slope),
            partial(np.multiply, out, slope, out),
        )


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
            *whole.product(self.X[later], self.X.T, self.gram[later]),
            partial(np.multiply, self.gram, factor, self.gram),
            partial(np.add, self.gram, one, self.gram),
        )

    def _update(self, batch: Pass, start: int, stop: int, rate: Array) -> Calls:
        Y, D, own = self.Y[start:stop], self.D[start:stop], self.sums[start:stop]
        parameters, steps = batch.parameters.after_first, batch.steps.after_first
        return (
            # (n, stop) · (stop, n_1) → (n, n_1)
            *product(self.gram[start:stop, :stop], self.sums[:stop], batch.first.a),
            *batch.activate(batch.first),
            *batch.forward_from_second(Y),
            *batch.backward_to_first(Y, D, rate, own),
            partial(np.subtract, parameters, steps, parameters),
        )
