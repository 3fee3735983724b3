"""The numbers of a run as the sentences of the slides ask for them: already written, by name."""

from collections.abc import Mapping

import numpy as np

from explorer.datasets import Dataset
from explorer.network import most_confused
from explorer.network.diagnostics import diagnose
from explorer.session import SessionRun
from explorer.training import Moment
from explorer.wording import grouped

__all__ = ["spoken_numbers"]

_COUNTS = ("One", "Two", "Three", "Four", "Five", "Six")
_PROBE = 300  # test images that saturation is measured on


def spoken_numbers(run: SessionRun, moment: Moment, dataset: Dataset) -> Mapping[str, str]:
    """Return what can be said of a run at one moment, each number in the form in which it is read.

    Parameters
    ----------
    moment : Moment
        One of its moments; with its weights, there is also ``saturated``.

    Returns
    -------
    mapping of str to str
        Of the settings: ``units``, ``layers``, ``batch``, ``rate``, ``epochs``, ``updates``, ``parameters``. Of
        the test images: ``images``, ``right``, ``wrong``, ``accuracy``; the most frequent mistake as ``true``,
        ``predicted`` and ``times``; the class that is read most as ``favourite``, and its share of all images
        as ``favourite_share``.
    """
    config = run.config
    return {
        "units": config.architecture.replace("-", " and "),
        "layers": _COUNTS[len(config.hidden_sizes) - 1],
        "batch": grouped(config.batch_size),
        "rate": f"{config.learning_rate:g}",
        "epochs": grouped(config.epochs),
        "updates": grouped(run.steps_at_ends[-1]),
        "parameters": grouped(run.new_network().n_parameters),
        **_readings(moment, dataset),
        **_saturation(run, moment, dataset),
    }


def _readings(moment: Moment, dataset: Dataset) -> dict[str, str]:
    confusion, names = moment.confusion, dataset.class_names
    total, right, read = int(confusion.sum()), int(np.trace(confusion)), confusion.sum(axis=0)
    favourite = int(read.argmax())
    pair = next(iter(most_confused(confusion, 1)), None)
    return {
        "images": grouped(total),
        "right": grouped(right),
        "wrong": grouped(total - right),
        "accuracy": f"{100 * moment.record.test_accuracy:.1f} %",
        "favourite": names[favourite],
        "favourite_share": f"{100 * read[favourite] / total:.0f} %",
        "true": names[pair.true] if pair else "–",
        "predicted": names[pair.predicted] if pair else "–",
        "times": grouped(pair.count if pair else 0),
    }


def _saturation(run: SessionRun, moment: Moment, dataset: Dataset) -> dict[str, str]:
    """Return the share of the first hidden layer's activations that stand at a limit, if the weights are known."""
    if not moment.weights:
        return {}
    X = dataset.test_images[:_PROBE].reshape(-1, dataset.n_inputs).T / 255.0
    d = np.eye(dataset.n_classes)[dataset.test_labels[:_PROBE]].T
    first, *_ = diagnose(run.new_network(), X, d, weights=moment.weights)
    return {"saturated": f"{100 * first.saturated:.0f} %"}
