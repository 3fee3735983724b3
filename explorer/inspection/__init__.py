"""What a trained network does with one image, and what happens if it is damaged: pure functions for scripts."""

from explorer.inspection.attribution import d_input, d_loss, flip, gradient_times_input, occlusion
from explorer.inspection.contributions import Contributions, contributions
from explorer.inspection.damage import (
    ablate,
    add_noise,
    flip_bias,
    importance,
    prune,
    quantize,
    scale_weights,
    shift_bias,
    shuffle_weights,
    swap_units,
)
from explorer.inspection.played_step import PlayedStep, play_step
from explorer.inspection.projection import Projection, nearest, project

__all__ = [
    "Contributions",
    "PlayedStep",
    "Projection",
    "ablate",
    "add_noise",
    "contributions",
    "d_input",
    "d_loss",
    "flip",
    "flip_bias",
    "gradient_times_input",
    "importance",
    "nearest",
    "occlusion",
    "play_step",
    "project",
    "prune",
    "quantize",
    "scale_weights",
    "shift_bias",
    "shuffle_weights",
    "swap_units",
]
