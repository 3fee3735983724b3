"""The run's results in words and numbers: the tiles, and a glossary of the page's terms."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from explorer.datasets import Dataset
from explorer.network import hardest_classes, most_confused, per_class
from explorer.session import SessionRun
from explorer.training import Evaluation, Moment
from explorer.widgets.tiles import Tile
from explorer.wording import class_noun, counted, grouped, times

_NONE = "–"

GLOSSARY: Mapping[str, str] = MappingProxyType(
    {
        "Test accuracy": "Share of the test images that are classified correctly. Training never uses them.",
        "Validation accuracy": "Share of the validation images that are classified correctly. Training never uses "
        "them; settings may be chosen by them, and the test images stay unseen.",
        "Held-out accuracy": "Share of the images that a run did not train on, validation or test images, that it "
        "classifies correctly. Only those of the same images compare.",
        "Train accuracy": "Share of the training images that are classified correctly. Where it is far above "
        "that on other images, the network has learned its images by heart.",
        "Hardest digit": "The digit with the lowest recall.",
        "Hardest class": "The class with the lowest recall.",
        "Most confused": "The most frequent mistake: the true class → the one that the network chose.",
        "Epoch time": "How long one pass over all training images took. In a step, the weights change once.",
        "Parameters": "The numbers that training changes: all weights and biases. Under it the inputs, the "
        "units of each hidden layer, and the outputs.",
        "recall": "Of all images of this class, the share that the network recognizes.",
        "precision": "Of all images that the network takes for this class, the share that are of it.",
        "F1": "Harmonic mean of recall and precision: high only where both are.",
        "test images": "How many of the test images are of this class.",
        "validation images": "How many of the validation images are of this class.",
        "Best": "The highest accuracy on held-out images, at an epoch's end or where the run stands, and that "
        "epoch. Chosen by these images, it flatters the run.",
        "Time": "Seconds of training; pauses don't count.",
        "Parent": "The run whose weights it began with, and the epoch that they are from.",
        "exact McNemar test": "Counts the images that only A, and those that only B classifies correctly. If the "
        "two were equally good, each would be the toss of a coin: the test says how rare such a gap then is.",
    }
)
"""A sentence for each term, as the page spells it."""


def tiles(run: SessionRun | None, moment: Moment | None, dataset: Dataset) -> tuple[Tile, ...]:
    """Return the tiles for a moment of a run, or for none; `dataset` has the images that it was scored on."""
    record, kind, trained = None if moment is None else moment.record, dataset.held_out, ""
    shares = (None, None) if record is None else (record.test_accuracy, record.train_accuracy)
    if run is not None and record is not None:
        images = f"of {counted(run.n_samples, 'training image')}"
        trained = images if isinstance(record, Evaluation) else "mean over the epoch"
    note = f"of {counted(len(dataset.test_labels), f'{kind} image')}"
    accuracy = Tile(f"{kind.capitalize()} accuracy", _percent(shares[0]), note, "test")
    found = [accuracy, Tile("Train accuracy", _percent(shares[1]), trained, "train")]
    found += _mistakes(moment, dataset.class_names)
    if run is not None and run.test is not None:  # the final weights' accuracy on the test set
        found.insert(1, Tile("Test accuracy", _percent(run.test.accuracy), f"opened {run.test.times}"))
    else:
        found.append(_epoch_time(run))  # always six
    return tuple(replace(tile, meaning=GLOSSARY.get(tile.label, "")) for tile in (*found, _parameters(run)))


def _mistakes(moment: Moment | None, class_names: Sequence[str]) -> tuple[Tile, Tile]:
    hardest, pair = f"Hardest {class_noun(class_names)}", "Most confused"
    confusion = None if moment is None else moment.confusion
    if confusion is None:
        return Tile(hardest, _NONE), Tile(pair, _NONE)
    recall = per_class(confusion).recall
    worst = hardest_classes(confusion)[0]
    pairs = most_confused(confusion, 1)
    first = Tile(hardest, class_names[worst], f"recall {_percent(float(recall[worst]))}")
    if not pairs:
        return first, Tile(pair, _NONE, "no mistakes")
    names = f"{class_names[pairs[0].true]} → {class_names[pairs[0].predicted]}"
    return first, Tile(pair, names, f"{times(pairs[0].count)}, {_percent(pairs[0].share)}")


def _epoch_time(run: SessionRun | None) -> Tile:
    if run is None or run.history.last is None:
        return Tile("Epoch time", _NONE)
    seconds = run.history.last.seconds
    value = f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    return Tile("Epoch time", value, f"{counted(run.position[2], 'step')} an epoch")


def _parameters(run: SessionRun | None) -> Tile:
    if run is None:
        return Tile("Parameters", _NONE)
    sizes = (run.dataset.n_inputs, *run.config.hidden_sizes, run.dataset.n_classes)
    n_parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    return Tile("Parameters", grouped(n_parameters), "-".join(str(size) for size in sizes))


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.1f} %"
