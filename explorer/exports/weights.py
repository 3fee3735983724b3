"""A run's weights as a ``.npz`` file, with its settings and records."""

import json
from dataclasses import asdict

from explorer.exports.exported_run import ExportedRun
from explorer.network.weights_file import weights_bytes

__all__ = ["weights_archive"]

_FIGURES = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy", "seconds", "learning_rate")


def weights_archive(run: ExportedRun) -> bytes:
    """Return the moment's weights as `explorer.NeuralNetwork.load` and NumPy read them, without pickles.

    Besides ``W1``, ``b1``, ``W2``, … the file holds ``config``, the settings as JSON; ``weights_epoch``, the
    epochs that the weights were trained for; and for each figure of `EpochRecord` a list over the run's own
    epochs.

    Raises
    ------
    WeightsError
        If a weight is infinite or not a number.
    """
    figures = {name: [getattr(record, name) for record in run.history] for name in _FIGURES}
    config, network = json.dumps(asdict(run.config)), run.network()
    return weights_bytes(
        network.named(), network.functions, config=config, weights_epoch=run.moment.epoch, **figures
    )
