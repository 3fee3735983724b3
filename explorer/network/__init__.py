"""The neural network, in NumPy alone."""

from explorer.network.activations import (
    ACTIVATIONS,
    OUTPUTS,
    d_relu,
    d_sigmoid,
    d_tanh,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from explorer.network.initializers import INITIALIZERS
from explorer.network.losses import LOSSES, cross_entropy, d_cross_entropy, d_squared_error, squared_error
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

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "OUTPUTS",
    "ClassScores",
    "Confusion",
    "NeuralNetwork",
    "accuracy",
    "confusion_matrix",
    "cross_entropy",
    "d_cross_entropy",
    "d_relu",
    "d_sigmoid",
    "d_squared_error",
    "d_tanh",
    "hardest_classes",
    "most_confused",
    "per_class",
    "relu",
    "sigmoid",
    "softmax",
    "squared_error",
    "tanh",
]
