"""Experiments that are guessed at, run and drawn: what one is, those that extensions offer, and running them."""

from explorer.experiments.demonstration import (
    Claim,
    Demonstration,
    Knob,
    Result,
    Steps,
    Texts,
    offered_demonstrations,
)

__all__ = ["Claim", "Demonstration", "Knob", "Result", "Steps", "Texts", "offered_demonstrations"]
