"""Formulas: the numbers that are written give the value that is written."""

import itertools
import math
import re

import numpy as np
import pytest
import reference

from explorer.figures.formulas import backward_formulas, forward_formulas, loss_formula, walk_through, written
from explorer.network import ACTIVATIONS, LOSSES, OUTPUTS, NeuralNetwork

COMBINATIONS = list(itertools.product(ACTIVATIONS, OUTPUTS, LOSSES))
POWERS = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
SUPERSCRIPTS = str.maketrans(POWERS, "-0123456789")


def worked_out(numbers):
    """Read a formula's numbers as a reader does, and work them out."""
    text = re.sub(rf"\u00a0×\u00a010([{POWERS}]+)", lambda m: "e" + m[1].translate(SUPERSCRIPTS), numbers)
    text = text.replace("−", "-").replace("·", "*").replace("½ ", "0.5*")
    functions = {"tanh": math.tanh, "max": max, "exp": math.exp, "log": math.log}
    functions["σ"] = lambda a: 1 / (1 + math.exp(-a))
    return eval(text, {"__builtins__": {}}, functions)


def walk(activation="sigmoid", output="sigmoid", loss="squared_error", **penalties):
    functions = {"hidden_activation": activation, "output": output, "loss": loss}
    nn = NeuralNetwork(6, (5, 4), 3, **functions, **penalties, dtype=np.float64, seed=4)
    nn.W1 *= 2
    nn.W3 *= 3
    return walk_through(nn, np.random.default_rng(2).uniform(0, 1, 6), np.eye(3)[1])


@pytest.mark.parametrize(("activation", "output", "loss"), COMBINATIONS, ids=map("-".join, COMBINATIONS))
def test_the_numbers_give_the_value(activation, output, loss):
    w = walk(activation, output, loss)
    formulas = [loss_formula(w)]
    for layer, a in enumerate(w.a, 1):
        for unit in range(len(a)):
            formulas += [*forward_formulas(w, layer, unit), *backward_formulas(w, layer, unit, 2)]
    for formula in (f for f in formulas if f.numbers):
        terms = re.findall(rf"[\d.]+(?:\u00a0×\u00a010[{POWERS}]+)?", formula.numbers)
        value = pytest.approx(formula.value, rel=0.02, abs=0.005 * max(map(worked_out, terms)))
        assert worked_out(formula.numbers) == value, formula.text


@pytest.mark.parametrize(("activation", "output", "loss"), COMBINATIONS, ids=map("-".join, COMBINATIONS))
def test_a_walk_has_the_numbers_of_the_reference_network(activation, output, loss):
    w = walk(activation, output, loss)
    weights, d = w.network.weights(), w.d[:, None]
    a, h = reference.forward(weights, w.h[0][:, None], activation, output)
    delta = reference.output_delta(h[-1], d, output, loss)
    for i in (2, 1, 0):
        np.testing.assert_allclose(w.a[i], a[i][:, 0], rtol=1e-12)
        np.testing.assert_allclose(w.h[i + 1], h[i + 1][:, 0], rtol=1e-12)
        np.testing.assert_allclose(w.deltas[i], delta[:, 0], rtol=1e-9, atol=1e-15)
        if i:
            delta = (weights[2 * i].T @ delta) * reference.d_hidden(activation, a[i - 1])
    assert w.loss == pytest.approx(reference.loss(loss, h[-1], d))


@pytest.mark.parametrize("penalties", [{"l2": 0.3}, {"l1": 0.02}, {"l2": 0.3, "l1": 0.02}], ids=str)
@pytest.mark.parametrize("loss", LOSSES)
def test_penalties_are_in_the_loss_and_in_the_gradient_of_weights(loss, penalties):
    w, plain = (walk("tanh", "sigmoid", loss, **options) for options in (penalties, {}))
    l2, l1 = penalties.get("l2", 0), penalties.get("l1", 0)
    weights = np.concatenate([W.ravel() for W in w.network.W])
    added = l2 / 2 * np.sum(weights**2) + l1 * np.sum(np.abs(weights))
    assert w.loss == pytest.approx(plain.loss + added)
    shown = loss_formula(w)
    assert ("½ λ₂ Σ W²" in shown.symbols, "λ₁ Σ |W|" in shown.symbols) == (l2 > 0, l1 > 0)
    assert worked_out(shown.numbers) == pytest.approx(w.loss, rel=5e-3)
    _, by_weight, by_bias = backward_formulas(w, 2, 3, 1)
    _, before, same = backward_formulas(plain, 2, 3, 1)
    weight = w.network.W2[3, 1]
    assert by_weight.value == pytest.approx(before.value + l2 * weight + l1 * np.sign(weight))
    assert worked_out(by_weight.numbers) == pytest.approx(by_weight.value, abs=5e-3)
    assert ("λ₂ W2[3, 1]" in by_weight.symbols, "λ₁ sign W2[3, 1]" in by_weight.symbols) == (l2 > 0, l1 > 0)
    assert by_bias == same


def test_formulas_of_the_exercise_in_full():
    nn = NeuralNetwork(1, 1, 2, dtype=np.float64, seed=0)
    nn.W1, nn.b1, nn.W2, nn.b2 = [[2.0]], [[-1.0]], [[0.5], [-0.25]], [[0.0], [0.5]]
    w = walk_through(nn, [1.0], [1.0, 0.0])  # h1 0.7311, y 0.5904 and 0.5787: worked out on paper
    assert [f.text for f in (*forward_formulas(w, 1, 0), *backward_formulas(w, 1, 0, 0))] == [
        "a1[0] = Σ W1[0, i] · x[i] + b1[0] = 2 − 1 = 1",
        "h1[0] = σ(a1[0]) = σ(1) = 0.731",
        "delta1[0] = (Σ W2[k, 0] · delta2[k]) · h1[0] (1 − h1[0]) = −0.0848 · 0.197 = −0.0167",
        "d_W1[0, 0] = delta1[0] · x[0] = −0.0167 · 1 = −0.0167",
        "d_b1[0] = delta1[0] = −0.0167",
    ]
    expected = "delta2[1] = (y[1] − d[1]) · y[1] (1 − y[1]) = 0.579 · 0.244 = 0.141"
    assert backward_formulas(w, 2, 1, 0)[0].text == expected
    assert loss_formula(w).text == "L = ½ Σ (y[k] − d[k])² = ½ (0.168 + 0.335) = 0.251"


def test_near_one_nothing_is_lost_to_rounding():
    nn = NeuralNetwork(1, 1, 1, dtype=np.float64, seed=0)
    nn.W1, nn.W2, nn.b2 = [[1.0]], [[0.0]], [[9.0]]
    w = walk_through(nn, [1.0], [0.0])
    shown = "· 1.23 × 10⁻⁴ = 1.23 × 10⁻⁴".replace(" × ", "\u00a0×\u00a0")
    assert shown in backward_formulas(w, 2, 0, 0)[0].text


def test_many_classes_are_not_all_written_out():
    w = walk_through(NeuralNetwork(2, 2, 12, seed=0), [1.0, 0.5], np.eye(12)[0])
    assert loss_formula(w).numbers.count("+") == 10
    assert loss_formula(w).numbers.endswith(" + …)")


@pytest.mark.filterwarnings("error")
def test_numbers_that_are_none_can_be_written():
    nn = NeuralNetwork(2, 2, 2, output="softmax", loss="cross_entropy", hidden_activation="relu", seed=0)
    nn.W1 = np.full((2, 2), np.inf)
    w = walk_through(nn, [1.0, 0.0], [1.0, 0.0])
    texts = [f.text for layer in (1, 2) for f in forward_formulas(w, layer, 0)]
    texts += [f.text for layer in (1, 2) for f in backward_formulas(w, layer, 0, 0)]
    assert any("not a number" in text for text in texts)


@pytest.mark.parametrize(("value", "text"), [
    (0, "0"),
    (-0.0, "0"),
    (1, "1"),
    (-0.42, "−0.420"),
    (0.99996, "1.00"),
    (123.4, "123"),
    (-1234.5, "−1234"),
    (0.001, "0.00100"),
    (1.2e-5, "1.20 × 10⁻⁵"),
    (-9.996e-4, "−1.00 × 10⁻³"),
    (3e12, "3.00 × 10¹²"),
    (math.nan, "not a number"),
    (math.inf, "∞"),
    (-math.inf, "−∞"),
])  # fmt: skip
def test_written(value, text):
    assert written(value) == text.replace(" × ", "\u00a0×\u00a0")
