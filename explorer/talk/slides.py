"""The talk as data: which runs it shows, and what each slide says of them.

No number is written here: what stands in braces is filled in from the run on the slide, recorded or live, by
`explorer.talk.numbers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explorer.training import PRESETS, TrainingConfig

__all__ = ["RUNS", "SLIDES", "Shown", "Slide"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A run of the talk.

    Parameters
    ----------
    label : str
        What a curve of it is called where it is only compared with.
    config : TrainingConfig
        Its settings.
    with_weights : bool
        Whether its recording keeps the weights, for the slides that look at single images or units.
    """

    label: str
    config: TrainingConfig
    with_weights: bool = False


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide.

    Parameters
    ----------
    name : str
        Its name in the notebook and in the page's address.
    title : str
        A few words.
    sentence : str
        What there is to see. Fields in braces are those of `explorer.talk.numbers.numbers`; those of the first
        run that it is compared with stand in ``{other[…]}``.
    notes : str
        For the speaker alone.
    pictures : tuple of str
        Names in `explorer.talk.pictures.PICTURES`.
    run : str
        Name in `RUNS` of the run that it shows, and trains live; empty for none.
    against : tuple of str
        Names in `RUNS` of those whose curves lie behind it in grey.
    """

    name: str
    title: str
    sentence: str
    notes: str
    pictures: tuple[str, ...]
    run: str = ""
    against: tuple[str, ...] = ()


_EXERCISE = PRESETS["The exercise"]
_HUGE = _EXERCISE.replace(batch_size=8192)
_WIDE = _EXERCISE.replace(hidden_sizes=128)
_MODERN = PRESETS["Modern"].replace(hidden_sizes=32, learning_rate=0.5)
_ONE_LAYER = _MODERN.replace(hidden_sizes=128, batch_size=64, learning_rate=0.1)

RUNS: Mapping[str, Shown] = MappingProxyType(
    {
        "exercise": Shown("the exercise", _EXERCISE, with_weights=True),
        "uniform": Shown("uniform weights", _EXERCISE.replace(initializer="uniform"), with_weights=True),
        "summed": Shown("by sum", _HUGE),
        "averaged": Shown("by mean", _HUGE.replace(reduction="mean", learning_rate=3.0)),
        "overshooting": Shown("larger rate", _WIDE),
        "careful": Shown("smaller rate", _WIDE.replace(learning_rate=0.003)),
        "modern": Shown("relu and cross-entropy", _MODERN),
        "shallow": Shown("one hidden layer", _ONE_LAYER),
        "deep": Shown("two hidden layers", _ONE_LAYER.replace(hidden_sizes=(128, 64)), with_weights=True),
    }
)
"""The runs of the talk. Each has a recording of its name in the package."""

SLIDES: tuple[Slide, ...] = (
    Slide(
        name="title",
        title="A network learns to read",
        sentence="{parameters} numbers, {epochs} times through the images, and nothing but NumPy.",
        notes=(
            "Under each image stands what the network reads in it; what it reads wrongly is marked. Press "
            "t: the weights start anew, at random, and you watch it learn to read within seconds. None of "
            "these images was trained on."
        ),
        pictures=("readings",),
        run="exercise",
    ),
    Slide(
        name="learns",
        title="It learns",
        sentence="{updates} small steps, mostly downhill, and it reads digits it was never shown.",
        notes=(
            "Loss falls, accuracy rises, on images that it was not trained on as well. Rows of the matrix "
            "are what is true, columns what is read: the grey diagonal is right, colour is a mistake. "
            "Press t to train it now."
        ),
        pictures=("loss", "accuracy", "matrix"),
        run="exercise",
    ),
    Slide(
        name="mistakes",
        title="Look at its mistakes",
        sentence="Most often a {true} is read as a {predicted}: {times} times. Would you have read them?",
        notes=(
            "Click any coloured cell: the images behind it appear, the worst mistake first. Ask the room "
            "to read the first three aloud before you say what they are."
        ),
        pictures=("cells",),
        run="exercise",
    ),
    Slide(
        name="uniform",
        title="All weights positive, and it can’t",
        sentence="{saturated} of the hidden activations are stuck where the slope is zero.",
        notes=(
            "The first idea of nearly everyone: weights drawn uniformly from zero to one. Hundreds of "
            "positive inputs times positive weights make a huge sum, the sigmoid is flat there, and no "
            "gradient comes through. Grey is the exercise with Glorot's weights; nothing else differs. "
            "What is read rightly is chance."
        ),
        pictures=("activations", "accuracy"),
        run="uniform",
        against=("exercise",),
    ),
    Slide(
        name="summed",
        title="A huge batch, by sum",
        sentence=(
            "A step of {batch} gradients leaps across the valley: {favourite_share} are read as {favourite}."
        ),
        notes=(
            "With the gradient summed, a batch that is so many times larger takes a step that is as many "
            "times larger. The learning rate is the same as before. Ask: what would you change?"
        ),
        pictures=("accuracy", "matrix"),
        run="summed",
        against=("exercise",),
    ),
    Slide(
        name="averaged",
        title="The same batch, by mean",
        sentence=(
            "At rate {rate} by mean a step keeps its size, but there are {updates} of them and not "
            "{other[updates]}."
        ),
        notes=(
            "The mean takes the batch size out of the step, so it learns again. Two things changed: a mean "
            "is smaller than a sum by the size of the batch, so the rate is larger, for steps about as long "
            "as the exercise's own. But an epoch is now a handful of them, and so it gets less far in as many "
            "epochs. Too large a step by sum, too few steps by mean: two reasons why large batches do worse."
        ),
        pictures=("accuracy", "matrix"),
        run="averaged",
        against=("exercise", "summed"),
    ),
    Slide(
        name="rate",
        title="Too large a rate",
        sentence=(
            "{units} hidden units at rate {rate}. At {other[rate]} the same network reaches "
            "{other[accuracy]}."
        ),
        notes=(
            "More units should help, and they make it worse: every unit adds to the output, so the same "
            "rate is a larger step. The grey curve has a smaller rate and nothing else changed. A wider "
            "layer wants a smaller rate."
        ),
        pictures=("accuracy", "matrix"),
        run="overshooting",
        against=("careful",),
    ),
    Slide(
        name="modern",
        title="relu and cross-entropy",
        sentence="The same {units} units that sigmoid and squared error took to {other[accuracy]}.",
        notes=(
            "relu doesn't flatten for large inputs, and with softmax and cross-entropy the output's "
            "derivative is just what was read minus what was wanted. First weights, mean and rate are "
            "those that suit them. Same size, same data, same epochs, faster from the first one on."
        ),
        pictures=("accuracy", "matrix"),
        run="modern",
        against=("exercise",),
    ),
    Slide(
        name="deep",
        title="Wider and deeper",
        sentence="{layers} hidden layers, {units} units: these {wrong} of {images} are all that is left.",
        notes=(
            "It takes some seconds live. Page through what it still reads wrongly: many of them divide a "
            "room of people as well. The grey curve has the first of these layers alone, and nothing else "
            "differs: on these digits the second hardly shows. What was gained since the slide before came from "
            "width and smaller batches."
        ),
        pictures=("accuracy", "mistakes"),
        run="deep",
        against=("shallow",),
    ),
    Slide(
        name="questions",
        title="Your questions",
        sentence="",
        notes=(
            "The whole explorer. Let the room choose: a slider, a digit to draw in the tab Draw, a look "
            "at the weights in the tab Inside. Esc gives the keys back to the slides."
        ),
        pictures=("playground",),
    ),
)
"""The talk, in its order."""
