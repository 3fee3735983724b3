"""Starting a run from the weights in a file."""

import json
import math
from dataclasses import dataclass

import numpy as np

from explorer.datasets import Dataset
from explorer.network.weights_file import SavedWeights, WeightsError, sizes_of
from explorer.training import FIELDS, ConfigError, Snapshot, TrainingConfig
from explorer.training.config import MOST_EPOCHS
from explorer.wording import counted

MOST_BYTES = 1 << 26
"""Maximum size of an uploaded file: above the largest network that the controls allow, in float64."""


@dataclass(frozen=True, slots=True)
class OpenedWeights:
    """A weights file that a run starts from, instead of freshly initialised weights."""

    file: str
    """Name of the file, without its folder."""
    epoch: int = 0
    """Whole epochs that its weights have been trained for; a run that continues from them counts from there."""
    begun: float = 0.0
    """The fraction of a further epoch they have been trained for, 0 to below 1."""

    @property
    def age(self) -> str:
        """The number of epochs the weights have been trained for: ``"3"``, or ``"3.4, counted as 3"``."""
        return f"{self.epoch + self.begun:.4g}, counted as {self.epoch}" if self.begun else str(self.epoch)

    def described(self, config: TrainingConfig) -> str:
        """Describe the network: ``"a network of 32 hidden units, trained for 10 epochs"``."""
        network = f"a network of {config.hidden_units}"
        epochs = counted(self.epoch, "epoch")
        if self.begun:
            epochs = f"{self.epoch + self.begun:.4g} epochs; the run counts on from {self.epoch}"
        return f"{network}, trained for {epochs}" if self.epoch or self.begun else network


def opening(
    saved: SavedWeights, file: str, dataset: Dataset, config: TrainingConfig
) -> tuple[OpenedWeights, TrainingConfig, Snapshot]:
    """Prepare a run that starts from a weights file: return its description, the settings, and the start.

    Layers and functions are the network's own; the other settings come from the file if it names them, else from
    `config`. The start has no outputs. Raises `WeightsError` if the network doesn't fit the images of `dataset`,
    or exceeds the limits of the controls.
    """
    n_inputs, *hidden, n_classes = sizes_of(saved.weights)
    sizes = "-".join(map(str, sizes_of(saved.weights)))
    if (n_inputs, n_classes) != (dataset.n_inputs, dataset.n_classes):
        expected = f"{dataset.n_inputs} inputs and {dataset.n_classes} outputs, as {dataset.name} has"
        raise WeightsError(file, f"a network {sizes}", expected)
    epoch, begun = divmod(_epochs(saved), 1)
    first = int(epoch)
    try:
        own = _settings(saved, config, dataset.n_train).at_step(math.inf)  # the end, where the run continues
        settings = own.replace(hidden_sizes=tuple(hidden), epochs=max(own.epochs, first), **saved.functions)
    except ConfigError as error:
        raise WeightsError(file, f"a network {sizes}", FIELDS[error.field].expected) from error
    start = Snapshot(first, _float32(saved, file), np.empty((n_classes, 0)))
    return OpenedWeights(file, first, begun), settings, start


def _float32(saved: SavedWeights, file: str) -> tuple[np.ndarray, ...]:
    with np.errstate(over="ignore"):
        weights = tuple(array.astype(np.float32) for array in saved.weights.values())
    if not all(np.isfinite(array).all() for array in weights):
        raise WeightsError(file, "weights above 3.4e38", "weights that float32 can hold")
    return weights


def _settings(saved: SavedWeights, config: TrainingConfig, n_images: int) -> TrainingConfig:
    """Return the settings in the file if they can be used, else `config`."""
    try:
        named = dict(json.loads(str(saved.metadata.get("config", ""))))
        found = TrainingConfig(**{name: value for name, value in named.items() if name in FIELDS})
    except (ValueError, TypeError, RecursionError):
        return config
    return found.for_images(n_images) if named else config


def _epochs(saved: SavedWeights) -> float:
    """Return the epochs that the weights were trained for, with fractions; 0 if unknown."""
    epochs = saved.metadata.get("weights_epoch", 0)
    usable = isinstance(epochs, int | float) and 0 <= epochs <= MOST_EPOCHS
    return float(epochs) if usable else 0.0
