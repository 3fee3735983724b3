"""The neural network, in NumPy alone."""

from explorer.network.activations import ACTIVATIONS, OUTPUTS
from explorer.network.initializers import INITIALIZERS
from explorer.network.losses import LOSSES
from explorer.network.metrics import (
    ClassScores,
    Confusion,
    accuracy,
    confusion_matrix,
    hardest_classes,
    most_confused,
    per_class,
)
from explorer.network.neural_network import NeuralNetwork
from explorer.network.optimizers import OPTIMIZERS
from explorer.network.schedules import SCHEDULES

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "OPTIMIZERS",
    "OUTPUTS",
    "SCHEDULES",
    "ClassScores",
    "Confusion",
    "NeuralNetwork",
    "accuracy",
    "confusion_matrix",
    "hardest_classes",
    "most_confused",
    "per_class",
]
