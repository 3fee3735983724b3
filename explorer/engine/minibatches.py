"""The images of an epoch, mini-batch by mini-batch, each followed by a step of the model.

Images are gathered in loads of up to 512: one or more mini-batches, or a part of a large one, whose gradients are
added up. So memory stays bounded, the work stays in the processor's cache, and nobody waits long for a chance to
stop. Of tiny mini-batches a load is one block, in which they share their work on the first layer.

All arrays are made once, and so are the lists of calls that work on them: an epoch goes through the lists.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from explorer.datasets import Dataset
from explorer.engine.descent import Descent
from explorer.engine.kernels import Array, Calls
from explorer.engine.model import Model
from explorer.engine.passes import BlockedPass, Pass, bounds, inputs
from explorer.engine.scoring import Score, score_outputs

__all__ = ["MiniBatches", "Part"]

BLOCK_ROWS = 32
LOAD_ROWS = 512
LARGEST_BLOCKED = 8
SCORES_PER_EPOCH = 20


@dataclass(frozen=True, slots=True)
class Part:
    """What has been done since the last part."""

    updates: int
    """1 when a mini-batch is complete and the weights have changed, 0 within a large one."""
    score: Score | None = None
    """Sums over the images since the last score, each measured before its update. At most 20 an epoch, as it
    takes time; the last part of an epoch has one. None in the parts between."""
    batch: Score | None = None
    """Sums over the mini-batch that is complete, where an epoch has at most 20 of them."""


_UPDATE = Part(1)


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Images that are gathered at once, and what is done with them."""

    rows: int
    work: tuple[Calls, ...]  # for each mini-batch its calls; for a part of a large one a single entry
    updates: int = 1  # 0 within a large mini-batch
    block: BlockedPass | None = None  # does the work when mini-batches are tiny


class MiniBatches:
    """The mini-batches of a data set, and the model that learns from them.

    NumPy's warnings of infinite values and NaN are for the caller to silence: both show in the scores.

    Parameters
    ----------
    model : Model
        Trained in place.
    dataset : Dataset
        Its training images are used, all of them.
    batch_size : int
        Samples per step; more than there are means all.
    learning_rate : float
        Factor on the gradient.
    reduction : {"sum", "mean"}
        Whether the gradient is the sum or the mean over a mini-batch.
    optimizer : str
        How the gradient becomes a step: one of `explorer.network.OPTIMIZERS`.
    """

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        batch_size: int,
        learning_rate: float,
        reduction: str,
        optimizer: str = "sgd",
    ) -> None:
        n, n_inputs, n_classes = len(dataset.train_labels), dataset.n_inputs, dataset.n_classes
        self.model = model
        self.batch_size = size = min(batch_size, n)
        self._is_large = size > LOAD_ROWS
        self.scores_each = n <= SCORES_PER_EPOCH * size
        """Whether an epoch has at most 20 mini-batches, so that each has a score of its own."""
        self._learning_rate, self._reduction = learning_rate, reduction
        self._descent = Descent(optimizer, model.parameters.flat, learning_rate)
        self._images = dataset.train_images.reshape(n, n_inputs)
        self._labels = dataset.train_labels
        self._one_hot = np.eye(n_classes, dtype=model.dtype)
        self._pass = cache(partial(Pass, model))  # by number of images
        rows = min(LOAD_ROWS, n)
        self._pixels = np.empty((rows, n_inputs), np.uint8)
        self._X = inputs(rows, model)
        self._Y, self._D = (np.empty((rows, n_classes), model.dtype) for _ in range(2))
        self._outputs = np.empty((-(-n // SCORES_PER_EPOCH) + rows, n_classes), model.dtype)
        if self._is_large:
            make_loads, most = self._parts, size
        elif size > LARGEST_BLOCKED or optimizer != "sgd":
            make_loads, most = self._slices, LOAD_ROWS // size * size
        else:
            make_loads, most = self._block, BLOCK_ROWS // size * size
        whole, rest = divmod(n, most)
        self._loads = (make_loads(most) if whole else ()) * whole + (make_loads(rest) if rest else ())
        self._load, self._done = self._loads[0], 0

    def epoch(self, order: NDArray[np.int64]) -> Iterator[Part]:
        """Train on every sample once, in the order of the indices `order`, yielding after each part."""
        n, labels = len(order), self._labels[order]
        scores_each = self.scores_each and not self._is_large
        start = scored = counted = 0  # images gone through, scored, and counted in a mini-batch
        batch = Score()
        for load in self._loads:
            stop = start + load.rows
            self._gather(order[start:stop], labels[start:stop])
            self._load = load
            for self._done, calls in enumerate(load.work, 1):
                for call in calls:
                    call()
                if scores_each:
                    batch = self._score_done(labels[start:stop])
                if self._done < len(load.work):
                    yield Part(1, batch=batch) if scores_each else _UPDATE
            self._outputs[start - scored : stop - scored] = self._Y[: load.rows]
            start = stop
            is_due = (stop - scored) * SCORES_PER_EPOCH >= n or stop == n
            score = self._score(self._outputs, labels[scored:stop]) if is_due else None
            if self.scores_each and self._is_large and (is_due or load.updates):
                own = score if counted == scored else None  # the same images
                batch += own or self._score(self._outputs[counted - scored :], labels[counted:stop])
                counted = stop
            yield Part(load.updates, score, batch if self.scores_each and load.updates else None)
            scored = stop if is_due else scored
            batch = Score() if load.updates else batch

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Give a context in which the model's weights are those after the last mini-batch.

        Within a block of tiny mini-batches the first layer's steps are still to be applied. They are, for the
        time of the context, and taken back to the bit after it.
        """
        done = self._done * self.batch_size
        if self._load.block is None or not 0 < done < self._load.rows:
            yield
            return
        first = self.model.parameters.first
        before = first.copy()
        with np.errstate(all="ignore"):
            first -= self._load.block.unapplied(done)
        try:
            yield
        finally:
            first[:] = before

    def _slices(self, rows: int) -> tuple[Load, ...]:
        """Return a load whose mini-batches are slices."""
        work = [
            (
                *self._there_and_back(start, stop, stop - start),
                *self._descent.calls(self._pass(stop - start).steps.flat),
            )
            for start, stop in bounds(rows, self.batch_size)
        ]
        return (Load(rows, tuple(work)),)

    def _block(self, rows: int) -> tuple[Load, ...]:
        """Return a load of tiny mini-batches that share their work on the first layer."""
        X, Y, D = (array[:rows] for array in (self._X, self._Y, self._D))
        block = BlockedPass(self.model, X, Y, D, self.batch_size, self._rate)
        return (Load(rows, block.updates, block=block),)

    def _parts(self, rows: int) -> tuple[Load, ...]:
        """Return the loads of one large mini-batch, whose gradients are added up."""
        total = np.empty_like(self.model.parameters.flat)
        loads = []
        for start, stop in bounds(rows, LOAD_ROWS):
            n = stop - start
            steps = self._pass(n).steps.flat
            add = partial(np.add, total, steps, total) if start else partial(np.copyto, total, steps)
            work = (*self._there_and_back(0, n, rows), add)
            if stop == rows:
                work += self._descent.calls(total)
            loads.append(Load(n, (work,), updates=int(stop == rows)))
        return tuple(loads)

    def _there_and_back(self, start: int, stop: int, size: int) -> Calls:
        """Return the calls for the outputs and steps of a load's images, in a mini-batch of `size` images."""
        batch, rows = self._pass(stop - start), slice(start, stop)
        X, Y, D = self._X[rows], self._Y[rows], self._D[rows]
        return (*batch.forward(X, Y), *batch.backward(X, Y, D, self._rate(size)))

    def _gather(self, indices: NDArray[np.int64], labels: NDArray[np.int64]) -> None:
        n = len(indices)
        pixels = self._pixels[:n]
        np.take(self._images, indices, 0, pixels, "clip")
        np.copyto(self._X[:n, :-1], pixels)
        np.take(self._one_hot, labels, 0, self._D[:n], "clip")

    def _rate(self, n: int) -> Array:
        """Return the factor on the summed gradient of a mini-batch of `n` samples."""
        is_scale_free = self._descent.is_scale_free
        rate = 1.0 if is_scale_free else self._learning_rate
        if self._reduction == "mean" or is_scale_free:
            rate /= n
        return np.array(rate, self.model.dtype)

    def _score_done(self, labels: NDArray[np.int64]) -> Score:
        """Return the score of the mini-batch that was done last, of a load's images."""
        rows = slice((self._done - 1) * self.batch_size, self._done * self.batch_size)
        return self._score(self._Y[rows], labels[rows])

    def _score(self, outputs: Array, labels: NDArray[np.int64]) -> Score:
        return score_outputs(outputs[: len(labels)], self._one_hot[labels], labels, self.model.loss)
