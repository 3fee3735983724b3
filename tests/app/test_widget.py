"""The app as a widget among others: its traits, its names, its life."""

import asyncio
import threading

import pytest
import traitlets
from app_steps import PATIENCE, rewind
from ipywidgets import Dropdown, FloatLogSlider, IntSlider

from explorer import Explorer, TrainingConfig, train
from explorer.session import Session
from explorer.training import ConfigError
from explorer.training.query import write_query

CONFIG = TrainingConfig(hidden_sizes=6, epochs=3, batch_size=16, learning_rate=0.05)


def test_an_assigned_setting_trains_as_its_slider_does(app, small_dataset):
    app.batch_size = 32.0  # as a page sends it
    assert app.wait(PATIENCE)
    assert app.config == app.settings.config == app.history.config == CONFIG.replace(batch_size=32)
    assert list(app.history) == list(train(app.config, small_dataset))
    app.settings["epochs"].value = 4
    assert app.wait(PATIENCE)
    assert (app.epochs, len(app.history), app.session.state.run.number) == (4, 4, 2)


@pytest.mark.parametrize("reverses", [False, True])
def test_the_order_in_which_listeners_are_called_means_nothing(new_app, monkeypatch, reverses):
    """All that shows the settings, in whichever order it learns of them, shows those of the session."""
    subscribe, order = Session.subscribe, []

    def first(session, listener):
        order.insert(0, listener)
        if len(order) == 1:
            subscribe(session, lambda state: [one(state) for one in order])
        return lambda: order.remove(listener) if listener in order else None

    if reverses:
        monkeypatch.setattr(Session, "subscribe", first)
    app = new_app()
    app.settings["batch_size"].value = 32
    assert app.wait(PATIENCE)
    app.run_bar.auto = False
    app.learning_rate = 0.02
    config = CONFIG.replace(batch_size=32, learning_rate=0.02)
    assert app.config == app.session.config == app.settings.config == config
    assert (app.status, app.test_accuracy) == ("finished", app.session.state.moment.record.test_accuracy)
    assert (app.run_bar.trains, app.header.status, app.header.step) == ("Train", "finished", 2)
    assert app.header.query == write_query(app.config)
    assert app.messages.messages[0]["id"] == "waiting"
    assert app.tiles.shown.tiles[0].value == f"{100 * app.test_accuracy:.1f}\xa0%"


def test_settings_that_threads_assign_while_a_state_is_shown_are_all_applied(small_dataset):
    async def page():
        app = Explorer(small_dataset, CONFIG.replace(epochs=500), train=False)
        shows, assigned = threading.Event(), threading.Event()

        def dawdle(change):
            if change["new"] == 0.02:
                shows.set()
                assert assigned.wait(PATIENCE)

        def assign(name, value):
            assert shows.wait(PATIENCE)
            with pytest.raises(ConfigError):  # at once, where it is asked for
                setattr(app, name, 0.5)
            setattr(app, name, value)

        app.observe(dawdle, "learning_rate")
        changes = {"batch_size": 32, "seed": 5, "hidden_sizes": (7,)}
        threads = [threading.Thread(target=assign, args=change) for change in changes.items()]
        for thread in threads:
            thread.start()
        threading.Thread(target=lambda: [*map(threading.Thread.join, threads), assigned.set()]).start()
        app.learning_rate = 0.02
        expected = CONFIG.replace(epochs=500, learning_rate=0.02, **changes)
        while app.session.config != expected:
            await asyncio.sleep(0.01)
        assert app.config == app.settings.config == app.session.state.run.config == expected
        app.close()

    asyncio.run(asyncio.wait_for(page(), PATIENCE))


def test_all_settings_are_assigned_at_once_and_an_observer_that_raises_is_told_to_who_assigns(own_app):
    app, seen = own_app, []
    app.observe(lambda change: seen.append(change["new"]), "config")
    app.config = CONFIG.replace(batch_size=8, hidden_sizes=(5, 4))
    assert app.wait(PATIENCE)
    assert seen == [app.config]
    assert (app.batch_size, app.hidden_sizes, app.session.state.run.number) == (8, (5, 4), 2)
    app.observe(lambda change: 1 / 0, "batch_size")
    with pytest.raises(ZeroDivisionError):
        app.batch_size = 32
    assert app.wait(PATIENCE)  # it goes on
    assert app.history.config.batch_size == 32


@pytest.mark.parametrize(("name", "value", "words"), [
    ("batch_size", 0, "batch_size is 0; .* from 1 to 60"),
    ("batch_size", 2.5, "batch_size is 2.5"),
    ("learning_rate", "fast", "learning_rate is 'fast'"),
    ("hidden_sizes", [], r"hidden_sizes is \[\]"),
    ("n_train", 601, "n_train is 601; .* the training images of patterns"),
    ("loss", None, "loss is None"),
])  # fmt: skip
def test_a_wrong_value_is_refused_and_changes_nothing(app, name, value, words):
    with pytest.raises(ConfigError, match=words):
        setattr(app, name, value)
    assert (app.config, getattr(app, name)) == (CONFIG, getattr(CONFIG, name))
    assert app.session.state.run.number == 1


def test_unknown_names_are_refused_with_the_nearest(app, small_dataset):
    with pytest.raises(TypeError, match="no option 'batchsize'; did you mean 'batch_size'"):
        Explorer(small_dataset, batchsize=3)
    with pytest.raises(AttributeError, match="no attribute 'batchsize'; did you mean 'batch_size'"):
        app.batchsize = 3


def test_what_the_run_comes_to_is_read_only(app):
    record = app.session.state.moment.record
    assert (app.status, app.epoch, app.selected_epoch, app.selected_cell) == ("finished", 3, None, None)
    for name in ("train_accuracy", "test_accuracy", "train_loss", "test_loss"):
        assert getattr(app, name) == getattr(record, name)
        with pytest.raises(traitlets.TraitError, match="read-only"):
            setattr(app, name, 1.0)
    rewind(app, 1)
    assert (app.selected_epoch, app.test_accuracy) == (1, app.history[0].test_accuracy)
    app.views.choose(9, 4)
    assert app.selected_cell == (9, 4)
    assert app.confusion is app.session.state.moment.confusion


def test_stock_widgets_are_linked_both_ways(own_app):
    app = own_app
    slider, rate = IntSlider(min=1, max=600), FloatLogSlider(min=-4, max=1, base=10)
    activation = Dropdown(options=["sigmoid", "relu", "tanh"])
    for widget, name in ((slider, "batch_size"), (rate, "learning_rate"), (activation, "hidden_activation")):
        traitlets.link((app, name), (widget, "value"))
    assert (slider.value, rate.value, activation.value) == (16, 0.05, "sigmoid")
    slider.value, rate.value, activation.value = 32, 0.1, "tanh"
    assert app.wait(PATIENCE)
    assert app.config == CONFIG.replace(batch_size=32, learning_rate=0.1, hidden_activation="tanh")
    app.batch_size = 64
    assert slider.value == 64
