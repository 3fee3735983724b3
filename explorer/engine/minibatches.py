"""Training on the images of an epoch, mini-batch by mini-batch.

Images are gathered in loads of up to 512: mini-batches, or a part of a large one, whose gradients are summed. This
bounds the memory, keeps the work in the processor's cache, and gives frequent chances to stop. Tiny mini-batches
share the work on the first layer in a block. All arrays, and the lists of calls on them, are made once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.engine.descent import UPDATE_WORK, Descent
from explorer.engine.inputs import Inputs
from explorer.engine.kernels import Array, Calls, Half
from explorer.engine.model import Model, Parameters
from explorer.engine.passes import BlockedPass, DropoutMasks, Pass, bounds
from explorer.engine.scoring import Score, score_outputs

BLOCK_ROWS = 32  # images in a block, and rows and columns of its Gram matrix
LOAD_ROWS = 512  # images gathered at once
LARGEST_BLOCKED = 8  # largest mini-batch size at which mini-batches share their work on the first layer
SCORES_PER_EPOCH = 20  # the most scores of its training images that an epoch yields


@dataclass(frozen=True, slots=True)
class Part:
    """Progress since the last part."""

    is_step: bool  # whether a mini-batch is complete and the weights have changed; False within a large one
    score: Score | None = None
    """Sums over the images since the last score, each measured before its update. At most 20 per epoch, because it
    takes time; the last part of an epoch has one. None in the other parts."""
    batch: Score | None = None
    """Sums over the completed mini-batch, if an epoch has at most 20 of them."""


_STEP = Part(is_step=True)


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Images that are gathered at once, and the work on them."""

    rows: int
    work: tuple[Calls, ...]  # the calls of each mini-batch; a single entry for a part of a large one
    is_step: bool = True  # whether a mini-batch is complete afterwards
    block: BlockedPass | None = None  # does the work if mini-batches are tiny


class MiniBatches:
    """The mini-batches of a data set's training images, and the model that is trained on them in place.

    The gradient is the sum or the mean (`reduction`) over `batch_size` images, at most all; `seed` is that of
    dropout. ``take(start, stop, out)`` writes the epoch's images between two positions into `out`, uint8, shape
    (stop - start, n_inputs), for a model made without a data set; by default they are the data set's, unchanged.
    The caller must silence NumPy's warnings of infinite values and NaN: both show in the scores.
    """

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        batch_size: int,
        learning_rate: float,
        reduction: str,
        *,
        seed: int = 0,
        take: Callable[[int, int, NDArray[np.uint8]], object] | None = None,
    ) -> None:
        n, n_inputs, n_classes = len(dataset.train_labels), dataset.n_inputs, dataset.n_classes
        self.model = model
        self.descent = Descent(model, learning_rate, reduction)
        sizes = model.sizes[:-1]
        self._dropout = DropoutMasks(model.dropout, sizes, seed, model.dtype) if any(model.dropout) else None
        self._take = take
        self._labels = dataset.train_labels
        self._one_hot = np.eye(n_classes, dtype=model.dtype)
        self._pass = cache(partial(Pass, model, dropout=self._dropout))  # by number of images
        rows = min(LOAD_ROWS, n)
        self._inputs = model.inputs(rows)
        unsorted = dataset.train_images.reshape(n, n_inputs)
        self._images = unsorted if model.inked is None else model.inked.images
        is_written = take is not None or (model.inked is not None and not model.inked.is_sorted)
        self._taken = np.empty((rows if is_written else 0, n_inputs), np.uint8)
        self._indices = np.empty(rows, np.int64)  # of the load's images
        # Not a method: the calls of the loads must not hold what holds them, and so all memory until Python looks.
        images = None if take else self._images
        self._write = partial(_write, self._inputs, images, self._indices, self._taken)
        self._Y, self._D = (np.empty((rows, n_classes), model.dtype) for _ in range(2))
        self._outputs = np.empty((-(-n // SCORES_PER_EPOCH) + rows, n_classes), model.dtype)
        self._load: Load | None
        self._plan(batch_size)

    def resized(self, batch_size: int) -> MiniBatches:
        """Return mini-batches of another size that continue with the same model and optimizer.

        The current epoch ends: it yields a score after the completed mini-batch, then stops.
        """
        first = self.model.parameters.joint[0]
        with self.settled():
            settled = first.copy()
        first[:] = settled
        self._is_ended, self._load = True, None
        made = copy(self)
        made._plan(batch_size)
        return made

    def _plan(self, batch_size: int) -> None:
        self.batch_size = size = min(batch_size, len(self._labels))
        self._is_in_parts = size > LOAD_ROWS
        self.scores_each = len(self._labels) <= SCORES_PER_EPOCH * size
        """Whether an epoch has at most 20 mini-batches, so that each has its own score."""
        self.is_blocked = size <= LARGEST_BLOCKED and self.descent.is_plain and self._dropout is None
        """Whether tiny mini-batches share their work on the first layer."""
        self._is_shared = self.model.is_large(min(size, LOAD_ROWS)) and not self.is_blocked
        """Whether two threads process halves of each mini-batch, and each gathers its own."""
        self._loads = dict[int, tuple[Load, ...]]()  # by number of images
        self._load, self._done, self._is_ended = None, 0, False
        self._is_penalised = any(self.model.penalties)

    def _loads_of(self, n: int) -> Iterator[Load]:
        if self._is_in_parts:
            make_loads, most = self._parts, self.batch_size
        elif self.is_blocked:
            make_loads, most = self._block, BLOCK_ROWS // self.batch_size * self.batch_size
        else:
            make_loads, most = self._slices, LOAD_ROWS // self.batch_size * self.batch_size
        for start, stop in bounds(n, most):
            if stop - start not in self._loads:
                self._loads[stop - start] = make_loads(stop - start)
            yield from self._loads[stop - start]

    def epoch(self, order: NDArray[np.int64], number: int = 1, begin: int = 0) -> Iterator[Part]:
        """Train on some images once, yielding after each part.

        `order` has the indices of the epoch's images in the data set, shape (n,); the first `begin` of them have
        been trained on already. `number` is 1 for the first epoch.
        """
        order = self._by_ink(order, begin)
        n, labels = len(order), self._labels[order]
        scores_each = self.scores_each and not self._is_in_parts
        start = scored = counted = begin  # images processed, scored, and counted in a mini-batch
        batch = Score()
        if self._dropout is not None and not begin:
            self._dropout.begin(number)
        self._penalty = self._penalties = 0.0  # of each sample now; sum since the last score
        self._is_first_load = True
        for load in self._loads_of(n - begin):
            stop = start + load.rows
            self._gather(order[start:stop], start, labels[start:stop])
            self._load = load
            for self._done, calls in enumerate(load.work, 1):
                if self._is_penalised:
                    self._penalise(load)
                for call in calls:
                    call()
                if scores_each:
                    rows = slice((self._done - 1) * self.batch_size, self._done * self.batch_size)
                    batch = self._score(self._Y[rows], labels[start:stop][rows]).penalised(self._penalty)
                if self._done < len(load.work):
                    yield Part(is_step=True, batch=batch) if scores_each else _STEP
                    if self._is_ended:
                        done = self._done * self.batch_size
                        self._outputs[start - scored : start + done - scored] = self._Y[:done]
                        yield Part(False, self._score_all(labels[scored : start + done]))
                        return
            self._outputs[start - scored : stop - scored] = self._Y[: stop - start]
            start = stop
            is_due = (stop - scored) * SCORES_PER_EPOCH >= n or stop == n
            score = self._score_all(labels[scored:stop]) if is_due else None
            if self.scores_each and self._is_in_parts and (is_due or load.is_step):
                own = score if counted == scored else None  # the same images
                since = self._outputs[counted - scored :], labels[counted:stop]
                batch += own or self._score(*since).penalised(self._penalty)
                counted = stop
            yield Part(load.is_step, score, batch if self.scores_each and load.is_step else None)
            if self._is_ended and load.is_step and stop < n:
                yield Part(False, None if is_due else self._score_all(labels[scored:stop]))
                return
            scored = stop if is_due else scored
            batch = Score() if load.is_step else batch

    def _penalise(self, load: Load) -> None:
        """Add the penalty of the next images, computed with the weights before their update."""
        if self._is_first_load:
            self._penalty = self.model.penalty()
        self._is_first_load = load.is_step
        rows = min(self.batch_size, load.rows - (self._done - 1) * self.batch_size)
        self._penalties += rows * self._penalty

    def _by_ink(self, order: NDArray[np.int64], begin: int) -> NDArray[np.int64]:
        """Return an epoch's images, sorted from `begin` on within each pass by where their ink ends."""
        if self.model.inked is None:
            return order
        batch, within = np.divmod(np.arange(len(order) - begin), self.batch_size)
        sorted_rest = self.model.inked.by_ink(order[begin:], within // LOAD_ROWS, batch)
        return np.concatenate([order[:begin], sorted_rest])

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Return a context with the weights after the last mini-batch; within a block its steps are pending."""
        done, load = self._done * self.batch_size, self._load
        if load is None or load.block is None or not 0 < done < load.rows:
            yield
            return
        first = self.model.parameters.joint[0]
        before = first.copy()
        with np.errstate(all="ignore"):
            first -= load.block.unapplied(done)
        try:
            yield
        finally:
            first[:] = before

    def _slices(self, rows: int) -> tuple[Load, ...]:
        """Return a load whose mini-batches are slices of it."""
        work = list[Calls]()
        for start, stop in bounds(rows, self.batch_size):
            n, steps = stop - start, self._pass(stop - start).steps
            update = partial(self.descent.update, steps, n)
            work.append((*self._passes(start, stop, n), *self._steps(start, stop, update, is_last=True)))
        return (Load(rows, tuple(work)),)

    def _block(self, rows: int) -> tuple[Load, ...]:
        """Return a load of tiny mini-batches that share their work on the first layer."""
        Y, D = self._Y[:rows], self._D[:rows]
        block = BlockedPass(self.model, self._inputs, Y, D, self.batch_size, self.descent.rate)
        return (Load(rows, block.work, block=block),)

    def _parts(self, rows: int) -> tuple[Load, ...]:
        """Return the loads of one large mini-batch, whose gradients are summed."""
        total, loads = self.model.new_parameters(), []

        def add(steps: Parameters, is_first: bool, half: Half) -> Calls:
            span = total.span(half)
            a, b = total.flat[span], steps.flat[span]
            return (partial(np.copyto, a, b) if is_first else partial(np.add, a, b, a),)

        for start, stop in bounds(rows, LOAD_ROWS):
            n, is_last = stop - start, stop == rows
            then = [partial(add, self._pass(n).steps, not start)]
            if is_last:
                then.append(partial(self.descent.update, total, rows))
            calls = (*self._passes(0, n, rows), *self._steps(0, n, *then, is_last=is_last))
            loads.append(Load(n, (calls,), is_step=is_last))
        return tuple(loads)

    def _passes(self, start: int, stop: int, size: int) -> Calls:
        """Return the calls for the outputs and deltas of a load's images, in a mini-batch of `size` images."""
        batch, rows, rate = self._pass(stop - start), slice(start, stop), self.descent.rate(size)
        inputs, Y, D = self._inputs[rows], self._Y[rows], self._D[rows]

        def both(half: Half) -> Calls:
            part = half(stop - start)
            own = slice(start + part.start, start + part.stop)
            gather: Calls = (partial(self._write, own),) if self._is_shared else ()
            return *gather, *batch.forward(inputs, Y, half), *batch.backward(Y, D, rate, half)

        return *batch.draw(), *self.model.in_halves(both, stop - start, batch.middles[0])

    def _steps(self, start: int, stop: int, *then: Callable[[Half], Calls], is_last: bool) -> Calls:
        """Return the calls for the steps of a load's images, followed by the calls of each `then` on each half."""
        batch, X, descent = self._pass(stop - start), self._inputs.X[start:stop], self.descent

        def step(half: Half) -> Calls:
            own = *batch.first_steps(X, half), *batch.steps_from_second(half)
            return *own, *(call for each in then for call in each(half))

        calls = self.model.in_halves(step, stop - start + UPDATE_WORK, batch.middles[1])
        return (*descent.prepare(), *calls, *descent.finish()) if is_last else calls

    def _gather(self, indices: NDArray[np.int64], start: int, labels: NDArray[np.int64]) -> None:
        n = len(indices)
        if self._take is not None:
            self._take(start, start + n, self._taken[:n])
        self._indices[:n] = indices
        np.take(self._one_hot, labels, 0, self._D[:n], "clip")
        if not self._is_shared:
            self._write(slice(n))

    def _score(self, outputs: Array, labels: NDArray[np.int64]) -> Score:
        return score_outputs(outputs[: len(labels)], self._one_hot[labels], labels, self.model.loss)

    def _score_all(self, labels: NDArray[np.int64]) -> Score:
        score, penalties = self._score(self._outputs, labels), self._penalties
        self._penalties = 0.0
        return Score(score.n, score.hits, score.loss + penalties)


def _write(
    inputs: Inputs,
    images: NDArray[np.uint8] | None,
    indices: NDArray[np.int64],
    taken: NDArray[np.uint8],
    rows: slice,
) -> None:
    """Write the load's images into some rows of the inputs: `images` at `indices`, or those `taken`."""
    if images is not None and not len(taken):
        inputs.gather(images, indices[rows], rows)
        return
    if images is not None:  # whose pixels are not sorted
        np.take(images, indices[rows], 0, taken[rows], "clip")
    inputs.write(taken[rows], rows)
