"""What a network's layers do with some samples, and whether one of two networks is better, or merely lucky."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.wording import counted, grouped

from .neural_network import NeuralNetwork

_SATURATED = MappingProxyType({"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)})
"""Limits below and above which an activation is saturated: 1 % of its range from its bounds."""


@dataclass(frozen=True, slots=True)
class LayerDiagnostics:
    """Diagnostics of one layer on the samples of a probe."""

    layer: int
    """1 for the first hidden layer; the output layer is the last."""
    activation: str
    """"sigmoid", "relu", "tanh" or "softmax"."""
    n_units: int
    saturated: float
    """Share, 0 to 1, of the activations, one for each unit and sample, within 1 % of the range from a limit: there
    the slope is below 4 % of its maximum. 0 for relu and softmax."""
    dead: float
    """Share, 0 to 1, of the units that are 0 on every sample of the probe, for relu; 0 for other activations."""
    gradient_rms: float
    """Root mean square of ∂L/∂W, L being the MEAN loss per sample; NaN if not finite."""


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def diagnose(
    network: NeuralNetwork, X: ArrayLike, d: ArrayLike, *, weights: Sequence[ArrayLike] | None = None
) -> tuple[LayerDiagnostics, ...]:
    """Diagnose each layer on a batch of samples; the output layer is the last. The network is not changed.

    A few hundred samples suffice: inputs `X` (n_input, n), desired outputs `d` (n_output, n). `weights` are those
    of a snapshot, by default the network's own. Raises `ValueError` for a wrong shape or number of `weights`.
    """
    probe = network.copy()
    if weights is not None:
        probe.set_weights(weights)
    y = probe.forward(X)
    gradients = probe.backward(X, y, d)[::2]
    names, layers = [probe.hidden_activation] * (probe.n_layers - 1) + [probe.output], []
    for number, (name, h, gradient) in enumerate(zip(names, probe.h[1:], gradients, strict=True), 1):
        low, high = _SATURATED.get(name, (-np.inf, np.inf))
        saturated = float(np.mean((h < low) | (h > high)))
        dead = float(np.mean(~(h > 0).any(axis=1))) if name == "relu" else 0.0
        rms = float(np.sqrt(np.mean(np.square(gradient / y.shape[1], dtype=np.float64))))
        layers.append(LayerDiagnostics(number, name, len(h), saturated, dead, rms))
    return tuple(layers)


_DOUBTFUL = 0.05  # from this p-value on, the gap may be chance
_CLEAR = 0.01
_RAREST = 1e-9  # below, the exact number has no further meaning


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of McNemar's test, in its exact form.

    `only_a` and `only_b` count the samples that only one of the two classifies correctly. With n = only_a + only_b
    and k = min(only_a, only_b) it is 2 · Σ_{i ≤ k} C(n, i) / 2ⁿ, at most 1: the probability that n tosses of a
    fair coin fall at least as unequally; 0 if that is too small for a float. The test is that of Q. McNemar
    (1947), Psychometrika 12, 153–157; for the exact form see M. W. Fagerland, S. Lydersen and P. Laake (2013), BMC
    Medical Research Methodology 13:91.
    """
    n, k = only_a + only_b, min(only_a, only_b)
    terms = accumulate(range(k), lambda term, i: term * (n - i) // (i + 1), initial=1)  # C(n, i), exactly
    return min(1.0, 2 * sum(terms) / (1 << n))


def paired(outputs_a: NDArray[Any], outputs_b: NDArray[Any], labels: NDArray[np.integer]) -> tuple[int, int]:
    """Count what only A gets right, and only B: their outputs are (n_classes, n), the true classes (n,)."""
    a, b = outputs_a.argmax(axis=0) == labels, outputs_b.argmax(axis=0) == labels
    return int((a & ~b).sum()), int((b & ~a).sum())


def verdict(only_a: int, only_b: int) -> str:
    """State in two sentences what `paired` counted, and what can be concluded."""
    if not only_a + only_b:
        return "A and B classify the same images correctly: these can't tell them apart."
    of_b, of_a = counted(only_b, "image"), grouped(only_a)
    seen = f"B classifies {of_b} correctly that A misclassifies, and A {of_a} that B misclassifies."
    p_value = mcnemar(only_a, only_b)
    if p_value >= _DOUBTFUL:
        return f"{seen} That may be chance (p = {p_value:.2f})."
    strength, better = "strong" if p_value < _CLEAR else "some", "B" if only_b > only_a else "A"
    ends = f"{strength} evidence that {better} is better"
    rare = "less than once in a billion tests"
    if p_value >= _RAREST:
        tests = 1 / p_value
        unit = 10 ** max(0, math.floor(math.log10(tests)) - 1)
        rare = f"once in {grouped(round(tests / unit) * unit)} tests"  # to two digits
    return f"{seen} If the two were equally good, a gap this large would appear by chance {rare}: {ends}."
