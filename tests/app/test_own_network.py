"""The app with a class of the user's own: what it can show is shown, and what it can't is said."""

import asyncio

import pytest
from app_steps import PATIENCE
from own_networks import Endless, Mine, Named, OnlySteps, Pasted, Renamed, Sideways
from threadpoolctl import threadpool_limits

from explorer import Explorer, TrainingConfig
from explorer.session import Session
from explorer.training.process_settings import blas_threads

CONFIG = TrainingConfig(hidden_sizes=6, epochs=2, batch_size=64, learning_rate=0.05)


@pytest.fixture
def own_app(request, small_dataset):
    made = Explorer(small_dataset, CONFIG, network=request.param)
    assert made.wait(PATIENCE)
    made.views.refresh()
    yield made
    made.close()


@pytest.mark.parametrize("own_app", [Mine, Named, Pasted], indirect=True)
def test_its_curves_and_figures_are_there_next_to_the_textbooks(own_app):
    curve = own_app.panels["overview"].accuracy.figure
    assert (
        sum(trace.name == "the textbook’s network" and trace.visible is True for trace in curve.plot.data)
        == 1
    )
    assert own_app.tiles.shown.tiles[0].value == f"{100 * own_app.test_accuracy:.1f}\xa0%"
    assert own_app.network.forward(own_app.dataset.X_test).shape == (10, 200)
    assert "initializer" not in own_app.settings.shown
    assert "seed" in own_app.settings.shown
    assert "controls" not in own_app.header.query
    assert not own_app.panels.time_bar.can_fork
    assert [one.step for one in own_app.session.state.run.early] == [0, 1, 2, 4, 8]


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
def test_it_is_shown_within_its_first_epoch(small_dataset, network):
    app = Explorer(small_dataset, CONFIG, network=network, train=False)
    app.session.train(paused=True)
    app.session.step("batch", 4)
    assert app.wait(PATIENCE)
    app.session.select(app.session.state.run.early[2].epoch)
    for tab in app.panels.names:
        app.panels.tab_bar.selected = tab
    assert app.tiles.shown.facts[0].text == "step 2 of 10"
    assert "fault" not in {message["id"] for message in app.messages.messages}
    app.close()


@pytest.mark.parametrize("own_app", [Mine], indirect=True)
def test_a_link_brings_no_controls_that_mean_nothing_to_it(own_app):
    own_app.open_link("?batch=32")
    assert own_app.wait(PATIENCE)
    assert "output" not in own_app.settings.shown
    assert own_app.session.state.run.own.name == "Mine"
    assert (
        own_app.header.link_lacks
        == "It opens a new run with the settings in the controls, not this run of Mine."
    )


@pytest.mark.parametrize(
    ("own_app", "section", "said"),
    [
        *((made_by, section, "") for made_by in (Mine, Pasted) for section in ("histograms", "check")),
        (Renamed, "time", "Renamed has no W1, b1, … of the usual shapes"),
        (Sideways, "check", "Sideways has no W1, b1, … of the usual shapes"),
    ],
    indirect=["own_app"],
)
def test_what_there_is_to_look_into_is_shown_or_said_not_to_be(own_app, section, said):
    inside = own_app.panels["inside"]
    inside.choice.value = section
    own_app.panels.tab_bar.selected = "inside"
    assert inside[section].reason.text.startswith(said)
    assert ("explorer-hidden" in inside[section].body._dom_classes) == bool(said)
    assert not any(message["kind"] == "error" for message in own_app.messages.messages)


def test_what_is_no_network_is_refused(small_dataset):
    with pytest.raises(TypeError, match="expected a class, as Mine"):
        Explorer(small_dataset, CONFIG, network=Mine(784, 6, 10), train=False)


@pytest.mark.slow
def test_code_that_never_returns_is_reported_after_stop_and_closing_does_not_wait_for_it(small_dataset):
    faults = []

    async def use():
        session = Session(small_dataset, CONFIG, network=Endless, on_fault=faults.append)
        session.train()
        while not Endless.entered.is_set():
            await asyncio.sleep(0.05)
        session.stop()
        while not faults:
            await asyncio.sleep(0.05)
        session.close()

    try:
        asyncio.run(asyncio.wait_for(use(), PATIENCE))
    finally:
        Endless.released.set()
    (fault,) = faults
    assert str(fault) == "The code of Endless doesn't return, so the run can't stop: restart the kernel."
