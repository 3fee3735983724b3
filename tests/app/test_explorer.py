"""The app without a page: its controls are set as the page sets them, and its views are read."""

import asyncio
import logging
import time

import numpy as np
import pytest
from app_steps import (
    PATIENCE,
    change,
    done,
    drawn,
    is_hidden,
    messages,
    open_all_tabs,
    open_tab,
    rewind,
    run_of,
    say,
    set_controls,
    train_on,
    visit,
)
from ipywidgets.widgets.widget import _instances

from explorer import Explorer, TrainingConfig, train
from explorer.network import most_confused
from explorer.widgets.live_figure import LiveFigure

CONFIG = TrainingConfig(hidden_sizes=12, epochs=3, batch_size=16, learning_rate=0.05)


def press(app, action):
    """Press a button of the run, and wait for what it does."""
    say(app.run_bar, {"action": action})
    assert app.wait(PATIENCE)


def test_it_opens_with_a_trained_run(app, small_dataset):
    assert app.status == "finished"
    assert list(app.history) == list(train(CONFIG, small_dataset))
    (curve,) = drawn(app.panels["overview"].accuracy.figure, "test")
    np.testing.assert_allclose(curve.y, [100 * r.test_accuracy for r in app.history], rtol=1e-6)
    assert app.tiles.shown.tiles[0].value == f"{100 * app.history.last.test_accuracy:.1f}\xa0%"
    assert app.tiles.shown.tiles[1].note == "of 200"


def test_a_changed_setting_starts_a_new_run_and_keeps_the_old_curve(app, small_dataset):
    before = list(app.history)
    change(app, batch_size=32)
    assert app.config == CONFIG.replace(batch_size=32)
    assert list(app.history) == list(train(app.config, small_dataset))
    (faint,) = drawn(app.panels["overview"].accuracy.figure, "earlier")
    np.testing.assert_allclose(faint.y, [100 * r.test_accuracy for r in before], rtol=1e-6)


def test_a_run_with_another_loss_leaves_the_loss_axis(app):
    overview = app.panels["overview"]
    assert overview.loss.caption.text == ""
    done(app.train, CONFIG.replace(output="softmax", loss="cross_entropy"))
    assert [len(drawn(one.figure, "earlier")) for one in (overview.loss, overview.accuracy)] == [0, 1]
    assert overview.loss.figure.plot.layout.yaxis.title.text == "cross-entropy per sample"
    assert overview.loss.caption.text == "Not shown: 1 earlier run with squared error."


def test_a_step_is_told(app):
    press(app, "step_batch")  # the run has ended: a click that comes too late
    assert (app.run_bar.status, app.run_bar.note) == ("finished", "")
    press(app, "reset")
    press(app, "step_batch")
    assert app.run_bar.text == "epoch 1 of 3 · step 1 of 38 · paused"
    assert app.run_bar.note.startswith("Its 16 images: loss ")
    press(app, "step_epoch")
    assert app.run_bar.note == ""
    assert app.panels["overview"].loss.figure.plot.layout.xaxis.title.text == "epoch"


def test_a_guess_is_noted_with_the_run_that_it_was_made_for_and_the_outcome_follows(app):
    assert app.run_bar.classes == [*app.dataset.class_names]
    app.run_bar.auto = False
    app.epochs = 1
    app.run_bar.guess = "95 %, 4 → 9"
    press(app, "train")
    run = app.session.state.run
    assert (run.note, run.is_marked, app.run_bar.guess) == ("Guessed: 95 %, 4 → 9", True, "")
    pair = most_confused(run.newest.confusion, 1)[0]
    share = f"{100 * run.newest.record.test_accuracy:.1f}\xa0%"
    assert app.run_bar.note == f"{run.note} · Outcome: {share}, {pair.true} → {pair.predicted}"
    assert run.note in app.export("report").content.decode()
    press(app, "train")
    assert (app.session.state.run.note, app.run_bar.note) == ("", "")


def test_a_preset_leaves_a_fork_and_the_chip_says_where_it_began(app, small_dataset):
    train_on(app)
    assert app.settings.start == "branch of run 1 at epoch 3"
    (chip,) = (part for part in app.settings.children if getattr(part, "part", "") == "start")
    say(chip, {"leave": True})
    assert app.wait(PATIENCE)
    assert (app.settings.start, run_of(app).origin.parent) == ("", None)
    assert list(app.history) == list(train(app.config, small_dataset))


def test_a_branch_begins_where_the_slider_stands_though_its_move_comes_later(app, from_page):
    bar = app.panels.time_bar
    from_page.send(bar, {"fork": True, "state": {"position": bar.epochs.index(2)}})
    assert app.wait(PATIENCE)
    assert app.settings.start.endswith("at epoch 2")


def test_what_the_settings_together_do_not_allow_is_said_next_to_its_control(app):
    done(app.train, CONFIG.replace(n_train=100))
    control = app.settings["n_validation"]
    say(control, {"typed": 95})
    assert (control.value, app.n_validation, app.session.config.n_validation) == (0, 0, 0)
    assert control.error == "Expected a whole number up to 90, 9 of 10 training images in use."
    change(app, batch_size=32)  # the others take effect
    assert (run_of(app).config.batch_size, run_of(app).config.n_validation) == (32, 0)
    say(control, {"typed": 90})
    assert app.wait(PATIENCE)
    assert (control.error, run_of(app).config.n_validation) == ("", 90)


def test_a_preset_for_more_images_than_exist_is_said_next_to_its_control(new_app, other_dataset, from_page):
    app = new_app(dataset=other_dataset)
    presets = next(part for part in app.settings.children if getattr(part, "part", "") == "presets")
    from_page.send(presets, {"preset": "500 images"})
    assert (app.config, app.settings.config, app.settings["n_train"].value) == (CONFIG, CONFIG, None)
    assert app.settings["n_train"].error == "Expected a whole number up to 240, the training images of Ways."
    assert run_of(app).number == 1


def test_the_cell_that_was_clicked_chooses_the_images(app, small_dataset):
    confusion, shown = run_of(app).newest.confusion, app.panels["overview"].gallery.view
    assert is_hidden(shown)
    row, column = np.unravel_index(confusion.argmax(), confusion.shape)
    app.views.choose(int(row), int(column))
    assert app.selected_cell == (row, column)
    assert not is_hidden(shown)
    gallery = app.panels["overview"].gallery.gallery
    assert gallery.heading.startswith(f"{row} classified correctly: {confusion[row, column]} images")
    assert len(gallery.images) == min(24, confusion[row, column])
    assert gallery.sprite.startswith(b"\x89PNG")
    assert len(app.panels["overview"].confusion.figure.plot.to_plotly_json()["layout"]["shapes"]) == 1


def test_an_error_in_a_listener_reaches_the_user_and_stops_no_other(own_app, caplog):
    app, heard = own_app, []
    with caplog.at_level(logging.CRITICAL):
        unsubscribe = app.session.subscribe(lambda state: 1 / 0)
        app.session.subscribe(heard.append)
        app.session.select(1)
        unsubscribe()
    assert "ZeroDivisionError" in messages(app)["fault"]["text"]
    assert heard[0].selected_epoch == 1


def test_the_network_is_a_copy(app, small_dataset):
    network = app.network
    accuracy = np.mean(network.predict(small_dataset.X_test) == small_dataset.test_labels)
    assert accuracy == app.history.last.test_accuracy
    network.W1 *= 0
    assert app.network.W1.any()


def test_closing_closes_every_widget(small_dataset):
    """But those that bring Plotly, style sheets and scripts to the page for all that the process makes."""
    first = Explorer(small_dataset, train=False)
    open_all_tabs(first)
    first.close()
    before = set(_instances)
    app = Explorer(small_dataset, CONFIG)
    open_all_tabs(app)
    assert app.wait(PATIENCE)
    app.close()
    left = [_instances[key] for key in set(_instances) - before]
    assert [type(widget).__name__ for widget in left] == []


def test_the_epoch_slider_takes_every_panel_to_that_epoch(app, small_dataset):
    overview, time_bar = app.panels["overview"], app.panels.time_bar
    assert time_bar.epochs[-3:] == [1, 2, 3]
    rewind(app, 1)
    first = next(iter(train(CONFIG.replace(epochs=1), small_dataset)))
    assert app.tiles.shown.tiles[0].value == f"{100 * first.test_accuracy:.1f}\xa0%"
    mistakes, right = (np.array(trace.z, float) for trace in overview.confusion.figure.plot.data[:2])
    np.testing.assert_array_equal(np.where(np.eye(10), right, mistakes), first.confusion)
    time_bar.position = -1
    assert app.tiles.shown.tiles[0].value == f"{100 * app.history.last.test_accuracy:.1f}\xa0%"


def test_the_curve_of_a_fork_begins_where_its_parents_is(app):
    change(app, epochs=6)
    parent = run_of(app)
    app.run_bar.auto = False
    rewind(app, 4)
    set_controls(app, learning_rate=0.001, batch_size=60)
    train_on(app)
    figure = app.panels["overview"].loss.figure
    traces = [trace for name in ("earlier", "test") for trace in drawn(figure, name)]
    before, now = ({int(x): y for x, y in zip(trace.x, trace.y, strict=True)} for trace in traces)
    assert sorted(now) == [4, 5, 6]
    assert now[4] == before[4]
    assert (now[5], now[6]) != (before[5], before[6])
    assert run_of(app).origin.step == parent.steps_at_ends[4] != 4 * run_of(app).position[2]


def test_back_and_forward_show_the_runs_that_are_there(app):
    first, before = app.header.query, run_of(app)
    change(app, batch_size=32)
    second, after = app.header.query, run_of(app)
    for query, run in ((first, before), (second, after), (first, before)):
        visit(app, f"?{query}")
        assert (run_of(app).number, run_of(app).status) == (run.number, "finished")
        assert list(run_of(app).history) == list(run.history)  # to the second: none was trained again
        assert [one.seconds for one in run_of(app).history] == [one.seconds for one in run.history]
        assert (app.config, app.header.query) == (run.config, query)
    assert (len(app.session.state.runs), app.header.step) == (2, 1)
    set_controls(app, batch_size=64)
    assert app.header.step == 2


def test_the_section_of_the_inside_tab_is_in_the_link(app):
    open_tab(app, "inside", "histograms")
    assert "section" not in app.header.query
    open_tab(app, "inside", "time")
    assert app.header.query.endswith("tab=inside&section=time")
    app.panels.tab_bar.selected = "overview"
    assert "section" not in app.header.query
    app.open_link("tab=inside&section=check")
    assert (app.panels.tab_bar.selected, app.panels["inside"].choice.value) == ("inside", "check")
    app.open_link("tab=inside&section=image")  # from before the network was drawn
    assert (app.panels.tab_bar.selected, app.messages.messages) == ("overview", [])


@pytest.mark.slow
def test_a_slow_computer_draws_all_parts_before_it_begins_again(small_dataset, monkeypatch):
    """Where a drawing takes longer than the next delivery, its last part is not for ever put off."""
    hinted = []
    show = LiveFigure.show

    def slow(figure, *arguments):
        time.sleep(0.15)
        show(figure, *arguments)

    async def page():
        app = Explorer(small_dataset, CONFIG, train=False)
        app.views.add(lambda state: hinted.append(state.status))  # the last part
        monkeypatch.setattr(LiveFigure, "show", slow)
        app.train(CONFIG.replace(epochs=500, batch_size=1, hidden_sizes=64))
        while app.status == "running" and hinted.count("running") < 2:
            await asyncio.sleep(0.01)
        app.close()

    asyncio.run(page())
    assert hinted.count("running") >= 2


@pytest.mark.slow
def test_while_a_run_trains_the_loop_comes_round_between_two_figures(small_dataset, monkeypatch):
    """What the user does is heard between the parts of a drawing, not only after the last."""
    show, rounds, drawn = LiveFigure.show, 0, []

    async def page():
        loop = asyncio.get_running_loop()
        app = Explorer(small_dataset, CONFIG, train=False)

        def go_round():
            nonlocal rounds
            rounds += 1
            loop.call_soon(go_round)

        def noted(figure, *arguments):
            if app.session.status == "running" and len(app.history):
                drawn.append(rounds)
            show(figure, *arguments)

        go_round()
        monkeypatch.setattr(LiveFigure, "show", noted)
        app.train(CONFIG.replace(epochs=500, batch_size=2))
        while app.status == "running" and len(drawn) < 4:
            await asyncio.sleep(0.01)
        app.close()

    asyncio.run(page())
    assert len(drawn) >= 4
    assert len(set(drawn)) == len(drawn)
