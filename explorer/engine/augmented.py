"""Training images that are distorted in another way each epoch, made in a thread while the engine trains."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.augmentation import Augmentation, distort

CHUNK_ROWS = 2048
AHEAD = 2  # chunks that are made while one is taken from
STREAM = 2  # the run's seed gives several independent streams of random numbers: this is that of augmentation


class AugmentedImages:
    """The images of an epoch, distorted, in chunks of 2048 that are made ahead in a thread.

    Each chunk has a generator of its own, from seed, epoch and the chunk's number: what is taken is the same to
    the bit however it is cut, and whatever was taken before. The thread starts with the first epoch.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28) or (n, 784)
        Undistorted; they are read and never written to.
    augmentation : Augmentation
        How much each image is distorted at most.
    seed : int
        The run's, 0 or more.
    """

    def __init__(self, images: NDArray[np.uint8], augmentation: Augmentation, seed: int) -> None:
        self._images, self._augmentation, self._seed = images.reshape(-1, 28, 28), augmentation, seed
        self._thread = ThreadPoolExecutor(1, "augmentation")
        self._epoch, self._order = 0, np.empty(0, np.int64)
        self._chunks: dict[int, Future[NDArray[np.uint8]]] = {}

    def begin(self, epoch: int, order: NDArray[np.int64]) -> None:
        """Begin to make the images of an epoch, `order` being their places in the data set, shape (n,).

        Those of the epoch before are dropped.
        """
        self._forget(range(len(self._order)))
        self._epoch, self._order = epoch, order
        self._make(0)

    def take(self, start: int, stop: int, out: NDArray[np.uint8]) -> None:
        """Write the epoch's images from `start` to `stop` into `out`, of shape (stop - start, 784).

        Waits for them where they have yet to be made, and raises what went wrong as they were.
        """
        for chunk in range(start // CHUNK_ROWS, -(-stop // CHUNK_ROWS)):
            self._make(chunk)
            first = chunk * CHUNK_ROWS
            begin, end = max(start, first), min(stop, first + CHUNK_ROWS)
            made = self._chunks[chunk].result()
            out[begin - start : end - start] = made[begin - first : end - first]
            self._forget(range(chunk))

    def close(self) -> None:
        """End the thread, within the time that one chunk takes."""
        self._thread.shutdown(cancel_futures=True)
        self._chunks = {}

    def _make(self, chunk: int) -> None:
        """Have the thread make a chunk and those after it."""
        n_chunks = -(-len(self._order) // CHUNK_ROWS)
        for number in range(chunk, min(chunk + 1 + AHEAD, n_chunks)):
            if number not in self._chunks:
                self._chunks[number] = self._thread.submit(self._distorted, self._epoch, self._order, number)

    def _distorted(self, epoch: int, order: NDArray[np.int64], chunk: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([self._seed, STREAM, epoch, chunk])
        indices = order[chunk * CHUNK_ROWS : (chunk + 1) * CHUNK_ROWS]
        return distort(self._images[indices], self._augmentation, rng).reshape(len(indices), -1)

    def _forget(self, numbers: range) -> None:
        """Let chunks go that nobody needs any more, made or not."""
        for number in [*self._chunks]:
            if number in numbers:
                self._chunks.pop(number).cancel()
