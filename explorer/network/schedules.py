"""Schedules: functions that lower the learning rate during training.

A schedule is a function ``f(t, T)``, the factor on the learning rate after t of T epochs. A mini-batch is trained
with the factor at its middle, so t is never quite 0 or T.
"""

from collections.abc import Callable, Mapping
from math import cos, pi
from types import MappingProxyType


def constant(t: float, T: float) -> float:
    """Return 1: the learning rate is constant."""
    return 1.0


def steps(t: float, T: float) -> float:
    """Return 1, then a tenth after half of the epochs, and a hundredth after three quarters.

    He et al. 2016, "Deep residual learning for image recognition": after 32 000 and 48 000 of 64 000 steps.
    """
    return 0.1 ** sum(t >= share * T for share in (1 / 2, 3 / 4))


def inverse(t: float, T: float) -> float:
    """Return 1 / (1 + t), which falls towards 0, but so slowly that the steps can still add up to any distance.

    Robbins and Monro 1951, "A stochastic approximation method".
    """
    return 1 / (1 + t)


def cosine(t: float, T: float) -> float:
    """Return (1 + cos(π t / T)) / 2, which falls to 0, slowly at first and at the end.

    Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", without the restarts.
    """
    return (1 + cos(pi * t / T)) / 2


SCHEDULES: Mapping[str, Callable[[float, float], float]] = MappingProxyType(
    {"constant": constant, "steps": steps, "inverse": inverse, "cosine": cosine}
)
"""The schedules by name."""


def rate_factor(schedule: str, t: float, T: float, warmup: float = 0.0) -> float:
    """Return the factor on the learning rate: the schedule's, times t / warmup in the first `warmup` epochs.

    A schedule also applies during the warm-up, so that with a falling one the factor never reaches 1. Small first
    steps help while the weights are far from any minimum and a full step could throw them off: Goyal et al. 2017,
    "Accurate, large minibatch SGD: training ImageNet in 1 hour".
    """
    return SCHEDULES[schedule](t, T) * (min(1.0, t / warmup) if warmup else 1.0)
