"""Optimizers: functions that turn the gradient of a mini-batch into a change of the weights.

Let θ be a parameter of the network, g its gradient and η the learning rate. Plain gradient descent makes the step
θ ← θ − η g. The others also keep a memory of earlier gradients, in arrays of θ's shape that start at 0.

An optimizer is a function ``change, memory = f(g, lr, t, *memory)`` on arrays of one shape. It returns the change
to subtract from θ at step t (the first is 1), and the new memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Change = tuple[Array, tuple[Array, ...]]

MOMENTUM = 0.9
"""μ: the share of the last step that momentum keeps."""

DECAY = 0.9
"""ρ: the share of the mean square that RMSProp keeps, as in its authors' lecture; PyTorch's default is 0.99."""

BETA_1, BETA_2 = 0.9, 0.999
"""β₁ and β₂: the shares of the mean gradient and of the mean square that Adam keeps; its authors' values."""

EPSILON = 1e-8
"""ε, which keeps RMSProp and Adam from dividing by 0."""


def sgd(g: Array, lr: float, t: int) -> Change:
    """Return the change η g: plain gradient descent, without memory (Robbins and Monro 1951)."""
    return lr * g, ()


def momentum(g: Array, lr: float, t: int, v: Array) -> Change:
    """Return the change v ← μ v + η g: steps in a consistent direction add up (Polyak 1964)."""
    v = MOMENTUM * v + lr * g
    return v, (v,)


def nesterov(g: Array, lr: float, t: int, v: Array) -> Change:
    """Return the change η g + μ v with v ← μ v + η g: momentum that looks one step ahead.

    Nesterov 1983, in the form of Sutskever et al. 2013, "On the importance of initialization and momentum in deep
    learning", but with θ for the lookahead point, as in PyTorch.
    """
    v = MOMENTUM * v + lr * g
    return lr * g + MOMENTUM * v, (v,)


def rmsprop(g: Array, lr: float, t: int, s: Array) -> Change:
    """Return the change η g / (√s + ε) with s ← ρ s + (1 − ρ) g²: of similar size for large and small gradients.

    Tieleman and Hinton 2012, lecture 6.5 of "Neural networks for machine learning".
    """
    s = DECAY * s + (1 - DECAY) * g**2
    return lr * g / (np.sqrt(s) + EPSILON), (s,)


def adam(g: Array, lr: float, t: int, m: Array, s: Array) -> Change:
    """Return the change η m̂ / (√ŝ + ε): the mean gradient, divided by its root mean square.

    m ← β₁ m + (1 − β₁) g and s ← β₂ s + (1 − β₂) g² start at 0 and are too small at first, by 1 − β₁ᵗ and 1 − β₂ᵗ:
    m̂ and ŝ are corrected for that (Kingma and Ba 2015, "Adam: a method for stochastic optimization").
    """
    m = BETA_1 * m + (1 - BETA_1) * g
    s = BETA_2 * s + (1 - BETA_2) * g**2
    m_hat, s_hat = m / (1 - BETA_1**t), s / (1 - BETA_2**t)
    return lr * m_hat / (np.sqrt(s_hat) + EPSILON), (m, s)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An optimizer and its properties."""

    change: Callable[..., Change]
    n_memories: int = 0
    """Arrays of memory for each parameter."""
    is_scale_free: bool = False
    """Whether scaling the gradient leaves the step unchanged. Such a method uses the mean over a mini-batch; with
    the sum, only ε and a shorter last mini-batch would make a difference."""
    decays_weights: bool = False
    """Whether each step also subtracts η λ₂ W from the weights, so that λ₂ is neither in the loss nor in the
    gradient, where Adam would cancel it: "Decoupled weight decay regularization" (Loshchilov and Hutter 2019)."""


OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType(
    {
        "sgd": Optimizer(sgd),
        "momentum": Optimizer(momentum, 1),
        "nesterov": Optimizer(nesterov, 1),
        "rmsprop": Optimizer(rmsprop, 1, is_scale_free=True),
        "adam": Optimizer(adam, 2, is_scale_free=True),
        "adamw": Optimizer(adam, 2, is_scale_free=True, decays_weights=True),
    }
)
"""The optimizers by name."""
