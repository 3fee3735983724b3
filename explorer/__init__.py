"""A neural network written from scratch in NumPy, that you control.

The exercise's parts are here under their own names. `Explorer`, the app, and its parts are found when they are
asked for, so that ``import explorer`` costs no more than NumPy.
"""

from importlib import import_module
from typing import Any

from explorer.datasets import Dataset, DatasetError, load_dataset, load_mnist
from explorer.network import NeuralNetwork, accuracy, confusion_matrix, most_confused, per_class
from explorer.network.activations import d_relu, d_sigmoid, d_tanh, relu, sigmoid, softmax, tanh
from explorer.network.losses import cross_entropy, d_cross_entropy, d_squared_error, squared_error
from explorer.training import ConfigError, EpochRecord, History, TrainingConfig, race, train
from explorer.training.studies import Trial, grid, log_uniform, sample, study

__version__ = "0.1.0"

__all__ = [
    "AccuracyCurve",
    "BugLab",
    "ConfigError",
    "ConfusionMatrix",
    "Dataset",
    "DatasetError",
    "EpochRecord",
    "Explorer",
    "History",
    "LossCurve",
    "Mistakes",
    "NeuralNetwork",
    "RunButtons",
    "Settings",
    "SketchPad",
    "TrainingConfig",
    "Trial",
    "Weights",
    "accuracy",
    "confusion_matrix",
    "cross_entropy",
    "d_cross_entropy",
    "d_relu",
    "d_sigmoid",
    "d_squared_error",
    "d_tanh",
    "grid",
    "load_dataset",
    "load_mnist",
    "log_uniform",
    "most_confused",
    "per_class",
    "race",
    "relu",
    "sample",
    "sigmoid",
    "softmax",
    "squared_error",
    "study",
    "tanh",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in __all__:  # and not here: the app, or one of its parts
        own = {"Explorer": "explorer", "BugLab": "panels.lab.lab"}
        return getattr(import_module(f"explorer.app.{own.get(name, 'parts')}"), name)
    raise AttributeError(f"module 'explorer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
