"""Checks of the exercise's formulas against independent computations.

Each has an oracle of its own: a loop over plain numbers, a slope measured by central differences, a count. They
accept any function and any network, so they work for your own solution as well: a class with W1, b1, W2, b2,
`forward`, `backward`, `train_iteration` and `fit`, whatever its style.
"""

from explorer.checks import functions, networks
from explorer.checks.diagnosis import Verdict, diagnose, diagnose_all
from explorer.checks.functions import (
    adam,
    augmentation,
    confusion,
    digits,
    dropout,
    early_stopping,
    evaluation,
    momentum,
    one_hot,
    pixels,
    split,
)
from explorer.checks.mistakes import MISTAKES
from explorer.checks.networks import output_delta, several_layers
from explorer.checks.results import CheckError, Passed
from explorer.checks.tasks import TASKS, naming

__all__ = [
    "MISTAKES",
    "TASKS",
    "CheckError",
    "Passed",
    "Verdict",
    "adam",
    "augmentation",
    "confusion",
    "cross_entropy",
    "decisions",
    "diagnose",
    "diagnose_all",
    "digits",
    "dropout",
    "early_stopping",
    "evaluation",
    "forward_pass",
    "gradients",
    "initial_weights",
    "loss_slope",
    "mini_batches",
    "momentum",
    "one_hot",
    "output_delta",
    "pixels",
    "relu",
    "several_layers",
    "sigmoid",
    "slope",
    "softmax",
    "split",
    "squared_error",
    "step",
]

sigmoid, slope = naming("sigmoid", functions.sigmoid), naming("d_sigmoid", functions.slope)
squared_error = naming("squared_error", functions.squared_error)
loss_slope = naming("d_squared_error", functions.loss_slope)
softmax = naming("softmax", functions.softmax)
cross_entropy = naming("cross_entropy", functions.cross_entropy)
initial_weights = naming("init_weights", networks.initial_weights)
forward_pass, decisions = naming("forward", networks.forward_pass), naming("predict", networks.decisions)
relu = naming("relu", functions.relu)
gradients, step = naming("backward", networks.gradients), naming("train_iteration", networks.step)
mini_batches = naming("fit", networks.mini_batches)
