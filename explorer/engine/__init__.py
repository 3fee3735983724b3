"""The mathematics of `explorer.network` at the machine's limit: what `train` runs.

`kernels` are the formulas as bound NumPy calls, and `passes` the forward and the backward pass made of them.
`halves` shares a large network's work between two threads, and `inputs` puts pixels and images into an order in
which blank ones are skipped. `model` has a network's parameters in one array, and `descent` is its optimizer.
`minibatches` is the loop over an epoch, with the masks of `dropout` and the distorted images of `augmented`;
`scoring` gives loss, accuracy and confusion.
"""

from explorer.engine.augmented import AugmentedImages
from explorer.engine.minibatches import MiniBatches
from explorer.engine.model import Model
from explorer.engine.scoring import Score, ScoredSet, Scorer, score_outputs

__all__ = ["AugmentedImages", "MiniBatches", "Model", "Score", "ScoredSet", "Scorer", "score_outputs"]
