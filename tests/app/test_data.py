"""The Data tab, and what another data set does to all that is shown, without a page."""

from unittest.mock import Mock

import numpy as np
import pytest
from app_steps import (
    PATIENCE,
    change,
    choose_data,
    done,
    drawn,
    is_hidden,
    messages,
    open_all_tabs,
    open_tab,
    run_of,
    send,
    set_controls,
    visit,
)

from explorer import DatasetError, Explorer, LossCurve, TrainingConfig
from explorer.app.panels.data import about_dataset
from explorer.datasets.loading import DatasetOffer
from explorer.figures.digits import sprite

CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=16, learning_rate=0.05)


@pytest.fixture(scope="module")
def usual(small_dataset, other_dataset):
    """There are another data set to choose, and one that can't be read."""
    unreadable = Mock(side_effect=DatasetError("broken.tgz", "an empty file", "four files"))
    others = [other_dataset, DatasetOffer("Broken", unreadable)]
    return {"dataset": small_dataset, "config": CONFIG, "others": others}


def text(element):
    """All text in an element."""
    return element if isinstance(element, str) else " ".join(map(text, element[2:]))


def test_each_class_has_its_mean_image_a_few_of_its_own_and_its_count(app, small_dataset):
    panel = open_tab(app, "data")
    rows, labels = panel.images.shown.rows, small_dataset.train_labels
    assert [row.name for row in rows] == list(small_dataset.class_names)
    indices = [[int(p.detail.rpartition(" ")[2]) for p in row.pictures[1:]] for row in rows]
    assert all((labels[few] == k).all() and len({*few}) == 10 for k, few in enumerate(indices))
    means = [small_dataset.train_images[labels == k].mean(axis=0) for k in range(10)]
    shown = zip(means, indices, strict=True)
    images = [[np.rint(mean), *small_dataset.train_images[few]] for mean, few in shown]
    expected = np.array(images, dtype=np.uint8).reshape(-1, 28, 28)
    assert panel.images.shown.picture == sprite(expected, 11, theme="dark")
    assert [int(bar.text) for bar in panel.counts.shown.bars] == np.bincount(labels).tolist()
    send(panel.images, {"press": "offer"})
    assert panel.images.shown.picture != sprite(expected, 11, theme="dark")


def test_it_says_what_there_is_and_what_guessing_comes_to(small_dataset, other_dataset):
    most = int(np.bincount(other_dataset.train_labels).argmax())
    share = 100 * np.mean(other_dataset.test_labels == most)
    said = about_dataset(other_dataset, 240)
    assert "Ways has 240 training images to learn from, and 80 test images" in said
    assert f"“{other_dataset.class_names[most]}”, the most frequent of the 4 classes" in said
    assert f"{share:.1f}\u00a0%" in said
    said = about_dataset(small_dataset, 50)
    assert "(the present run uses the first 50)" in said
    assert "of the 10 digits" in said


def test_it_follows_the_images_in_use_and_of_drawings_the_theme(app, monkeypatch):
    panel = open_tab(app, "data")
    assert "uses the first" not in text(panel.sentence.content[0])
    light = panel.images.shown.picture
    change(app, n_train=100)
    assert "uses the first 100" in text(panel.sentence.content[0])
    assert panel.images.shown.picture == light
    app.header.theme = "dark"
    assert panel.images.shown.picture == light
    monkeypatch.setitem(vars(app.dataset), "is_photographic", False)
    app.header.theme = "light"
    assert panel.images.shown.picture != light


@pytest.fixture
def preview(untrained):
    """An app that shows what the settings do to images, and trains nothing."""
    untrained.session.auto_train = False
    untrained.panels.tab_bar.selected = "data"
    return untrained


def shown(preview):
    return preview.panels["data"].augmentation.view.shown


def test_it_follows_the_settings_of_the_next_run_and_nothing_is_there_while_no_image_is_distorted(preview):
    assert shown(preview).rows == ()
    set_controls(preview, shift=2)
    two = shown(preview)
    assert [(row.name, len(row.pictures)) for row in two.rows] == [("as they are", 8), ("distorted", 8)]
    assert two.note == "Each epoch draws again, for every image: shift up to 2 pixels."
    set_controls(preview, shift=2, elastic=1.4, scale=0.1)
    more = shown(preview)
    assert more.picture != two.picture
    assert [row.pictures for row in more.rows] == [row.pictures for row in two.rows]  # the same images
    amounts = "shift up to 2 pixels, scale up to 0.1, elastic distortion of about 1.4 pixels"
    assert more.note == f"Each epoch draws again, for every image: {amounts}."
    set_controls(preview, elastic=0, scale=0)
    assert shown(preview).picture == two.picture
    set_controls(preview, shift=1, rotation=1)
    assert shown(preview).note.endswith(": shift up to 1 pixel, rotation up to 1 degree.")
    set_controls(preview, shift=0, rotation=0)
    assert shown(preview).rows == ()


def test_its_button_draws_again(preview, from_page):
    set_controls(preview, rotation=30)
    before, view = shown(preview), preview.panels["data"].augmentation.view
    assert before.offer == "Draw again"
    from_page.send(view, {"press": "offer"})
    assert shown(preview).picture != before.picture
    assert [row.pictures for row in shown(preview).rows] != [row.pictures for row in before.rows]


def test_another_data_set_is_learned_with_the_same_settings_everywhere(app, other_dataset, from_page):
    assert app.header.datasets == {"Data sets": ["patterns", "Ways", "Broken"]}
    open_all_tabs(app)
    panel = open_tab(app, "data")
    app.views.choose(9, 4)
    from_page.send(app.header, {"choose": "Ways"})
    assert app.wait(PATIENCE)
    assert (app.dataset, app.config, run_of(app).number) == (other_dataset, CONFIG, 2)
    assert app.header.dataset == "Ways · 240 train, 80 test images"
    assert app.panels["data"] is panel  # or its controls would lose the focus
    assert [row.name for row in panel.images.shown.rows] == list(other_dataset.class_names)
    assert app.selected_cell is None
    assert "240" in app.settings["n_train"]._control["high"]
    assert app.tiles.shown.facts[1].text.startswith(("hardest class ", "no class is"))
    open_all_tabs(app)
    assert app.panels["overview"].gallery.gallery.class_names == list(other_dataset.class_names)
    assert app.panels["mistakes"]["mistakes"].table.shown.rows[0][0] == "left"
    assert app.panels["overview"].network.drawing.classes == list(other_dataset.class_names)
    assert {message["kind"] for message in app.messages.messages} <= {"info"}


def test_what_can_t_be_read_is_said_and_changes_nothing(app, from_page):
    before, run, shown = app.header.dataset, run_of(app), []
    app.header.observe(lambda change: shown.append(change["new"]), "dataset")
    from_page.send(app.header, {"choose": "Broken"})
    assert shown == ["Broken · loading …", before]
    said = messages(app)["data"]
    assert "Broken can't be read. broken.tgz: found an empty file, expected four files." in said["text"]
    assert (app.data.chosen, run_of(app)) == ("patterns", run)
    choose_data(app, "Ways")
    assert "data" not in messages(app)


def test_unknown_and_equal_names_are_refused(app, small_dataset, other_dataset):
    with pytest.raises(ValueError, match="no data set is called 'pattern'; did you mean 'patterns'"):
        app.data.choose("pattern")
    with pytest.raises(ValueError, match="two data sets are called 'PATTERNS'"):
        Explorer(small_dataset, others=[DatasetOffer("PATTERNS", lambda: other_dataset)], train=False)


def test_a_part_that_stands_alone_follows(app):
    loss = LossCurve(app)
    loss._sight.in_sight = True
    before = loss.children[0]
    choose_data(app, "Ways")
    assert loss.children[0] is not before
    (test,) = drawn(loss._panel.figure, "test")
    assert len(test.x) == 2
    loss.close()


def test_runs_on_other_images_are_in_no_figure_and_that_is_said(app):
    choose_data(app, "Ways")
    overview = app.panels["overview"]
    assert drawn(overview.accuracy.figure, "earlier") == []
    assert overview.loss.caption.text == "Not shown: 1 earlier run on patterns."
    choose_data(app, "patterns")  # the equal run takes the place of the first
    change(app, batch_size=32)
    assert len(drawn(app.panels["overview"].accuracy.figure, "earlier")) == 1
    offered = [words for _, words in open_tab(app, "mistakes", "robustness").other.options]
    assert offered == ["no other run", "8 units, batch 16, lr 0.05 (run 3)"]


def test_the_table_names_the_data_set_and_marks_the_other(app):
    assert [row["chips"] for row in open_tab(app, "runs").table.rows] == [()]
    choose_data(app, "Ways")
    panel = app.panels["runs"]
    chips = {row["number"]: row["chips"] for row in panel.table.rows}
    assert chips == {1: ("patterns",), 2: ("Ways",)}
    assert "Not drawn: 1 run on patterns, with other test images" in panel.captions["accuracy"].text
    assert sum(trace.visible is True for trace in panel.accuracy.plot.data) == 1
    panel.table.chosen = [1, 2]
    shown = panel.comparison.side_by_side.shown
    assert "patterns and Ways hold out other images" in shown.verdict
    assert shown.lines[0] == ("Data set", "patterns", "Ways")
    assert "Test loss" not in [line[0] for line in shown.lines]
    assert is_hidden(panel.comparison.figure)


def test_a_link_opens_its_data_set_and_its_settings(app, other_dataset):
    done(app.open_link, "?data=WAYS&hidden=4&epochs=1&tab=inside&section=time")
    assert (app.dataset, run_of(app).config.hidden_sizes, run_of(app).number) == (other_dataset, (4,), 2)
    assert (app.panels.tab_bar.selected, app.panels["inside"].choice.value) == ("inside", "time")
    assert app.header.query == "hidden=4&epochs=1&data=ways&tab=inside&section=time"
    assert "link" not in messages(app)


def test_a_link_to_no_data_set_says_so_and_the_rest_of_it_is_used(app):
    for name, units, said in (
        ("mars", 4, "no data set “mars”; the page has “patterns”, “Ways”"),
        ("broken", 5, "Broken can't be read. broken.tgz"),
    ):
        done(app.open_link, f"?data={name}&hidden={units}&epochs=1")
        assert (app.data.chosen, run_of(app).config.hidden_sizes) == ("patterns", (units,))
        assert said in messages(app)["link"]["text"]
        assert "data=" not in app.header.query


def test_back_returns_to_the_data_set_before(app):
    before = app.header.query
    choose_data(app, "Ways")
    assert (app.header.query, app.header.step) == (f"{before}&data=ways", 1)
    visit(app, f"?{before}")
    assert (app.data.chosen, app.header.query, app.header.step) == ("patterns", before, 1)
    visit(app, f"?{before}&data=ways")
    assert (app.data.chosen, app.confusion.shape) == ("Ways", (4, 4))
