"""A session that holds out validation images: what is compared, early stopping, and the test set at the end."""

import asyncio

import numpy as np
import pytest
from app_steps import PATIENCE, done
from hostile_inputs import with_text

from explorer import TrainingConfig
from explorer.session import ForkError, Session, read_session
from explorer.training import TrainingRun, complete, open_test_set

CONFIG = TrainingConfig(hidden_sizes=8, epochs=3, batch_size=16, learning_rate=0.05, n_validation=150)
STOPS = CONFIG.replace(  # learns its 100 images by heart, soon
    hidden_activation="relu", output="softmax", loss="cross_entropy", initializer="he", reduction="mean",
    learning_rate=0.3, epochs=60, n_train=250, patience=2, batch_size=8, seed=3,
)  # fmt: skip


def trained(session, config=CONFIG):
    done(session.train, config)
    return session.state.run


def said(session, name):
    return next((advice for advice in session.advice if advice.id == name), None)


def test_all_figures_are_of_the_validation_images(session, small_dataset):
    run, state = trained(session), session.state
    assert (run.config.held_out, state.scored_on, state.dataset) == ("validation", run.dataset, small_dataset)
    assert len(state.scored_on.test_labels) == state.moment.test_outputs.shape[1] == 150
    assert state.moment.confusion.sum() == 150


def test_only_runs_on_the_same_images_compare(session):
    trained(session)
    trained(session, CONFIG.replace(learning_rate=0.02))
    assert [run.number for run in session.state.comparable] == [1]
    trained(session, CONFIG.replace(seed=1))
    assert [run.number for run in session.state.not_comparable] == [1, 2]
    trained(session, CONFIG.replace(n_validation=0))
    assert [run.number for run in session.state.not_comparable] == [1, 2, 3]
    trained(session, CONFIG.replace(learning_rate=0.01))
    assert [run.number for run in session.state.comparable] == [1, 2]


def test_the_test_set_is_opened_once_at_the_end(session, small_dataset):
    session.train()
    done(session.open_test_set)
    run = session.state.run
    assert run.test is None  # it had not ended
    offer = said(session, "test_set")
    assert offer.text.startswith("The test set is closed: 200 images that nothing was chosen by. Look once;")
    assert offer.action == "Open the test set"
    session.follow(offer)
    network = run.new_network()
    network.set_weights(run.newest.weights)
    test = session.state.run.test
    assert test == open_test_set(network, small_dataset)
    assert test.number == 1
    told = said(session, "test_set")
    assert f"Test accuracy is {100 * test.accuracy:.2f}\u00a0%" in told.text
    assert told.action == ""
    session.open_test_set()
    assert session.state.n_tested == 1


def test_a_later_opening_says_that_it_is_one(session):
    trained(session)
    session.open_test_set()
    trained(session, CONFIG.replace(learning_rate=0.02))
    offer = said(session, "test_set")
    assert offer.text == "You have seen the test score (run 1): later ones are no longer unbiased."
    assert offer.action == "Open the test set as well"
    session.follow(offer)
    run = session.state.run
    assert (run.test.number, run.test.times) == (2, "for the 2nd time")
    why = "It was opened for run 1 as well: these images are no longer unseen."
    assert said(session, "test_set").why == why
    session.delete(1)
    session.forget()
    trained(session, CONFIG.replace(learning_rate=0.01))
    assert session.state.n_tested == 2  # whoever has looked, has looked


def test_test_accuracy_that_a_run_without_a_split_showed_is_said(session):
    trained(session, CONFIG.replace(n_validation=0))
    trained(session)
    text = said(session, "test_set").text
    told = "The test set is closed for this run: 200 images. But 1 run without validation images"
    assert text.startswith(told)
    assert "nothing was chosen by" not in text


def test_what_the_test_set_said_is_of_the_weights_that_it_was_opened_for(session):
    trained(session)
    session.open_test_set()
    done(session.extend, 5)
    assert session.state.run.test is None
    assert said(session, "test_set").action == "Open the test set as well"


def test_with_a_loop_it_is_opened_in_a_thread_of_its_own(small_dataset):
    async def use():
        session, opened = Session(small_dataset, CONFIG), asyncio.Event()
        finished = asyncio.Event()

        def listen(state):
            if state.status == "finished":
                finished.set()
            if state.run.test is not None:
                opened.set()

        session.subscribe(listen)
        session.train()
        await asyncio.wait_for(finished.wait(), PATIENCE)
        session.open_test_set()
        session.open_test_set()
        await asyncio.wait_for(opened.wait(), PATIENCE)
        session.close()
        return session.state

    state = asyncio.run(use())
    assert (state.run.test.number, state.n_tested) == (1, 1)


def test_what_goes_wrong_while_it_is_opened_is_told_and_can_be_tried_again(small_dataset, monkeypatch):
    async def use():
        told = asyncio.Queue()
        session = Session(small_dataset, CONFIG, on_fault=told.put_nowait)
        finished = asyncio.Event()
        session.subscribe(lambda state: finished.set() if state.status == "finished" else None)
        session.train()
        await asyncio.wait_for(finished.wait(), PATIENCE)

        def fail(*_arguments):
            raise MemoryError("no room")

        monkeypatch.setattr("explorer.session.new_runs.open_test_set", fail)
        for _ in range(2):
            session.open_test_set()
            error = await asyncio.wait_for(told.get(), PATIENCE)
            assert (type(error), str(error)) == (MemoryError, "no room")
        session.close()

    asyncio.run(use())


def test_the_best_weights_are_back_after_early_stopping(session, small_dataset):
    run, whole = trained(session, STOPS), TrainingRun(STOPS, small_dataset)
    history = complete(whole)
    losses = [record.test_loss for record in run.history]
    best = int(np.argmin(losses)) + 1
    assert run.status == "finished"
    assert best + 2 == len(losses) < 60
    assert (run.history.restored, run.epoch, session.state.marked_epoch) == (best, best, best)
    assert run.newest.record.test_loss == min(losses)
    np.testing.assert_equal(run.newest.weights, whole.network.weights())
    assert run.timeline.epochs[-1] == best
    words = f"Stopped early: the validation loss was lowest after epoch {best}, whose weights are back."
    assert (said(session, "stopped_early").text, history.end.reason) == (words, words)


def test_a_run_that_was_stopped_early_goes_on_as_a_fork_alone(session):
    run = trained(session, STOPS)
    assert session.state.reach() == 0
    assert not run.can_continue_to(STOPS.replace(epochs=80))
    session.config = STOPS.replace(patience=0, epochs=run.history.restored + 1)
    done(session.fork)
    fork = session.state.run
    assert (fork.origin.epoch, fork.epochs_done) == (run.history.restored, run.history.restored + 1)
    assert fork.start_accuracy == run.newest.record.train_accuracy


def test_a_run_with_its_best_weights_back_goes_on_to_more_epochs(session, small_dataset):
    config = STOPS.replace(patience=300, epochs=40)
    run, whole = trained(session, config), TrainingRun(config.replace(epochs=60), small_dataset)
    history = complete(whole)
    best = run.history.restored
    assert best < run.epochs_done == 40
    words = f"The validation loss was lowest after epoch {best}, whose weights are back."
    assert said(session, "stopped_early").text == words
    assert session.state.reach() == 50
    done(session.extend, 60)
    run = session.state.run
    assert (run.number, list(run.history)) == (1, list(history))
    np.testing.assert_equal(run.newest.weights, whole.network.weights())


def test_a_file_of_the_session_keeps_all_of_it(session, small_dataset):
    stopped = trained(session, STOPS)
    session.open_test_set()
    trained(session)
    other = Session(small_dataset)
    other.open_session(read_session(session.save_session(), "mine", small_dataset))
    first, second = other.state.runs
    assert first.test.accuracy == session.state.earlier.numbered(1).test.accuracy
    assert (first.history.restored, first.history.is_stopped_early) == (stopped.history.restored, True)
    assert first.history.end.reason == stopped.history.end.reason
    assert (second.test, other.state.n_tested) == (None, 1)
    assert other.state.scored_on.held_out == "validation"
    other.open_test_set()
    assert other.state.run.test.number == 2
    done(other.extend, 5)
    session.open_session(read_session(other.save_session(), "mine", small_dataset))
    assert session.state.n_tested == 2  # also where the run that it was opened for has changed since
    other.close()


def test_looks_at_the_test_set_are_counted_also_by_a_file_that_tells_no_number(session, small_dataset):
    trained(session)
    session.open_test_set()

    def older(text):
        del text["n_tested"]

    content = with_text(older, session.save_session())
    assert read_session(content, "older", small_dataset).n_tested == 1


def test_no_fork_is_judged_by_images_that_its_weights_were_trained_on(session):
    for config in (CONFIG.replace(n_validation=0), CONFIG.replace(seed=1), CONFIG.replace(n_validation=100)):
        parent = trained(session, config)
        session.select(1)
        session.apply(CONFIG)
        assert "these weights were trained on" in said(session, "waiting").why
        with pytest.raises(ForkError, match="would be images that these weights were trained on"):
            session.fork()
        assert session.state.run.number == parent.number


def test_a_fork_that_holds_out_nothing_has_no_figures_of_its_parents_validation_images(session):
    trained(session)
    session.select(1)
    session.apply(CONFIG.replace(n_validation=0))
    done(session.fork)
    run = session.state.run
    assert (run.start, run.origin.parent.number) == (None, 1)
    for moment in (*run.timeline.moments, run.newest):
        assert moment.test_outputs.shape[1] == run.dataset.n_test == 200
