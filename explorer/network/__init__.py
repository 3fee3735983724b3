"""The neural network, in NumPy alone."""

from .activations import ACTIVATIONS, OUTPUTS
from .initializers import INITIALIZERS
from .losses import LOSSES
from .metrics import (
    ClassScores,
    Confusion,
    accuracy,
    confusion_matrix,
    hardest_classes,
    most_confused,
    per_class,
)
from .neural_network import NeuralNetwork
from .optimizers import OPTIMIZERS
from .schedules import SCHEDULES

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
