"""The talk without a page: what each slide opens with, and what a live run changes."""

import asyncio

import numpy as np
import pytest

from explorer import Explorer
from explorer.extensions.talk.file import READY, read_talk
from explorer.extensions.talk.recordings import record
from explorer.extensions.talk.talk import Talk
from explorer.session.new_runs import recorded_start
from explorer.training import DivergedError, TrainingRun
from explorer.widgets.gallery import Gallery
from explorer.widgets.live_figure import LiveFigure

PATIENCE = 120
SLIDES = read_talk(READY).slides


def widgets(box):
    children = getattr(box, "children", ())
    return [box, *(widget for child in children for widget in widgets(child))]


def figures(slide):
    return [widget for widget in widgets(slide.view) if isinstance(widget, LiveFigure)]


def accuracy_curve(slide):
    return next(
        trace.y
        for figure in figures(slide)
        if figure.plot.layout.yaxis.title.text == "accuracy (%)"
        for trace in figure.plot.data
        if trace.name == "test"
    )


SMALL = """
[runs.small]
settings = "hidden=12&batch=16&epochs=3&lr=0.05"

[runs.deep]
settings = "hidden=8,6&batch=16&epochs=1&lr=0.05"

[[slides]]
name = "learns"
title = "It learns"
pictures = ["loss", "accuracy"]
run = "small"

[[slides]]
name = "deep"
title = "So does a deeper one"
pictures = ["accuracy"]
run = "deep"
"""
MAP = """
[[slides]]
title = "A map"
name = "map-{0}"
pictures = ["map: {0}"]
run = "deep"
"""


@pytest.fixture(scope="module")
def small_file(tmp_path_factory, small_dataset):
    """The file of a talk with two runs that take no time, recorded on the small data set."""
    path = tmp_path_factory.mktemp("talk") / "small.toml"
    path.write_text(SMALL + "".join(map(MAP.format, range(4))), encoding="utf-8")
    for name in ("small", "deep"):
        record(read_talk(path), name, small_dataset)
    return path


@pytest.fixture
def small(small_file, small_dataset):
    talk = Talk(small_file, dataset=small_dataset)
    yield talk
    talk.close()


def test_it_has_every_slide_in_order(talk):
    assert list(talk.slides) == [slide.name for slide in SLIDES]
    assert len(talk.slides) == 17
    assert talk["learns"] is talk.slides["learns"].view
    with pytest.raises(KeyError):
        talk["no such slide"]


@pytest.mark.parametrize("name", [slide.name for slide in SLIDES])
def test_a_slide_opens_drawn(talk, name):
    slide = talk.slides[name]
    title, *sentence = slide.heading.content
    assert title[2]
    for figure in figures(slide):
        assert any(
            trace.visible is not False
            and ((trace.y is not None and len(trace.y)) or (trace.type == "heatmap" and len(trace.z)))
            for trace in figure.plot.data
        )
    assert slide.bar.notes
    if name != "questions":  # that one shows images only of a chosen cell
        for gallery in (widget for widget in widgets(slide.view) if isinstance(widget, Gallery)):
            assert gallery.images or name == "network"  # there they are the room's drawings
            assert gallery.sprite or name == "network"
        assert slide.bar.text == "recorded run"
        assert sentence[0][2]
        assert slide.result.shown.tiles[0].value


def test_the_last_slide_holds_the_whole_explorer_on_the_run_of_the_page(talk, mnist):
    (playground,) = talk.slides["questions"].pictures
    app = playground.app
    assert (app.status, app.history.last.epoch) == ("finished", 10)
    assert app.history.epochs == recorded_start(mnist).history.epochs
    assert talk.slides["questions"].bar.settings == ""
    with pytest.raises(RuntimeError, match="questions"):
        talk.run_live("questions")


def test_the_button_starts_and_stops_it(talk, from_page):
    slide = talk.slides["deep"]
    before = accuracy_curve(slide).copy()
    from_page.send(slide.bar, {"live": "run"})
    assert slide.is_running
    from_page.send(slide.bar, {"live": "stop"})
    assert talk.session.wait(PATIENCE)
    assert (slide.bar.state, slide.bar.fault) == ("recorded", "")
    np.testing.assert_array_equal(accuracy_curve(slide), before)
    talk.reset()


def test_a_clicked_cell_shows_its_images(talk, from_page):
    (cells,) = talk.slides["mistakes"].pictures
    matrix, gallery = cells.view.children
    from_page.send(gallery, {"filter": [9, 4]})
    count = talk.slides["mistakes"].run.newest.confusion[9, 4]
    assert gallery.heading.startswith(f"9 read as 4: {count} mistakes")
    (shape,) = matrix.plot.to_plotly_json()["layout"]["shapes"]
    assert (shape["x0"], shape["y0"]) == (3.5, 8.5)


def test_a_live_run_takes_the_place_of_the_recorded_one_and_ends_another(small):
    slide, other = small.slides["learns"], small.slides["deep"]
    recorded, before = slide.run, accuracy_curve(slide)
    small.run_live("deep")
    small.run_live("learns")
    assert (other.bar.state, other.is_running) == ("recorded", False)
    assert (slide.bar.state, slide.is_running) == ("running", True)
    assert small.session.wait(PATIENCE)
    assert (slide.bar.state, other.bar.state) == ("live", "recorded")
    assert slide.bar.text.startswith("live run, trained in ")
    assert slide.run is not recorded
    np.testing.assert_array_equal(accuracy_curve(slide), before)  # the same settings give the same curve


def test_on_a_page_a_live_run_is_watched_from_its_untrained_network(small_file, small_dataset, monkeypatch):
    """Within the first epoch too, then epoch by epoch; the recorded figures don't come between."""
    seen = []
    for name in ("EPOCH_SECONDS", "_STEP_SECONDS"):
        monkeypatch.setattr(f"explorer.extensions.talk.talk.{name}", 0)

    async def watch():
        talk = Talk(small_file, dataset=small_dataset)
        slide = talk.slides["learns"]
        done = asyncio.Event()

        def look(state):
            seen.append((slide.result.shown.tiles[0].value, state.run.epochs_done, slide.bar.text))
            if slide.bar.state == "live":
                done.set()

        talk.session.subscribe(look)
        talk.run_live("learns")
        await asyncio.wait_for(done.wait(), PATIENCE)
        talk.close()

    asyncio.run(watch())
    recorded, *values = dict.fromkeys(value for value, *_ in seen)
    assert float(values[0].split()[0]) < 20
    assert len({value for value, epochs, _ in seen if epochs == 0}) >= 4
    assert list(dict.fromkeys(epochs for _, epochs, _ in seen)) == [*range(4)]
    begun = next(index for index, (value, *_) in enumerate(seen) if value == values[0])
    assert all(value != recorded for value, epochs, _ in seen[begun:] if epochs < 2)
    assert "live: epoch 1 of 3, step 1 of 38" in {text for *_, text in seen}
    assert seen[-1][2].startswith("live run, trained in ")


def test_a_step_asked_for_while_the_run_is_busy_is_made(small_file, small_dataset, from_page):
    async def press():
        talk = Talk(small_file, dataset=small_dataset)
        slide, run = talk.slides["learns"], lambda: talk.session.state.run
        talk.run_live("learns")
        from_page.send(slide.bar, {"live": "step"})  # the untrained network's figures are not known yet
        async with asyncio.timeout(PATIENCE):
            while run() is None or run().position[1] < 1:
                await asyncio.sleep(0.01)
        state = slide.bar.state
        talk.close()
        return state

    assert asyncio.run(press()) == "paused"


class Failing(TrainingRun):
    """A run that goes wrong in its second epoch."""

    failure: Exception = RuntimeError("the power went out")

    def __next__(self):
        if self.epoch > 1:
            raise self.failure
        return super().__next__()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("the power went out"), "RuntimeError: the power went out"),
        (DivergedError(2), "the loss has not been a number since epoch 2"),
    ],
)
def test_a_live_run_that_fails_leaves_the_recorded_one(small, monkeypatch, error, words):
    slide = small.slides["learns"]
    before = accuracy_curve(slide).copy()
    monkeypatch.setattr(Failing, "failure", error)
    monkeypatch.setattr("explorer.session.session.TrainingRun", Failing)
    small.run_live("learns")
    assert small.session.wait(PATIENCE)
    assert (slide.bar.state, slide.bar.text) == ("recorded", "recorded run")
    assert slide.bar.fault == f"The live run failed: {words}."  # only the speaker's window has it
    np.testing.assert_array_equal(accuracy_curve(slide), before)


def test_a_live_run_that_cannot_be_drawn_is_told_to_the_speaker(small, monkeypatch):
    slide = small.slides["learns"]

    def fail(*_, **__):
        raise RuntimeError("no ink")

    monkeypatch.setattr(slide, "show_live", fail)
    small.run_live("learns")
    assert small.session.wait(PATIENCE)
    assert slide.bar.fault == "The live run failed: RuntimeError: no ink"
    assert slide.bar.text == "recorded run"


def test_a_map_is_of_its_layer(small):
    shown = [figures(small.slides[f"map-{layer}"])[0].plot.data[0].x for layer in range(3)]
    assert len({tuple(x) for x in shown}) == 3
    (fault,) = small.faults
    assert fault.endswith(": map: 3 needs as many hidden layers; the run has 2.")


def test_the_theme_and_the_size_reach_every_figure(small):
    small.open(theme="dark")
    slide = small.slides["learns"]
    slide.bar.scale = 2.0
    for figure in figures(slide):
        assert figure.plot.layout.template.layout.paper_bgcolor == "#171c23"
        assert figure.plot.layout.template.layout.font.size == 24
    slide.bar.scale = 1.0
    small.open(theme="light")
    assert figures(slide)[0].plot.layout.template.layout.paper_bgcolor == "#ffffff"
    slide.bar.notes = "Ask first."
    small.open()
    assert (slide.bar.theme, slide.bar.notes) == ("light", "Ask first.")
    small.open(notes=False)
    assert slide.bar.notes == ""


def test_a_recorded_run_is_trained_again_and_not_continued(small, small_dataset):
    """There is nothing in this session that could go on from its end."""
    app = Explorer(small_dataset, train=False)
    app.session.open(small.slides["learns"].recorded)
    app.epochs = 4
    assert app.wait(PATIENCE)
    assert (app.session.state.run.origin.epoch, len(app.history)) == (0, 4)
    app.close()
