"""The parts of an app, each alone: they follow it wherever they stand, and are drawn only where they are seen."""

import numpy as np
from app_steps import PATIENCE, change, drawn, rewind, send
from ipywidgets import HBox

import explorer
from explorer import LossCurve, TrainingConfig
from explorer.app import parts
from explorer.app.panels.drawn_network import full_tone
from explorer.figures.digits import weights_sprite
from explorer.widgets.gallery import Gallery
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.page_part import Visibility
from explorer.widgets.rendered import Caption

CONFIG = TrainingConfig(hidden_sizes=6, epochs=3, batch_size=16, learning_rate=0.05)
PARTS = [getattr(parts, name) for name in parts.__all__]


def inside(widget, kind):
    """The widgets of a kind within another."""
    found = [widget] if isinstance(widget, kind) else []
    for child in getattr(widget, "children", ()):
        found += inside(child, kind)
    return found


def curve(part):
    (figure,) = inside(part, LiveFigure)
    return drawn(figure, "test")[0]


def test_each_part_stands_in_a_box_and_is_closed(app):
    assert all(getattr(explorer, part.__name__) is part for part in PARTS)
    made = [part(app, layout={"width": "300px"}) for part in PARTS]
    assert HBox(made).children == (*made,)
    assert {part.layout.width for part in made} == {"300px"}
    change(app, batch_size=32)
    for part in made:
        part.close()
    change(app, batch_size=64)
    assert {message["kind"] for message in app.messages.messages} <= {"hint", "info", "warning"}


def test_what_nobody_sees_is_drawn_when_it_comes_into_sight(app):
    loss = LossCurve(app)
    (sight,) = inside(loss, Visibility)
    before = curve(loss).y
    sight._on_message(sight, {"view": "a", "seen": False}, [])
    change(app, batch_size=32)
    np.testing.assert_array_equal(curve(loss).y, before)
    sight._on_message(sight, {"view": "a", "seen": True}, [])
    np.testing.assert_allclose(curve(loss).y, [record.test_loss for record in app.history], rtol=1e-6)


def test_a_part_is_drawn_in_the_theme_of_its_page_where_the_app_has_no_header(own_app):
    loss, matrix = LossCurve(own_app), explorer.ConfusionMatrix(own_app)
    (sight,) = inside(loss, Visibility)
    sight.theme = "dark"
    assert {figure.theme for part in (loss, matrix) for figure in inside(part, LiveFigure)} == {"dark"}
    (later,) = inside(LossCurve(own_app), Visibility)
    assert later.theme == "dark"


def test_the_weights_follow_the_epoch_a_page_at_a_time(app):
    change(app, hidden_sizes=70)
    (images,) = inside(explorer.Weights(app), Gallery)
    for page, units in ((0, range(64)), (1, range(64, 70))):
        send(images, {"page": page})
        W = app.network.W1[units.start : units.stop]
        assert images.sprite == weights_sprite(W.reshape(-1, 28, 28), 8, limit=full_tone(app.network.W1))
        assert [image["key"] for image in images.images] == [*units]
    change(app, hidden_sizes=3)
    assert (images.page, len(images.images)) == (0, 3)
    rewind(app, 1)
    assert images.heading.startswith("3 units of layer 1, epoch 1; full tone ±")


def test_settings_and_buttons_drive_the_app(app):
    settings, buttons = explorer.Settings(app), explorer.RunButtons(app)
    settings.children[0]["batch_size"].value = 32
    assert app.wait(PATIENCE)
    assert app.history.config.batch_size == app.settings["batch_size"].value == 32
    bar = buttons.children[0]
    bar._on_message(bar, {"action": "reset"}, [])
    assert app.status == "idle"
    assert bar.status == "idle"


def test_parts_share_a_layout_that_outlives_them_and_boxes_for_a_cell_have_their_own(app):
    first, second = LossCurve(app), LossCurve(app)
    (caption,), (other,) = inside(first, Caption), inside(second, Caption)
    assert caption.layout is other.layout
    assert len({first.layout, second.layout, caption.layout}) == 3
    first.close()
    assert (first.layout.comm, other.layout.comm is None) == (None, False)
