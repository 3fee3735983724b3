"""Demonstrations in a notebook: one is run, drawn, and told."""

from typing import Any

from explorer.datasets import load_mnist
from explorer.experiments import offered_demonstrations
from explorer.network import NeuralNetwork
from explorer.notebook.page import Shown, figure


def demonstrate(key: str, seed: int = 0, network: NeuralNetwork | None = None, **options: Any) -> Shown:
    """Run a demonstration on MNIST, and return its figure, with what is seen in it and what the paper found.

    `network` replaces the one that it would train, and `options` are other values of its knob, as ``eps=0.05``.
    Raises `KeyError` if there is none of this name.
    """
    one = offered_demonstrations()[key]
    found = one.last(load_mnist(), seed, network, **options)
    return figure(found.figure("light"), " ".join(one.sentences(found.numbers)))
