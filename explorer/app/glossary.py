"""What the words on the page mean, each in a sentence: the help on tiles, on column heads and in remarks."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["GLOSSARY"]

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
        "recall": "Of all images of this class, the share that the network recognises.",
        "precision": "Of all images that the network takes for this class, the share that are of it.",
        "F1": "Harmonic mean of recall and precision: high only where both are.",
        "test images": "How many of the test images are of this class.",
        "validation images": "How many of the validation images are of this class.",
        "Best": "The highest accuracy of any epoch on held-out images, and that epoch. Chosen by these images, it "
        "flatters the run.",
        "Time": "Seconds of training; pauses don't count.",
        "Parent": "The run whose weights it began with, and the epoch that they are from.",
        "exact McNemar test": "Counts the images that only A, and those that only B classifies correctly. If the "
        "two were equally good, each would be the toss of a coin: the test says how rare such a gap then is.",
    }
)
"""A sentence for each word, as the page writes it."""
