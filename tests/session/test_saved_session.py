"""A session comes back from its file as it was, and no file does harm."""

from contextlib import ExitStack, closing
from dataclasses import replace
from operator import attrgetter

import numpy as np
import pytest
from app_steps import DIVERGING, done
from hostile_inputs import changed, entry, with_entries, with_text

from explorer import TrainingConfig, load_plane, train
from explorer.datasets.dataset import ARRAYS
from explorer.session import Session, SessionFileError, read_session, saved_session
from explorer.session.saved_session import MOST_RUNS, kept_runs, session_bytes
from explorer.session.state import EarlierRuns, Finding, SessionState
from explorer.training.fields import Change

CONFIG = TrainingConfig(hidden_sizes=6, epochs=3, batch_size=16, learning_rate=0.05)
NEW = {
    "schedule": "steps", "warmup": 1, "l2": 0.1, "l1": 0.1, "dropout": 0.1, "input_dropout": 0.1, "max_norm": 1.0,
    "shift": 1.0, "rotation": 1.0, "scale": 0.1, "elastic": 1.0, "n_validation": 1, "patience": 1,
    "changes": (Change(1, 1.0, 1),),
}  # fmt: skip
EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


def trained(session, *changes):
    for change in changes:
        done(session.train, CONFIG.replace(**change))


@pytest.fixture(scope="module")
def made(small_dataset):
    """Runs of many kinds: named, failed, stopped in an epoch, forked from a deleted one."""
    session = Session(small_dataset, CONFIG)
    trained(session, {}, {"batch_size": 64}, {"loss": "cross_entropy", "output": "softmax"})
    done(session.train, DIVERGING)
    session.train(CONFIG.replace(seed=5), paused=True)
    for _ in range(40):
        done(session.step, "batch")
    done(session.stop)
    trained(session, {"seed": 1})
    session.select(2)
    session.config = CONFIG.replace(seed=1, learning_rate=0.01, epochs=5)
    done(session.fork)
    session.edit(2, name="wide", note=EVIL, pinned=True)
    session.edit(1, hidden=True)
    session.delete(6)
    yield session
    session.close()


@pytest.fixture
def begin(small_dataset):
    """Make sessions on the small data set, which are closed in the end."""
    with ExitStack() as stack:
        yield lambda config=None: stack.enter_context(closing(Session(small_dataset, config)))


@pytest.fixture
def back(small_dataset):
    """What is read from the file of a session, or from its content."""

    def back(saved):
        content = saved if isinstance(saved, bytes) else saved.save_session()
        return read_session(content, "it.session", small_dataset)

    return back


@pytest.fixture
def content(made):
    return made.save_session()


@pytest.fixture
def opened(content, begin, back):
    session = begin(TrainingConfig(hidden_sizes=2, epochs=1))
    session.open_session(back(content))
    return session


def moments(run):
    return [moment for moment in (*run.timeline.moments, run.newest) if moment is not None]


def assert_equal(before, after):
    """The same run, to the bit."""
    names = (
        "number", "label", "name", "note", "pinned", "hidden", "status", "config", "start", "epoch", "title",
        "origin.epoch", "origin.step", "origin.seconds", "origin.file",
    )  # fmt: skip
    for name in names:
        assert attrgetter(name)(after) == attrgetter(name)(before), name
    assert after.history.epochs == before.history.epochs
    assert [record.seconds for record in after.history] == [record.seconds for record in before.history]
    assert after.history.batches == before.history.batches
    assert (after.history.end is None) == (before.history.end is None)
    assert [run.number for run in after.lineage] == [run.number for run in before.lineage]
    assert len(moments(after)) == len(moments(before))
    for one, other in zip(moments(before), moments(after), strict=True):
        assert (one.epoch, one.record.test_accuracy) == (other.epoch, other.record.test_accuracy)
        np.testing.assert_array_equal(one.confusion, other.confusion)
        np.testing.assert_array_equal(one.test_outputs, other.test_outputs)
        np.testing.assert_equal(one.weights, other.weights)


def test_every_run_comes_back_as_it_was(made, opened):
    statuses = [run.status for run in made.state.runs]
    assert statuses == ["finished", "finished", "finished", "failed", "stopped", "finished"]
    assert [run.number for run in opened.state.runs] == [1, 2, 3, 4, 5, 7]
    for before, after in zip(made.state.runs, opened.state.runs, strict=True):
        assert_equal(before, after)
    assert opened.config == made.config
    assert opened.status == "finished"
    assert [advice.id for advice in opened.advice] == [advice.id for advice in made.advice]


def test_a_deleted_parent_is_known_and_not_listed(made, opened):
    fork, before = opened.state.run, made.state.run
    assert (fork.origin.parent.number, fork.origin.parent.n_bytes) == (6, 0)
    assert fork.origin.parent.history.epochs == before.origin.parent.history.epochs
    assert (fork.origin.moment.epoch, fork.start) == (2, before.start)
    opened.restore()
    assert 6 not in [run.number for run in opened.state.runs]


@pytest.mark.parametrize("changes", [(), (Change(5, 0.001, 32), Change(25, 0.02, 50))])
def test_a_run_goes_on_as_it_would_have(small_dataset, changes, begin, back):
    """More epochs, a fork and a repetition, after the file as before it."""
    config = CONFIG.replace(changes=changes)
    session = begin(config)
    trained(session, {"changes": changes})
    saved = back(session)
    again = begin()
    again.open_session(saved)
    done(again.apply, config.replace(epochs=5))
    run = again.state.run
    assert run.number == 1
    assert list(run.history) == list(train(config.replace(epochs=5), small_dataset))
    again.select(2)
    done(again.fork)
    assert again.state.run.label == "branch of run 1 at epoch 2"
    assert list(again.state.run.history) == list(run.history)[2:]
    trained(again, {"batch_size": 64})
    assert again.state.run.title == f"batch 64{', no change in mid-run' if changes else ''} (run 3)"


def test_a_run_whose_optimizer_remembers_is_not_continued_as_if_it_had_been_kept(begin, back):
    first, again = begin(), begin()
    done(first.train, CONFIG.replace(optimizer="adam", learning_rate=0.001))
    assert first.state.reach()
    again.open_session(back(first))
    assert again.state.run.history.epochs == first.state.run.history.epochs
    assert not again.state.reach()
    done(again.fork)  # it may go on as another run, which begins with nothing to remember
    assert again.state.run.origin.parent.config.optimizer == "adam"


METHODS = {
    "optimizer": "adamw", "l2": 0.01, "learning_rate": 0.003, "dropout": 0.2, "shift": 1.0, "n_validation": 90,
    "schedule": "cosine",
}  # fmt: skip
STOPS = {"n_train": 300, "n_validation": 100, "patience": 2, "epochs": 60, "learning_rate": 1.5, "seed": 3}


def test_runs_of_every_method_come_back(begin, back):
    """On two validation sets, with a change in mid-run, and stopped early."""
    session = begin(CONFIG)
    changes = (Change(5, 0.001, 32), Change(9, 0.1, 7))
    trained(session, METHODS, {"changes": changes}, STOPS)
    before = session.state.runs
    assert before[-1].history.is_stopped_early
    again = begin()
    again.open_session(back(session))
    for one, other in zip(before, again.state.runs, strict=True):
        assert_equal(one, other)
        assert other.dataset.compares_with(one.dataset)
        rates = [[record.learning_rate for record in run.history.batches] for run in (one, other)]
        assert rates[0] == rates[1]
    assert again.state.run.history.is_stopped_early
    assert again.state.run.newest.weights
    assert not again.state.reach()


@pytest.mark.parametrize("changes", [{"n_validation": 60, "patience": 50}, {"schedule": "cosine"}])
def test_what_a_file_does_not_know_of_a_run_is_not_made_up(changes, begin, back):
    first, again = begin(), begin()
    trained(first, changes)
    again.open_session(back(first))
    assert again.state.run.status == "finished"
    assert not again.state.reach()


def test_a_session_that_an_earlier_explorer_saved(content, made, back):
    """It knows fewer settings, and no learning rates in its records."""
    came_later = TrainingConfig().differences(TrainingConfig(**NEW))

    def older(text):
        text["format"] = 1
        for settings in (text["settings"], text["first"], *(run["settings"] for run in text["runs"])):
            for name in came_later:
                del settings[name]

    arrays = {name: entry(content, name)[:, :-1] for name in ("epochs", "batches")}
    old = back(with_entries(with_text(older, content), **arrays))
    assert [run.config for run in old.runs] == [run.config for run in made.state.runs]
    epochs = [replace(record, learning_rate=np.nan) for record in made.state.runs[0].history.epochs]
    assert [*old.runs[0].history.epochs] == epochs


def test_a_run_that_an_earlier_explorer_began_with_a_file_of_weights(content, made, begin, back):
    weights = made.state.run.origin.moment.weights
    saved = back(changed(-1, content, parent=0, opened={"file": "a.npz", "epoch": 2, "begun": 0.4}))
    session = begin()
    session.open_session(saved)
    for run in (saved.run, back(session).run):
        assert (run.origin.words, run.origin.epoch, run.origin.parent) == ("weights of a.npz", 2, None)
        np.testing.assert_equal(run.origin.weights, weights)
    assert session.state.start == ""


def with_runs(session, runs):
    """The state of a session with other runs, the last of them the current one."""
    *earlier, run = runs
    return replace(session.state, earlier=EarlierRuns(tuple(earlier)), run=run, n_runs=run.number)


def test_networks_that_memory_has_no_room_for_are_left_out(made, small_dataset, monkeypatch, back):
    monkeypatch.setattr(saved_session, "MOST_OUTPUT_BYTES", 3 * 4 * 10 * 200)
    runs = made.state.runs[:2] + made.state.runs[-1:]
    content = session_bytes(with_runs(made, runs))
    back = back(content).runs
    assert [len(run.newest.weights) > 0 for run in back] == [True, True, True]
    monkeypatch.setattr(saved_session, "MOST_OUTPUT_BYTES", 3 * 4 * 10 * 200 - 1)
    assert "memory has room for" in refused(content, small_dataset)


def test_a_run_that_trains_is_saved_as_far_as_it_has_come(begin, back):
    session = begin(CONFIG.replace(epochs=500))
    session.train(paused=True)
    done(session.step, "epoch")
    session.resume()
    (run,) = back(session).runs
    assert (run.status, run.epochs_done >= 1, bool(run.newest.weights)) == ("stopped", True, True)


def test_the_networks_within_the_current_runs_first_epoch_come_back_if_there_is_room(begin, back):
    session = begin(CONFIG)
    trained(session, {}, {"seed": 1})
    early, found = session.state.run.early, back(session).runs
    assert [bool(run.early) for run in found] == [False, True]
    for before, after in zip(early, found[1].early, strict=True):
        assert (after.epoch, after.step, after.test_loss) == (before.epoch, before.step, before.test_loss)
        np.testing.assert_array_equal(after.confusion, before.confusion)
        np.testing.assert_array_equal(after.sample, before.sample)
        pairs = zip(after.snapshot.weights, before.snapshot.weights, strict=True)
        assert all(np.array_equal(*pair) for pair in pairs)
        np.testing.assert_array_equal(after.snapshot.test_outputs, before.snapshot.test_outputs)
    size = sum(array.nbytes for moment in moments(session.state.run)[:-1] for array in moment.weights)
    assert back(session.small_copy(2 * size)).runs[1].early == ()


@pytest.mark.parametrize(
    "early", ["x", [1], [{"epoch": 0.5}], [{"epoch": 1.0, "step": 1}], [{"epoch": 0, "step": -1}], [{}] * 41]
)
def test_strange_networks_within_an_epoch_are_refused(begin, early, small_dataset):
    session = begin(CONFIG)
    trained(session, {})
    content = session.save_session()
    assert "early" in refused(changed(content=content, early=early), small_dataset)
    swapped = [{"epoch": 0.5, "step": 8}, {"epoch": 0.25, "step": 4}]
    assert "out of order" in refused(changed(content=content, early=swapped), small_dataset)


def test_what_is_not_saved_yet_is_known(begin, back):
    session = begin(CONFIG)
    trained(session, {}, {"seed": 1})
    copy = back(session.small_copy(0))
    assert [run.number for run in copy.runs] == [1, 2]
    assert [run.number for run in session.state.unsaved] == [1, 2]
    session.save_session()
    assert session.state.unsaved == ()
    session.edit(1, note="good")
    assert [run.number for run in session.state.unsaved] == [1]
    saved = back(session)
    session.open_session(saved)
    assert session.state.unsaved == ()


def test_of_too_many_runs_the_marked_and_the_newest_are_kept(made):
    run = made.state.runs[0].without_moments()
    runs = tuple(replace(run, number=number) for number in range(1, MOST_RUNS + 21))
    runs = (replace(runs[0], note="mine"), *runs[1:])
    assert [run.number for run in kept_runs(with_runs(made, runs))] == [1, *range(22, MOST_RUNS + 21)]


def test_of_too_many_records_those_are_kept_that_a_reader_takes(made, small_dataset, monkeypatch, back):
    """Those of a deleted run that a fork began with take room too, once."""
    monkeypatch.setattr(saved_session, "MOST_RECORD_BYTES", 20_000)
    fork, old = made.state.run.without_moments(), made.state.runs[0].without_moments()
    numbered = [(old, number) for number in range(1, 7)] + [(fork, number) for number in range(8, 13)]
    runs = tuple(replace(run, number=number) for run, number in numbered)
    state = with_runs(made, runs)
    content = session_bytes(state)
    back = back(content).runs
    assert [run.number for run in back] == [run.number for run in kept_runs(state)]
    assert 5 < len(back) < len(runs)
    monkeypatch.setattr(saved_session, "MOST_RECORD_BYTES", 9000)
    assert "bytes of records, expected at most 9000" in refused(content, small_dataset)


def test_where_networks_are_too_large_the_oldest_lose_theirs(made, small_dataset, monkeypatch, back):
    size = sum(array.nbytes for array in made.state.runs[0].newest.weights)
    runs = made.state.runs[:3] + made.state.runs[-1:]
    back = back(session_bytes(with_runs(made, runs), 3 * size + 10)).runs
    assert [bool(run.newest.weights) for run in back] == [False, True, True, True]  # run 2 is pinned
    saved, found = ([run.newest.record.test_accuracy for run in each] for each in (runs, back))
    assert found == saved


# ---------------------------------------------------------------- other files; hostile ones are in `test_borders`


def refused(content, dataset):
    with pytest.raises(SessionFileError) as refusal:
        read_session(content, "it.session", dataset)
    text = str(refusal.value)
    assert text.startswith("it.session")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    "points", ["moons,60,0.01,0.7,1", "moons,9999,0.01,0.7,0", "seas,60,0.01,0.7,0", [1], "x" * 9999]
)
def test_points_that_are_others_or_none_are_refused(points, small_dataset):
    data = load_plane("moons", n=60)
    saved = session_bytes(SessionState(dataset=data, config=CONFIG))
    assert read_session(saved, "it.session", small_dataset).dataset is data
    assert read_session(saved, "it.session", data).dataset is data

    def other(text):
        text["data"]["points"] = points

    refused(with_text(other, saved), small_dataset)


def test_another_data_set_is_named(content, small_dataset):
    content = with_entries(content, **dict.fromkeys(ARRAYS))
    images = small_dataset.test_images.copy()
    images[0, 0, 0] ^= 1
    other = replace(small_dataset, test_images=images)
    assert "found runs on other images called patterns" in refused(content, other)
    other = replace(other, name="clothes")
    assert "found runs on patterns, expected runs on clothes, which is open" in refused(content, other)


@pytest.mark.parametrize(
    "change",
    [{"classes": ["a"]}, {"classes": 3}, {"name": 7}, {"checksums": [1, 2, 3, 4]}, {"classes": ["a", "b"]}],
)
def test_images_that_are_not_those_of_the_runs_are_refused(content, small_dataset, change):
    other = replace(small_dataset, test_images=small_dataset.test_images[::-1])
    assert read_session(content, "it.session", other).dataset.n_train == small_dataset.n_train
    refused(with_text(lambda text: text["data"].update(change), content), other)
    refused(with_entries(content, train_images=small_dataset.train_images.astype(float)), other)


def test_a_text_that_no_page_can_show_is_made_fit(content, back):
    back = back(changed(0, content, name="a\ud800b"))
    assert back.runs[0].name == "a?b"


def test_a_session_is_opened_though_a_network_in_it_has_overflowed(begin, back):
    session = begin(DIVERGING)
    session.train(paused=True)
    done(session.step, "batch")
    while all(np.isfinite(W).all() for W in session.state.run.newest.weights):
        done(session.step, "batch")
    saved = back(session)
    assert [run.number for run in saved.runs] == [1]
    assert saved.run is None


def test_findings_come_back_and_strange_ones_are_refused(begin, back):
    session = begin(CONFIG)
    finding = Finding({"attacked": 0.195, "units": 32}, 20.0)
    session.note_finding("fgsm", Finding({"attacked": 1.0}))
    session.note_finding("fgsm", finding)
    saved = back(session)
    assert saved.findings == {"fgsm": finding}
    other = begin()
    other.open_session(saved)
    assert other.state.findings == {"fgsm": finding}
    session.note_finding("diverged", Finding({"a": float("nan")}))
    assert back(session).findings == {"fgsm": finding}  # what no file may hold is left out
    for strange in (
        [],
        {"fgsm": []},
        {"fgsm": {"numbers": {"a": EVIL}}},
        {"fgsm": {"numbers": {"a": 1}, "guess": True}},
        {"fgsm": {"numbers": {str(n): n for n in range(41)}}},
        {"fgsm": {"numbers": {"a": float("nan")}}},
        {"fgsm": {"numbers": {"a": 10**400}}},
        {str(n): {"numbers": {}} for n in range(41)},
    ):
        with pytest.raises(SessionFileError, match="findings"):
            back(changed(content=session.save_session(), findings=strange))
