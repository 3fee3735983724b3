"""Fast implementation of the mathematics of `explorer.network`, used by `train`.

`kernels` has the formulas as bound NumPy calls, from which `passes` builds the forward and backward passes, and
`descent` the optimizers; `minibatches` is the loop over an epoch.
"""

from explorer.engine.inputs import AugmentedImages
from explorer.engine.minibatches import MiniBatches
from explorer.engine.model import Model
from explorer.engine.scoring import Score, ScoredSet, Scorer, score_outputs

__all__ = ["AugmentedImages", "MiniBatches", "Model", "Score", "ScoredSet", "Scorer", "score_outputs"]
