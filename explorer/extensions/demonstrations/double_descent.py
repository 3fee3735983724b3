"""As many units as images: the worst network is the one that can just fit its images (double descent)."""

from explorer.datasets import Dataset
from explorer.datasets.relabeled import random_labels
from explorer.experiments.demonstration import Demonstration, Steps, reads
from explorer.extensions.demonstrations.random_features import curve_of_units, random_features
from explorer.extensions.demonstrations.texts import TEXTS
from explorer.network import NeuralNetwork
from explorer.training import TrainingConfig

_UNITS = (100, 300, 500, 800, 1000, 1200, 1600, 2500, 4000, 8000)
_IMAGES, _NOISE = 1000, 0.1


def _run(dataset: Dataset, seed: int, _network: NeuralNetwork | None = None) -> Steps:
    few, known = random_labels(dataset.head(_IMAGES), _NOISE, seed), dict[int, float]()
    for units in _UNITS:
        known[units] = reads(random_features(few, units, seed, ridge=0), dataset)
        numbers = {"at_images": known.get(_IMAGES, float("nan")), "last": known[units]}
        fewer = max(accuracy for units, accuracy in known.items() if units < _IMAGES)
        yield curve_of_units(known, {**numbers, "fewer": fewer, "worst": min(known, key=known.__getitem__)})


_CONFIG = TrainingConfig(hidden_sizes=(1000,), hidden_activation="relu", initializer="he", n_train=_IMAGES)
DEMONSTRATION = Demonstration("double_descent", TEXTS["double_descent"], _CONFIG, _run)
