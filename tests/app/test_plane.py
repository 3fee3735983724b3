"""Points in a plane: the hero lit by a point, the surface of the outputs, added points, and their link."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from app_steps import (
    DIVERGING,
    PATIENCE,
    change,
    choose_data,
    done,
    hero,
    is_hidden,
    messages,
    open_all_tabs,
    open_tab,
    send,
    set_controls,
    visit,
)

from explorer import TrainingConfig, load_mnist, load_plane
from explorer.app.panels.data import about_dataset, surface, unit_tiles
from explorer.app.panels.sections import Sentence
from explorer.datasets.plane import KINDS, Plane, dataset_of, plane_of
from explorer.figures.digits import weights_sprite
from explorer.figures.palette import CLASS_COLORS, PALETTES, rgb
from explorer.network import NeuralNetwork, per_class
from explorer.session.saved_session import SUFFIX
from explorer.training.presets import POINTS, SITUATIONS, START
from explorer.widgets.network_drawing import NOT_PLAYED

CONFIG = TrainingConfig(
    hidden_sizes=(6, 4), hidden_activation="tanh", output="softmax", epochs=3, batch_size=16
)


@pytest.fixture(scope="module")
def usual(small_dataset):
    """There are points, with images to choose."""
    others = [small_dataset, load_plane("gaussians", n=30)]
    return {"dataset": load_plane("moons", n=60), "config": CONFIG, "others": others}


def pad(app):
    return hero(app).plane.view


def add(app, *point):
    """Add a training point as the page does, and wait for the run with it."""
    send(pad(app), {"add": [*point]})
    assert app.wait(PATIENCE)


def test_the_surface_mixes_the_colors_of_the_classes_by_probability(app):
    drawn = np.frombuffer(pad(app).surface, np.uint8).reshape(36, 36, 4)[..., :3]
    for row, column in ((0, 0), (0, 35), (30, 10)):
        x = np.array([[(column + 0.5) / 36], [1 - (row + 0.5) / 36]], np.float32)
        shares = app.network.forward(x)[:, 0]
        mixed = shares @ np.array([rgb(color) for color in CLASS_COLORS[:2]])
        ground = np.array(rgb(PALETTES["light"].surface))
        np.testing.assert_allclose(drawn[row, column], ground + 0.55 * (mixed - ground), atol=0.51)
    before = pad(app).surface
    app.header.theme = "dark"
    assert pad(app).surface != before


def test_all_points_are_drawn_with_their_class(app):
    found = np.frombuffer(pad(app).points, np.uint8).reshape(-1, 4)
    data = app.dataset
    splits = (data.train_images, data.train_labels), (data.test_images, data.test_labels)
    for kind, (images, labels) in enumerate(splits):
        own = found[found[:, 3] == kind]
        np.testing.assert_array_equal(own[:, :2], images[:, 0])
        np.testing.assert_array_equal(own[:, 2], labels)
    assert pad(app).names == ["A", "B"]


def test_a_unit_is_drawn_as_its_activation_over_the_plane():
    network = NeuralNetwork(2, (2, 1), 2, hidden_activation="tanh")
    W1, b1, W2, b2 = 5000.0 * np.eye(2), [[-2500.0], [-2500.0]], [[0.0, -9.0]], [[0.0]]
    network.set_weights([W1, b1, W2, b2, [[1.0], [0.0]], [[0.0], [0.0]]])
    side = np.arange(28) - 13.5
    right, up = np.sign(np.broadcast_to(side, (28, 28))), np.sign(np.broadcast_to(-side[:, None], (28, 28)))
    expected = np.stack([right, up, -up])
    assert unit_tiles(network, [[0, 1], [0]], "light", 8) == weights_sprite(expected, 8, limit=1.0)


def test_a_point_that_is_moved_lights_the_network(app):
    panel = hero(app)
    pad(app).point = [255, 51]
    y = app.network.forward(np.array([[1.0], [0.2]], np.float32))[:, 0]
    np.testing.assert_allclose(panel.drawing.signal["outputs"], y, rtol=1e-5)
    assert panel.caption.text == f"This point, read as {'AB'[int(y.argmax())]}"
    panel.look_at(3)
    assert pad(app).point == app.dataset.test_images[3].ravel().tolist()
    assert panel.caption.text.startswith("Test point 3, ")


def test_a_click_adds_a_training_point_and_trains_again_in_the_same_panels(app):
    panel, n_train = hero(app), app.dataset.n_train
    add(app, 7, 8, 1)
    assert app.dataset.train_images[-1].ravel().tolist() == [7, 8]
    assert (app.dataset.n_train, pad(app).n_added) == (n_train + 1, 1)
    assert [run.dataset.n_train for run in app.session.state.runs] == [n_train, n_train + 1]
    assert app.session.state.run.dataset is app.dataset
    assert hero(app) is panel
    assert "data=moons,60,0.01,0.7,0,070801" in app.header.query
    send(pad(app), {"undo": True})
    assert app.wait(PATIENCE)
    assert (app.dataset.n_train, pad(app).n_added) == (n_train, 0)
    for wrong in ([1, 2], [1, 2, 2], [-1, 0, 0], [0, 256, 0], [0.5, 0, 0], "1 2 0"):
        send(pad(app), {"add": wrong})
    assert app.dataset.n_train == n_train


def test_a_link_opens_the_same_points_with_the_same_run(app, new_app):
    add(app, 7, 8, 1)
    other = new_app(dataset=load_mnist(), others=[load_plane("moons")], train=False)
    done(other.open_link, app.header.query)
    assert other.dataset is app.dataset
    np.testing.assert_equal(app.network.weights(), other.network.weights())
    other.open_link("data=moons,60,7")
    assert "expected kind,n,noise" in messages(other)["link"]["text"]


def test_back_to_fewer_points_shows_no_run_on_more(app):
    before, loss = app.header.query, app.history.last.test_loss
    add(app, 128, 128, 1)
    assert app.history.last.test_loss != loss
    visit(app, before)
    assert (app.history.last.test_loss, len(app.dataset.train_labels)) == (loss, 42)


def test_what_the_page_says_of_points_while_images_are_open_changes_nothing(app, small_dataset, caplog):
    views, query = (open_tab(app, "data").plane.view, pad(app)), app.header.query
    app.data.choose(small_dataset.name)
    run = app.session.state.run
    for view in views:
        view.settings = {"n": 30, "noise": 0.1, "share": 0.5, "seed": 1}
        view.point = [3, 4]
        for content in ({"add": [1, 1, 1]}, {"undo": True}):
            send(view, content)
    assert (app.dataset, app.session.state.run, caplog.text) == (small_dataset, run, "")
    visit(app, query)


def test_points_and_images_have_settings_of_their_own(new_app, small_dataset):
    spirals = load_plane("spirals", n=20)
    app = new_app(START.replace(epochs=1), dataset=small_dataset, others=[spirals], train=False)
    app.session.auto_train = False
    app.data.choose("Spirals")
    assert app.config == POINTS
    set_controls(app, epochs=2)
    app.data.choose(small_dataset.name)
    assert app.config == START.replace(epochs=1)
    app.data.choose("Spirals")
    assert app.config == POINTS.replace(epochs=2)


def test_the_data_tab_sets_what_the_points_are_made_of(app):
    pad = open_tab(app, "data").plane.view
    assert pad.settings == {"n": 60, "noise": 0.01, "share": 0.7, "seed": 0}
    pad.settings = {"n": 30, "noise": 0.1, "share": 0.5, "seed": 3}
    assert app.wait(PATIENCE)
    assert plane_of(app.dataset) == Plane("moons", 30, 0.1, 0.5, 3)
    assert "Each point is a place" in about_dataset(app.dataset, 15)
    choose_data(app, "Gaussians")
    assert (pad.settings["n"], pad.names) == (30, ["A", "B", "C"])
    app.data.choose(app.data.names[1])
    assert is_hidden(pad)


def test_every_tab_shows_points_or_says_why_not(app):
    for tab in app.panels.labels:
        for section in ("", *getattr(app.panels[tab], "_makers", ())):
            open_tab(app, tab, section)
    said = app.panels["why"], app.panels["mistakes"]["robustness"]
    assert all(isinstance(panel, Sentence) for panel in said)
    assert not messages(app).keys() & {"fault"}


def shown_texts(widget):
    """Yield the texts of a widget and those in it, if it is not hidden."""
    if not is_hidden(widget):
        state = widget.get_state().items()
        shown = [one for name, one in state if name[0] != "_" or name == "_control"]
        yield from re.findall(r'"([^"]*)"', json.dumps(shown, default=str))
        for child in getattr(widget, "children", ()):
            yield from shown_texts(child)


def test_points_are_not_called_images(app):
    change(app, n_train=30)  # which labels and chips of runs say
    done(app.session.step, "batch")  # what a step is made with
    hero(app).played.player.update(of="batch", scene=2)
    found = set()
    for tab in [name for name in app.panels.labels if name not in ("demos", "lab", "why")]:
        for section in getattr(app.panels[tab], "_makers", ("",)):
            open_tab(app, tab, section)
            found.update(text for part in app.children[:-1] for text in shown_texts(part))
    wrong = {text for text in found if re.search(r"\bimages?\b", text, re.I)}
    wrong -= {"image", *SITUATIONS, *(preset.name for preset in SITUATIONS.values())}  # those are for images
    assert {text for text in wrong if "validation images 10" not in text} == set()


def test_of_two_classes_the_worse_alone_is_marked(own_app):
    app = own_app
    panel = open_tab(app, "mistakes")["mistakes"]
    table, recall = panel.table.shown, per_class(app.confusion).recall
    assert [*table.marked] == ([] if recall[0] == recall[1] else [(int(recall.argmin()), 1)])
    record = replace(panel._moment.record, confusion=np.array([[5, 4], [4, 5]]))
    panel._moment = replace(panel._moment, record=record)
    panel._show_scores()
    assert [*panel.table.shown.marked] == []


def test_networks_of_any_shape_are_drawn(app):
    for sizes in ((1,), 6 * (3,), (1024,)):
        change(app, hidden_sizes=sizes, epochs=1)
        assert [layer["n_units"] for layer in hero(app).drawing.layers] == [*sizes]
        assert pad(app).surface
        hero(app).drawing.unit = [0, 0]
        assert hero(app).unit.saw.shown.picture
        hero(app).played.player.scene = 3
        assert "tiles stay" in hero(app).drawing.signal["words"]
        hero(app).played.player.scene = NOT_PLAYED


def test_weights_that_are_no_numbers_and_few_points_are_drawn(own_app):
    for plane in (Plane("gaussians", 2, 0), Plane("moons", 2, 0, 0.5, 0, 9 * "090900")):  # of equal points
        own_app.session.use(dataset_of(plane))
        done(own_app.train, DIVERGING.replace(batch_size=1))
        open_all_tabs(own_app)
        assert pad(own_app).points
        assert "fault" not in messages(own_app)
    for n_classes in {*KINDS.values()}:
        broken = NeuralNetwork(2, 3, n_classes)
        broken.set_weights([np.full_like(one, np.nan) for one in broken.weights()])
        assert (surface(broken, "light") == rgb(PALETTES["light"].grid)).all()


def test_its_script_trains_it_again_without_the_package(app, tmp_path):
    app.save(tmp_path / "run.py")
    command = [sys.executable, "-I", tmp_path / "run.py"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    loss = f"{app.history.last.test_loss:.4f}"
    assert loss[:-1] in output
    app.save(tmp_path / "run.html")
    assert "Moons" in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_a_session_with_points_opens_anywhere_and_switches_to_them(app, new_app, small_dataset, tmp_path):
    add(app, 7, 8, 1)
    choose_data(app, small_dataset.name)  # its run has other classes
    done(app.open_link, "data=moons,60,0.01,0.7,0,070801")
    path = tmp_path / f"points{SUFFIX}"
    app.save(path)
    other = new_app(CONFIG.replace(epochs=1), dataset=small_dataset, others=(), train=False)
    other.panels.tab_bar.selected = "mistakes"
    other.open_session(path)
    assert (other.dataset, other.test_accuracy) == (app.dataset, app.test_accuracy)
    assert other.header.dataset.startswith("Moons · 43 train")
    assert "data=moons,60,0.01,0.7,0,070801" in other.header.query
    assert other.panels["overview"].network.plane is not None
    change(other, batch_size=8)
    assert other.session.state.run.dataset.whole is other.dataset
    assert "fault" not in messages(other)
