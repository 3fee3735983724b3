"""The Inside tab without a page: its sections against the network's own numbers."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from app_steps import PATIENCE, messages, reopen, retrain, rewind, run_of, send, set_controls, train_on

from explorer import Explorer, TrainingConfig
from explorer.app.panels.inside import gradient_verdict
from explorer.app.panels.weights import PER_PAGE, full_tone, most_exciting
from explorer.app.views import Pace
from explorer.figures.digits import sprite, weights_sprite
from explorer.figures.formulas import written
from explorer.network import NeuralNetwork
from explorer.network.diagnostics import diagnose
from explorer.network.gradient_check import CheckedWeight, Place
from explorer.network.walkthrough import walk_through
from explorer.training import Snapshot, Timeline, new_network

CONFIG = TrainingConfig(hidden_sizes=12, epochs=4, batch_size=16, learning_rate=0.05)


@pytest.fixture
def inside(app):
    app.panels.tab_bar.selected = "inside"
    return app.panels["inside"]


@pytest.fixture
def sections(seen):
    """The tab of the shared app."""
    seen.panels.tab_bar.selected, inside = "inside", seen.panels["inside"]
    inside.choice.value = "weights"
    return inside


def opened(inside, name):
    inside.choice.value = name
    return inside[name]


def at_epoch(app, epoch):
    """Put the slider at an epoch; return its weights."""
    rewind(app, epoch)
    moment = run_of(app).timeline.moments[epoch - 1]
    assert moment.epoch == epoch
    return moment.weights


def reopened(app, weights=None, outputs=None):
    """Show the run with other weights or outputs in its newest moment."""
    moment = run_of(app).newest
    weights = moment.weights if weights is None else tuple(weights)
    snapshot = Snapshot(moment.epoch, weights, moment.test_outputs if outputs is None else outputs)
    evaluation = replace(run_of(app).evaluation, snapshot=snapshot)
    app.session.open(replace(run_of(app), evaluation=evaluation, timeline=Timeline()))


def hidden(view):
    return "explorer-hidden" in view._dom_classes


# The panel


def test_without_a_run_it_says_so(untrained):
    app = untrained
    app.panels.tab_bar.selected = "inside"
    inside = app.panels["inside"]
    assert inside.why.text == "not trained yet"
    app.train()
    assert app.wait(PATIENCE)
    assert inside.why.text == ""
    app.session.reset()
    assert app.wait(PATIENCE)
    assert inside.why.text == ""
    assert inside["weights"].images.content["heading"].endswith("epoch 0")


def test_before_the_first_epoch_the_first_weights_are_shown(small_dataset):
    app = Explorer(small_dataset, CONFIG.replace(batch_size=1), train=False)
    app.panels.tab_bar.selected = "inside"
    app.train()
    app.views.refresh()
    expected = run_of(app).new_network().W1
    assert "epoch 0" in app.panels["inside"]["weights"].images.content["heading"]
    assert app.panels["inside"]["weights"].images.content["limit"] == written(full_tone(expected))
    app.close()


def test_a_fork_is_compared_with_the_first_weights_of_all(app, inside, small_dataset):
    app.train(CONFIG.replace(seed=5))
    assert app.wait(PATIENCE)
    parent = run_of(app)
    at_epoch(app, 2)
    app.run_bar.auto = False
    set_controls(app, seed=9)
    train_on(app)
    assert run_of(app).parent.number == parent.number
    subject = app.views.subjects.of(app.views.state)
    first = new_network(CONFIG.replace(seed=5), small_dataset)
    np.testing.assert_array_equal(subject.first[0], first.W1)


# Weights


def test_images_follow_the_epoch_slider(seen, sections):
    section = sections["weights"]
    last = section.images.content["sprite"]
    W1 = at_epoch(seen, 1)[0]
    assert section.images.content["sprite"] != last
    images = W1.reshape(-1, 28, 28)
    assert section.images.content["sprite"] == weights_sprite(images, 8, limit=full_tone(W1))
    assert section.images.content["n_images"] == 12
    assert "12 units of layer 1, each with its 784 weights, epoch 1" in section.images.content["heading"]


def test_the_change_since_the_start(app, inside):
    section = inside["weights"]
    assert "Ink where the image is green raises the unit's output" in section.sentence.content[0][2]
    section.kind.value = "change"
    change = app.network.W1 - run_of(app).new_network().W1
    expected = weights_sprite(change.reshape(-1, 28, 28), 8, limit=full_tone(change))
    assert section.images.content["sprite"] == expected
    assert section.images.content["limit"] == written(full_tone(change))
    assert "what training has done" in section.sentence.content[0][2]


def test_a_units_outgoing_weights(seen, sections):
    section = sections["weights"]
    section.images.selected = 5
    W2 = seen.network.W2
    bars = section.outgoing.shown.bars
    assert [bar.name for bar in bars] == list("0123456789")
    assert [bar.text for bar in bars] == [written(float(w)) for w in W2[:, 5]]
    np.testing.assert_allclose([bar.share for bar in bars], W2[:, 5] / np.abs(W2).max(), rtol=1e-6)
    assert section.outgoing.shown.heading == f"Unit 5 · bias {written(float(seen.network.b1[5, 0]))}"


def test_the_first_unit_is_the_one_with_the_strongest_outgoing_weights_until_one_is_chosen(app, inside):
    images = inside["weights"].images
    assert images.selected == np.linalg.norm(app.network.W2, axis=0).argmax()
    retrain(app, seed=4)
    assert images.selected == np.linalg.norm(app.network.W2, axis=0).argmax()
    other = (images.selected + 1) % 12
    images.selected = other
    retrain(app, seed=5)
    assert images.selected == other


def test_the_images_that_excite_a_unit_most(seen, sections, small_dataset):
    section = sections["weights"]
    section.images.selected = 5
    nn = seen.network
    sums = nn.W1[5] @ small_dataset.X_test
    order = np.argsort(-sums, kind="stable")[:8]
    found, values = most_exciting(nn.W1[5], small_dataset, 8)
    np.testing.assert_array_equal(found, order)
    np.testing.assert_allclose(values, sums[order], rtol=1e-4)
    shown = section.exciting.shown
    assert shown.picture == sprite(small_dataset.test_images[order], 4)
    (row,) = shown.rows
    assert [picture.caption for picture in row.pictures] == [str(k) for k in small_dataset.test_labels[order]]
    a1 = written(float(sums[order[0]] + nn.b1[5, 0]))
    assert (
        row.pictures[0].detail
        == f"test image {order[0]}, {small_dataset.test_labels[order[0]]}: a weighted sum of {a1}"
    )


def test_many_units_come_in_pages_and_the_strongest_unit_is_in_sight(app, inside):
    retrain(app, hidden_sizes=(PER_PAGE + 6,), learning_rate=0.001)
    images = inside["weights"].images
    strongest = int(np.linalg.norm(app.network.W2, axis=0).argmax())
    assert (images.selected, images.content["page"]) == (strongest, strongest // PER_PAGE)
    for page, n_images in ((0, PER_PAGE), (1, 6)):
        send(images, {"page": page})
        assert (images.content["first"], images.content["n_pages"]) == (page * PER_PAGE, 2)
        assert images.content["n_images"] == n_images
    images.selected = PER_PAGE + 5
    retrain(app, hidden_sizes=(3,))
    assert (images.content["first"], images.content["n_images"]) == (0, 3)
    assert inside["weights"].outgoing.shown.heading.startswith("Unit 2 ")


def test_a_dark_page_has_dark_images_and_figures(app, inside):
    histograms, light = opened(inside, "histograms"), opened(inside, "weights").images.content["sprite"]
    grounds = [figure.plot.layout.template.layout.paper_bgcolor for figure in histograms.figures]
    app.header.theme = "dark"
    assert inside["weights"].images.content["sprite"] != light
    inside.choice.value = "histograms"
    for figure, ground in zip(histograms.figures, grounds, strict=True):
        assert figure.plot.layout.template.layout.paper_bgcolor != ground


# Histograms


def shares(figure, slot):
    """Percent in each bin: at the start, and now."""
    return (np.array(figure.plot.data[2 * slot + i].customdata, dtype=float) for i in (0, 1))


def test_histograms_count_the_weights_of_the_epoch(seen, sections):
    section = opened(sections, "histograms")
    weights = at_epoch(seen, 1)
    first = run_of(seen).new_network().weights()
    for slot in (0, 1):
        middles = np.array(section.weights.plot.data[2 * slot].x, dtype=float)
        step = middles[1] - middles[0]
        edges = np.append(middles - step / 2, middles[-1] + step / 2)
        edges[[0, -1]] += [-1e-3, 1e-3]
        for W, share in zip((first[2 * slot], weights[2 * slot]), shares(section.weights, slot), strict=True):
            expected = 100 * np.histogram(W, edges)[0] / W.size
            np.testing.assert_allclose(share, expected, atol=100 * 3 / W.size)  # a weight on an edge


def test_activations_are_those_on_the_first_test_images(seen, sections, small_dataset):
    section = opened(sections, "histograms")
    nn = seen.network
    nn.forward(small_dataset.X_test)
    start = run_of(seen).new_network()
    start.forward(small_dataset.X_test)
    stds = [written(float(h.std())) for h in (start.h1, nn.h1, start.h2, nn.h2)]
    assert section.captions[1].text == (
        f"on 200 test images; standard deviation: layer 1 {stds[0]} → {stds[1]}, output {stds[2]} → {stds[3]}"
    )


# Over time


@pytest.mark.parametrize(
    ("activation", "counted"),
    [
        ("relu", "dead units (0 on all of 200 test images)"),
        ("tanh", "saturated activations (within 1 % of a limit, on 200 test images)"),
    ],
)
def test_over_time_every_epoch_is_diagnosed(app, inside, small_dataset, activation, counted):
    retrain(app, hidden_activation=activation, output="softmax", loss="cross_entropy", learning_rate=0.01)
    section, run = opened(inside, "time"), run_of(app)
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


def test_another_run_is_diagnosed_afresh(app, inside):
    section = opened(inside, "time")
    before = section.known[4.0]
    retrain(app, learning_rate=0.01)
    assert section.known[4.0] != before
    retrain(app, epochs=2)
    assert sorted(section.known) == [0, 1, 2]


def test_a_fork_has_no_start_of_its_own(app, inside):
    section = opened(inside, "time")
    set_controls(app, epochs=6)
    assert app.wait(PATIENCE)
    assert sorted(section.known) == list(range(7))
    at_epoch(app, 3)
    train_on(app)
    assert sorted(section.known) == [3, 4, 5, 6]


def test_weights_from_a_file_have_no_epoch_before_the_files(app, inside, tmp_path):
    """The same network at epochs 0 and 4 would be a flat line that never happened."""
    section = opened(inside, "time")
    reopen(app, tmp_path / "trained.npz")
    assert sorted(section.known) == [4]
    np.testing.assert_array_equal(np.array(section.gradient.plot.data[0].x), [4])
    app.session.open(replace(run_of(app), evaluation=None))  # as while its first epoch runs
    assert sorted(section.known) == [4]


# Gradient check


def test_the_table_holds_both_gradients_of_the_network(seen, sections, small_dataset):
    section = opened(sections, "check")
    weights = at_epoch(seen, 2)
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


def test_a_wrong_backward_pass_is_seen_on_screen(sections, monkeypatch):
    section = opened(sections, "check")
    right = NeuralNetwork.backward
    monkeypatch.setattr(NeuralNetwork, "backward", lambda *args: tuple(-step for step in right(*args)))
    send(section.table, {"press": "again"})
    assert section.table.shown.verdict.startswith("8 of 8 differ")
    assert not section.table.shown.agrees
    assert {verdict for *_, verdict in section.table.shown.rows} == {"differ"}


def weight(analytic, numeric, *, kink=False):
    return CheckedWeight(Place("W1", 0, 0), analytic, numeric, 1e-12, kink)


@pytest.mark.parametrize(
    ("checked", "words", "agrees"),
    [
        ([weight(1.0, 1.0), weight(0.5, 0.5)], "All 2 agree: the largest relative difference is 0.", True),
        ([weight(1.0, 1.0), weight(0.5, 0.6)], "1 of 2 differs:", False),
        (
            [weight(1.0, 1.0), weight(0.5, 0.6, kink=True)],
            "The one that can be judged agrees: the largest",
            True,
        ),
        ([weight(0.0, 0.0), weight(0.0, 0.0)], "All 2 agree, and all are 0", True),
        (
            [weight(0.0, 0.0), weight(0.5, 0.6, kink=True)],
            "The one that can be judged agrees, and it is 0",
            True,
        ),
        ([weight(0.5, 0.6), weight(0.5, 0.6, kink=True)], "1 of 1 differs:", False),
        ([weight(0.5, 0.6, kink=True)] * 2, "None can be judged: all 2 are on a kink,", None),
        ([weight(0.0, 0.0, kink=True)] * 2, "None can be judged: all 2 are on a kink,", None),
        ([weight(1.0, float("nan"))], "not a number", False),
        ([weight(float("nan"), 1.0)], "not a number", False),
    ],
)
def test_the_verdict(checked, words, agrees):
    sentence, good = gradient_verdict(checked)
    assert words in sentence
    assert good is agrees


# One image


def wish(section, words):
    send(section.picker, {"wish": words})


def choose_unit(section, stage, unit):
    send(section.stages, {"stage": stage, "unit": unit})


def formulas(section, stage, way="forward"):
    return {line["name"]: line for line in section.stages.stages[stage][way]}


def test_the_walkthrough_holds_the_networks_numbers(seen, sections, small_dataset):
    section = opened(sections, "image")
    section.picker.index = 17
    choose_unit(section, 0, 3)
    walk = walk_through(seen.network, small_dataset.X_test[:, 17], small_dataset.Y_test[:, 17])
    first, last = walk.layers
    assert formulas(section, 0)["a1[3]"]["value"] == written(float(first.a[3]))
    assert formulas(section, 0)["h1[3]"]["value"] == written(float(first.h[3]))
    assert formulas(section, 0, "back")["delta1[3]"]["value"] == written(float(first.delta[3]))
    assert formulas(section, 1)[f"y[{walk.true}]"]["value"] == written(float(walk.y[walk.true]))
    delta = formulas(section, 1, "back")[f"delta2[{walk.true}]"]
    assert delta["value"] == written(float(last.delta[walk.true]))
    loss = 0.5 * float(np.square(walk.y - small_dataset.Y_test[:, 17]).sum())
    assert section.stages.stages[2]["forward"][0]["value"] == written(loss)
    assert [bar.text for bar in section.outputs.shown.bars] == [f"{value:.3f}" for value in walk.y]
    assert section.outputs.shown.bars[walk.true].note == "true"


def test_next_mistake_goes_round_through_the_mistakes(app, inside, small_dataset):
    at_epoch(app, 1)
    section = opened(inside, "image")
    wrong = np.flatnonzero(
        run_of(app).timeline.moments[0].test_outputs.argmax(axis=0) != small_dataset.test_labels
    )
    assert wrong.size > 1
    visited = []
    for _ in range(wrong.size + 1):
        wish(section, "mistake")
        visited.append(section.picker.index)
    start = 1 if wrong[0] == 0 else 0
    assert visited == [*wrong[start:], *wrong[: start + 1]]
    label, content = small_dataset.test_labels[visited[-1]], section.picker.content
    assert content["words"].startswith(f"true {label}, read as ")
    assert not content["right"]


def test_a_chosen_unit_stays_until_the_layers_change(app, inside):
    section = opened(inside, "image")
    choose_unit(section, 0, 11)
    section.picker.index = 40
    retrain(app, seed=7)
    assert section.stages.stages[0]["unit"] == 11
    retrain(app, hidden_sizes=(5,))
    assert section.stages.stages[0]["unit"] < 5


def test_every_layer_is_a_stage(app, inside):
    retrain(app, hidden_sizes=(12, 6, 4), hidden_activation="relu", output="softmax", loss="cross_entropy")
    stages = opened(inside, "image").stages.stages
    assert [stage["title"] for stage in stages] == [
        "Layer 1 · 12 units, relu",
        "Layer 2 · 6 units, relu",
        "Layer 3 · 4 units, relu",
        "Output layer · 10 units, softmax",
        "Loss",
    ]
    assert [strip["name"] for strip in stages[3]["strips"]] == ["a4", "y", "delta4"]
    assert [len(stage["captions"]) for stage in stages] == [2, 0, 0, 0, 0]


# What they share


def test_while_training_a_costly_drawing_rests_a_hundred_times_as_long(app):
    state, pace = app.views.state, Pace()
    training = replace(state, run=replace(state.run, status="running"))
    assert pace.is_due(training, 1)
    with pace.costly():
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
    assert pace.rests(training)
    assert not pace.rests(state)
    assert not pace.is_due(training, 2)
    assert pace.is_due(training, 2, at_once=True)
    assert not pace.is_due(state, 2)


@pytest.mark.parametrize("name", ["weights", "histograms", "time", "check", "image"])
def test_weights_that_are_no_numbers_are_shown_without_a_fault(app, inside, name):
    weights = [np.array(w) for w in run_of(app).newest.weights]
    weights[0][0, 0], weights[2][0, 0], weights[0][1, 5] = np.nan, np.inf, -np.inf
    reopened(app, weights)
    opened(inside, name)
    assert "error" not in {message["kind"] for message in messages(app).values()}
