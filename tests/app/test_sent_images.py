"""Images of one's own from the page, without a page: files, folders and drawings, and the session's file."""

import io
import json
import re
import zipfile

import numpy as np
import pytest
from app_steps import PATIENCE, choose_data, is_hidden, messages, run_of
from PIL import Image
from study_steps import until

from explorer import DatasetError, TrainingConfig, load_dataset
from explorer.datasets.loading import NO_UPLOADS, sent_dataset
from explorer.session import read_session
from explorer.session.saved_session import session_bytes
from explorer.training.presets import FEW, START, opening_config

CONFIG = TrainingConfig(hidden_sizes=8, epochs=1, batch_size=16, learning_rate=0.05)


def folder(files, **about):
    """A folder, or drawings, as the page sends them."""
    line = json.dumps({**about, "files": [[path, len(content)] for path, content in files.items()]})
    return b"".join([line.encode(), b"\n", *files.values()])


def png(level, side=6):
    Image.fromarray(np.full((side, side), level, np.uint8)).save(stream := io.BytesIO(), "png")
    return stream.getvalue()


def lights(n=10, side=6):
    """Images of two classes as the files of a folder."""
    kinds = (("dark", 20), ("light", 200))
    return {f"{kind}/{i}.png": png(level + i, side) for kind, level in kinds for i in range(n)}


def ink(angle):
    """A line on the pad."""
    rows, columns = np.indices((140, 140)) - 70
    across = np.abs(np.cos(angle) * rows - np.sin(angle) * columns)
    return np.where((across < 8) & (np.hypot(rows, columns) < 50), 255, 0).astype(np.uint8).tobytes()


def drawings(n=7):
    angles = (("rising", 0.9), ("falling", -0.9), ("flat", 0.0))
    made = {f"{kind}/{i}": ink(angle + 0.03 * i) for kind, angle in angles for i in range(n)}
    return folder(made, drawn=True)


def send(app, name, content, size=None):
    """Send images as the page does, and wait until they are read."""
    said = {"open": f"images/{name}", "size": len(content) if size is None else size, "at": 0}
    app.header._on_message(app.header, said, [content] if size is None else [])
    assert until(lambda: not messages(app).get("data", {"text": "Reading"})["text"].startswith("Reading"))
    assert app.wait(PATIENCE)


def test_a_sent_file_is_opened_with_the_settings_of_the_opening_and_can_be_chosen_again(own_app):
    app, before = own_app, own_app.dataset
    images, labels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8), np.arange(40) % 4
    np.savez(stream := io.BytesIO(), images=images, labels=labels)
    send(app, "squares.npz", stream.getvalue())
    data = app.dataset
    assert (data.name, data.image_shape, data.n_classes) == ("squares.npz (yours)", (8, 8), 4)
    assert app.config == opening_config(36, 64) == FEW.replace(shift=0.6, elastic=0.3)
    assert run_of(app).status == "finished"
    said = messages(app)["data"]
    assert (said["kind"], data.notes[-1] in said["text"]) == ("info", True)
    assert app.header.datasets == {"Data sets": [before.name, "squares.npz (yours)"]}
    choose_data(app, before.name)
    assert app.dataset is before
    choose_data(app, "squares.npz (yours)")
    assert app.dataset is data
    four = {f"mnist-{k}-images": images for k in ("train", "test")}
    four |= {f"mnist-{k}-labels": np.arange(40) % 10 for k in ("train", "test")}
    np.savez(stream := io.BytesIO(), **four)
    send(app, "plain.npz", stream.getvalue())
    assert messages(app)["data"]["text"] == "plain.npz (yours) is open, on this page only."


def test_more_images_have_fewer_epochs_and_many_those_of_the_start():
    assert opening_config(5000, 784) == FEW.replace(epochs=20)
    assert opening_config(20_000, 784) == START


def test_a_folder_and_a_zip_of_it_are_the_same_and_large_images_become_smaller():
    for side, expected in ((6, 6), (90, 28)):
        files = lights(side=side)
        sent = sent_dataset("lights/", folder(files))
        with zipfile.ZipFile(stream := io.BytesIO(), "w") as packed:
            for path, content in files.items():
                packed.writestr(path, content)
        packed = sent_dataset("lights.zip", stream.getvalue())
        assert (sent.name, sent.class_names) == ("lights (yours)", ("dark", "light"))
        assert sent.image_shape == (expected, expected)
        assert (sent.train_images == packed.train_images).all()
        assert any("28 × 28" in note for note in sent.notes) == (side == 90)


def test_twenty_one_drawings_of_three_classes_give_a_network_that_reads_them(own_app):
    send(own_app, "Drawings/", drawings())
    data = own_app.dataset
    assert (data.name, data.image_shape) == ("Drawings (yours)", (28, 28))
    assert {*data.class_names} == {"rising", "falling", "flat"}
    assert own_app.test_accuracy == 1
    for image, label in zip(data.train_images, data.train_labels, strict=True):
        assert own_app.network.forward(image.reshape(-1, 1) / 255).argmax() == label


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("notes.npz", b"nothing of that kind", "notes.npz: found"),
        ("empty.zip", b"", "empty.zip: found an empty file"),
        ("f/", b"no line", "f: found"),
        ("f/", b'{"files": 3}\n', "f: found"),
        ("f/", b'{"files": [["a/1.png"]]}\n', "f: found"),
        ("f/", folder({"a/1.png": b"no image", "b/1.png": png(3)}), "f/a/1.png: found"),
        ("f/", folder({"../a/1.png": png(3), "b/1.png": png(3)}), "f: found ../a/1.png"),
        ("f/", folder({"a/1.png": png(3), "b/1.png": png(9)})[:-40], "f/b/1.png: found"),
        ("d/", folder({"a/1": b"12345"}, drawn=True), "d: found"),
        ("d/", folder({}, drawn=True), "d: found"),
    ],
)
def test_what_can_not_be_used_is_said_and_changes_nothing(app, name, content, found):
    before = app.dataset, app.config, run_of(app).key
    send(app, name, content)
    said = messages(app)["data"]
    assert said["kind"] == "error"
    assert " can't be read. " in said["text"]
    assert found in said["text"]
    assert re.search(r"expected .+\.$", said["text"])
    assert (app.dataset, app.config, run_of(app).key) == before
    app.messages.clear()


def test_a_file_that_is_too_large_or_canceled_is_not_read(app):
    send(app, "huge.zip", b"", size=1 << 30)
    said = "huge.zip can't be read. huge.zip: found more than fits, expected at most 64 MB."
    assert messages(app)["data"]["text"] == said
    app.messages.clear()
    piece = {"open": "images/a.npz", "size": 9}
    for said in ({**piece, "at": 0}, {"cancel": True}, {**piece, "at": 4}):
        app.header._on_message(app.header, said, [b"1234"])
    assert "data" not in messages(app)


def test_a_server_can_refuse_images_of_visitors_and_its_pages_offer_none(app, new_app, monkeypatch):
    def own_images(app):
        children = app.panels["data"].view.children
        return next(part for part in children if "explorer-own" in part._dom_classes)

    assert not is_hidden(own_images(app))
    monkeypatch.setenv(NO_UPLOADS, "1")
    assert is_hidden(own_images(new_app()))
    before = app.dataset
    send(app, "Drawings/", drawings())
    text = "Drawings: found images of a visitor, expected those that this server offers."
    assert (messages(app)["data"]["text"], app.dataset) == (f"Drawings can't be read. {text}", before)
    app.messages.clear()


def test_what_a_page_sends_may_unpack_to_little_more_than_it_is():
    with zipfile.ZipFile(stream := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("images.npy", bytes(60_000_000))
    with pytest.raises(DatasetError, match="at most 50000000"):
        sent_dataset("bomb.npz", stream.getvalue())


def test_a_session_brings_its_images_along_to_a_page_that_has_others(own_app, new_app, tmp_path):
    send(own_app, "Drawings/", drawings())
    own_app.save(tmp_path / "it.session")
    other = new_app()
    other.open_session(tmp_path / "it.session")
    assert other.dataset.name == own_app.dataset.name
    assert other.dataset.class_names == own_app.dataset.class_names
    assert (other.dataset.train_images == own_app.dataset.train_images).all()
    assert "Drawings (yours)" in other.data.names
    assert other.test_accuracy == own_app.test_accuracy
    read = load_dataset(tmp_path / "it.session")  # as a command does that publishes them
    assert (read.n_train, read.class_names) == (other.dataset.n_train, other.dataset.class_names)


def test_images_that_are_in_another_file_are_not_in_the_session(app, small_dataset, monkeypatch):
    content = session_bytes(app.session.state)
    assert read_session(content, "it.session", small_dataset).dataset is small_dataset
    monkeypatch.setattr("explorer.session.saved_session._MOST_IMAGE_BYTES", 1000)
    assert len(session_bytes(app.session.state)) < len(content)
