"""One step, played: each scene shows what the textbook's methods compute, and the run stays as it is."""

from dataclasses import replace

import numpy as np
import pytest
from app_steps import done, hero, retrain, rewind
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own_networks import Mine, Renamed, SlopeForgotten

from explorer import NetworkView, TrainingConfig
from explorer.app.panels.step_player import learning_rate, pieces, sentences
from explorer.figures.formulas import written
from explorer.inspection.played_step import play_step
from explorer.network import NeuralNetwork
from explorer.session import SessionRun
from explorer.training import TrainingRun
from explorer.widgets.network_drawing import FOLLOWED, NOT_PLAYED, SCENES, StepPlayer

CONFIG = TrainingConfig(hidden_sizes=(12, 6), epochs=3, batch_size=16, learning_rate=0.05, l2=0.001)


@pytest.fixture
def panel(app):
    """The drawing of an app, which follows its run before and after."""
    found = hero(app)
    found.played.player.update(scene=NOT_PLAYED, of="image", code=False)
    found.drawing.chosen = FOLLOWED
    found.look_at(0)
    yield found
    found.played.player.scene = NOT_PLAYED


def scenes(panel):
    """The signal of each scene."""
    found = []
    for panel.played.player.scene in range(len(SCENES)):
        assert panel.drawing.scene[0] == SCENES[panel.played.player.scene].lower()
        signal, player = panel.drawing.signal, panel.played.player
        assert (player.spoken, player.formula) == (signal["spoken"], signal["words"])
        assert player.spoken.endswith(f": {''.join(text for text, _ in player.told)}")
        found.append(signal)
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
    assert f"{y.mean(axis=1)[k]:.3f}" in forward["spoken"]
    assert all(f"{written(total / n)}" in loss[of] for of in ("words", "spoken"))
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


def made(recording, name):
    """The last value that a recorded call gave to a name."""
    values = [value for step in recording.steps for value in step.values]
    return next(
        value.kept for value in values[::-1] if (value.place.text, value.place.kind) == (name, "made")
    )


@pytest.mark.parametrize("of", ["image", "batch"])
def test_code_and_scenes_follow_each_other_and_have_the_same_numbers(app, panel, of):
    player, code, before = panel.played.player, panel.played.code, app.network.weights()
    player.update(scene=2, of=of, code=True)
    steps = code.recording.steps
    assert code.at > 0  # it opens where the scene is
    functions = [steps[code.at].place.function for player.scene in range(1, 4)]
    assert [one.rpartition(".")[2] for one in functions] == ["compute_loss", "backward", "step"]
    told = [player.scene for code.at in range(len(steps))]
    assert told == sorted(told)
    assert {*told} == {*range(len(SCENES))}
    assert panel.drawing.scene[0] == "after"  # the drawing follows, too
    forward, *_ = scenes(panel)
    np.testing.assert_allclose(forward["outputs"], made(code.recording, "y").mean(axis=1), rtol=1e-6)
    X, d = batch_of(app, panel, 0)
    network = app.network.copy(np.float64)
    assert code.recording.result == network.train_iteration(X, d, CONFIG.learning_rate)
    np.testing.assert_equal(before, app.network.weights())


def test_the_code_is_of_the_image_that_is_looked_at_and_goes_with_the_step(app, panel):
    player, code = panel.played.player, panel.played.code
    assert "explorer-hidden" in code._dom_classes
    player.update(scene=0, code=True)
    assert "explorer-hidden" not in code._dom_classes
    first = made(code.recording, "X")
    panel.look_at(3)
    np.testing.assert_array_equal(made(code.recording, "X"), app.dataset.X_test[:, [3]])
    assert (first != made(code.recording, "X")).any()
    player.scene = NOT_PLAYED
    assert "explorer-hidden" in code._dom_classes
    player.scene = 0
    assert "explorer-hidden" not in code._dom_classes  # as it was left


def told(true, k=None, *, bias=0.0, n=1, noun="image", lr=0.1, shown=(0, 1, 2, 3)):
    """A step of a small network, the nouns of its sentences, and the sentences."""
    nn = NeuralNetwork(6, 4, 3, dtype=np.float64, output="softmax", loss="cross_entropy", seed=1)
    nn.b2[2] += bias
    X, d = np.random.default_rng(0).random((6, n)), np.eye(3)[:, [true] * n]
    step, names = play_step(nn, X, d, lr), ("ant", "bee", "cat")
    found = [pieces(one) for one in sentences(step, true if k is None else k, names, noun, 469, shown)]
    nouns = [{text: part for text, part in one if part} for one in found]
    return step, nouns, ["".join(text for text, _ in one) for one in found]


def test_a_misread_image_is_told_by_its_true_class_and_the_one_that_it_is_read_as():
    step, nouns, said = told(0, bias=3.0)
    (y, then), gradient = (one[:, 0] for one in (step.h[-1], step.y_after)), step.gradient[-2][0]
    j, by = np.abs(gradient).argmax(), written(-0.1 * gradient[np.abs(gradient).argmax()])
    assert y.argmax() == 2
    assert said == [
        f"the image lights the units, which light the outputs: {y[0]:.3f} for ant, but {y[2]:.3f} for cat.",
        f"the output for ant is {y[0]:.3f} instead of 1, for cat it is {y[2]:.3f} instead of 0."
        f" The loss is {written(-np.log(y[0]))}.",
        f"ant should be higher by {1 - y[0]:.3f}, cat lower by {y[2]:.3f}."
        f" The link from unit {j} to ant matters most.",
        f"the weights move to lower the loss. The link from unit {j} to ant changes by +{by}.",
        f"the output for ant went from {y[0]:.3f} to {then[0]:.3f}, the loss from {written(-np.log(y[0]))} to"
        f" {written(-np.log(then[0]))}. An epoch has 469 steps.",
    ]
    assert nouns[0] == {
        "image": "pixels", "units": "units", "outputs": "outputs", "ant": "output 1 0", "cat": "output 1 2",
    }  # fmt: skip
    assert nouns[2] == {
        "ant": "output 1 0", "cat": "output 1 2", "link": f"link 0 {j}", f"unit {j}": f"unit 0 {j}",
    }  # fmt: skip
    assert told(0, bias=3.0, shown=())[1][2] == {"ant": "output 1 0", "cat": "output 1 2"}


def test_a_class_that_is_right_already_can_still_rise_and_another_is_told_with_it():
    step, _, said = told(2, bias=4.0, noun="point")
    y = step.h[-1][:, 0]
    assert said[0] == f"the point lights the units, which light the outputs: cat is on top with {y[2]:.3f}."
    leaves = f"which leaves a loss of {written(-np.log(y[2]))}."
    assert said[1] == f"the output for cat is {y[2]:.3f} instead of 1, {leaves}"
    assert said[2].startswith(f"cat is right; its output could still be higher by {1 - y[2]:.3f}. The link")
    assert "still be higher by less than 0.001." in told(2, bias=20.0)[2][2]
    low = told(2, 0, bias=4.0)[2]  # the user's choice
    assert low[2].startswith(f"ant should be lower by {y[0]:.3f}, cat higher by {1 - y[2]:.3f}.")


def test_a_mini_batch_is_told_by_means_that_do_not_cancel_out():
    step, nouns, said = told(1, n=5)
    errors = [np.abs(one - step.d)[1].mean() for one in (step.h[-1], step.y_after)]
    before, after = (written(one / 5) for one in (step.loss, step.loss_after))
    mean = step.h[-1][1].mean()
    assert said[0] == f"5 images light the units, which light the outputs: {mean:.3f} for bee on average."
    assert (
        said[1] == f"the mean error of the output for bee is {errors[0]:.3f}, and the mean loss is {before}."
    )
    assert said[2].startswith("the errors of 5 images add up. The link from unit")
    went = "the mean error for bee went from {:.3f} to {:.3f}".format(*errors)
    assert said[4] == f"{went}, the mean loss from {before} to {after}. An epoch has 469 steps."
    assert nouns[0]["5 images"] == nouns[2]["5 images"] == "samples"


def test_what_is_no_number_is_told():
    assert set(told(0, bias=np.nan)[2]) == {"the sums grew too large: the output for ant is not a number."}
    last = told(0, bias=3.0, lr=1e308)[2][-1]
    assert last == "the step was too large: the loss is no longer a number. An epoch has 469 steps."


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
    player, code = hero(app).played.player, hero(app).played.code
    assert player.scene == (NOT_PLAYED if why else 4)
    assert why in player.note
    if not why:
        player.code = True
        assert {"Mine.forward", "Mine.backward"} <= {one.place.function for one in code.recording.steps}
        assert [player.scene for player.scene in range(len(SCENES))] == [*range(len(SCENES))]


def test_a_page_asks_for_scenes_that_there_are(from_page):
    player = StepPlayer()
    from_page.set(player, scene=99, of="image")
    assert player.scene == len(SCENES) - 1
    from_page.set(player, scene=-7)
    assert player.scene == NOT_PLAYED
