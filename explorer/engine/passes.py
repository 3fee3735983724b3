"""The forward and backward passes of one mini-batch, as lists of bound calls.

All results are written into arrays allocated once for a batch size. Samples are ROWS, as images are in memory, and
a layer's weights V, (n_in, n_out), are the transpose of W in `explorer.network`: with a few dozen units after 784
inputs the product X·V is half as fast again as W·X. The first layer's bias is the weight of one more input, which
is always 1: its sums and its step then come with the products.

Rates are folded in early: the delta of the output layer is multiplied by a rate once, and every delta and gradient
before it is linear in that delta. With plain SGD and momentum it is the learning rate, for a sum or a mean, so the
results are steps, ready to be subtracted; with RMSProp and Adam it is 1/n, for the mean gradient.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from explorer.engine.inputs import PIXEL_SCALE, Inputs
from explorer.engine.kernels import (
    HIDDEN_KERNELS,
    OUTPUT_DELTA_KERNELS,
    OUTPUT_KERNELS,
    Array,
    Calls,
    Half,
    aligned,
    first_half,
    product,
    whole,
)
from explorer.engine.model import Model

ALL = slice(None)

_DROPOUT_STREAM = 1  # of the run's seed; that of augmentation is 2
_IMAGES_MIDDLE = 0.6  # where a mini-batch is split if blank inputs are skipped: the first half has less ink
_STEPS_MIDDLE = 0.42  # where the steps are split then: the second half has the skipped inputs


def bounds(stop: int, size: int) -> list[tuple[int, int]]:
    """Return the start and stop of each part of `size` in 0 … `stop`; the last may be shorter."""
    return [(start, min(start + size, stop)) for start in range(0, stop, size)]


class DropoutMasks:
    """Dropout masks of a run, drawn as in `explorer.network.regularization.dropout_mask`.

    Each layer has its own random numbers, which restart with each epoch: an epoch's masks depend neither on
    earlier epochs nor on the parts that a large mini-batch is split into. `rates` and `sizes` are those of the
    inputs and of each hidden layer.
    """

    def __init__(self, rates: Sequence[float], sizes: Sequence[int], seed: int, dtype: np.dtype[Any]) -> None:
        self._seed, self._dtype = seed, dtype
        layers = enumerate(zip(rates, sizes, strict=True))
        self._layers = {number: (rate, size) for number, (rate, size) in layers if rate}
        self._rngs: dict[int, np.random.Generator] = {}

    def begin(self, epoch: int) -> None:
        """Seed the random numbers of an epoch, 1 for the first."""
        seeds = {number: [self._seed, _DROPOUT_STREAM, epoch, number] for number in self._layers}
        self._rngs = {number: np.random.default_rng(seed) for number, seed in seeds.items()}

    def masks(self, n: int) -> dict[int, Array]:
        """Allocate the masks of a mini-batch of `n` samples, (n, n_units), by layer; 0 is the inputs."""
        return {number: np.empty((n, size), self._dtype) for number, (_, size) in self._layers.items()}

    def draw(self, number: int, mask: Array) -> None:
        """Draw the mask of a layer."""
        rate = self._layers[number][0]
        drawn = mask if mask.dtype == np.float32 else np.empty(mask.shape, np.float32)
        self._rngs[number].random(dtype=np.float32, out=drawn)
        np.multiply(rate <= drawn, np.float32(1 / (1 - rate)), out=mask)


class LayerPass:
    """The arrays of one layer for a pass of `n` samples.

    ``a`` are the weighted sums, overwritten by the activations ``h``; ``kept`` are the activations after dropout
    by ``mask``; ``delta`` is ∂L/∂a times the rate; each has the shape (n, n_out). ``dV`` and ``db`` are the steps
    of the layer's parameters.
    """

    __slots__ = ("V", "a", "b", "dV", "db", "delta", "h", "kept", "mask", "scratch")

    def __init__(
        self, parameters: tuple[Array, Array], steps: tuple[Array, Array], n: int, mask: Array | None
    ) -> None:
        self.mask = mask
        self.V, self.b = parameters
        self.dV, self.db = steps
        self.h, self.delta, self.scratch = (np.empty((n, self.V.shape[1]), self.V.dtype) for _ in range(3))
        self.a = self.h
        self.kept = self.h if mask is None else np.empty_like(self.h)
        if n == 1:
            self.delta = self.db  # one sample's delta is the sum of the deltas


class Pass:
    """The forward and backward passes of one mini-batch of `n` samples, as calls to perform.

    Inputs have the shape (n, n_input + 1): a first column of 255, and pixels from 0 to 255. All count as divided
    by 255, but the division is applied after the first product: to the few sums instead of the many pixels. The
    model's weights are read, and never written.
    """

    def __init__(self, model: Model, n: int, dropout: DropoutMasks | None = None) -> None:
        self.n, self.parameters = n, model.parameters
        self.product = partial(product, small=model.small_product)
        self.steps = model.new_parameters()
        self._leaves_blank_out = model.order is not None and model.is_large(n)
        self._n_inked = [0, 0]  # number of inputs up to the last one with ink, in each half
        self.middles = (_IMAGES_MIDDLE, _STEPS_MIDDLE) if self._leaves_blank_out else (0.5, 0.5)
        """Where the images are split, and where the steps."""
        self.activation, self.slope = HIDDEN_KERNELS[model.hidden_activation]
        self.output_activation = OUTPUT_KERNELS[model.output]
        self.output_delta = OUTPUT_DELTA_KERNELS[model.output, model.loss]
        pairs = zip(self.parameters.layers, self.steps.layers, strict=True)
        self.masks = {} if dropout is None else dropout.masks(n)
        self.dropout = dropout
        self.layers = tuple(
            LayerPass(layer, steps, n, self.masks.get(number))
            for number, (layer, steps) in enumerate(pairs, 1)
        )
        self.first, self.last = self.layers[0], self.layers[-1]
        self.scale = np.array(PIXEL_SCALE, model.dtype)
        self.ones = np.ones((1, n), model.dtype)

    def draw(self) -> Calls:
        """Return the calls that draw the dropout masks; perform them before the passes."""
        if self.dropout is None:
            return ()
        return tuple(partial(self.dropout.draw, number, mask) for number, mask in self.masks.items())

    def forward(self, inputs: Inputs, Y: Array, half: Half = whole) -> Calls:
        """Return the calls that write the outputs for half of `n` inputs into `Y`, shape (n, n_output).

        Layer by layer a = h V + b and h = f(a), from h = X.
        """
        rows = half(self.n)
        pixels, mask = inputs.X[rows, 1:], self.masks.get(0)
        drop: Calls = () if mask is None else (partial(np.multiply, pixels, mask[rows], pixels),)
        sums = self.first_sums(inputs, self.first.a, rows)
        return *drop, *sums, *self.activate(self.first, rows), *self.forward_from_second(Y, rows)

    def first_sums(self, inputs: Inputs, a: Array, rows: slice) -> Calls:
        """Return the calls that write the first layer's weighted sums of some inputs into the same rows of `a`."""
        V, sums = self.parameters.joint[0], a[rows]
        # (n, n_input + 1) · (n_input + 1, n_1) → (n, n_1)
        calls: Calls = (partial(self._sum_inked, inputs, V, sums, rows),)
        if not self._leaves_blank_out:
            calls = self.product(inputs.X[rows], V, sums)
        return *calls, partial(np.multiply, sums, self.scale, sums)

    def _sum_inked(self, inputs: Inputs, V: Array, sums: Array, rows: slice) -> None:
        if rows.start == rows.stop:
            return  # with few images the first half is empty
        n = inputs.n_inked(rows)
        np.matmul(inputs.X[rows, :n], V[:n], sums)
        if rows.start == 0:
            self._n_inked[0] = n
        if rows.stop == self.n:
            self._n_inked[1] = n

    def activate(self, layer: LayerPass, rows: slice = ALL) -> Calls:
        """Return the calls from a hidden layer's weighted sums to h = f(a) after dropout."""
        h, mask = layer.h[rows], layer.mask
        drop = () if mask is None else (partial(np.multiply, h, mask[rows], layer.kept[rows]),)
        return *self.activation(layer.a[rows], h), *drop

    def forward_from_second(self, Y: Array, rows: slice = ALL) -> Calls:
        """Return the calls from the first layer's activations to the outputs `Y`."""
        calls: Calls = ()
        for before, layer in pairwise(self.layers):
            a = layer.a[rows]
            # (n, n_l) · (n_l, n_l+1) → (n, n_l+1)
            calls += (*self.product(before.kept[rows], layer.V, a), partial(np.add, a, layer.b, a))
            if layer is not self.last:
                calls += self.activate(layer, rows)
        return (*calls, *self.output_activation(self.last.a[rows], Y[rows]))

    def backward(self, Y: Array, D: Array, rate: Array, half: Half = whole) -> Calls:
        """Return the calls that write ∂L/∂a, multiplied by `rate`, of half of the samples into each `delta`.

        ``delta_L = rate · ∂L/∂a_L``, then back through the layers ``delta before = (delta Vᵀ) ∘ f′(a before)``
        (Rumelhart, Hinton & Williams, 1986). `Y` and `D` are the outputs and the desired ones, both (n, n_output).
        """
        rows = half(self.n)
        first = self.first.delta
        return *self.backward_to(first, Y, D, rate, rows), *self.scale_first(first, rows)

    def backward_to(self, first_delta: Array, Y: Array, D: Array, rate: Array, rows: slice = ALL) -> Calls:
        """Return the calls for the deltas of all layers, the first layer's into `first_delta`."""
        delta = self.last.delta[rows]
        calls: Calls = (
            *self.output_delta(Y[rows], D[rows], delta, self.last.scratch[rows]),
            partial(np.multiply, delta, rate, delta),
        )
        for before, layer in reversed([*pairwise(self.layers)]):
            out, slope = (first_delta if before is self.first else before.delta)[rows], before.scratch[rows]
            calls += (
                *product(delta, layer.V.T, out),  # (n, n_l+1) · (n_l+1, n_l) → (n, n_l)
                *(() if before.mask is None else (partial(np.multiply, out, before.mask[rows], out),)),
                *self.slope(before.h[rows], slope),
                partial(np.multiply, out, slope, out),
            )
            delta = out
        return calls

    def scale_first(self, delta: Array, rows: slice = ALL) -> Calls:
        """Return the calls for the first layer's delta / 255, as its inputs are scaled, in its `scratch`."""
        return (partial(np.multiply, delta[rows], self.scale, self.first.scratch[rows]),)

    def first_steps(self, X: Array, half: Half = whole) -> Calls:
        """Return the calls that write half of the first layer's steps, given its scaled delta.

        Steps, ``dV = hᵀ delta`` and ``db = Σ delta``, are `rate` times the loss's gradient, summed over samples.
        """
        scaled, rows = self.first.scratch, self.steps.rows(half)[0]
        steps = self.steps.joint[0][rows]
        if self._leaves_blank_out:
            return (partial(self._step_inked, X.T[rows], scaled, steps, rows.start),)
        # (n_input + 1, n) · (n, n_1) → (n_input + 1, n_1)
        return self.product(X.T[rows], scaled, steps)

    def _step_inked(self, X: Array, scaled: Array, steps: Array, start: int) -> None:
        first, second = (max(0, aligned(n) - start) for n in self._n_inked)
        np.matmul(X[:first], scaled, steps[:first])
        if first < second:  # inputs blank in all images of the first half
            images = slice(first_half(self.n, _IMAGES_MIDDLE), self.n)
            np.matmul(X[first:second, images], scaled[images], steps[first:second])
        steps[max(first, second) :] = 0

    def steps_from_second(self, half: Half = whole) -> Calls:
        """Return the calls that write half of the steps of all layers but the first, given their deltas."""
        calls: Calls = ()
        rows = self.steps.rows(half)[1:]
        for (before, layer), joint in zip(pairwise(self.layers), rows, strict=True):
            if joint.start == joint.stop:
                continue
            if joint.start == 0 and layer.delta is not layer.db:
                # db = Σ delta, computed faster as a product: (1, n) · (n, n_l) → (1, n_l)
                calls += product(self.ones, layer.delta, layer.db)
            inputs = slice(max(0, joint.start - 1), joint.stop - 1)
            # (n_l, n) · (n, n_l+1) → (n_l, n_l+1)
            calls += self.product(before.kept.T[inputs], layer.delta, layer.dV[inputs])
        return calls


class BlockedPass:
    """Exact gradient descent on tiny mini-batches, processing the first layer a block of samples at a time.

    With one sample per step, most of the time goes into reading and writing the first layer's 784 × n_1 weights.
    But a step changes them only by xᵀ delta, which includes the learning rate, so the weighted sums of a
    sample t are known without applying the steps of the block's earlier mini-batches:

        x_t V  =  x_t V_0  −  Σ_s (x_t · x_s) delta_s      over the samples s of earlier mini-batches

    (the exact block form of LMS: Benesty & Duhamel, 1992, here for a network's first layer). One product X V_0 and
    the Gram matrix X Xᵀ serve the whole block, and one product Xᵀ delta applies all its steps at the end. The
    results equal those of single steps, up to rounding.

    The array `sums` holds the first term of each sample until its step, and its delta from then on. So the
    formula is one product: of the rows of `sums` down to t, with 1 for t itself and −x_t · x_s for each such
    s. `gram` holds these factors.

    The block is in the first rows of the `inputs`; its outputs and targets, `Y` and `D`, are (rows, n_output).
    `make_rate` returns the factor on the gradient of a mini-batch, given its number of samples.
    """

    def __init__(
        self,
        model: Model,
        inputs: Inputs,
        Y: Array,
        D: Array,
        batch_size: int,
        make_rate: Callable[[int], Array],
    ) -> None:
        rows, block = len(Y), Pass(model, len(Y))
        self.X, self.Y, self.D = inputs.X[:rows], Y, D
        X = self.X
        self.sums = np.empty_like(block.first.a)
        self.gram = np.zeros((rows, rows), X.dtype)
        passes = {n: Pass(model, n) for n in {min(batch_size, rows), rows % batch_size or batch_size}}
        updates = [
            self._update(passes[stop - start], start, stop, make_rate(stop - start))
            for start, stop in bounds(rows, batch_size)
        ]
        first, first_steps = block.parameters.joint[0], block.steps.joint[0]
        updates[0] = (
            *block.first_sums(inputs, self.sums, slice(0, rows)),
            *self._make_gram(batch_size, block),
            *updates[0],
        )
        updates[-1] += (
            *block.scale_first(self.sums),
            *block.first_steps(X),
            partial(np.subtract, first, first_steps, first),
        )
        self.work = tuple(updates)
        """The calls for each mini-batch's outputs and step; the first layer's step is part of the last one."""

    def unapplied(self, rows: int) -> Array:
        """Return the steps still pending in the first layer after `rows` samples, shape (n_input + 1, n_1)."""
        unapplied: Array = self.X[:rows].T @ (self.sums[:rows] * PIXEL_SCALE)
        return unapplied

    def _make_gram(self, batch_size: int, block: Pass) -> Calls:
        batch = np.arange(len(self.X)) // batch_size
        earlier = batch[:, np.newaxis] > batch
        factor = np.where(earlier, -block.scale * block.scale, 0).astype(self.X.dtype)
        one = np.eye(len(batch), dtype=self.X.dtype)
        later = slice(batch_size, None)  # the first mini-batch has no earlier ones
        return (
            *block.product(self.X[later], self.X.T, self.gram[later]),
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
            *batch.backward_to(own, Y, D, rate),
            *batch.steps_from_second(),
            partial(np.subtract, parameters, steps, parameters),
        )
