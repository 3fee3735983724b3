"""One step, played: each scene shows what the textbook's methods compute, and the run stays as it is."""

from dataclasses import replace

import numpy as np
import pytest
from app_steps import done, hero, retrain, rewind
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own_networks import Mine, Renamed, SlopeForgotten

from explorer import NetworkView, TrainingConfig
from explorer.app.panels.step_player import learning_rate
from explorer.figures.formulas import written
from explorer.session import SessionRun
from explorer.training import TrainingRun
from explorer.widgets.network_drawing import FOLLOWED, NOT_PLAYED, SCENES, StepPlayer

CONFIG = TrainingConfig(hidden_sizes=(12, 6), epochs=3, batch_size=16, learning_rate=0.05, l2=0.001)


@pytest.fixture
def panel(app):
    """The drawing of an app, which follows its run before and after."""
    found = hero(app)
    found.played.player.update(scene=NOT_PLAYED, of="image")
    found.drawing.chosen = FOLLOWED
    found.look_at(0)
    yield found
    found.played.player.scene = NOT_PLAYED


def scenes(panel):
    """The signal of each scene."""
    found = []
    for panel.played.player.scene in range(len(SCENES)):
        assert panel.drawing.scene[0] == SCENES[panel.played.player.scene].lower()
        assert panel.played.player.spoken == panel.drawing.signal["spoken"]
        found.append(panel.drawing.signal)
    return found


def assert_links(signal, row):
    """The links are of the row of a layer's weights."""
    terms = np.frombuffer(signal["sums"][-1]["terms"], "<f4")
    np.testing.assert_allclose(terms, [*row, 0], rtol=1e-5, atol=1e-9)


def batch_of(app, panel, index):
    """What the step is made with: inputs and desired outputs."""
    data = app.dataset
    if panel.played.player.of == "batch":
        drawn = np.random.default_rng(0).choice(data.n_train, CONFIG.batch_size, replace=False)
        return data.X_train[:, drawn], data.Y_train[:, drawn]
    return data.X_test[:, [index]], data.Y_test[:, [index]]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=st.integers(0, 199), k=st.integers(FOLLOWED, 9), of=st.sampled_from(["image", "batch"]))
def test_the_scenes_are_a_pass_forward_and_back_and_an_iteration(app, panel, index, k, of):
    panel.look_at(index)
    panel.drawing.chosen = k
    panel.played.player.update(scene=0, of=of)
    before = app.network.weights()
    forward, loss, backward, step, after = scenes(panel)
    X, d = batch_of(app, panel, index)
    n, k = X.shape[1], int(app.dataset.test_labels[index]) if k == FOLLOWED else k

    network = app.network.copy(np.float64)
    y = network.forward(X)
    gradient, total = network.backward(X, y, d), network.total_loss(y, d)
    h = [one.mean(axis=1) for one in network.h[1:]]
    W3, lit = network.W3.copy(), [np.frombuffer(one, "<f4") for one in forward["values"]]
    np.testing.assert_allclose(forward["outputs"], y.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(np.concatenate(lit), np.concatenate(h[:-1]), rtol=1e-6)
    assert_links(forward, W3[k] * h[-2])
    np.testing.assert_allclose(loss["outputs"], (y - d).mean(axis=1), rtol=1e-6)
    assert written(total / n) in loss["words"]
    delta = gradient[-1][:, 0]
    np.testing.assert_allclose(backward["outputs"], delta / np.abs(delta).max(), rtol=1e-6)
    largest = gradient[1][:, 0] / np.abs(gradient[1]).max()
    np.testing.assert_allclose(np.frombuffer(backward["values"][0], "<f4"), largest, rtol=1e-6, atol=1e-9)
    assert_links(backward, gradient[-2][k])
    j = int(np.abs(gradient[-2][k]).argmax())
    assert f"d_W3[{k}, {j}] = " in backward["words"]
    assert backward["words"].endswith(f"= {written(gradient[-2][k, j])}")

    assert network.train_iteration(X, d, CONFIG.learning_rate) == total
    y_after = network.forward(X)
    assert_links(step, (network.W3 - W3)[k])
    assert f"= {written((network.W3 - W3)[k, j])}. " in step["words"]
    np.testing.assert_allclose(after["outputs"], y_after.mean(axis=1), rtol=1e-6)
    assert f"L = {written(total / n)} → {written(network.total_loss(y_after, d) / n)} " in after["words"]
    np.testing.assert_equal(before, app.network.weights())


def test_the_tiles_are_the_change_in_one_scene_alone_and_leaving_draws_the_same_moment_again(panel):
    before, sprites = panel.drawing.signal, []
    for panel.played.player.scene in range(len(SCENES)):
        sprites.append(panel.drawing.sprite)
    assert sprites[0] == sprites[1] == sprites[2] != sprites[3]
    assert "times as strong" in panel.played._scenes[3][0]["words"]
    assert panel.drawing.signal != before
    panel.played.player.scene = NOT_PLAYED
    assert (panel.drawing.sprite, panel.drawing.signal) == (sprites[0], before)


def test_while_it_is_played_the_drawing_does_not_follow_the_run(app, panel):
    panel.look_at(3)
    followed = dict(panel.drawing.signal)
    panel.played.player.scene = 4
    played = dict(panel.drawing.signal)
    rewind(app, 1)
    app.views.refresh()
    assert (panel.drawing.signal, panel.drawing.scene[0]) == (played, "after")
    panel.look_at(4)  # another image: its own step, of the same network
    assert panel.drawing.signal["words"] != played["words"]
    panel.look_at(3)
    assert panel.drawing.signal == played
    panel.played.player.scene = NOT_PLAYED
    assert panel.drawing.scene[0] == ""
    assert panel.drawing.signal["outputs"] != followed["outputs"]
    app.panels.time_bar.position = -1
    panel.played.player.scene = 4
    retrain(app, seed=1)  # a new run is to be app
    app.views.refresh()
    assert (panel.drawing.scene[0], panel.played.player.scene) == ("", NOT_PLAYED)
    y = app.network.forward(app.dataset.X_test[:, [3]])[:, 0]
    np.testing.assert_allclose(panel.drawing.signal["outputs"], y, rtol=1e-5)
    assert panel.drawing.signal["outputs"] != followed["outputs"]


def test_a_drawing_without_a_label_is_what_it_is_read_as(panel):
    ink = np.zeros((140, 140), np.uint8)
    ink[30:110, 65:75] = 255
    panel.pad.ink = ink.tobytes()
    panel.played.player.scene = 1
    signal = panel.drawing.signal
    assert signal["true"] == signal["decided"] == signal["looked_at"]
    assert panel.played.player.note.startswith("The drawing has no label")
    panel.played.player.of = "batch"
    assert panel.played.player.note == "Means over 16 training images."
    assert panel.drawing.signal["true"] == -1


@pytest.mark.parametrize(("changes", "rate"), [
    ({}, 0.05),
    ({"reduction": "mean"}, 0.05 / 4),
    ({"reduction": "mean", "optimizer": "adam"}, 0.05),
    ({"schedule": "inverse"}, 0.05 / (1 + 1 - 16 / 600 / 2)),
])  # fmt: skip
def test_the_learning_rate_is_that_of_the_run(small_dataset, changes, rate):
    run = SessionRun.beginning(TrainingRun(CONFIG.replace(epochs=1, **changes), small_dataset))
    assert learning_rate(run, 1.0, 4) == pytest.approx(rate)


def test_the_optimizer_is_in_the_words(app, panel):
    for optimizer, is_named in (("sgd", False), ("adam", True)):
        retrain(app, reduction="mean", optimizer=optimizer, epochs=1)
        panel.played.player.scene = 3
        assert ("Adam" in panel.drawing.signal["words"]) is is_named


def test_every_shape_is_played(new_app):
    app = new_app(train=False)
    view, panel = NetworkView(app), hero(app)
    for sizes in ((1,), (3, 2, 2, 2, 2, 2), (200,), (8,)):
        done(app.train, CONFIG.replace(hidden_sizes=sizes, hidden_activation="relu", epochs=1))
        assert [layer["n_units"] for layer in panel.drawing.layers] == [*sizes]
        assert all(signal["figures"] for signal in scenes(panel))
        panel.played.player.scene = NOT_PLAYED
    assert isinstance(view, NetworkView)


def test_where_there_is_no_step_one_sentence_says_why(app, panel, untrained, monkeypatch):
    inspected = app.views.networks.of(app.views.state)
    lost = replace(inspected, weights=tuple(one * np.nan for one in inspected.weights))
    monkeypatch.setattr(app.views.networks, "of", lambda _: lost)
    panel.played.player.scene = 2
    assert panel.played.player.scene == NOT_PLAYED
    assert panel.played.player.note == "The weights are not numbers, so there is no step to play."
    monkeypatch.undo()
    panel.look_at(7)
    assert panel.played.player.note == ""  # no longer
    hero(untrained).played.player.scene = 0  # of initial weights
    assert hero(untrained).played.player.scene in (0, NOT_PLAYED)


@pytest.mark.parametrize(
    ("made_by", "why"), [(Mine, ""), (SlopeForgotten, "so no step"), (Renamed, "no network")]
)
def test_of_ones_own_class_if_its_passes_are_the_textbooks(new_app, made_by, why):
    app = new_app(TrainingConfig(hidden_sizes=4, epochs=1), network=made_by)
    hero(app).played.player.scene = 4
    assert hero(app).played.player.scene == (NOT_PLAYED if why else 4)
    assert why in hero(app).played.player.note


def test_a_page_asks_for_scenes_that_there_are(from_page):
    player = StepPlayer()
    from_page.set(player, scene=99, of="image")
    assert player.scene == len(SCENES) - 1
    from_page.set(player, scene=-7)
    assert player.scene == NOT_PLAYED
