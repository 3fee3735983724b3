"""The sigmoid overflows: eᵃ is more than a float can hold long before a is large."""

from typing import Any

import numpy as np

from explorer.network import NeuralNetwork
from explorer.network.activations import Activation

__all__ = ["QuotientNetwork", "as_printed", "d_quotient", "quotient", "stable"]


def as_printed(a: Any) -> Any:
    """Return 1 / (1 + e⁻ᵃ). Wrong far below 0: e⁻ᵃ overflows, and NumPy warns; the value is right by luck."""
    return 1 / (1 + np.exp(-a))  # far below 0: 1 / ∞ is 0, right by luck


def quotient(a: Any) -> Any:
    """Return eᵃ / (1 + eᵃ), the same formula. Wrong far above 0: infinity over infinity is not a number."""
    return np.exp(a) / (1 + np.exp(a))  # WRONG far above 0: ∞ / ∞ is not a number


def d_quotient(a: Any) -> Any:
    """Return the derivative of `quotient`, from its value."""
    return quotient(a) * (1 - quotient(a))


def stable(a: Any) -> Any:
    """Return e to the power of −log(1 + e⁻ᵃ), the same formula: right, since `logaddexp` doesn't overflow."""
    return np.exp(-np.logaddexp(0, -a))


class QuotientNetwork(NeuralNetwork):
    """A network whose units overflow."""

    def __init__(self, *sizes: Any, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.f = [Activation(quotient, d_quotient)] * self.n_layers  # WRONG where a weighted sum is large
