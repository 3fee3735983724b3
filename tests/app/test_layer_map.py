"""The Map and Why tabs without a page: what they show is what the functions of the inspection return."""

import numpy as np
import pytest
from app_steps import DIVERGING, change_weights, done, is_hidden, open_tab, retrain, rewind, run_of, send
from own_networks import Mine, Pasted

from explorer import TrainingConfig
from explorer.app.views import Drawing
from explorer.datasets import Dataset
from explorer.figures.digits import sprite, weights_sprite
from explorer.inspection.contributions import flip, gradient_times_input, occlusion
from explorer.inspection.projection import nearest, project

CONFIG = TrainingConfig(
    hidden_sizes=(12, 8), epochs=4, batch_size=16, learning_rate=0.02, hidden_activation="tanh"
)


def looking_at(app, name, image):
    app.views.look_into(image)
    return open_tab(app, name)


@pytest.fixture
def layer_map(app):
    panel = looking_at(app, "map", 0)
    panel.layer.value = "1"
    return panel


@pytest.fixture
def why(app):
    panel = looking_at(app, "why", 0)
    panel.of.value = "read"
    return panel


def dots(panel, n_classes=10):
    """The mapped points of all classes, (2, n), and the images that they stand for."""
    traces = panel.figure.plot.data[:n_classes]
    points = np.hstack([np.array([trace.x, trace.y], float) for trace in traces])
    return points, np.concatenate(panel._members[:n_classes])


def in_order(panel, n_classes=10):
    points, images = dots(panel, n_classes)
    return points[:, np.argsort(images)]


@pytest.mark.parametrize(("value", "layer"), [("0", 0), ("1", 1), ("2", 2), ("output", 3)])
def test_dots_are_the_principal_components_of_the_layer(app, layer_map, small_dataset, value, layer):
    layer_map.layer.value = value
    expected = project(app.network, layer, small_dataset.X_test, like=in_order(layer_map))
    points, images = dots(layer_map)
    assert sorted(images) == [*range(200)]
    np.testing.assert_allclose(points, expected.points[:, images], atol=1e-3)
    share = f"{100 * expected.shares.sum():.0f}"
    assert f"· {share}\u00a0% of the variance" in layer_map.figure.plot.layout.xaxis.title.text
    (_, *values), labels = layer_map.layer.options, small_dataset.test_labels
    assert [label for _, label in values] == ["layer 1", "layer 2", "output"]
    assert [len(trace.x) for trace in layer_map.figure.plot.data[:10]] == np.bincount(labels).tolist()


def test_misclassified_images_are_ringed_and_the_hover_says_what_is_read(app, layer_map, small_dataset):
    rewind(app, 1)
    predicted = run_of(app).timeline.moments[0].test_outputs.argmax(axis=0)
    labels = small_dataset.test_labels
    *classes, rings, chosen = layer_map.figure.plot.data
    assert len(rings.x) == (predicted != labels).sum() > 0
    assert len(chosen.x) == 1
    index = int(layer_map._members[3][0])
    assert classes[3].hovertext[0] == f"test image {index}, 3, read as {predicted[index]}"


def test_epochs_are_aligned(app, layer_map):
    last = in_order(layer_map)
    rewind(app, 3)
    before = in_order(layer_map)
    assert np.abs(before - last).max() > 1e-6
    unaligned = project(app.network, 1, app.dataset.X_test, like=-before)
    moved = [np.abs(points - before).mean() for points in (last, unaligned.points)]
    assert moved[0] < 0.5 * moved[1]


def test_a_click_opens_the_image_and_the_tabs_share_it(app, layer_map, small_dataset):
    index = int(layer_map._members[4][2])
    send(layer_map.figure, {"kind": "click", "trace": 4, "index": [2]})
    assert (app.panels.tab_bar.selected, app.views.image) == ("overview", index)
    for name in ("why", "map"):
        assert open_tab(app, name).shown.shown.heading == f"Test image {index}"
    send(layer_map.figure, {"kind": "click", "trace": 11, "index": [0]})
    assert app.panels.tab_bar.selected == "map"


def test_the_nearest_neighbors_are_shown(app, layer_map, small_dataset):
    looking_at(app, "map", 7)
    X, labels = small_dataset.X_test, small_dataset.test_labels
    found = [i for i in nearest(app.network, 1, X, X[:, 7], 9) if i != 7]
    shown = layer_map.nearest.shown
    assert shown.picture == sprite(small_dataset.test_images[found], 4, theme="dark")
    assert [picture.caption for picture in shown.rows[0].pictures] == [str(labels[i]) for i in found]
    app.views.look_into(Drawing(small_dataset.test_images[7]))
    images = small_dataset.test_images[[7, *found[:7]]]
    assert open_tab(app, "map").nearest.shown.picture == sprite(images, 4, theme="dark")
    assert len(layer_map.figure.plot.data[-1].x) == 0


def test_a_layer_that_cannot_be_mapped_is_said_to_be(own_app):
    app, layer_map = own_app, open_tab(own_app, "map")
    change_weights(app, np.zeros_like)
    assert is_hidden(layer_map.plot)
    assert layer_map.caption.text == "All images give the same activations: there is nothing to map."
    change_weights(app, lambda w: w * np.nan)
    assert "not a number" in layer_map.caption.text
    layer_map.layer.value = "0"
    assert not is_hidden(layer_map.plot)
    assert open_tab(app, "why").cards[0].shown.note.startswith("The outputs are not numbers")
    retrain(app, hidden_sizes=1)
    assert not is_hidden(open_tab(app, "map").plot)
    layer_map.layer.value = "1"
    assert layer_map.caption.text.endswith("They vary in one direction only.")
    assert np.linalg.matrix_rank(dots(layer_map)[0]) == 1


def test_two_images_and_two_classes(new_app, small_dataset):
    few = {name: getattr(small_dataset, name)[:40] for name in ("train_images", "train_labels")}
    test = {name: getattr(small_dataset, name)[:2] for name in ("test_images", "test_labels")}
    few["train_labels"], test["test_labels"] = few["train_labels"] % 2, test["test_labels"] % 2
    app = new_app(dataset=Dataset(name="few", class_names=("even <b>", "odd"), **few, **test))
    assert "at least 3 images; there are 2" in open_tab(app, "map").caption.text
    assert open_tab(app, "why").cards[3].shown.picture


@pytest.mark.parametrize("name", ["map", "why"])
def test_without_a_network_a_sentence_is_shown(untrained, name):
    panel = open_tab(untrained, name)
    assert (panel.reason.text, is_hidden(panel.body)) == ("not trained yet", True)
    done(untrained.train)
    assert (panel.reason.text, is_hidden(panel.body)) == ("", False)
    done(untrained.train, DIVERGING)
    assert panel.reason.text.endswith("Shown are its initial weights.")


def test_pixels_that_speak_for_a_class(app, why, small_dataset):
    network, x = app.network, small_dataset.X_test[:, 5]
    looking_at(app, "why", 5)
    for value in ("read", "3"):
        why.of.value = value
        k = int(network.forward(x[:, None]).argmax()) if value == "read" else int(value)
        gradient, blank = gradient_times_input(network, x, k), occlusion(network, x, k)
        shown = [card.shown for card in why.cards]
        assert shown[0].picture == weights_sprite(gradient.reshape(1, 28, 28), 1)
        assert shown[1].picture == weights_sprite(blank.reshape(1, 28, 28), 1)
        assert f"speak for {k}," in shown[0].note


def test_the_smallest_change_that_flips_it(app, why, small_dataset):
    network, x = app.network, small_dataset.X_test[:, 0]
    decided = int(network.forward(x[:, None]).argmax())
    other = next(k for k in range(9, -1, -1) if flip(network, x, k) is not None)
    for value, target in (("read", None), (str(other), other)):
        why.of.value = value
        changed = flip(network, x, target)
        read, share = network.forward(changed[:, None]).argmax(), np.abs(changed - x).sum() / x.sum()
        note = why.cards[2].shown.note
        assert note.startswith(f"Read as {read} instead of {decided}; ")
        assert float(note.split("; ")[1].split("\u00a0")[0]) == pytest.approx(100 * share, abs=0.51)
        image = np.rint(255 * changed).astype(np.uint8).reshape(1, 28, 28)
        assert why.cards[2].shown.picture == sprite(image, 1, theme="dark")
        assert why.cards[3].shown.picture == weights_sprite((changed - x).reshape(1, 28, 28), 1)


def test_a_blank_drawing_and_dead_units(app, why, own_app):
    cards = looking_at(app, "why", Drawing(np.zeros((28, 28), np.uint8))).cards
    assert cards[0].shown.note.startswith("It is 0 everywhere")
    assert cards[1].shown.note.startswith("Whichever 5 × 5")
    assert "pixels added" in cards[2].shown.note
    why = open_tab(own_app, "why")
    change_weights(own_app, np.zeros_like)
    assert why.cards[2].shown.note == "No such change was found: the slopes lead nowhere."
    assert not why.cards[3].shown.picture


class Doubled(Mine):
    """Another network than the textbook's: its outputs are of a doubled image."""

    def forward(self, X):
        return super().forward(2 * np.asarray(X))


@pytest.mark.parametrize(("network", "is_textbook"), [(Mine, True), (Pasted, True), (Doubled, False)])
def test_a_class_of_the_users_own(new_app, network, is_textbook):
    app = new_app(CONFIG.replace(hidden_sizes=6, hidden_activation="sigmoid"), network=network)
    layer_map = open_tab(app, "map")
    assert dots(layer_map)[0].shape == (2, 200)
    gradient, occluded, *_ = open_tab(app, "why").cards
    assert bool(gradient.shown.picture) == is_textbook
    assert is_textbook or gradient.shown.note.endswith("there is no gradient to show.")
    assert occluded.shown.picture
    assert not any(message["kind"] == "error" for message in app.messages.messages)
