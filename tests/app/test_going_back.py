"""Going back to an earlier moment of a run, and training on from there."""

from dataclasses import replace

from app_steps import PATIENCE, change, done, messages, rewind, run_of, set_controls, train_on

from explorer import TrainingConfig, train
from explorer.training import EpochRecord, Moment, Timeline, TrainingRun
from explorer.training.process_settings import one_blas_thread

CONFIG = TrainingConfig(hidden_sizes=12, epochs=6, batch_size=16, learning_rate=0.05)


def press(app, name):
    app.messages._on_message(app.messages, {"id": name}, [])
    assert app.wait(PATIENCE)


def forked(small_dataset, config, epoch, **changes):
    """The records of a fork, from the package's own run and nothing of the app."""
    with one_blas_thread():  # more threads would add up in another order
        first = TrainingRun(config.replace(epochs=epoch), small_dataset)
        list(first)
        second = TrainingRun(config.replace(**changes), small_dataset, start=first.snapshot())
        return [event for event in second if isinstance(event, EpochRecord)]


def test_settings_that_are_changed_while_looking_back_wait_for_the_fork(app, small_dataset):
    run = run_of(app)
    rewind(app, 4)
    set_controls(app, learning_rate=0.02)
    assert run_of(app).number == run.number
    assert app.session.state.selected_epoch == 4
    said = messages(app)["waiting"]
    assert said["text"] == "You are looking at epoch 4, so the new settings wait."
    assert said["action"] == "Branch from epoch 4"
    press(app, "waiting")
    assert run_of(app).origin.parent.number == run.number
    assert list(app.history) == forked(small_dataset, CONFIG, 4, learning_rate=0.02)


def test_back_at_the_newest_they_are_still_not_trained_and_one_press_does_it(app, small_dataset):
    rewind(app, 2)
    set_controls(app, learning_rate=0.02)
    app.panels.time_bar.position = -1
    assert messages(app)["waiting"]["text"] == "Not trained yet: learning rate 0.05 → 0.02."
    press(app, "waiting")
    assert run_of(app).origin.parent is None
    assert list(app.history) == list(train(CONFIG.replace(learning_rate=0.02), small_dataset))


def test_a_fork_with_other_first_weights_or_too_few_epochs_starts_from_scratch(app, small_dataset):
    for changes in ({"hidden_sizes": [9]}, {"initializer": "he"}, {"epochs": 2}):
        rewind(app, 2)
        train_on(app)
        assert run_of(app).origin.parent is not None
        change(app, **changes)
        assert run_of(app).origin.parent is None
        assert list(app.history) == list(train(app.config, small_dataset))


def test_a_fix_is_one_of_the_run_that_it_was_found_in(app, small_dataset):
    collapsed = CONFIG.replace(initializer="uniform", epochs=2)
    done(app.train, collapsed)
    app.run_bar.auto = False
    set_controls(app, seed=7, batch_size=4)  # settings that are not trained, and are nothing to fix
    (advice,) = (advice for advice in app.session.advice if advice.id != "waiting")
    press(app, advice.id)
    assert run_of(app).config == advice.config != collapsed
    assert list(app.history) == list(train(run_of(app).config, small_dataset))


def test_fewer_epochs_than_a_running_run_was_told_start_a_new_run(app, small_dataset):
    """The thread may be past the new number already: records would be of a run that the settings can't give."""
    app.train(CONFIG.replace(epochs=500))
    app.session.pause()
    change(app, epochs=run_of(app).epochs_done + 1)
    assert list(app.history) == list(train(app.config, small_dataset))


def test_the_curves_mark_the_epoch_and_their_words_are_of_it(app):
    overview = app.panels["overview"]
    rewind(app, 1)
    accuracy = 100 * app.history[0].test_accuracy
    for figure in (overview.loss.figure, overview.accuracy.figure):
        (mark,) = figure.plot.to_plotly_json()["layout"]["shapes"]
        assert (mark["x0"], mark["x1"]) == (1, 1)
        assert figure.summary.startswith(f"epoch 1 of 6, test accuracy {accuracy:.1f} %")
    assert overview.accuracy.caption.text == overview.accuracy.figure.summary
    app.panels.time_bar.position = -1
    assert not overview.loss.figure.plot.to_plotly_json()["layout"]["shapes"]
    assert overview.loss.figure.summary.startswith("epoch 6 of 6")


def test_the_selected_epoch_stays_when_old_ones_are_left_out(app, monkeypatch):
    most_bytes = 3 * run_of(app).timeline.newest.n_bytes
    monkeypatch.setattr(
        "explorer.session.session_run.Timeline", lambda of=(): Timeline(of, most_bytes=most_bytes)
    )
    done(app.train, CONFIG.replace(epochs=4))
    assert run_of(app).timeline.epochs == (2, 4)
    rewind(app, 4)
    change(app, epochs=9)
    assert run_of(app).timeline.epochs == (4, 8, 9)
    assert app.panels.time_bar.note.startswith("1 epoch in 4")
    assert app.session.state.moment.epoch == 4
    assert app.tiles.shown.tiles[0].value == f"{100 * app.history[3].test_accuracy:.1f}\xa0%"


def test_from_the_last_epoch_that_a_run_can_have_nothing_goes_on(app):
    run, newest = run_of(app), run_of(app).timeline.newest
    last = Moment(replace(newest.record, epoch=500), replace(newest.snapshot, epoch=500))
    history = replace(run.history, config=run.config.replace(epochs=500))
    app.session.open(replace(run, history=history, timeline=Timeline((last,)), evaluation=None))
    train_on(app)
    assert run_of(app).origin.parent is None
    assert "no run has more" in messages(app)["fork"]["text"]
