"""A session whose network is a class of the user's own: each run of it has the textbook's next to it."""

import pytest
from app_steps import done
from own_networks import Mine, Mismatched, Rectified

from explorer import TrainingConfig, train
from explorer.session import ForkError, Session
from explorer.session.saved_session import read_session

CONFIG = TrainingConfig(hidden_sizes=6, epochs=2, batch_size=64, learning_rate=0.05)


@pytest.fixture
def session(small_dataset):
    made = Session(small_dataset, CONFIG, network=Mine)
    done(made.train)
    yield made
    made.close()


def test_the_textbooks_run_with_the_same_settings_is_an_earlier_one(session, small_dataset):
    (textbook,) = session.state.comparable
    assert list(textbook.history) == list(train(CONFIG, small_dataset))
    assert textbook.label.startswith("textbook")
    assert session.state.run.label.startswith("own network Mine")
    (own,) = [advice for advice in session.advice if advice.id == "own"]
    assert own.text.startswith("This is Mine, a network of your own")
    assert "initial weights" in own.why


def test_the_textbooks_run_has_the_functions_that_the_class_names(small_dataset):
    session = Session(small_dataset, CONFIG, network=Rectified)
    done(session.train)
    (textbook,) = session.state.comparable
    expected = CONFIG.replace(**Rectified.functions)
    assert session.config == textbook.config == session.state.run.config == expected
    session.close()


def test_other_settings_train_both_again_and_the_same_ones_only_ones_own(session):
    done(session.restart)
    assert len(session.state.runs) == 2
    done(session.apply, CONFIG.replace(batch_size=128))
    assert [run.own is None for run in session.state.runs] == [True, False, True, False]


def test_it_is_trained_by_single_steps(session):
    session.reset()
    done(session.step, "batch")
    step = session.state.run.stepped
    assert (step.step, step.n_images, session.status) == (1, 64, "paused")
    assert step.loss_after < step.train_loss
    assert 0 < step.moved < 1


def test_it_is_no_run_to_fork(session):
    with pytest.raises(ForkError, match="Mine can't be trained on"):
        session.fork()


def test_a_file_of_the_session_has_its_figures_and_its_name_but_no_weights(session, small_dataset):
    saved = read_session(session.save_session(), "mine.session", small_dataset)
    own = next(run for run in saved.runs if run.label.startswith("own network Mine"))
    assert list(own.history) == list(session.state.run.history)
    assert own.newest.weights == ()
    assert saved.run is None


def test_what_the_class_raises_ends_the_run_with_its_line(small_dataset):
    session = Session(small_dataset, CONFIG, network=Mismatched)
    done(session.train)
    assert "Mismatched.train_iteration raised ValueError" in session.advice[0].text
    assert "in backward, line" in session.advice[0].text
    session.close()


def test_a_file_that_is_opened_while_the_textbooks_run_trains_leaves_none_of_it(session, small_dataset):
    saved = read_session(session.save_session(), "mine.session", small_dataset)
    other = Session(small_dataset, CONFIG.replace(epochs=500), network=Mine)
    other.train()
    done(other.open_session, saved)
    assert [run.title for run in other.state.runs] == [run.title for run in session.state.runs]
    other.close()


def test_a_run_that_was_gone_back_to_is_not_trained_by_the_textbook(session):
    done(session.apply, CONFIG.replace(batch_size=128))
    number = next(run.number for run in session.state.earlier.runs if run.own is not None)
    session.go_back_to(number)
    assert session.state.run.own is not None
    assert session.state.reach() == 0
