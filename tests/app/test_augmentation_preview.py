"""Eight training images before and after, in the tab of the data."""

from __future__ import annotations

import pytest
from app_steps import set_controls

from explorer import Explorer, TrainingConfig


@pytest.fixture
def app(small_dataset):
    app = Explorer(small_dataset, TrainingConfig(hidden_sizes=4, epochs=1), train=False)
    app.session.auto_train = False
    app.panels.tab_bar.selected = "data"
    yield app
    app.close()


def shown(app):
    return app.panels["data"].augmentation.view.shown


def test_nothing_is_there_while_no_image_is_distorted(app):
    assert shown(app).rows == ()
    set_controls(app, shift=2)
    assert [row.name for row in shown(app).rows] == ["as they are", "distorted"]
    assert [len(row.pictures) for row in shown(app).rows] == [8, 8]
    set_controls(app, shift=0)
    assert shown(app).rows == ()


def test_it_follows_the_settings_of_the_next_run(app):
    set_controls(app, shift=2)
    two = shown(app)
    assert two.note == "Each epoch draws again, for every image: shift up to 2 pixels."
    set_controls(app, shift=2, elastic=1.4, scale=0.1)
    more = shown(app)
    assert more.picture != two.picture
    assert [row.pictures for row in more.rows] == [row.pictures for row in two.rows]  # the same images
    amounts = "shift up to 2 pixels, scale up to 0.1, elastic distortion of about 1.4 pixels"
    assert more.note == f"Each epoch draws again, for every image: {amounts}."
    set_controls(app, elastic=0, scale=0)
    assert shown(app).picture == two.picture
    set_controls(app, shift=1, rotation=1)
    assert shown(app).note.endswith(": shift up to 1 pixel, rotation up to 1 degree.")


def test_its_button_draws_again(app, from_page):
    set_controls(app, rotation=30)
    before, view = shown(app), app.panels["data"].augmentation.view
    assert before.offer == "Draw again"
    from_page.send(view, {"press": "offer"})
    assert shown(app).picture != before.picture
    assert [row.pictures for row in shown(app).rows] != [row.pictures for row in before.rows]
