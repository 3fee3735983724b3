"""Training images with new distortions in each epoch, computed in a thread while the engine trains."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.augmentation import Augmentation, distort

CHUNK_ROWS = 2048
AHEAD = 2  # chunks computed ahead of the current one
STREAM = 2  # the run's seed gives several independent streams of random numbers; this one is for augmentation


class AugmentedImages:
    """The images of an epoch, distorted, in chunks of 2048 that a thread computes ahead.

    Each chunk has its own generator, seeded by the run's seed, the epoch and the chunk's number: slicing and
    earlier reads don't affect the images. The thread starts with the first epoch.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28) or (n, 784)
        Undistorted; never written to.
    augmentation : Augmentation
        The maximum distortions.
    seed : int
        The run's, 0 or more.
    """

    def __init__(self, images: NDArray[np.uint8], augmentation: Augmentation, seed: int) -> None:
        self._images, self._augmentation, self._seed = images.reshape(-1, 28, 28), augmentation, seed
        self._thread = ThreadPoolExecutor(1, "augmentation")
        self._epoch, self._order = 0, np.empty(0, np.int64)
        self._chunks: dict[int, Future[NDArray[np.uint8]]] = {}

    def begin(self, epoch: int, order: NDArray[np.int64]) -> None:
        """Start computing the images of an epoch; `order` has their indices in the data set, shape (n,).

        The images of the previous epoch are dropped.
        """
        self._forget(range(len(self._order)))
        self._epoch, self._order = epoch, order
        self._make(0)

    def take(self, start: int, stop: int, out: NDArray[np.uint8]) -> None:
        """Write the epoch's images from `start` to `stop` into `out`, of shape (stop - start, 784).

        Waits until they are computed, and raises any error of the computation.
        """
        for chunk in range(start // CHUNK_ROWS, -(-stop // CHUNK_ROWS)):
            self._make(chunk)
            first = chunk * CHUNK_ROWS
            begin, end = max(start, first), min(stop, first + CHUNK_ROWS)
            made = self._chunks[chunk].result()
            out[begin - start : end - start] = made[begin - first : end - first]
            self._forget(range(chunk))

    def close(self) -> None:
        """End the thread, after its current chunk."""
        self._thread.shutdown(cancel_futures=True)
        self._chunks = {}

    def _make(self, chunk: int) -> None:
        """Schedule a chunk and the following ones, unless they are scheduled already."""
        n_chunks = -(-len(self._order) // CHUNK_ROWS)
        for number in range(chunk, min(chunk + 1 + AHEAD, n_chunks)):
            if number not in self._chunks:
                self._chunks[number] = self._thread.submit(self._distorted, self._epoch, self._order, number)

    def _distorted(self, epoch: int, order: NDArray[np.int64], chunk: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([self._seed, STREAM, epoch, chunk])
        indices = order[chunk * CHUNK_ROWS : (chunk + 1) * CHUNK_ROWS]
        return distort(self._images[indices], self._augmentation, rng).reshape(len(indices), -1)

    def _forget(self, numbers: range) -> None:
        """Drop chunks that are no longer needed, computed or not."""
        for number in [*self._chunks]:
            if number in numbers:
                self._chunks.pop(number).cancel()
