"""The tab to draw in, without a page."""

import numpy as np
import pytest
from app_steps import PATIENCE, retrain, run_of, send

from explorer import TrainingConfig
from explorer.app.panels.draw import reading
from explorer.datasets.preprocessing import preprocess
from explorer.figures.digits import GAP
from explorer.widgets.drawing_pad import SIDE

INSIDE = "inside"
CONFIG = TrainingConfig(hidden_sizes=8, epochs=4, batch_size=16, learning_rate=0.02)


@pytest.fixture
def panel(app):
    app.panels.tab_bar.selected = "draw"
    return app.panels["draw"]


@pytest.fixture
def pad(seen):
    """The tab of the shared app, with a blank pad."""
    seen.panels.tab_bar.selected, panel = "draw", seen.panels["draw"]
    panel.pad.ink = b""
    return panel


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


def test_a_blank_pad_predicts_nothing(pad):
    for ink in (b"", bytes(SIDE * SIDE), a_drawing().tobytes(), bytes(SIDE * SIDE)):
        pad.pad.ink = ink
        if any(ink):
            continue
        assert pad.sentence.text == "Draw a digit"
        assert shares(pad) == []
        assert pad.steps.shown.picture == b""
        assert pad.note.text == ""


def test_a_drawing_is_read_by_the_network(seen, pad):
    pad.pad.ink = a_drawing().tobytes()
    y = expected(seen.network, a_drawing())
    np.testing.assert_allclose(shares(pad), y, rtol=1e-5)
    assert [bar.kind == "chosen" for bar in pad.bars.shown.bars] == [k == y.argmax() for k in range(10)]
    assert pad.sentence.text == reading(y, seen.dataset.class_names)
    assert "shares of the sum" in pad.note.text
    assert "epoch 4" in pad.note.text
    assert size_of(pad.steps.shown.picture) == (4 * (SIDE + GAP), SIDE + GAP)


def test_test_images_are_the_mistakes_the_worst_first(seen, pad):
    wrong = run_of(seen).newest.test_outputs.argmax(axis=0) != seen.dataset.test_labels
    visited = []
    for _ in range(wrong.sum()):
        load(pad)
        index = int(pad.sentence.text.split("test image ")[1].split(",")[0])
        shown = seen.dataset.test_images[index]
        np.testing.assert_array_equal(pad.pad.image[::5, ::5], shown)
        assert pad.sentence.text.endswith(
            f"a {seen.dataset.class_names[seen.dataset.test_labels[index]]}."
        ) or (seen.dataset.test_labels[index] == 8)
        visited.append(index)
    assert sorted(visited) == np.flatnonzero(wrong).tolist()
    pad.pad.ink = a_drawing().tobytes()
    assert "test image" not in pad.sentence.text


def load(panel):
    """Press the button that puts a test image on the pad."""
    send(panel.pad, {"offer": True})


def press(panel, name):
    """Press a button under the bars: a class, or the one to look inside."""
    send(panel.truth, {"press": str(name)})


def draw(panel, seed, true=None):
    panel.pad.ink = a_drawing(seed).tobytes()
    if true is not None:
        press(panel, true)


def kept(panel):
    """What is said of the drawings that are kept, the newest first."""
    return [image["caption"] for image in panel.kept.gallery.images]


def test_drawings_are_kept_as_what_they_are_and_read_again_by_each_network(app, panel):
    read = []
    for seed in range(4):
        draw(panel, seed)
        read.append(panel.bars.shown.bars.index(max(panel.bars.shown.bars, key=lambda bar: bar.share)))
        press(panel, read[seed] if seed < 3 else (read[seed] + 1) % 10)
        assert panel.truth.shown.chosen == (read[seed] if seed < 3 else (read[seed] + 1) % 10)
    assert panel.kept.gallery.heading == "The network reads 3 of your 4 drawings correctly (75 %)"
    assert kept(panel) == [f"{(read[3] + 1) % 10} → {read[3]}", *(f"{k} → {k}" for k in read[2::-1])]
    retrain(app, seed=5)
    y = [expected(app.network, a_drawing(seed)).argmax() for seed in range(4)]
    assert [caption.split()[-1] for caption in kept(panel)] == [str(k) for k in y[::-1]]


def test_a_label_is_taken_back_and_a_kept_drawing_goes_back_on_the_pad(panel):
    draw(panel, 0, 7)
    press(panel, 3)  # no, a 3
    assert [caption[0] for caption in kept(panel)] == ["3"]
    press(panel, 3)
    assert (len(panel.kept), panel.truth.shown.chosen) == (0, None)
    for said in ("10", "-1", "a 7", "", None):
        send(panel.truth, {"press": said})
    draw(panel, 0, 7)
    draw(panel, 1, 3)
    for number, true in ((panel.kept.gallery.images[1]["key"], 7), (99, 7)):
        send(panel.kept.gallery, {"open": number})
        np.testing.assert_array_equal(panel.pad.image, a_drawing(0))
        assert (panel.truth.shown.chosen, [caption[0] for caption in kept(panel)]) == (true, ["3", "7"])
    load(panel)
    press(panel, 5)  # of a test image nothing is asked
    assert (len(panel.kept), panel.truth.shown.names) == (2, ())


def test_ink_that_a_press_has_overtaken_belongs_to_the_drawing(panel):
    whole, part = a_drawing(), a_drawing()
    part[60:] = 0
    panel.pad.ink = part.tobytes()
    press(panel, 7)
    panel.pad.ink = whole.tobytes()
    assert (len(panel.kept), panel.truth.shown.chosen) == (1, 7)
    draw(panel, 1)
    assert panel.truth.shown.chosen is None


def test_what_is_on_the_pad_is_looked_into(app, panel):
    inside = app.panels["inside"]
    load(panel)
    number = panel.sentence.text.split("test image ")[1].split(",")[0]
    press(panel, INSIDE)
    assert (app.panels.tab_bar.selected, inside.choice.value) == ("inside", "image")
    section = inside["image"]
    assert section.picker.index == int(number)
    draw(panel, 0)
    press(panel, INSIDE)
    y = app.network.forward(np.float32(preprocess(a_drawing()).image.reshape(-1, 1)) / 255)[:, 0]
    assert [bar.text for bar in section.outputs.shown.bars] == [f"{value:.3f}" for value in y]
    words = section.picker.content["words"]
    assert words == f"your drawing, read as {y.argmax()}; loss and deltas take that as true"
    assert [bar.note for bar in section.outputs.shown.bars if bar.note] == ["read"]
    draw(panel, 0, 7)
    press(panel, INSIDE)
    assert section.picker.content["words"] == f"your drawing of 7, read as {y.argmax()}"
    send(section.picker, {"wish": "random"})
    assert section.picker.content["words"].startswith("true ")


def test_drawings_are_kept_before_a_network_reads_them(untrained):
    untrained.panels.tab_bar.selected = "draw"
    panel = untrained.panels["draw"]
    load(panel)  # any test image
    assert panel.pad.image.any()
    draw(panel, 0, 7)
    draw(panel, 1, 1)
    assert panel.kept.gallery.heading == "Your 2 drawings"
    untrained.train()
    assert untrained.wait(PATIENCE)
    assert panel.kept.gallery.heading.startswith("The network reads")
