"""The Inside tab without a page: its sections against the network's own numbers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import numpy as np
import pytest
from app_steps import PATIENCE, messages, reopen, retrain, run_of, set_controls, train_on

from explorer import Explorer, TrainingConfig
from explorer.app.panels.inside import gradient_verdict
from explorer.app.panels.pacing import Leisure, Pace
from explorer.app.panels.sections import probe, probe_size
from explorer.app.panels.weights import PER_PAGE, full_tone, most_exciting, strongest_unit
from explorer.figures.digits import sprite, weights_sprite
from explorer.figures.formulas import written
from explorer.network import NeuralNetwork
from explorer.network.diagnostics import diagnose
from explorer.network.gradient_check import CheckedWeight, Place
from explorer.training import Snapshot, Timeline, TrainingRun

CONFIG = TrainingConfig(hidden_sizes=12, epochs=4, batch_size=16, learning_rate=0.05)


@pytest.fixture
def inside(app):
    app.panels.tab_bar.selected = "inside"
    return app.panels["inside"]


def opened(inside, name):
    inside.choice.value = name
    return inside[name]


def at_epoch(app, epoch):
    """Put the slider at an epoch; return its weights."""
    app.panels.tab_bar.position = epoch - 1
    moment = run_of(app).timeline.moments[epoch - 1]
    assert moment.epoch == epoch
    return moment.weights


def hidden(view):
    return "explorer-hidden" in view._dom_classes


# The panel


def test_only_what_is_chosen_is_made_and_in_sight(inside):
    assert list(inside._sections) == ["weights"]
    histograms = opened(inside, "histograms")
    assert list(inside._sections) == ["weights", "histograms"]
    assert hidden(inside["weights"].view)
    assert not hidden(histograms.view)
    assert hidden(inside._nothing)


def test_without_a_run_it_says_so(untrained):
    app = untrained
    app.panels.tab_bar.selected = "inside"
    assert not hidden(app.panels["inside"]._nothing)
    assert app.panels["inside"]._sections == {}
    app.train()
    assert app.wait(PATIENCE)
    assert hidden(app.panels["inside"]._nothing)
    app.session.reset()
    assert app.wait(PATIENCE)
    assert hidden(app.panels["inside"]._nothing)
    assert app.panels["inside"]["weights"].images.content["heading"].endswith("epoch 0")


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
    subject = inside._subjects.of(app.views.state)
    first = TrainingRun(CONFIG.replace(seed=5), small_dataset).new_network()
    np.testing.assert_array_equal(subject.first[0], first.W1)


# Weights


def test_images_follow_the_epoch_slider(app, inside):
    section = inside["weights"]
    last = section.images.content["sprite"]
    W1 = at_epoch(app, 1)[0]
    assert section.images.content["sprite"] != last
    images = W1.reshape(-1, 28, 28)
    assert section.images.content["sprite"] == weights_sprite(images, 8, limit=full_tone(W1))
    assert section.images.content["n_images"] == 12
    assert "12 units of layer 1, each with its 784 weights, epoch 1" in section.images.content["heading"]


def test_the_change_since_the_start(app, inside):
    section = inside["weights"]
    section.kind.value = "change"
    change = app.network.W1 - run_of(app).new_network().W1
    expected = weights_sprite(change.reshape(-1, 28, 28), 8, limit=full_tone(change))
    assert section.images.content["sprite"] == expected
    assert section.images.content["limit"] == written(full_tone(change))


def test_a_units_outgoing_weights(app, inside):
    section = inside["weights"]
    section.images.selected = 5
    W2 = app.network.W2
    bars = section.outgoing.shown.bars
    assert [bar.name for bar in bars] == list("0123456789")
    assert [bar.text for bar in bars] == [written(float(w)) for w in W2[:, 5]]
    np.testing.assert_allclose([bar.share for bar in bars], W2[:, 5] / np.abs(W2).max(), rtol=1e-6)
    assert section.outgoing.shown.heading == f"Unit 5 · bias {written(float(app.network.b1[5, 0]))}"


def test_the_first_unit_is_the_one_with_the_strongest_outgoing_weights_until_one_is_chosen(app, inside):
    images = inside["weights"].images
    assert images.selected == np.linalg.norm(app.network.W2, axis=0).argmax()
    retrain(app, seed=4)
    assert images.selected == np.linalg.norm(app.network.W2, axis=0).argmax()
    other = (images.selected + 1) % 12
    images.selected = other
    retrain(app, seed=5)
    assert images.selected == other


def test_the_first_unit_may_be_on_a_later_page(app, inside):
    retrain(app, hidden_sizes=(4 * PER_PAGE,), learning_rate=0.001)
    images = inside["weights"].images
    strongest = int(np.linalg.norm(app.network.W2, axis=0).argmax())
    assert images.selected == strongest
    assert images.content["page"] == strongest // PER_PAGE


def test_weights_that_are_no_numbers_have_nothing_to_say():
    assert strongest_unit(np.array([[1.0, np.nan, -2.0], [0.0, np.inf, 0.0]])) == 2
    assert strongest_unit(np.array([[1.0, np.nan, -2.0]])) == 2


def test_the_images_that_excite_a_unit_most(app, inside, small_dataset):
    section = inside["weights"]
    section.images.selected = 5
    nn = app.network
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


def test_what_the_images_show_is_said(inside):
    section = inside["weights"]
    assert "Ink where the image is green raises the unit's output" in section.sentence.content[0][2]
    section.kind.value = "change"
    assert "what training has done" in section.sentence.content[0][2]


def test_after_a_second_hidden_layer_the_largest_outgoing_weights(app, inside):
    retrain(app, hidden_sizes=(12, 30))
    bars = inside["weights"].outgoing.shown.bars
    outgoing = np.abs(app.network.W2[:, inside["weights"].images.selected])
    chosen = sorted(np.argsort(-outgoing, kind="stable")[:10])
    assert [bar.name for bar in bars] == [f"unit {k}" for k in chosen]


def test_many_units_come_in_pages(app, inside, small_dataset):
    retrain(app, hidden_sizes=(PER_PAGE + 6,), learning_rate=0.001)
    images = inside["weights"].images
    assert (images.content["n_images"], images.content["n_pages"]) == (PER_PAGE, 2)
    inside["weights"]._turn(1)
    assert (images.content["first"], images.content["n_images"]) == (PER_PAGE, 6)
    images.selected = PER_PAGE + 5
    retrain(app, hidden_sizes=(3,))
    assert (images.content["first"], images.content["n_images"]) == (0, 3)
    assert inside["weights"].outgoing.shown.heading.startswith("Unit 2 ")


def test_a_dark_page_has_dark_images(app, inside):
    light = inside["weights"].images.content["sprite"]
    app.header.theme = "dark"
    assert inside["weights"].images.content["sprite"] != light


def test_one_large_weight_does_not_pale_the_others():
    W = np.full((10, 784), 0.1)
    W[0, 0] = 50.0
    assert full_tone(W) == pytest.approx(0.1)
    W[0, 1] = np.nan
    assert full_tone(W) == pytest.approx(0.1)
    assert full_tone(np.full((2, 3), np.nan)) == 0


# Histograms


def shares(figure, slot):
    """Percent in each bin: at the start, and now."""
    return (np.array(figure.data[2 * slot + i].customdata, dtype=float) for i in (0, 1))


@pytest.mark.parametrize("name", ["weights", "activations"])
def test_histograms_sum_to_one(inside, name):
    figure = getattr(opened(inside, "histograms"), name)
    for slot in (0, 1):
        for share in shares(figure, slot):
            assert share.sum() == pytest.approx(100, rel=1e-4)


def test_histograms_count_the_weights_of_the_epoch(app, inside):
    section = opened(inside, "histograms")
    weights = at_epoch(app, 1)
    first = run_of(app).new_network().weights()
    for slot in (0, 1):
        middles = np.array(section.weights.data[2 * slot].x, dtype=float)
        step = middles[1] - middles[0]
        edges = np.append(middles - step / 2, middles[-1] + step / 2)
        edges[[0, -1]] += [-1e-3, 1e-3]
        for W, share in zip((first[2 * slot], weights[2 * slot]), shares(section.weights, slot), strict=True):
            expected = 100 * np.histogram(W, edges)[0] / W.size
            np.testing.assert_allclose(share, expected, atol=100 * 3 / W.size)  # a weight on an edge


def test_activations_are_those_on_the_first_test_images(app, inside, small_dataset):
    section = opened(inside, "histograms")
    nn = app.network
    nn.forward(small_dataset.X_test)
    start = run_of(app).new_network()
    start.forward(small_dataset.X_test)
    stds = [written(float(h.std())) for h in (start.h1, nn.h1, start.h2, nn.h2)]
    assert section.captions[1].text == (
        f"on 200 test images; standard deviation: layer 1 {stds[0]} → {stds[1]}, output {stds[2]} → {stds[3]}"
    )


def test_histograms_turn_dark(app, inside):
    section = opened(inside, "histograms")
    light = section.weights.layout.template.layout.paper_bgcolor
    app.header.theme = "dark"
    for figure in (section.weights, section.activations):
        assert figure.layout.template.layout.paper_bgcolor != light


# Over time


@pytest.mark.parametrize(
    ("activation", "stuck", "counted"),
    [
        ("relu", "dead", "dead units (0 on all of 200 test images)"),
        ("tanh", "saturated", "saturated activations (within 1 % of a limit, on 200 test images)"),
    ],
)
def test_over_time_every_epoch_is_diagnosed(app, inside, small_dataset, activation, stuck, counted):
    retrain(app, hidden_activation=activation, output="softmax", loss="cross_entropy", learning_rate=0.01)
    section = opened(inside, "time")
    traces = {trace.name: trace for trace in section.gradient.data if trace.visible}
    assert list(traces) == ["layer 1", "output"]
    np.testing.assert_array_equal(traces["layer 1"].x, [0, 1, 2, 3, 4])
    (shares,) = (trace for trace in section.stuck.data if trace.visible)
    start = run_of(app).new_network()
    for i, weights in enumerate(
        [start.weights(), *(moment.weights for moment in run_of(app).timeline.moments)]
    ):
        start.set_weights(weights)
        y = start.forward(small_dataset.X_test)
        h = start.h1
        d_W1, _, d_W2, _ = start.backward(small_dataset.X_test, y, small_dataset.Y_test)
        for name, gradient in (("layer 1", d_W1), ("output", d_W2)):
            assert traces[name].y[i] == pytest.approx(np.sqrt(np.mean((gradient / 200) ** 2)), rel=1e-4)
        dead, saturated = np.mean((h == 0).all(axis=1)), np.mean(np.abs(h) > 0.98)
        expected = 100 * (dead if stuck == "dead" else saturated)
        assert shares.y[i] == pytest.approx(expected, abs=1e-3)
        if i == 4:
            assert section.captions[1].text == f"{counted}: layer 1 {expected:.0f} %"
            assert section.captions[0].text.startswith(
                "epoch 4, gradient of the mean loss of 200 test images, RMS per weight: layer 1 "
            )


def test_the_selected_epoch_is_marked(app, inside):
    section = opened(inside, "time")
    at_epoch(app, 2)
    for figure in (section.gradient, section.stuck):
        (mark,) = figure.to_plotly_json()["layout"]["shapes"]
        assert mark["x0"] == 2
    assert section.captions[0].text.startswith("epoch 2, gradient of the mean loss of 200 test images")


def test_another_run_is_diagnosed_afresh(app, inside):
    section = opened(inside, "time")
    before = section.known[4.0]
    retrain(app, learning_rate=0.01)
    assert section.known[4.0] != before
    retrain(app, epochs=2)
    assert sorted(section.known) == [0, 1, 2]


def test_more_epochs_are_added(app, inside):
    section = opened(inside, "time")
    set_controls(app, epochs=6)
    assert app.wait(PATIENCE)
    assert sorted(section.known) == list(range(7))


def test_a_fork_has_no_start_of_its_own(app, inside):
    section = opened(inside, "time")
    set_controls(app, epochs=6)
    assert app.wait(PATIENCE)
    at_epoch(app, 3)
    train_on(app)
    assert sorted(section.known) == [3, 4, 5, 6]


def test_weights_from_a_file_have_no_epoch_before_the_files(app, inside, tmp_path):
    """The same network at epochs 0 and 4 would be a flat line that never happened."""
    section = opened(inside, "time")
    reopen(app, tmp_path / "trained.npz")
    assert sorted(section.known) == [4]
    np.testing.assert_array_equal(np.array(section.gradient.data[0].x), [4])
    app.session.open(replace(run_of(app), evaluation=None))  # as while its first epoch runs
    assert (inside._subjects._newest.epoch, sorted(section.known)) == (4, [4])


def test_a_paused_run_is_diagnosed_where_it_stands(app, inside):
    section = opened(inside, "time")
    app.train(CONFIG.replace(epochs=500, batch_size=1))
    app.session.pause()
    assert app.wait(PATIENCE)
    assert run_of(app).epoch in section.known


# Gradient check


def test_the_table_holds_both_gradients_of_the_network(app, inside, small_dataset):
    section = opened(inside, "check")
    weights = at_epoch(app, 2)
    table = section.table.shown
    nn = NeuralNetwork(784, 12, 10, dtype=np.float64)
    nn.set_weights(weights)
    X, d = small_dataset.X_test[:, :32].astype(np.float64), small_dataset.Y_test[:, :32]
    gradients = dict(zip(("W1", "b1", "W2", "b2"), nn.backward(X, nn.forward(X), d), strict=True))
    rows = table.rows
    assert len(rows) == 8
    assert {row.weight[:2] for row in rows} == {"W1", "b1", "W2", "b2"}
    for row in rows:
        name, index = row.weight.split("[")
        i, j = map(int, index.rstrip("]").split(", "))
        assert row.analytic == written(float(gradients[name][i, j]), 7)
        assert row.verdict == "agree"
    assert table.verdict.startswith("All 8 agree: the largest relative difference is ")
    assert table.agrees
    assert "32 test images" in table.how
    assert "Epoch 2" in table.how


def test_check_again_draws_others_and_the_same_after_them(inside):
    section = opened(inside, "check")
    first = [row.weight for row in section.table.shown.rows]
    section.table._on_message(section.table, {"press": "again"}, [])
    second = [row.weight for row in section.table.shown.rows]
    assert first != second
    section._draw_number = -1
    section.table._on_message(section.table, {"press": "again"}, [])
    assert [row.weight for row in section.table.shown.rows] == first


def test_a_wrong_backward_pass_is_seen_on_screen(inside, monkeypatch):
    section = opened(inside, "check")
    right = NeuralNetwork.backward
    monkeypatch.setattr(NeuralNetwork, "backward", lambda *args: tuple(-step for step in right(*args)))
    section.table._on_message(section.table, {"press": "again"}, [])
    assert section.table.shown.verdict.startswith("8 of 8 differ")
    assert not section.table.shown.agrees
    assert {row.verdict for row in section.table.shown.rows} == {"differ"}


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


def test_weights_on_a_kink_are_not_said_to_agree(app, inside):
    """With no weights and no biases every unit is on its kink when its own are nudged."""
    retrain(app, hidden_activation="relu", output="softmax", loss="cross_entropy", learning_rate=0.01)
    moment = run_of(app).newest
    nothing = Snapshot(moment.epoch, tuple(np.zeros_like(w) for w in moment.weights), moment.test_outputs)
    app.session.open(replace(run_of(app), evaluation=replace(run_of(app).evaluation, snapshot=nothing)))
    rows = opened(inside, "check").table.shown.rows
    kinks = [row for row in rows if row.weight[:2] in ("W1", "b1")]
    assert kinks
    assert {(row.verdict, row.agrees) for row in kinks} == {("kink", None)}


# One image


def formulas(section, stage, way="forward"):
    return {line["name"]: line for line in section.stages.stages[stage][way]}


def test_the_walkthrough_holds_the_networks_numbers(app, inside, small_dataset):
    section = opened(inside, "image")
    section.picker.index = 17
    section.stages._on_message(section.stages, {"stage": 0, "unit": 3}, [])
    nn = app.network
    x, d = small_dataset.X_test[:, 17:18], small_dataset.Y_test[:, 17:18]
    y = nn.forward(x)
    d_W1, d_b1, _, d_b2 = nn.backward(x, y, d)
    true = int(small_dataset.test_labels[17])
    assert formulas(section, 0)["a1[3]"]["value"] == written(float(nn.a1[3, 0]))
    assert formulas(section, 0)["h1[3]"]["value"] == written(float(nn.h1[3, 0]))
    assert formulas(section, 1)[f"y[{true}]"]["value"] == written(float(y[true, 0]))
    assert formulas(section, 0, "back")["delta1[3]"]["value"] == written(float(d_b1[3, 0]))
    assert formulas(section, 1, "back")[f"delta2[{true}]"]["value"] == written(float(d_b2[true, 0]))
    (d_W,) = (line for name, line in formulas(section, 0, "back").items() if name.startswith("d_W1[3, "))
    assert d_W["value"] == written(float(d_W1[3, int(d_W["name"][8:-1])]))
    loss = 0.5 * float(np.square(y - d).sum())
    assert section.stages.stages[2]["forward"][0]["value"] == written(loss)
    assert [bar.text for bar in section.outputs.shown.bars] == [f"{value:.3f}" for value in y[:, 0]]
    assert section.outputs.shown.bars[true].note == "true"


def test_the_walkthrough_follows_the_epoch_slider(app, inside, small_dataset):
    section = opened(inside, "image")
    section._chosen[0] = 2
    weights = at_epoch(app, 1)
    nn = app.network
    nn.set_weights(weights)
    nn.forward(small_dataset.X_test[:, :1])
    assert formulas(section, 0)["a1[2]"]["value"] == written(float(nn.a1[2, 0]))


def test_next_mistake_goes_round_through_the_mistakes(app, inside, small_dataset):
    at_epoch(app, 1)
    section = opened(inside, "image")
    wrong = np.flatnonzero(
        run_of(app).timeline.moments[0].test_outputs.argmax(axis=0) != small_dataset.test_labels
    )
    assert wrong.size > 1
    visited = []
    for _ in range(wrong.size + 1):
        section.picker._on_message(section.picker, {"wish": "mistake"}, [])
        visited.append(section.picker.index)
    start = 1 if wrong[0] == 0 else 0
    assert visited == [*wrong[start:], *wrong[: start + 1]]
    label, content = small_dataset.test_labels[visited[-1]], section.picker.content
    assert content["words"].startswith(f"true {label}, read as ")
    assert not content["right"]


def test_without_a_mistake_there_is_none_to_go_to(app, inside, small_dataset):
    perfect = run_of(app).newest.test_outputs.argmax(axis=0) == small_dataset.test_labels
    section = opened(inside, "image")
    assert section.picker.content["has_mistakes"] == (not perfect.all())
    before = section.picker.index
    section._mistakes = lambda: np.empty(0, np.intp)
    section._on_wish("mistake")
    assert section.picker.index == before


def test_a_random_image_is_another_one(inside):
    section = opened(inside, "image")
    seen = set()
    for _ in range(5):
        section._on_wish("random")
        seen.add(section.picker.index)
    assert len(seen) > 2


def test_a_chosen_unit_stays_until_the_layers_change(app, inside):
    section = opened(inside, "image")
    section._choose(0, 11)
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


def test_the_probe_is_the_first_test_images(small_dataset):
    X, d = probe(small_dataset, 7)
    np.testing.assert_array_equal(X, small_dataset.X_test[:, :7])
    np.testing.assert_array_equal(d, small_dataset.Y_test[:, :7])


def test_larger_networks_are_tried_on_fewer_images():
    sizes = [probe_size(n, most=512, least=32) for n in (25_450, 814_090, 10**9)]
    assert sizes[0] == 512
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 32


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


def test_long_work_leaves_the_loop_free():
    left, free = [5], []

    def step():
        left[0] -= 1
        return left[0] > 0

    async def page():
        work = Leisure(step, lambda handler: handler)
        work.go_on()
        work.go_on()
        while left[0]:
            free.append(left[0])
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)

    asyncio.run(page())
    assert left == [0]
    assert set(free) == {5, 4, 3, 2, 1}


def test_without_a_loop_long_work_is_done_at_once():
    steps = iter([True, True, False])
    Leisure(lambda: next(steps), lambda handler: handler).go_on()
    assert list(steps) == []


def test_diagnoses_on_the_page_are_those_of_the_network(app, inside, small_dataset):
    section = opened(inside, "time")
    expected = diagnose(app.network, small_dataset.X_test, small_dataset.Y_test)
    for found, layer in zip(section.known[4.0], expected, strict=True):
        assert found.saturated == layer.saturated
        assert found.gradient_rms == pytest.approx(layer.gradient_rms, rel=1e-5)


@pytest.mark.parametrize("name", ["weights", "histograms", "time", "check", "image"])
def test_weights_that_are_no_numbers_are_shown_without_a_fault(app, inside, name):
    moment = run_of(app).timeline.moments[-1]
    weights = [np.array(w) for w in moment.weights]
    weights[0][0, 0], weights[2][0, 0], weights[0][1, 5] = np.nan, np.inf, -np.inf
    ruined = Snapshot(moment.epoch, tuple(weights), moment.test_outputs)
    evaluation = replace(run_of(app).evaluation, snapshot=ruined)
    app.session.open(replace(run_of(app), evaluation=evaluation, timeline=Timeline()))
    opened(inside, name)
    assert "error" not in {message["kind"] for message in messages(app).values()}
