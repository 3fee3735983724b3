"""A run with validation images on the page: its words, its images, early stopping, and the button at the end."""

import numpy as np
from app_steps import done, drawn, open_all_tabs, open_tab, run_of

from explorer import TrainingConfig
from explorer.widgets.drawing_pad import DrawingPad

CONFIG = TrainingConfig(hidden_sizes=12, epochs=3, batch_size=16, learning_rate=0.05, n_validation=150)
WHOLE = CONFIG.replace(n_validation=0)


def test_the_page_says_validation_where_it_shows_it(app):
    overview = app.panels["overview"]
    assert (app.held_out, app.tiles.shown.tiles[0].label) == ("validation", "Validation accuracy")
    assert app.tiles.shown.tiles[1].note == "of 150"
    names = [trace.name for trace in drawn(overview.loss.figure)]
    assert names[-2:] == ["train", "validation"]
    assert "validation accuracy" in overview.accuracy.caption.text
    assert overview.loss.caption.text == ""
    assert "150 validation images right" in overview.confusion.figure.summary
    runs = open_tab(app, "runs")
    assert runs.captions["accuracy"].text.startswith("highest validation accuracy")
    assert runs.accuracy.plot.layout.yaxis.title.text == "validation accuracy (%)"
    text = str(open_tab(app, "data").sentence.content)
    assert "the present run learns from 450 and holds out 150 images" in text


def test_each_run_is_shown_with_its_own_images(app):
    """What is drawn of a run is of its images, whatever the tabs showed before."""
    for config in (CONFIG, WHOLE, CONFIG):
        done(app.train, config)
        run, data = run_of(app), run_of(app).dataset
        kind, n = run.config.held_out, len(data.test_labels)
        open_all_tabs(app)
        mistakes, network = app.panels["mistakes"], app.panels["overview"].network
        mistakes, outputs = mistakes["mistakes"], run.newest.test_outputs
        wrong = np.flatnonzero(outputs.argmax(axis=0) != data.test_labels)
        shown = {image["key"] for image in mistakes.images.gallery.images}
        assert shown <= {*wrong.tolist()}
        assert all(f"{kind} image" in image["about"] for image in mistakes.images.gallery.images)
        assert mistakes.table.shown.columns[-1] == f"{kind} images"
        assert f"of {n} {kind} images" in mistakes.threshold.text
        assert network.caption.text.startswith(f"{kind.capitalize()} image")
        assert network.pad.ink == DrawingPad.ink_of(data.test_images[app.views.image])
        assert app.panels["why"].shown.shown.heading.startswith(f"{kind.capitalize()} image")


def test_runs_of_both_kinds_stand_in_one_table(app):
    done(app.train, WHOLE)
    runs = open_tab(app, "runs")
    assert runs.table.headings[0] == "Held-out accuracy"
    assert runs.captions["accuracy"].text.endswith(
        "Not drawn: 1 run on patterns, with other validation images"
    )
    runs.table.chosen = [1, 2]
    assert runs.comparison.side_by_side.shown.verdict.startswith(
        "patterns (other validation images) and patterns (other test images) hold out other images"
    )
