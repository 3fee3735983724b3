"""Fast implementation of the mathematics of `explorer.network`, used by `train`.

`kernels` has the formulas as bound NumPy calls, and `passes` builds the forward and backward passes from them.
`halves` splits a large network's work between two threads, and `inputs` sorts pixels and images so that blank ones
can be skipped. `model` stores a network's parameters in one array, and `descent` is its optimizer. `minibatches`
is the loop over an epoch, with the masks of `dropout` and the distorted images of `augmented`; `scoring` computes
loss, accuracy and confusion.
"""

from explorer.engine.inputs import AugmentedImages
from explorer.engine.minibatches import MiniBatches
from explorer.engine.model import Model
from explorer.engine.scoring import Score, ScoredSet, Scorer, score_outputs

__all__ = ["AugmentedImages", "MiniBatches", "Model", "Score", "ScoredSet", "Scorer", "score_outputs"]
