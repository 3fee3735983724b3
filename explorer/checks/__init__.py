"""Checks of the exercise's formulas against something that knows nothing of them.

Each compares with an oracle of its own: a loop over plain numbers, a slope measured by moving a little to either
side, a count. They take any function and any network, so they serve for your own solution as well: a class with
W1, b1, W2, b2, `forward`, `backward`, `train_iteration` and `fit`, whatever its style. A check returns one line,
with the largest difference found, or raises one: what was expected, and what it got.
"""

from explorer.checks.data import confusion, digits, evaluation, one_hot, pixels
from explorer.checks.diagnosis import Verdict, diagnose, diagnose_all
from explorer.checks.functions import cross_entropy, loss_slope, relu, sigmoid, slope, softmax, squared_error
from explorer.checks.loop import mini_batches
from explorer.checks.mistakes import MISTAKES, Mistake
from explorer.checks.networks import (
    decisions,
    forward_pass,
    gradients,
    initial_weights,
    output_delta,
    several_layers,
    step,
)
from explorer.checks.results import CheckError, Passed
from explorer.checks.tasks import TASKS, Task

__all__ = [
    "MISTAKES",
    "TASKS",
    "CheckError",
    "Mistake",
    "Passed",
    "Task",
    "Verdict",
    "confusion",
    "cross_entropy",
    "decisions",
    "diagnose",
    "diagnose_all",
    "digits",
    "evaluation",
    "forward_pass",
    "gradients",
    "initial_weights",
    "loss_slope",
    "mini_batches",
    "one_hot",
    "output_delta",
    "pixels",
    "relu",
    "several_layers",
    "sigmoid",
    "slope",
    "softmax",
    "squared_error",
    "step",
]
