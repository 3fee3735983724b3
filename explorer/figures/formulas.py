"""The formulas of a forward and a backward pass with the numbers of one sample, as lines of text.

They use the network's names: ``a1[3]`` is its attribute ``a1``, row 3. Terms are rounded after they are computed:
near 1, ``y (1 − y)`` from rounded digits would be nonsense.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network import NeuralNetwork
from explorer.network.regularization import d_penalty

Array = NDArray[Any]

_MOST_TERMS = 10  # in a sum that is written out
_TIMES = "\u00a0×\u00a0"  # no line breaks within a number
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Formula:
    """One value, its formula, and the formula with numbers."""

    name: str
    """The value's name: ``"h1[3]"``."""
    symbols: str
    """``"σ(a1[3])"``."""
    numbers: str
    """The formula with numbers: ``"σ(−0.420)"``; empty if that adds nothing."""
    value: float

    @property
    def text(self) -> str:
        """The complete line."""
        parts = (self.name, self.symbols, self.numbers, written(self.value))
        return " = ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, eq=False)
class Walkthrough:
    """One sample's forward and backward pass: arrays of shape (n_units,), in the order of the layers."""

    network: NeuralNetwork
    d: Array
    """Desired outputs, one-hot, shape (n_output,)."""
    a: list[Array]
    h: list[Array]
    """Activations; the first are the inputs, the last the outputs y."""
    deltas: list[Array]
    """∂L/∂a."""
    loss: float
    """Its value for this sample, with the penalty."""

    @property
    def y(self) -> Array:
        """The outputs, shape (n_output,)."""
        return self.h[-1]


@np.errstate(all="ignore")  # infinite or NaN weights show in the result
def walk_through(network: NeuralNetwork, x: ArrayLike, d: ArrayLike) -> Walkthrough:
    """Return the values of each layer for one sample, forward and backward, in the network's own passes.

    A bias's gradient is the sum of its unit's deltas over the samples: with one sample it is the delta. Inputs `x`
    have the shape (n_input,) and desired outputs `d` (n_output,); raises `ValueError` for another one.
    """
    X, D = np.asarray(x, network.dtype)[:, None], np.asarray(d, network.dtype)[:, None]
    y = network.forward(X)
    passes = network.a, [X, *network.h[1:]], network.backward(X, y, D)[1::2]
    a, h, deltas = ([one[:, 0] for one in layers] for layers in passes)
    return Walkthrough(network, D[:, 0], a, h, deltas, network.total_loss(y, D))


def written(value: float, digits: int = 3) -> str:
    """Format a number with a few significant digits and a true minus: ``−0.420``, ``1.20 × 10⁻⁵``, ``12345``."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{'−' if value < 0 else ''}∞"
    if (value == round(value) and abs(value) < 1e5) or 999.5 <= abs(value) < 99_999.5:
        return f"{value + 0.0:.0f}".replace("-", "−")  # + 0.0: there is no −0
    if 1e-3 <= abs(value) < 999.5:
        return f"{value:#.{digits}g}".rstrip(".").replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}{_TIMES}10{str(int(exponent)).translate(_SUPERSCRIPTS)}".replace("-", "−", 1)


def forward_formulas(walk: Walkthrough, n: int, unit: int) -> tuple[Formula, Formula]:
    """Return the formulas of the weighted sum and of the activation of a unit, from 0, in layer `n`, from 1."""
    network, is_last = walk.network, n == walk.network.n_layers
    h, inputs = f"y[{unit}]" if is_last else f"h{n}[{unit}]", "x" if n == 1 else f"h{n - 1}"
    with np.errstate(all="ignore"):
        weighted = float(network.W[n - 1][unit] @ walk.h[n - 1])
    b, sum_, activation = network.b[n - 1][unit, 0], walk.a[n - 1][unit], walk.h[n][unit]
    symbols = f"Σ W{n}[{unit}, i] · {inputs}[i] + b{n}[{unit}]"
    activated = Formula(h, *_activation(walk, n, unit), float(activation))
    return Formula(f"a{n}[{unit}]", symbols, _sum([weighted, float(b)]), float(sum_)), activated


def loss_formula(walk: Walkthrough) -> Formula:
    """Return the formula of the loss."""
    y, true, more = walk.y, int(walk.d.argmax()), _penalty(walk, "½ λ₂ Σ W²", "λ₁ Σ |W|")
    added = f" + {written(walk.network.penalty)}" if more else ""
    if walk.network.loss == "cross_entropy":
        return Formula("L", f"−log(y[{true}]){more}", f"−log({written(float(y[true]))}){added}", walk.loss)
    squares = [float(square) for square in np.square(y - walk.d)]
    terms = _sum(squares[:_MOST_TERMS]) + (" + …" if len(squares) > _MOST_TERMS else "")
    return Formula("L", f"½ Σ (y[k] − d[k])²{more}", f"½ ({terms}){added}", walk.loss)


def backward_formulas(walk: Walkthrough, n: int, unit: int, before: int) -> tuple[Formula, ...]:
    """Return the formulas of a unit's delta and the gradients of its weight from input `before` and its bias."""
    name, delta = f"delta{n}[{unit}]", float(walk.deltas[n - 1][unit])
    inputs, value = "x" if n == 1 else f"h{n - 1}", float(walk.h[n - 1][before])
    is_last = n == walk.network.n_layers
    symbols, numbers = _output_delta(walk, unit) if is_last else _hidden_delta(walk, n, unit)
    place, product = f"W{n}[{unit}, {before}]", _product([delta, value])
    more, added = _penalty(walk, f"λ₂ {place}", f"λ₁ sign {place}"), 0.0
    if more:
        added = float(d_penalty(walk.network.W[n - 1][unit, before], *walk.network.penalties))
        product += _sum([0.0, added]).removeprefix(written(0.0))
    return (
        Formula(name, symbols, numbers, delta),
        Formula(f"d_{place}", f"{name} · {inputs}[{before}]{more}", product, delta * value + added),
        Formula(f"d_b{n}[{unit}]", name, "", delta),
    )


def _penalty(walk: Walkthrough, l2: str, l1: str) -> str:
    terms = zip((l2, l1), walk.network.penalties, strict=True)
    return "".join(f" + {term}" for term, weight in terms if weight)


def _activation(walk: Walkthrough, n: int, unit: int) -> tuple[str, str]:
    """Return the symbols and the numbers of a unit's activation."""
    a, sums, value = f"a{n}[{unit}]", walk.a[n - 1], float(walk.a[n - 1][unit])
    network = walk.network
    name = network.output if n == network.n_layers else network.hidden_activation
    if name == "softmax":
        with np.errstate(all="ignore"):
            total = float(np.exp(sums - sums.max()).sum())
        symbols = f"exp({a} − m) / Σ exp(a{n}[k] − m), m = max a{n}"
        return symbols, f"exp({_sum([value, -float(sums.max())])}) / {written(total)}"
    if name == "relu":
        return f"max(0, {a})", f"max(0, {written(value)})"
    function = {"sigmoid": "σ", "tanh": "tanh"}[name]
    return f"{function}({a})", f"{function}({written(value)})"


def _hidden_delta(walk: Walkthrough, n: int, unit: int) -> tuple[str, str]:
    """Return one unit of delta = (Wᵀ delta of the next layer) ∘ f′: symbols and numbers."""
    h, value = f"h{n}[{unit}]", float(walk.h[n][unit])
    slope, steepness = {
        "sigmoid": (f"{h} (1 − {h})", value * (1 - value)),
        "tanh": (f"(1 − {h}²)", 1 - value * value),
        "relu": (f"[{h} > 0]", float(value > 0)),
    }[walk.network.hidden_activation]
    with np.errstate(all="ignore"):
        back = float(walk.network.W[n][:, unit] @ walk.deltas[n])
    return f"(Σ W{n + 1}[k, {unit}] · delta{n + 1}[k]) · {slope}", _product([back, steepness])


def _output_delta(walk: Walkthrough, unit: int) -> tuple[str, str]:
    """Return ∂L/∂a of an output unit, for its pair of activation and loss: symbols and numbers."""
    output, loss = walk.network.output, walk.network.loss
    y, d = float(walk.y[unit]), float(walk.d[unit])
    y_k, d_k = f"y[{unit}]", f"d[{unit}]"
    difference = f"({y_k} − {d_k})"
    if (output, loss) == ("softmax", "cross_entropy"):
        return f"{y_k} − {d_k}", _sum([y, -d])
    if (output, loss) == ("sigmoid", "squared_error"):
        return f"{difference} · {y_k} (1 − {y_k})", _product([y - d, y * (1 - y)])
    if (output, loss) == ("sigmoid", "cross_entropy"):
        return f"−{d_k} (1 − {y_k})", _product([-d, 1 - y])
    others = float((walk.y - walk.d) @ walk.y)
    symbols = f"{y_k} · ({difference} − Σ (y[j] − d[j]) · y[j])"
    return symbols, f"{written(y)} · ({_sum([y - d, -others])})"


def _sum(terms: Sequence[float]) -> str:
    """Join terms with their signs: ``−0.310 − 0.110``."""
    first, *others = terms
    return written(first) + "".join(f" {'−' if term < 0 else '+'} {written(abs(term))}" for term in others)


def _product(factors: Sequence[float]) -> str:
    """Join factors with dots, with negative ones after the first in brackets."""
    first, *others = factors
    texts = (f"({written(factor)})" if factor < 0 else written(factor) for factor in others)
    return " · ".join([written(first), *texts])
