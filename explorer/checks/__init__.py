"""Checks of the exercise's formulas against something that knows nothing of them.

Each compares with an oracle of its own: a loop over plain numbers, a slope measured by moving a little to either
side, a count. They take the function or network to check, so they serve for one's own solution as well. What is
right is returned as one line with the largest difference found; what is wrong is raised.
"""

from explorer.checks.comparing import CheckError, Passed
from explorer.checks.data import confusion, one_hot, pixels
from explorer.checks.functions import (
    cross_entropy,
    loss_slope,
    relu,
    sigmoid,
    slope,
    softmax,
    squared_error,
)
from explorer.checks.loop import mini_batches
from explorer.checks.networks import (
    decisions,
    forward_pass,
    gradients,
    initial_weights,
    output_delta,
    step,
)

__all__ = [
    "CheckError",
    "Passed",
    "confusion",
    "cross_entropy",
    "decisions",
    "forward_pass",
    "gradients",
    "initial_weights",
    "loss_slope",
    "mini_batches",
    "one_hot",
    "output_delta",
    "pixels",
    "relu",
    "sigmoid",
    "slope",
    "softmax",
    "squared_error",
    "step",
]
