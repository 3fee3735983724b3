"""The mathematics of `explorer.network` at the machine's limit: what `train` runs.

`kernels` are the formulas as bound NumPy calls, `passes` the forward and the backward pass made of them, `halves`
what two threads share of a large network, `inputs` the order that a wide one has images and pixels in,
`model` a network's parameters in one array, `descent` its optimizer, `minibatches` the loop over an epoch,
`scoring` the figures of a set of images.
"""

from explorer.engine.augmented import AugmentedImages
from explorer.engine.minibatches import MiniBatches
from explorer.engine.model import Model
from explorer.engine.scoring import Score, ScoredSet, Scorer, score_outputs

__all__ = ["AugmentedImages", "MiniBatches", "Model", "Score", "ScoredSet", "Scorer", "score_outputs"]
