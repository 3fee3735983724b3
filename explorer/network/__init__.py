"""The neural network, in NumPy alone. Start with `network`: it is the exercise, on two screens."""

from .activations import ACTIVATIONS, OUTPUTS
from .initializers import INITIALIZERS
from .losses import LOSSES
from .metrics import accuracy, confusion_matrix, hardest_classes, most_confused, per_class
from .network import Network
from .neural_network import Layers, NeuralNetwork
from .optimizers import OPTIMIZERS
from .schedules import SCHEDULES

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "OPTIMIZERS",
    "OUTPUTS",
    "SCHEDULES",
    "Layers",
    "Network",
    "NeuralNetwork",
    "accuracy",
    "confusion_matrix",
    "hardest_classes",
    "most_confused",
    "per_class",
]
