"""A user's images of any size and of many classes: everything on the page follows them."""

import re
import subprocess
import sys

import numpy as np
import pytest
from app_steps import open_all_tabs, open_tab

from explorer import Explorer, TrainingConfig, load_dataset
from explorer.app.panels.data import about_dataset
from explorer.training.presets import START, opening_config
from explorer.widgets.setting import Setting

CONFIG = START.replace(epochs=2, learning_rate=0.1, shift=1.0, elastic=1.0)
PATIENCE = 60


def write(path, side, n_classes, n=240):
    """Write images that are bright in a place of their class; return the file."""
    labels = np.random.default_rng(3).permutation(np.arange(n) % n_classes)
    images = np.zeros((n, side * side), np.uint8)
    images[np.arange(n), (7 * labels + 3) % side**2] = 255
    np.savez(path, x=images.reshape(n, side, side), y=[f"kind {label}" for label in labels])
    return path


@pytest.fixture(scope="module", params=[(2, 2), (16, 100), (64, 3)], ids=str)
def app(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    app = Explorer(load_dataset(write(folder / "mine.npz", *request.param)), CONFIG)
    assert app.wait(PATIENCE)
    yield app
    app.close()


def test_every_tab_opens_with_all_its_sections(app):
    open_all_tabs(app)
    for name in app.panels.labels:
        panel = app.panels[name]
        for section in getattr(getattr(panel, "choice", None), "options", ()):
            open_tab(app, name, section[0])
    app.views.refresh()
    assert not [one for one in app.messages.messages if one["kind"] == "error"]


def test_a_drawing_becomes_an_image_of_the_data_sets_size(app):
    ink = np.zeros((140, 140), np.uint8)
    ink[20:120, 40:110] = 255
    app.panels["overview"].network.pad.set_trait("ink", ink.tobytes())
    image, side = app.views.image.image, app.session.dataset.image_shape[0]
    assert (image.shape, image.dtype) == ((side, side), np.uint8)
    assert image.max() > 100


def test_the_whole_network_may_be_typed(app):
    data, control = app.session.dataset, Setting("hidden_sizes", kind="layers")
    control.fit_to(data.n_train, data.n_classes, n_inputs=data.n_inputs)
    assert f"{data.n_inputs}-128-64-{data.n_classes}" in control.tooltip


def test_what_was_done_to_the_images_is_said(app):
    data = app.session.dataset
    said = about_dataset(data, data.n_train)
    assert "Drawn for testing" in said
    assert f"Each image is {data.image_shape[0]} × {data.image_shape[0]} pixels" in said
    assert f"of the {data.n_classes} classes" in said


def test_a_report_names_the_most_frequent_class(app):
    report = app.export("report").content.decode()
    assert "the most frequent class, would be right for" in report
    assert "Images and labels were read from x and y." in report
    assert f"{app.session.dataset.n_inputs}-32-{app.session.dataset.n_classes}" in report
    assert "--dataset mine.npz" in report


def test_its_script_reads_the_same_file(app, tmp_path):
    (tmp_path / "run.py").write_bytes(app.export("script").content)
    python = [sys.executable, "-W", "error", "run.py", app.session.dataset.source]
    done = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    accuracy = re.search(r"^Test accuracy +([\d.]+)%", done.stdout, re.MULTILINE)[1]
    shown = 100 * app.session.state.run.newest.record.test_accuracy
    assert float(accuracy) == pytest.approx(shown, abs=3 + 100 / app.session.dataset.n_test)


@pytest.mark.parametrize(("side", "n_classes"), [(28, 10), (28, 12), (16, 10), (16, 2)])
def test_it_opens_with_settings_that_learn_many_classes(tmp_path, side, n_classes):
    data = load_dataset(write(tmp_path / "mine.npz", side, n_classes))
    app = Explorer(data, train=False)
    is_usual = (side, n_classes) == (28, 10)
    assert app.config == (TrainingConfig() if is_usual else opening_config(data.n_train, side**2))
    app.close()


def test_the_exercises_settings_stay_with_images_like_its_own(tmp_path, small_dataset):
    own = load_dataset(write(tmp_path / "mine.npz", 16, 12))
    app = Explorer(small_dataset, others=[own], train=False)
    app.session.auto_train = False
    assert app.config == TrainingConfig()
    app.data.choose(own.name)
    assert app.config == opening_config(own.n_train, 256)
    app.data.choose(small_dataset.name)
    app.config = app.config.replace(epochs=3)
    app.data.choose(own.name)
    app.data.choose(small_dataset.name)
    assert app.config.epochs == 3
    app.close()
