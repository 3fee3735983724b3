"""The Data tab, and what another data set does to all that is shown, without a page."""

from __future__ import annotations

import numpy as np
import pytest
from app_steps import PATIENCE, messages, run_of, send, set_controls

from explorer import DatasetError, Explorer, LossCurve, TrainingConfig
from explorer.app.panels.data import about_dataset
from explorer.datasets.loading import DatasetOffer
from explorer.figures.digits import sprite
from explorer.training.query import write_query

CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=16, learning_rate=0.05)


def unreadable():
    raise DatasetError("broken.tgz", "an empty file", "four files")


@pytest.fixture
def app(small_dataset, other_dataset):
    """The app after its first run, with another data set to choose and one that can't be read."""
    app = Explorer(small_dataset, CONFIG, others=[other_dataset, DatasetOffer("Broken", unreadable)])
    assert app.wait(PATIENCE)
    yield app
    app.close()


@pytest.fixture
def panel(app):
    app.panels.tab_bar.selected = "data"
    return app.panels["data"]


def choose(app, name):
    app.data.choose(name)
    assert app.wait(PATIENCE)


def text(element):
    """All text in an element."""
    return element if isinstance(element, str) else " ".join(map(text, element[2:]))


def visit(app, query):
    send(app.header, {"visit": query})
    assert app.wait(PATIENCE)


# The tab


def test_the_page_opens_with_the_overview(app):
    assert app.panels.names[0] == "overview"
    assert (app.panels.tab_bar.selected, app.header.query) == ("overview", write_query(CONFIG))
    app.panels.tab_bar.selected = "data"
    assert app.header.query.endswith("tab=data")


def test_each_class_has_its_mean_image_a_few_of_its_own_and_its_count(panel, small_dataset):
    rows, labels = panel.images.shown.rows, small_dataset.train_labels
    assert [row.name for row in rows] == list(small_dataset.class_names)
    indices = [[int(p.detail.rpartition(" ")[2]) for p in row.pictures[1:]] for row in rows]
    assert all((labels[few] == k).all() and len({*few}) == 10 for k, few in enumerate(indices))
    means = [small_dataset.train_images[labels == k].mean(axis=0) for k in range(10)]
    images = [
        [np.rint(mean), *small_dataset.train_images[few]] for mean, few in zip(means, indices, strict=True)
    ]
    expected = np.array(images, dtype=np.uint8).reshape(-1, 28, 28)
    assert panel.images.shown.picture == sprite(expected, 11)
    assert [int(bar.text) for bar in panel.counts.shown.bars] == np.bincount(labels).tolist()
    send(panel.images, {"press": "offer"})
    assert panel.images.shown.picture != sprite(expected, 11)


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


def test_it_follows_the_images_in_use_and_the_theme(app, panel):
    assert "uses the first" not in text(panel.sentence.content[0])
    light = panel.images.shown.picture
    set_controls(app, n_train=100)
    assert app.wait(PATIENCE)
    assert "uses the first 100" in text(panel.sentence.content[0])
    assert panel.images.shown.picture == light
    app.header.theme = "dark"
    assert panel.images.shown.picture != light


# Augmentation


@pytest.fixture
def preview(untrained):
    """An app that shows what the settings do to images, and trains nothing."""
    untrained.session.auto_train = False
    untrained.panels.tab_bar.selected = "data"
    return untrained


def shown(preview):
    return preview.panels["data"].augmentation.view.shown


def test_nothing_is_there_while_no_image_is_distorted(preview):
    assert shown(preview).rows == ()
    set_controls(preview, shift=2)
    assert [row.name for row in shown(preview).rows] == ["as they are", "distorted"]
    assert [len(row.pictures) for row in shown(preview).rows] == [8, 8]
    set_controls(preview, shift=0)
    assert shown(preview).rows == ()


def test_it_follows_the_settings_of_the_next_run(preview):
    set_controls(preview, shift=2)
    two = shown(preview)
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


def test_its_button_draws_again(preview, from_page):
    set_controls(preview, rotation=30)
    before, view = shown(preview), preview.panels["data"].augmentation.view
    assert before.offer == "Draw again"
    from_page.send(view, {"press": "offer"})
    assert shown(preview).picture != before.picture
    assert [row.pictures for row in shown(preview).rows] != [row.pictures for row in before.rows]


# Another data set


def test_another_data_set_is_learned_with_the_same_settings_and_shown_everywhere(app, panel, other_dataset):
    for tab in app.panels.names:  # all panels are there
        app.panels.tab_bar.selected = tab
    app.panels.tab_bar.selected = "data"
    app.views.choose(9, 4)
    panel.choice.value = "Ways"
    assert app.wait(PATIENCE)
    assert (app.dataset, app.config, run_of(app).number) == (other_dataset, CONFIG, 2)
    assert app.header.dataset == "Ways · 240 train, 80 test images"
    assert app.panels["data"] is panel  # or the choice would lose the focus
    assert [row.name for row in panel.images.shown.rows] == list(other_dataset.class_names)
    assert app.selected_cell is None
    assert "240" in app.settings["n_train"]._control["high"]
    assert app.tiles.shown.facts[1].text.startswith(("hardest class ", "no class is"))
    for tab in app.panels.names:
        app.panels.tab_bar.selected = tab
    assert app.panels["overview"].gallery.gallery.class_names == list(other_dataset.class_names)
    assert app.panels["mistakes"]["mistakes"].table.shown.rows[0][0] == "left"
    assert app.panels["overview"].network.drawing.classes == list(other_dataset.class_names)
    assert {message["kind"] for message in app.messages.messages} <= {"info"}


def test_what_can_t_be_read_is_said_and_changes_nothing(app, panel):
    run = run_of(app)
    panel.choice.value = "Broken"
    said = messages(app)["data"]
    assert "Broken can't be read. broken.tgz: found an empty file, expected four files." in said["text"]
    assert (app.data.chosen, panel.choice.value, run_of(app)) == ("patterns", "patterns", run)
    choose(app, "Ways")
    assert "data" not in messages(app)


def test_an_unknown_name_is_refused_with_the_nearest(app):
    with pytest.raises(ValueError, match="no data set is called 'ways'; did you mean 'Ways'"):
        app.data.choose("ways")


def test_two_of_one_name_are_refused(small_dataset, other_dataset):
    with pytest.raises(ValueError, match="two data sets are called 'PATTERNS'"):
        Explorer(small_dataset, others=[DatasetOffer("PATTERNS", lambda: other_dataset)], train=False)


def test_a_part_that_stands_alone_follows(app):
    loss = LossCurve(app)
    loss._sight.in_sight = True
    before = loss.children[0]
    choose(app, "Ways")
    assert loss.children[0] is not before
    test = next(trace for trace in loss._panel.figure.plot.data if trace.name == "test")
    assert len(test.x) == 2
    loss.close()


# What is compared


def earlier_curves(app):
    return [
        t
        for t in app.panels["overview"].accuracy.figure.plot.data
        if t.name == "earlier runs" and t.visible is True
    ]


def test_runs_on_other_images_are_in_no_figure_and_that_is_said(app):
    choose(app, "Ways")
    overview = app.panels["overview"]
    assert earlier_curves(app) == []
    assert overview.loss.caption.text == "Not shown: 1 earlier run on patterns."
    choose(app, "patterns")  # the equal run takes the place of the first
    set_controls(app, batch_size=32)
    assert app.wait(PATIENCE)
    assert len(earlier_curves(app)) == 1
    app.panels.tab_bar.selected = "mistakes"
    app.panels["mistakes"].choice.value = "robustness"
    assert [words for _, words in app.panels["mistakes"]["robustness"].other.options] == [
        "no other run",
        "8 units, batch 16, lr 0.05 (run 3)",
    ]


def test_the_table_names_the_data_set_and_marks_the_other(app):
    app.panels.tab_bar.selected = "runs"
    table = app.panels["runs"].table
    assert [row["chips"] for row in table.rows] == [()]
    choose(app, "Ways")
    panel = app.panels["runs"]
    chips = {row["number"]: row["chips"] for row in panel.table.rows}
    assert chips == {1: ("patterns",), 2: ("Ways",)}
    assert "1 run on patterns is not drawn: other test images" in panel.captions["accuracy"].text
    assert sum(trace.visible is True for trace in panel.accuracy.plot.data) == 1
    panel.table.chosen = [1, 2]
    shown = panel.comparison.side_by_side.shown
    assert "patterns and Ways hold out other images" in shown.verdict
    assert shown.lines[0] == ("Data set", "patterns", "Ways")
    assert "Test loss" not in [line[0] for line in shown.lines]
    assert "explorer-hidden" in panel.comparison.figure._dom_classes


# Links


def test_a_link_opens_its_data_set_and_its_settings(app, other_dataset):
    app.open_link("?data=WAYS&hidden=4&epochs=1&tab=inside&section=time")
    assert app.wait(PATIENCE)
    assert (app.dataset, run_of(app).config.hidden_sizes, run_of(app).number) == (other_dataset, (4,), 2)
    assert (app.panels.tab_bar.selected, app.panels["inside"].choice.value) == ("inside", "time")
    assert app.header.query == "hidden=4&epochs=1&data=ways&tab=inside&section=time"
    assert "link" not in messages(app)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mars", "no data set “mars”; the page has “patterns”, “Ways”"),
        ("broken", "Broken can't be read. broken.tgz"),
    ],
)
def test_a_link_to_no_data_set_says_so_and_the_rest_of_it_is_used(app, name, said):
    app.open_link(f"?data={name}&hidden=4&epochs=1")
    assert app.wait(PATIENCE)
    assert (app.data.chosen, run_of(app).config.hidden_sizes) == ("patterns", (4,))
    assert said in messages(app)["link"]["text"]
    assert "data=" not in app.header.query


def test_back_returns_to_the_data_set_before(app):
    before = app.header.query
    choose(app, "Ways")
    assert (app.header.query, app.header.step) == (f"{before}&data=ways", 1)
    visit(app, f"?{before}")
    assert (app.data.chosen, app.header.query, app.header.step) == ("patterns", before, 1)
    visit(app, f"?{before}&data=ways")
    assert (app.data.chosen, app.confusion.shape) == ("Ways", (4, 4))
