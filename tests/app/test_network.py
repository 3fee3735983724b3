"""The network drawn: what is lit, linked and printed is what the network computes for the image."""

from dataclasses import replace

import numpy as np
import pytest
from app_steps import done, hero, is_hidden, open_tab, retrain, run_of, send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer import NetworkView, TrainingConfig
from explorer.app.views import Drawing
from explorer.figures.digits import sprite
from explorer.figures.formulas import written
from explorer.inspection.contributions import contributions
from explorer.widgets.drawing_pad import SIDE, DrawingPad
from explorer.widgets.network_drawing import FOLLOWED, NetworkDrawing

CONFIG = TrainingConfig(hidden_sizes=(40, 6), epochs=3, batch_size=16, learning_rate=0.05)


@pytest.fixture
def panel(app):
    """The network of the shared app, with none of the user's drawings kept."""
    found = hero(app)
    for ink, drawing in found.drawings.kept.items():
        found.drawings.keep(ink, replace(drawing, true=None))
    found.look_at(0)
    return found


def trained_on(app, index):
    """The network of the app, and an image as it reads it."""
    return app.network, app.dataset.test_images[index].ravel() / np.float32(255)


def a_drawing(seed=0):
    ink = np.zeros((SIDE, SIDE), np.uint8)
    ink[20:120, 30:90] = np.random.default_rng(seed).integers(0, 2, (100, 60)) * 255
    return ink.tobytes()


def terms_of(drawn):
    """The terms of a drawn sum, and the bias at the end."""
    return np.frombuffer(drawn["terms"], "<f4")


def test_what_is_drawn_is_the_pass_of_the_image(app, panel, small_dataset):
    panel.look_at(5)
    network, x = trained_on(app, 5)
    y = network.forward(x[:, None])[:, 0]
    drawing, signal = panel.drawing, panel.drawing.signal
    np.testing.assert_allclose(signal["outputs"], y, rtol=1e-5)
    assert (signal["decided"], signal["true"]) == (int(y.argmax()), int(small_dataset.test_labels[5]))
    assert [layer["n_units"] for layer in drawing.layers] == [40, 6]
    for layer, values, h in zip(drawing.layers, signal["values"], (network.h1, network.h2), strict=True):
        np.testing.assert_allclose(np.frombuffer(values, "<f4"), h[layer["units"], 0], rtol=1e-6)
    assert [terms_of(one).size for one in signal["sums"]] == [41, 7]
    assert "read as" in panel.caption.text


def test_the_strongest_units_are_shown_until_all_are_asked_for(app, panel):
    panel.look_at(2)
    units = panel.drawing.layers[0]["units"]
    assert len(units) == 20
    assert [*units] == sorted(units)
    panel.drawing._on_message(panel.drawing, {"more": 0}, [])
    assert panel.drawing.layers[0]["units"] == (*range(40),)
    panel.drawing._on_message(panel.drawing, {"more": 0}, [])
    assert len(panel.drawing.layers[0]["units"]) == 20


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=st.integers(0, 99), k=st.integers(FOLLOWED, 9))
def test_the_sums_lead_to_the_class_and_to_the_unit_that_adds_most(app, panel, index, k):
    panel.look_at(index)
    panel.drawing.chosen = k
    network, x = trained_on(app, index)
    found = contributions(network, x, None if k == FOLLOWED else k)
    signal, before = panel.drawing.signal, int(found.largest(1)[0])
    sums = contributions(network, x, before, layer=2), found
    for drawn, sum_ in zip(signal["sums"], sums, strict=True):
        assert drawn["unit"] == sum_.unit
        np.testing.assert_allclose(terms_of(drawn), [*sum_.terms, sum_.bias], rtol=1e-6)
    assert (signal["looked_at"], signal["symbol"]) == (found.unit, "σ")
    assert float(signal["figures"][found.unit]) == pytest.approx(found.output, abs=0.006)


@pytest.mark.parametrize("image", [3, "a drawing"])
def test_lines_lead_from_the_pixels_that_add_most_to_a_unit(app, panel, image):
    if image == "a drawing":
        panel.pad.ink = a_drawing()  # from column 30 to 89 and row 20 to 119 of 140
        x, (left, top, side) = app.views.image.pixels, app.views.image.frame
    else:
        panel.look_at(image)
        x, (left, top, side) = trained_on(app, image)[1], (0, 0, 1)
    (layer, *_), signal = panel.drawing.layers, panel.drawing.signal
    found = np.frombuffer(signal["pixels"], np.uint8).reshape(len(layer["units"]), -1, 3).astype(float)
    terms = app.network.W1[list(layer["units"])] * x
    order = np.argsort(-np.abs(terms), axis=1, kind="stable")[:, : found.shape[1]]
    rows, columns = np.divmod(order, 28)
    np.testing.assert_allclose(found[..., 0] / 255, left + side * (columns + 0.5) / 28, atol=0.002)
    np.testing.assert_allclose(found[..., 1] / 255, top + side * (rows + 0.5) / 28, atol=0.002)
    shares = np.take_along_axis(terms, order, axis=1) / np.abs(terms).max(axis=1, keepdims=True)
    np.testing.assert_allclose(found[..., 2] / 127 - 1, shares, atol=0.005)


def test_a_drawing_is_read_and_a_cell_puts_its_first_image_on_the_pad(app, panel, small_dataset):
    panel.look_at(0)
    panel.pad.ink = a_drawing()
    assert panel.drawing.signal["true"] == -1
    assert panel.caption.text.startswith("Your drawing, read as")
    network = app.network
    y = network.forward(app.views.image.image.reshape(-1, 1) / np.float32(255))[:, 0]
    np.testing.assert_allclose(panel.drawing.signal["outputs"], y, rtol=1e-5)
    panel.pad.ink = bytes(SIDE * SIDE)
    assert (panel.caption.text, is_hidden(panel.question)) == ("Draw a digit here", True)
    panel.pad.ink = DrawingPad.ink_of(small_dataset.test_images[0])  # undone
    assert app.views.image == 0
    counts = app.confusion
    true, predicted = divmod(int(counts.argmax()), 10)
    app.views.choose(true, predicted)
    assert (panel.drawing.signal["true"], panel.drawing.signal["decided"]) == (true, predicted)
    assert any(panel.pad.ink == DrawingPad.ink_of(image) for image in small_dataset.test_images)


def draw(panel, seed, true=""):
    panel.pad.ink = a_drawing(seed)
    panel.truth.value = str(true)


def kept(panel):
    return [image["caption"] for image in panel.drawings.gallery.images]


def test_drawings_are_kept_with_their_classes_and_read_again_by_each_network(app, panel):
    read = []
    for seed in range(4):
        draw(panel, seed)
        read.append(panel.drawing.signal["decided"])
        panel.truth.value = str(read[seed] if seed < 3 else (read[seed] + 1) % 10)
        assert panel.drawing.signal["true"] == int(panel.truth.value)
    assert panel.drawings.gallery.heading == "3 of your 4 drawings read correctly (75\u00a0%)"
    assert kept(panel) == [f"{(read[3] + 1) % 10} → {read[3]}", *(f"{k} → {k}" for k in read[2::-1])]
    retrain(app, seed=5)
    images = [drawing.image.reshape(-1) for drawing in panel.drawings.kept.values()]
    y = app.network.forward(np.stack(images).T / np.float32(255)).argmax(axis=0)
    assert [caption.split()[-1] for caption in kept(panel)] == [str(k) for k in y]


def test_a_label_is_taken_back_and_a_kept_drawing_goes_back_on_the_pad(app, panel):
    draw(panel, 0, 7)
    panel.truth.value = "3"  # no, a 3
    assert [caption[0] for caption in kept(panel)] == ["3"]
    panel.truth.value = ""
    assert (panel.drawing.signal["true"], is_hidden(panel.drawings.view)) == (-1, True)
    draw(panel, 0, 7)
    draw(panel, 1, 3)
    for place in (1, 99, -1):
        send(panel.drawings.gallery, {"open": place})
        assert (panel.pad.ink, panel.truth.value, is_hidden(panel.question)) == (a_drawing(0), "7", False)
    send(panel.pad, {"mistake": True})
    assert (panel.truth.value, is_hidden(panel.question)) == ("", True)


def test_a_drawing_that_goes_on_after_its_label_keeps_it(panel):
    """The page sends a stroke's last ink when it has heard of the one before, and a label at once."""
    ink, more = (np.frombuffer(a_drawing(seed), np.uint8) for seed in (0, 1))
    draw(panel, 0, 7)
    panel.pad.ink = np.maximum(ink, more).tobytes()
    assert (panel.truth.value, panel.drawing.signal["true"], len(kept(panel))) == ("7", 7, 1)
    assert [*panel.drawings.kept] == [panel.pad.ink]
    panel.pad.ink = a_drawing(1)  # another one
    assert (panel.truth.value, len(kept(panel))) == ("", 1)
    draw(panel, 2, 3)
    panel.pad.ink = bytes(SIDE * SIDE)
    assert (panel.truth.value, len(kept(panel))) == ("", 2)


def test_the_mistakes_are_shown_the_worst_first(app, panel):
    wrong = run_of(app).newest.test_outputs.argmax(axis=0) != app.dataset.test_labels
    visited = []
    for _ in range(wrong.sum()):
        send(panel.pad, {"mistake": True})
        assert panel.pad.ink == DrawingPad.ink_of(app.dataset.test_images[app.views.image])
        visited.append(app.views.image)
    assert sorted(visited) == np.flatnonzero(wrong).tolist()


def test_all_tabs_look_at_one_image(app, panel, small_dataset):
    panel.look_at(3)
    why = open_tab(app, "why")
    assert why.shown.shown.heading == "Test image 3"
    assert why.shown.shown.picture == sprite(small_dataset.test_images[3:4], 1, theme="dark")
    app.panels.tab_bar.selected = "overview"
    draw(panel, 0, 7)
    app.panels.tab_bar.selected = "why"
    decided = panel.drawing.signal["decided"]
    assert why.shown.shown.heading == "Your drawing"
    assert why.shown.shown.rows[0].pictures[0].caption == f"true 7, read as {decided}"
    changed = small_dataset.test_images[5][::-1]
    app.views.look_into(Drawing(changed, 2))
    assert (app.panels.tab_bar.selected, panel.truth.value) == ("overview", "2")
    assert panel.pad.ink == DrawingPad.ink_of(changed)


def test_a_unit_has_a_card(app, panel):
    panel.look_at(3)
    panel.drawing.unit = [0, panel.drawing.layers[0]["units"][4]]
    assert not is_hidden(panel.unit.view)
    network, x = trained_on(app, 3)
    network.forward(x[:, None])
    unit = panel.drawing.unit[1]
    assert f"h = {network.h1[unit, 0]:.3}"[:8] in str(panel.unit.head.content)
    bars = panel.unit.outgoing.shown.bars
    strongest = np.sort(np.argsort(-np.abs(network.W2[:, unit]))[:10])
    assert [bar.text for bar in bars] == [written(float(w)) for w in network.W2[strongest, unit]]
    data = app.dataset
    order = np.argsort(-(network.W1[unit] @ data.X_test), kind="stable")[:8]
    assert panel.unit.exciting.shown.picture == sprite(data.test_images[order], 4, theme="dark")
    panel.drawing.unit = [1, 2]
    assert [bar.name for bar in panel.unit.outgoing.shown.bars] == [*data.class_names]
    assert "of layer 2" in str(panel.unit.head.content)
    assert all(map(is_hidden, panel.unit.view.children[1::2]))
    panel.unit.head._on_message(panel.unit.head, {"press": "close"}, [])
    assert panel.drawing.unit == []
    assert is_hidden(panel.unit.view)


def test_units_that_there_are_not_are_none(panel):
    for unit in ([0], [0, -1], [7, 0], [0, 40], [1, 6]):
        panel.drawing.unit = unit
        assert panel.drawing.unit == []


def test_weights_that_are_no_numbers_are_drawn_plainly(new_app):
    config = CONFIG.replace(hidden_sizes=4, hidden_activation="relu", learning_rate=100, epochs=1)
    app = new_app(config, train=False)
    assert hero(app).drawing.nothing
    done(app.session.train)
    app.views.refresh()
    assert not {"nan", "inf"} & {*str(hero(app).drawing.signal).lower().split()}


def test_every_shape_is_drawn(new_app):
    app = new_app(train=False)
    view, drawing = NetworkView(app), hero(app).drawing
    for sizes in ((1,), (3, 2, 2, 2, 2, 2), (200,), (8,)):
        done(app.train, CONFIG.replace(hidden_sizes=sizes, epochs=1))
        assert [layer["n_units"] for layer in drawing.layers] == [*sizes]
        assert len(drawing.sprite) < 15_000
    assert [len(layer["units"]) for layer in drawing.layers] == [8]
    assert isinstance(view, NetworkView)


def test_a_drawing_alone_has_nothing_to_choose():
    drawing = NetworkDrawing(classes=["0", "1"])
    drawing.chosen = 7
    assert (drawing.chosen, drawing.unit) == (FOLLOWED, [])
