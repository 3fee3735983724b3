"""The app with a class of the user's own: what it can show is shown, and what it can't is said."""

import asyncio

import pytest
from app_steps import PATIENCE, done, drawn, is_hidden, messages, open_all_tabs, open_tab, run_of
from own_networks import Endless, Mine, Named, OnlySteps, Pasted, Renamed, Sideways
from threadpoolctl import threadpool_limits

from explorer import Explorer, TrainingConfig
from explorer.session import Session
from explorer.training.process_settings import blas_threads

CONFIG = TrainingConfig(hidden_sizes=6, epochs=2, batch_size=64, learning_rate=0.05)


@pytest.fixture(params=[Mine, Named, Pasted])
def app(request, new_app):
    """The app after the first run of a class of the user's own."""
    made = new_app(network=request.param)
    made.views.refresh()
    return made


def test_its_curves_and_figures_are_there_next_to_the_textbooks(app):
    assert len(drawn(app.panels["overview"].accuracy.figure, "the textbook’s network")) == 1
    assert app.tiles.shown.tiles[0].value == f"{100 * app.test_accuracy:.1f}\xa0%"
    assert app.network.forward(app.dataset.X_test).shape == (10, 200)
    assert "initializer" not in app.settings.shown
    assert "seed" in app.settings.shown
    assert "controls" not in app.header.query
    assert not app.panels.time_bar.can_fork
    assert [one.step for one in run_of(app).early] == [0, 1, 2, 4, 8]
    for section in ("histograms", "check"):
        assert (shown := open_tab(app, "inside", section)).reason.text == ""
        assert not is_hidden(shown.body)
    assert not any(message["kind"] == "error" for message in app.messages.messages)


def test_it_trains_with_one_blas_thread_and_gives_back_what_was_set(small_dataset):
    found = []

    class Noting(Mine):
        def forward(self, X):
            found.extend(blas_threads())
            return super().forward(X)

    with threadpool_limits(2, user_api="blas"):
        app = Explorer(small_dataset, CONFIG, network=Noting)
        assert app.wait(PATIENCE)
        app.close()
        assert ({*found}, {*blas_threads()}) == ({1}, {2})


@pytest.mark.parametrize("network", [Mine, OnlySteps])
def test_it_is_shown_within_its_first_epoch(new_app, network):
    app = new_app(network=network, train=False)
    app.session.train(paused=True)
    done(app.session.step, "batch", 4)
    app.session.select(run_of(app).early[2].epoch)
    open_all_tabs(app)
    assert app.tiles.shown.facts[0].text == "step 2 of 10"
    assert "fault" not in messages(app)


@pytest.mark.parametrize("app", [Mine], indirect=True)
def test_a_link_brings_no_controls_that_mean_nothing_to_it(app):
    done(app.open_link, "?batch=32")
    assert "output" not in app.settings.shown
    assert run_of(app).own.name == "Mine"
    lacks = "It opens a new run with the settings in the controls, not this run of Mine."
    assert app.header.link_limits == lacks


@pytest.mark.parametrize(("app", "section"), [(Renamed, "time"), (Sideways, "check")], indirect=["app"])
def test_what_cannot_be_looked_into_is_said_not_to_be(app, section):
    shown = open_tab(app, "inside", section)
    assert shown.reason.text.startswith(f"{run_of(app).own.name} has no W1, b1, … of the usual shapes")
    assert is_hidden(shown.body)
    assert not any(message["kind"] == "error" for message in app.messages.messages)


def test_what_is_no_network_is_refused(small_dataset):
    with pytest.raises(TypeError, match="expected a class, as Mine"):
        Explorer(small_dataset, CONFIG, network=Mine(784, 6, 10), train=False)


def test_code_that_never_returns_is_reported_after_stop_and_closing_does_not_wait(small_dataset, monkeypatch):
    for module in ("explorer.session.session", "explorer.training.runner"):
        monkeypatch.setattr(f"{module}._PATIENCE_SECONDS", 0.05)
    faults = []

    async def use():
        session = Session(small_dataset, CONFIG, network=Endless, on_fault=faults.append)
        session.train()
        while not Endless.entered.is_set():
            await asyncio.sleep(0.01)
        session.stop()
        while not faults:
            await asyncio.sleep(0.01)
        session.close()

    try:
        asyncio.run(asyncio.wait_for(use(), PATIENCE))
    finally:
        Endless.released.set()
    (fault,) = faults
    assert str(fault) == "The code of Endless doesn't return, so the run can't stop: restart the kernel."
