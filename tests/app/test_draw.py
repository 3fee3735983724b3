"""The tab to draw in, without a page."""

import numpy as np
import pytest
from app_steps import PATIENCE, retrain, run_of

from explorer import TrainingConfig
from explorer.app.panels.draw import reading
from explorer.datasets.preprocessing import preprocess
from explorer.figures.digits import GAP
from explorer.widgets.drawing_pad import SIDE

CONFIG = TrainingConfig(hidden_sizes=8, epochs=4, batch_size=16, learning_rate=0.02)


@pytest.fixture
def panel(app):
    app.panels.tab_bar.selected = "draw"
    return app.panels["draw"]


def a_drawing(seed=0):
    ink = np.zeros((SIDE, SIDE), np.uint8)
    ink[20:120, 30:90] = np.random.default_rng(seed).integers(0, 2, (100, 60)) * 255
    return ink


def expected(network, ink):
    y = network.forward(np.float32(preprocess(ink).image.reshape(-1, 1)) / 255)[:, 0].astype(float)
    return y / y.sum()


def shares(panel):
    """What the bars say, of each class; nothing where they only keep their place."""
    return [bar.share for bar in panel.bars.shown.bars if bar.text]


def size_of(png):
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_the_sentence():
    names = tuple("0123456789")
    y = np.zeros(10, np.float32)
    y[7], y[1], y[2] = 0.465, 0.02, 0.015
    assert reading(y, names) == "It reads a 7 (93 %), then 1 (4 %)."
    assert reading(np.roll(y, 1), names) == "It reads an 8 (93 %), then 2 (4 %)."
    assert reading(y[[7, 1, 2]], ("boot", "bag", "coat")) == "It reads boot (93 %), then bag (4 %)."
    assert reading(np.full(3, np.nan), names[:3]) == "The network's outputs are not numbers."


def test_a_blank_pad_predicts_nothing(panel):
    for ink in (b"", bytes(SIDE * SIDE)):
        panel.pad.ink = ink
        assert panel.sentence.text == "Draw a digit"
        assert shares(panel) == []
        assert panel.steps.shown.sprite == b""
        assert panel.note.text == ""


def test_a_drawing_is_read_by_the_network(app, panel):
    panel.pad.ink = a_drawing().tobytes()
    y = expected(app.network, a_drawing())
    np.testing.assert_allclose(shares(panel), y, rtol=1e-5)
    assert [bar.kind == "chosen" for bar in panel.bars.shown.bars] == [k == y.argmax() for k in range(10)]
    assert panel.sentence.text == reading(y, app.dataset.class_names)
    assert "shares of the sum" in panel.note.text
    assert "epoch 4" in panel.note.text
    assert size_of(panel.steps.shown.sprite) == (4 * (SIDE + GAP), SIDE + GAP)


def test_a_cleared_pad_predicts_nothing_again(panel):
    panel.pad.ink = a_drawing().tobytes()
    panel.pad.ink = bytes(SIDE * SIDE)
    assert (panel.sentence.text, shares(panel)) == ("Draw a digit", [])


def test_the_drawing_follows_the_epoch_slider(app, panel):
    panel.pad.ink = a_drawing().tobytes()
    at_end = shares(panel)
    app.panels.tab_bar.position = 0
    network = app.network
    network.set_weights(run_of(app).timeline.moments[0].weights)
    np.testing.assert_allclose(shares(panel), expected(network, a_drawing()), rtol=1e-5)
    assert "epoch 1." in panel.note.text
    app.panels.tab_bar.position = -1
    assert shares(panel) == at_end


def test_the_drawing_follows_a_new_run(app, panel):
    panel.pad.ink = a_drawing().tobytes()
    retrain(app, hidden_sizes=5, output="softmax", loss="cross_entropy")
    np.testing.assert_allclose(shares(panel), expected(app.network, a_drawing()), rtol=1e-5)


def test_the_drawing_outlives_a_reset(app, panel):
    panel.pad.ink = a_drawing().tobytes()
    app.session.reset()
    assert panel.sentence.text == "not trained yet"
    assert shares(panel) == []
    assert panel.steps.shown.sprite
    assert app.wait(PATIENCE)
    assert panel.sentence.text.startswith("It reads")
    assert panel.note.text.startswith("Read by the network of epoch 0.")
    app.train()
    assert app.wait(PATIENCE)
    assert panel.sentence.text.startswith("It reads")


def test_test_images_are_the_mistakes_the_worst_first(app, panel):
    wrong = run_of(app).newest.test_outputs.argmax(axis=0) != app.dataset.test_labels
    seen = []
    for _ in range(wrong.sum()):
        panel._load()
        index = int(panel.sentence.text.split("test image ")[1].split(",")[0])
        shown = app.dataset.test_images[index]
        np.testing.assert_array_equal(panel.pad.image[::5, ::5], shown)
        assert panel.sentence.text.endswith(
            f"a {app.dataset.class_names[app.dataset.test_labels[index]]}."
        ) or (app.dataset.test_labels[index] == 8)
        seen.append(index)
    assert sorted(seen) == np.flatnonzero(wrong).tolist()
    panel.pad.ink = a_drawing().tobytes()
    assert "test image" not in panel.sentence.text


def test_before_the_first_epoch_any_test_image_will_do(untrained):
    untrained.panels.tab_bar.selected = "draw"
    panel = untrained.panels["draw"]
    panel._load()
    assert panel.pad.image.any()
    assert shares(panel) == []


def test_the_steps_follow_the_theme(app, panel):
    panel.pad.ink = a_drawing().tobytes()
    light = panel.steps.shown.sprite
    app.header.theme = "dark"
    assert panel.steps.shown.sprite != light
    assert size_of(panel.steps.shown.sprite) == size_of(light)
