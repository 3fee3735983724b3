"""Dropout masks for mini-batches, drawn as in `explorer.network.regularization.dropout_mask`."""

from collections.abc import Sequence

import numpy as np

from explorer.engine.kernels import Array

_STREAM = 1  # of the run's seed; that of augmentation is 2


class DropoutMasks:
    """The masks of a run: each layer has its own random numbers, which restart with each epoch.

    So an epoch's masks depend neither on earlier epochs nor on the parts that a large mini-batch is split into.

    Parameters
    ----------
    rates : sequence of float
        Dropout rate of the inputs and of each hidden layer.
    sizes : sequence of int
        Inputs, and units of each hidden layer.
    seed : int
        The run's.
    dtype : dtype
        The network's.
    """

    def __init__(
        self, rates: Sequence[float], sizes: Sequence[int], seed: int, dtype: np.dtype[np.floating]
    ) -> None:
        self._seed, self._dtype = seed, dtype
        self._layers = {
            number: (rate, size) for number, (rate, size) in enumerate(zip(rates, sizes, strict=True)) if rate
        }
        self._rngs: dict[int, np.random.Generator] = {}

    def begin(self, epoch: int) -> None:
        """Seed the random numbers of an epoch, 1 for the first."""
        self._rngs = {
            number: np.random.default_rng([self._seed, _STREAM, epoch, number]) for number in self._layers
        }

    def masks(self, n: int) -> dict[int, Array]:
        """Allocate the masks of a mini-batch of `n` samples, (n, n_units), by layer; 0 is the inputs."""
        return {number: np.empty((n, size), self._dtype) for number, (_, size) in self._layers.items()}

    def draw(self, number: int, mask: Array) -> None:
        """Draw the mask of a layer."""
        rate = self._layers[number][0]
        drawn = mask if mask.dtype == np.float32 else np.empty(mask.shape, np.float32)
        self._rngs[number].random(dtype=np.float32, out=drawn)
        np.multiply(rate <= drawn, np.float32(1 / (1 - rate)), out=mask)
