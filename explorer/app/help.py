"""What the page says to those who ask for help, and to those who are new."""

import tomllib
from importlib.resources import files

from explorer.datasets import Dataset
from explorer.widgets.controls import HelpDialog
from explorer.wording import class_noun, with_noun

WORDS = tomllib.loads((files("explorer.app") / "words.toml").read_text(encoding="utf-8"))
"""The help's paragraphs, the effect of each key, and a sentence for each term."""


def help_dialog(dataset: Dataset) -> HelpDialog:
    """Return the page's help, in the terms of a data set."""
    noun = class_noun(dataset.class_names)
    learns = "read handwritten digits" if noun == "digit" else "tell images apart"
    about = [words.format(learns=learns, noun=noun) for words in WORDS["help"]]
    return HelpDialog([with_noun(words, dataset.noun) for words in about], WORDS["keys"])


def first_words(dataset: Dataset) -> str:
    """Return a line for those who see the page for the first time: what to do first."""
    draws = "Draw a digit over the image" if class_noun(dataset.class_names) == "digit" else "Click a tile"
    what = "Click into the plane" if dataset.is_plane else draws
    return f"New here? {what}, or move a slider: the network learns again while you watch."
