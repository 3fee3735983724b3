"""What the page says to those who ask for help, and to those who are new."""

from collections.abc import Mapping
from types import MappingProxyType

from explorer.datasets import Dataset
from explorer.widgets.help_dialog import HelpDialog
from explorer.wording import class_noun, with_noun

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "Space": "Train, pause or resume, where no control has the focus",
        "?": "This help",
        ".": "On the drawing of the network: play a step. Arrows go through its scenes, Esc leaves",
        "← →": "On the tabs: the next one. On a slider: its next stop",
        "↑ ↓ ← →": "On the confusion matrix: the next cell, and what is in it. Esc leaves it",
        "↑ ↓": "In a number: the next that makes sense. Enter takes what is typed",
        "Ctrl Z": "On the sketch pad: undo. Arrows move the brush, Space puts it down, Delete clears",
        "Esc": "Close what is open",
    }
)
"""The effect of each key."""

_ABOUT = (
    "A neural network in NumPy learns to {learns}. Change a setting, and watch it learn again.",
    "An image goes in on the left, and the answer comes out on the right. Each tile in between is a hidden "
    "unit, drawn as the weight that it gives to each pixel; its frame lights up with it. Green links speak "
    "for the answer, purple ones against it. Draw over the image, or click a tile.",
    "What you draw is cropped, its longest side is scaled to 20 pixels, and the center of mass of its ink is "
    "put at the center of 28 × 28 pixels, as in MNIST.",
    "One pass over the training images is an epoch, and the network after each is kept: go back, and all "
    "figures show what it knew then.",
    "In the confusion matrix, a row is the true {noun}, a column what the network reads it as. Click a cell "
    "to see its images.",
    "The other tabs look deeper: mistakes, gradients, runs side by side, famous experiments. Copy link holds "
    "all settings of a run.",
)


def help_dialog(dataset: Dataset) -> HelpDialog:
    """Return the page's help, in the terms of a data set."""
    noun = class_noun(dataset.class_names)
    learns = "read handwritten digits" if noun == "digit" else "tell images apart"
    about = [words.format(learns=learns, noun=noun) for words in _ABOUT]
    return HelpDialog([with_noun(words, dataset.noun) for words in about], KEYS)


def first_words(dataset: Dataset) -> str:
    """Return a line for those who see the page for the first time: what to do first."""
    draws = "Draw a digit over the image" if class_noun(dataset.class_names) == "digit" else "Click a tile"
    what = "Click into the plane" if dataset.is_plane else draws
    return f"New here? {what}, or move a slider: the network learns again while you watch."
