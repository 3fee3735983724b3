"""Diagnostics of a network's layers on some samples: saturated and dead units, and gradient strength."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .neural_network import NeuralNetwork

__all__ = ["LayerDiagnostics", "diagnose"]

_SATURATED: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}
)
"""Limits below and above which an activation is saturated: 1 % of its range from its bounds."""


@dataclass(frozen=True, slots=True)
class LayerDiagnostics:
    """Diagnostics of one layer on the samples of a probe.

    Parameters
    ----------
    layer : int
        1 for the first hidden layer; the output layer is the last.
    activation : str
        Name of the layer's activation: "sigmoid", "relu", "tanh", "softmax".
    n_units : int
        Units in the layer.
    saturated : float
        Share, 0 to 1, of the activations, one for each unit and sample, that are within 1 % of the activation's
        range from one of its limits: there the slope is below 4 % of its maximum. It is the average share of units
        that are saturated on a sample. 0 for relu, which has no upper limit, and for softmax, whose
        outputs are meant to approach 0 and 1.
    dead : float
        Share, 0 to 1, of the units that are 0 on every sample of the probe, for relu; 0 for other activations.
    gradient_rms : float
        Root mean square of the elements of ∂L/∂W, L being the MEAN loss per sample; at least 0. Per weight,
        because a norm would make large layers look stronger. NaN if the gradient is not finite.
    """

    layer: int
    activation: str
    n_units: int
    saturated: float
    dead: float
    gradient_rms: float


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def diagnose(
    network: NeuralNetwork, X: ArrayLike, d: ArrayLike, *, weights: Sequence[ArrayLike] | None = None
) -> tuple[LayerDiagnostics, ...]:
    """Diagnose each layer on a batch of samples. The network is not changed.

    Parameters
    ----------
    network : NeuralNetwork
        The network, or one with the same layers and activations if `weights` are given.
    X : array_like, shape (n_input, n_samples)
        The probe's inputs, one sample per column; a few hundred suffice.
    d : array_like, shape (n_output, n_samples)
        The desired outputs.
    weights : sequence of array_like, optional
        ``(W1, b1, W2, b2, …)`` to use instead of the network's own, with the same shapes: those of a snapshot.

    Returns
    -------
    tuple of LayerDiagnostics
        One for each layer, the output layer last.

    Raises
    ------
    ValueError
        If a shape or the number of `weights` is wrong.
    """
    probe = network.copy()
    if weights is not None:
        probe.set_weights(weights)
    y = probe.forward(X)
    gradients = probe.backward(X, y, d)[::2]
    names = [probe.hidden_activation] * (probe.n_layers - 1) + [probe.output]
    layers = zip(names, probe.h[1:], gradients, strict=True)
    return tuple(
        _layer(number, name, h, gradient / y.shape[1]) for number, (name, h, gradient) in enumerate(layers, 1)
    )


def _layer(number: int, name: str, h: NDArray[Any], gradient: NDArray[Any]) -> LayerDiagnostics:
    """Diagnose a layer from its activations `h` (n_units, n_samples) and the gradient of its weights."""
    low, high = _SATURATED.get(name, (-np.inf, np.inf))
    return LayerDiagnostics(
        layer=number,
        activation=name,
        n_units=len(h),
        saturated=float(np.mean((h < low) | (h > high))),
        dead=float(np.mean(~(h > 0).any(axis=1))) if name == "relu" else 0.0,
        gradient_rms=float(np.sqrt(np.mean(np.square(gradient, dtype=np.float64)))),
    )
