"""What a trained network does with one image: pure functions."""

from explorer.inspection.contributions import (
    Contributions,
    contributions,
    d_input,
    d_loss,
    flip,
    gradient_times_input,
    occlusion,
)
from explorer.inspection.played_step import PlayedStep, play_step
from explorer.inspection.projection import Projection, nearest, project

__all__ = [
    "Contributions",
    "PlayedStep",
    "Projection",
    "contributions",
    "d_input",
    "d_loss",
    "flip",
    "gradient_times_input",
    "nearest",
    "occlusion",
    "play_step",
    "project",
]
