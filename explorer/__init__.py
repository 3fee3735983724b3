"""A neural network written from scratch in NumPy, that you control.

The exercise's parts are here under their own names. What a name needs is imported when it is asked for, so that
``import explorer.network`` loads NumPy alone.
"""

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.datasets import Dataset, DatasetError, load_dataset, load_mnist, load_plane
    from explorer.network import NeuralNetwork, accuracy, confusion_matrix, most_confused, per_class
    from explorer.network.activations import d_relu, d_sigmoid, d_tanh, relu, sigmoid, softmax, tanh
    from explorer.network.losses import cross_entropy, d_cross_entropy, d_squared_error, squared_error
    from explorer.training import ConfigError, EpochRecord, History, TrainingConfig, race, train
    from explorer.training.studies import Trial, grid
    from explorer.training.studies.study import study
    from explorer.widgets.code_view import watch

__version__ = "0.1.0"

_MODULES = MappingProxyType(
    {
        "app.explorer": ("Explorer",),
        "app.parts": (
            "AccuracyCurve", "ConfusionMatrix", "LossCurve", "Mistakes", "NetworkView", "RunButtons", "Settings",
            "Weights",
        ),
        "datasets": ("Dataset", "DatasetError", "load_dataset", "load_mnist", "load_plane"),
        "network": ("NeuralNetwork", "accuracy", "confusion_matrix", "most_confused", "per_class"),
        "network.activations": ("d_relu", "d_sigmoid", "d_tanh", "relu", "sigmoid", "softmax", "tanh"),
        "network.losses": ("cross_entropy", "d_cross_entropy", "d_squared_error", "squared_error"),
        "widgets.code_view": ("watch",),
        "training": ("ConfigError", "EpochRecord", "History", "TrainingConfig", "race", "train"),
        "training.studies": ("Trial", "grid", "study"),
    }
)  # fmt: skip
_HOMES = MappingProxyType({name: module for module, names in _MODULES.items() for name in names})

__all__ = [
    "AccuracyCurve", "ConfigError", "ConfusionMatrix", "Dataset", "DatasetError", "EpochRecord",
    "Explorer", "History", "LossCurve", "Mistakes", "NetworkView", "NeuralNetwork", "RunButtons", "Settings",
    "TrainingConfig", "Trial", "Weights", "accuracy", "confusion_matrix", "cross_entropy", "d_cross_entropy",
    "d_relu", "d_sigmoid", "d_squared_error", "d_tanh", "grid", "load_dataset", "load_mnist", "load_plane",
    "most_confused", "per_class", "race", "relu", "sigmoid", "softmax", "squared_error", "study", "tanh",
    "train", "watch",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"explorer.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'explorer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
