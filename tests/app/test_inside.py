"""The Inside tab without a page: its sections against the network's own numbers."""

import time
from dataclasses import replace

import numpy as np
import pytest
from app_steps import (
    change,
    change_weights,
    done,
    messages,
    open_tab,
    retrain,
    rewind,
    run_of,
    send,
    set_controls,
    train_on,
)

from explorer import TrainingConfig
from explorer.app.panels.inside import gradient_verdict
from explorer.app.views import Pace
from explorer.figures.formulas import written
from explorer.network import NeuralNetwork
from explorer.network.diagnostics import diagnose
from explorer.network.gradient_check import CheckedWeight, Place
from explorer.training import new_network

CONFIG = TrainingConfig(hidden_sizes=12, epochs=4, batch_size=16, learning_rate=0.05)


def at_epoch(app, epoch):
    """Put the slider at an epoch; return its weights."""
    rewind(app, epoch)
    moment = run_of(app).timeline.moments[epoch - 1]
    assert moment.epoch == epoch
    return moment.weights


def test_without_a_run_it_says_so(untrained):
    app, section = untrained, open_tab(untrained, "inside", "histograms")
    assert section.reason.text == "not trained yet"
    done(app.train)
    assert section.reason.text == ""
    done(app.session.reset)
    assert section.reason.text == ""
    assert open_tab(app, "inside", "check").table.shown.how.endswith("Epoch 0.")


def test_before_the_first_epoch_the_first_weights_are_shown(new_app):
    app = new_app(CONFIG.replace(batch_size=1), train=False)
    section = open_tab(app, "inside", "histograms")
    app.train()
    app.views.refresh()
    first = written(float(run_of(app).new_network().W1.std()))
    assert f"layer 1 {first} → {first}," in section.captions[0].text


def test_a_fork_is_compared_with_the_first_weights_of_all(app, small_dataset):
    open_tab(app, "inside")
    done(app.train, CONFIG.replace(seed=5))
    parent = run_of(app)
    at_epoch(app, 2)
    app.run_bar.auto = False
    set_controls(app, seed=9)
    train_on(app)
    assert run_of(app).origin.parent.number == parent.number
    inspected = app.views.networks.of(app.views.state)
    first = new_network(CONFIG.replace(seed=5), small_dataset)
    np.testing.assert_array_equal(inspected.first[0], first.W1)


def test_a_dark_page_has_dark_figures(app):
    figures = [*open_tab(app, "inside", "histograms").figures, open_tab(app, "map").figure]
    app.header.theme = "dark"
    assert {figure.plot.layout.template.layout.paper_bgcolor for figure in figures[2:]} == {"#171c23"}
    open_tab(app, "inside", "histograms")
    assert {figure.plot.layout.template.layout.paper_bgcolor for figure in figures} == {"#171c23"}


def shares(figure, slot):
    """Percent in each bin: at the start, and now."""
    return (np.array(figure.plot.data[2 * slot + i].customdata, dtype=float) for i in (0, 1))


def test_histograms_count_the_weights_of_the_epoch(app):
    section = open_tab(app, "inside", "histograms")
    weights = at_epoch(app, 1)
    first = run_of(app).new_network().weights()
    for slot in (0, 1):
        middles = np.array(section.weights.plot.data[2 * slot].x, dtype=float)
        step = middles[1] - middles[0]
        edges = np.append(middles - step / 2, middles[-1] + step / 2)
        edges[[0, -1]] += [-1e-3, 1e-3]
        for W, share in zip((first[2 * slot], weights[2 * slot]), shares(section.weights, slot), strict=True):
            expected = 100 * np.histogram(W, edges)[0] / W.size
            np.testing.assert_allclose(share, expected, atol=100 * 3 / W.size)  # a weight on an edge


def test_activations_are_those_on_the_first_test_images(app, small_dataset):
    section = open_tab(app, "inside", "histograms")
    nn = app.network
    nn.forward(small_dataset.X_test)
    start = run_of(app).new_network()
    start.forward(small_dataset.X_test)
    stds = [written(float(h.std())) for h in (start.h1, nn.h1, start.h2, nn.h2)]
    said = f"standard deviation: layer 1 {stds[0]} → {stds[1]}, output {stds[2]} → {stds[3]}"
    assert section.captions[1].text == f"on 200 test images; {said}"


@pytest.mark.parametrize(
    ("activation", "counted"),
    [
        ("relu", "dead units (0 on all of 200 test images)"),
        ("tanh", "saturated activations (within 1 % of a limit, on 200 test images)"),
    ],
)
def test_over_time_every_epoch_is_diagnosed(app, small_dataset, activation, counted):
    retrain(app, hidden_activation=activation, output="softmax", loss="cross_entropy", learning_rate=0.01)
    section, run = open_tab(app, "inside", "time"), run_of(app)
    network = run.new_network()
    weights = [network.weights(), *(moment.weights for moment in run.timeline.moments)]
    rms = []
    for epoch in range(5):
        network.set_weights(weights[epoch])
        expected = diagnose(network, small_dataset.X_test, small_dataset.Y_test)
        for found, layer in zip(section.known[epoch], expected, strict=True):
            assert (found.dead, found.saturated) == (layer.dead, layer.saturated)
            assert found.gradient_rms == pytest.approx(layer.gradient_rms, rel=1e-4)
        rms.append([layer.gradient_rms for layer in expected])
    traces = {trace.name: trace for trace in section.gradient.plot.data if trace.visible}
    assert list(traces) == ["layer 1", "output"]
    np.testing.assert_array_equal(traces["layer 1"].x, [0, 1, 2, 3, 4])
    np.testing.assert_allclose(np.transpose([trace.y for trace in traces.values()]), rms, rtol=1e-4)
    stuck = expected[0].dead if activation == "relu" else expected[0].saturated
    assert section.captions[1].text == f"{counted}: {100 * stuck:.0f} % of layer 1"
    of = "epoch 4, gradient of the mean loss of 200 test images, RMS per weight: layer 1 "
    assert section.captions[0].text.startswith(of)


def test_another_run_is_diagnosed_afresh(app):
    section = open_tab(app, "inside", "time")
    before = section.known[4.0]
    retrain(app, learning_rate=0.01)
    assert section.known[4.0] != before
    retrain(app, epochs=2)
    assert sorted(section.known) == [0, 1, 2]


def test_a_fork_has_no_start_of_its_own(app):
    section = open_tab(app, "inside", "time")
    change(app, epochs=6)
    assert sorted(section.known) == list(range(7))
    at_epoch(app, 3)
    train_on(app)
    assert sorted(section.known) == [3, 4, 5, 6]


def test_the_table_holds_both_gradients_of_the_network(app, small_dataset):
    section = open_tab(app, "inside", "check")
    weights = at_epoch(app, 2)
    table = section.table.shown
    nn = NeuralNetwork(784, 12, 10, dtype=np.float64)
    nn.set_weights(weights)
    X, d = small_dataset.X_test[:, :32].astype(np.float64), small_dataset.Y_test[:, :32]
    gradients = dict(zip(("W1", "b1", "W2", "b2"), nn.backward(X, nn.forward(X), d), strict=True))
    rows = table.rows
    assert len(rows) == 8
    assert {weight[:2] for weight, *_ in rows} == {"W1", "b1", "W2", "b2"}
    for weight, analytic, *_, verdict in rows:
        name, index = weight.split("[")
        i, j = map(int, index.rstrip("]").split(", "))
        assert analytic == written(float(gradients[name][i, j]), 7)
        assert verdict == "agree"
    assert table.verdict.startswith("All 8 agree: the largest relative difference is ")
    assert table.agrees
    assert "32 test images" in table.how
    assert "Epoch 2" in table.how


def test_a_wrong_backward_pass_is_seen_on_screen(app, monkeypatch):
    section = open_tab(app, "inside", "check")
    right = NeuralNetwork.backward
    monkeypatch.setattr(NeuralNetwork, "backward", lambda *args: tuple(-step for step in right(*args)))
    send(section.table, {"press": "again"})
    assert section.table.shown.verdict.startswith("8 of 8 differ")
    assert not section.table.shown.agrees
    assert {verdict for *_, verdict in section.table.shown.rows} == {"differ"}


def weight(analytic, numeric, *, kink=False):
    return CheckedWeight(Place("W1", 0, 0), analytic, numeric, 1e-12, kink)


@pytest.mark.parametrize(("checked", "words", "agrees"), [
    ([weight(1.0, 1.0), weight(0.5, 0.5)], "All 2 agree: the largest relative difference is 0.", True),
    ([weight(1.0, 1.0), weight(0.5, 0.6)], "1 of 2 differs:", False),
    ([weight(1.0, 1.0), weight(0.5, 0.6, kink=True)], "The one that can be judged agrees: the largest", True),
    ([weight(0.0, 0.0), weight(0.0, 0.0)], "All 2 agree, and all are 0", True),
    ([weight(0.0, 0.0), weight(0.5, 0.6, kink=True)], "The one that can be judged agrees, and it is 0", True),
    ([weight(0.5, 0.6), weight(0.5, 0.6, kink=True)], "1 of 1 differs:", False),
    ([weight(0.5, 0.6, kink=True)] * 2, "None can be judged: all 2 are on a kink,", None),
    ([weight(0.0, 0.0, kink=True)] * 2, "None can be judged: all 2 are on a kink,", None),
    ([weight(1.0, float("nan"))], "not a number", False),
    ([weight(float("nan"), 1.0)], "not a number", False),
])  # fmt: skip
def test_the_verdict(checked, words, agrees):
    sentence, good = gradient_verdict(checked)
    assert words in sentence
    assert good is agrees


def test_while_training_a_costly_drawing_rests_a_hundred_times_as_long(app):
    state, pace = app.views.state, Pace()
    training = replace(state, run=replace(state.run, status="running"))
    assert pace.is_due(training, 1)
    with pace.costly():
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
    assert not pace.is_due(training, 2)
    assert pace.is_due(training, 2, at_once=True)
    assert not pace.is_due(state, 2)


def test_weights_that_are_no_numbers_are_shown_without_a_fault(own_app):
    def some_lost(array):
        array.flat[:3] = np.nan, np.inf, -np.inf
        return array

    change_weights(own_app, some_lost)
    for name in ("histograms", "time", "check"):
        open_tab(own_app, "inside", name)
    assert "error" not in {message["kind"] for message in messages(own_app).values()}
