"""A neural network written from scratch in NumPy, to be taken by the controls.

The exercise's parts are here under their own names; `Explorer`, the app, is found when it is asked for, so that
``import explorer`` costs no more than NumPy.
"""

from typing import Any

from explorer.datasets import Dataset, DatasetError, load_dataset, load_mnist
from explorer.network import (
    NeuralNetwork,
    accuracy,
    confusion_matrix,
    cross_entropy,
    d_cross_entropy,
    d_relu,
    d_sigmoid,
    d_squared_error,
    d_tanh,
    most_confused,
    per_class,
    relu,
    sigmoid,
    softmax,
    squared_error,
    tanh,
)
from explorer.training import ConfigError, EpochRecord, History, TrainingConfig, train

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "Dataset",
    "DatasetError",
    "EpochRecord",
    "Explorer",
    "History",
    "NeuralNetwork",
    "TrainingConfig",
    "accuracy",
    "confusion_matrix",
    "cross_entropy",
    "d_cross_entropy",
    "d_relu",
    "d_sigmoid",
    "d_squared_error",
    "d_tanh",
    "load_dataset",
    "load_mnist",
    "most_confused",
    "per_class",
    "relu",
    "sigmoid",
    "softmax",
    "squared_error",
    "tanh",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "Explorer":
        from explorer.app import Explorer

        return Explorer
    raise AttributeError(f"module 'explorer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
