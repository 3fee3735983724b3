"""The Runs tab, without a page: what the table sends is sent, and what the page would show is read."""

import gc
import json
import weakref
from dataclasses import replace

import numpy as np
import pytest
from app_steps import DIVERGING, done, drawn, is_hidden, open_tab, rewind, run_of, send, train_on
from ipywidgets import Widget

from explorer import TrainingConfig
from explorer.network.diagnostics import paired, verdict
from explorer.session import EarlierRuns, SessionRun, SessionState
from explorer.session.state import with_records
from explorer.training import TrainingRun

CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=16, learning_rate=0.05)


@pytest.fixture(scope="module")
def prepare():
    """Trains three more runs: by batch size, by hidden units, and the present one by loss."""

    def prepare(app):
        train(app, batch_size=64)
        train(app, hidden_sizes=4)
        train(app, loss="cross_entropy", output="softmax")

    return prepare


@pytest.fixture
def panel(app):
    found = open_tab(app, "runs")
    found.table.chosen = []
    return found


def tell(panel, verb, number=0, text=""):
    send(panel.table, {"verb": verb, "number": number, "text": text})


def rows(panel):
    return {row["number"]: row for row in panel.table.rows}


def train(app, **changes):
    """Train the first settings with some changes, to the end."""
    done(app.train, CONFIG.replace(**changes))


def cell(panel, number, heading):
    return rows(panel)[number]["cells"][panel.table.headings.index(heading)]


def faint(app):
    count = len(drawn(open_tab(app, "overview").accuracy.figure, "earlier"))
    app.panels.tab_bar.selected = "runs"
    return count


def test_every_run_stands_in_the_table_with_what_it_reached(app, panel):
    assert list(rows(panel)) == [1, 2, 3, 4]
    assert panel.table.headings[:4] == ["Test accuracy", "Best", "Epochs", "Time"]  # in sight on a phone too
    assert [number for number, row in rows(panel).items() if row["present"]] == [4]
    for run in app.session.state.earlier:
        accuracies = [record.test_accuracy for record in run.history.epochs]
        assert cell(panel, run.number, "Test accuracy")["text"] == f"{100 * accuracies[-1]:.2f} %"
        assert cell(panel, run.number, "Best")["order"] == max(accuracies)
        assert cell(panel, run.number, "Epochs")["text"] == "2"
        assert rows(panel)[run.number]["curve"] == tuple(round(accuracy, 4) for accuracy in accuracies)


def test_the_current_runs_chips_are_all_that_differs_those_of_others_what_they_do_not_share(panel):
    chips = {number: row["chips"] for number, row in rows(panel).items()}
    assert chips == {
        1: ("sigmoid output", "squared error"),
        2: ("sigmoid output", "squared error", "batch 64"),
        3: ("4 units", "sigmoid output", "squared error"),
        4: ("8 units", "softmax output", "cross-entropy", "batch 16"),
    }


def test_a_chip_names_what_a_run_was_branched_from(app, panel):
    train_on(app)
    (*_, newest) = rows(panel).values()
    assert newest["chips"][0] == "from run 4, epoch 2"


def test_names_and_notes_are_kept_as_they_were_typed(app, panel):
    evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    tell(panel, "name", 2, "  wide <b>net</b> ")
    tell(panel, "note", 2, evil)
    assert rows(panel)[2]["name"] == "wide <b>net</b>"
    assert rows(panel)[2]["note"] == evil
    names = [trace.name for trace in drawn(panel.accuracy)]
    assert "wide &lt;b&gt;net&lt;/b&gt;" in names  # Plotly would read markup
    tell(panel, "note", 2, "x" * 10_000)
    assert len(rows(panel)[2]["note"]) == 2000
    tell(panel, "name", 2, "")
    tell(panel, "note", 2, "")


def test_a_hidden_run_leaves_all_curves_and_comes_back(app, panel):
    assert (len(drawn(panel.accuracy)), faint(app)) == (4, 3)
    tell(panel, "hide", 2)
    assert (len(drawn(panel.accuracy)), faint(app)) == (3, 2)
    assert rows(panel)[2]["hidden"]
    tell(panel, "hide", 2)
    assert (len(drawn(panel.accuracy)), faint(app)) == (4, 3)


def test_delete_and_undo(app, panel):
    tell(panel, "name", 1, "first")
    tell(panel, "delete", 1)
    tell(panel, "delete", 3)
    assert list(rows(panel)) == [2, 4]
    assert (panel.table.status, panel.table.undo) == ("2 runs are deleted.", True)
    assert faint(app) == 1
    tell(panel, "undo")
    assert list(rows(panel)) == [1, 2, 3, 4]
    assert rows(panel)[1]["name"] == "first"
    assert (panel.table.status, panel.table.undo) == ("2 runs are back.", False)
    tell(panel, "name", 1, "")


def test_what_is_deleted_for_good_is_freed(app, panel):
    tell(panel, "delete", 1)
    run = weakref.ref(app.session.state.earlier.deleted[0].newest.test_outputs)
    tell(panel, "forget")
    assert panel.table.status.startswith("3 runs.")
    tell(panel, "undo")
    assert list(rows(panel)) == [2, 3, 4]
    gc.collect()
    assert run() is None


def test_two_runs_are_compared_on_the_same_images(app, panel, small_dataset):
    panel.table.chosen = [1, 3]
    one, _, other = app.session.state.earlier
    pair = paired(one.newest.test_outputs, other.newest.test_outputs, small_dataset.test_labels)
    shown = panel.comparison.side_by_side.shown
    assert shown.verdict == verdict(*pair)
    heads = [words for words, _ in shown.heads]
    assert heads == ["A · 8 units, batch 16, lr 0.05 (run 1)", "B · 4 units (run 3)"]
    lines = {label: values for label, *values in shown.lines}
    assert lines["Hidden units"] == ["8", "4"]
    assert "Batch size" not in lines
    assert "Test loss" in lines
    difference = panel.comparison.difference.plot.to_plotly_json()["data"][0]
    off = ~np.eye(10, dtype=bool)
    more = other.newest.confusion - one.newest.confusion
    np.testing.assert_array_equal(np.array(difference["z"])[off], -more[off])
    assert not is_hidden(panel.comparison.view)
    tell(panel, "delete", 3)
    assert panel.table.chosen == [1]
    assert is_hidden(panel.comparison.view)
    tell(panel, "undo")


def test_different_losses_compare_on_accuracy_and_the_page_says_why(panel):
    panel.table.chosen = [1, 4]
    shown = panel.comparison.side_by_side.shown
    assert "losses don't compare" in shown.remarks[-1]
    assert "Test loss" not in {label for label, *_ in shown.lines}
    assert shown.verdict
    assert [trace.name for trace in drawn(panel.loss)] == ["softmax output, cross-e… (run 4)"]
    assert "Not drawn: 3 runs with another loss" in panel.captions["loss"].text


def test_steps_epochs_or_seconds_and_log_or_linear(app, panel):
    def x():
        return np.array(next(t for t in drawn(panel.accuracy) if t.name == "batch 64 (run 2)").x)

    np.testing.assert_array_equal(x(), [1, 2])
    panel.axis.value = "steps"
    np.testing.assert_array_equal(x(), [10, 20])  # 600 images in batches of 64
    panel.axis.value = "seconds"
    run = list(app.session.state.earlier)[1]
    np.testing.assert_allclose(x(), np.cumsum([r.seconds for r in run.history]), rtol=1e-6)
    assert panel.loss.plot.layout.yaxis.type == "linear"
    panel.scale.value = "log"
    assert panel.loss.plot.layout.yaxis.type == "log"
    panel.axis.value, panel.scale.value = "epochs", "linear"


def test_a_marked_run_is_not_replaced_by_its_repetition(app, panel):
    tell(panel, "pin", 2)
    train(app, batch_size=64)
    assert [run.number for run in app.session.state.earlier] == [1, 2, 3, 4]
    train(app)
    assert [run.number for run in app.session.state.earlier] == [2, 3, 4, 5]
    assert [run.number for run in app.session.state.earlier.shown][-1] == 2  # always among the curves


def test_a_run_that_takes_anothers_place_says_so(app, panel):
    train(app, batch_size=64)
    assert panel.table.status == (
        "4 runs. Tick two to compare them. Run 5 has taken the place of run 2: equal settings give the equal run."
        " One with a name, a note or a pin would have stayed."
    )
    train(app, seed=9)
    assert "taken the place" not in panel.table.status
    assert all(run.n_bytes == 0 for run in app.session.state.earlier.replaced)


@pytest.mark.parametrize("mark", ["", "name"])
def test_a_run_that_fails_in_its_first_epoch_is_kept(app, panel, mark):
    done(app.train, DIVERGING)
    assert (app.status, len(app.history)) == ("failed", 0)
    if mark:
        tell(panel, mark, 5, "too fast")
    before = {**rows(panel)[5], "present": False, "cells": None, "chips": None}
    train(app, seed=5)
    assert {**rows(panel)[5], "cells": None, "chips": None} == before
    assert cell(panel, 5, "Epochs")["text"].endswith(" · failed")
    assert cell(panel, 5, "Test accuracy")["text"] == "–"
    panel.table.chosen = [4, 6]
    assert not is_hidden(panel.comparison.figure)
    panel.table.chosen = [5, 6]
    assert is_hidden(panel.comparison.figure)  # an empty matrix would say nothing
    said = "No network to compare: the first epoch of A has not ended."
    assert panel.comparison.side_by_side.shown.verdict == said
    offered = [value for value, _ in open_tab(app, "mistakes", "robustness").other.options]
    assert offered == ["", "4", "3", "2", "1"]  # with a run without figures there is nothing to compare
    app.panels.tab_bar.selected = "runs"
    tell(panel, "delete", 5)
    assert 5 not in rows(panel)
    tell(panel, "undo")
    assert 5 in rows(panel)


def test_a_run_that_is_stopped_in_its_first_epoch_is_kept_and_compared(app, panel):
    app.session.train(paused=True)
    done(app.session.step, "batch", 3)
    done(app.stop)
    assert (app.status, len(app.history)) == ("stopped", 0)
    stopped = run_of(app)
    train(app, seed=5)
    assert stopped.number in [run.number for run in app.session.state.earlier]
    number = stopped.number
    assert cell(panel, number, "Test accuracy")["order"] == stopped.evaluation.test_accuracy
    assert cell(panel, number, "Epochs")["text"].endswith(" · stopped")
    panel.table.chosen = [number, run_of(app).number]
    assert "correctly" in panel.comparison.side_by_side.shown.verdict
    assert f"run {number}" not in [trace.name for trace in drawn(panel.accuracy)]  # it has no epoch to draw
    assert app.session.state.earlier.shown[0].number == number  # and takes no other's place


def test_a_fork_is_not_credited_with_what_its_parent_reached(app, panel):
    app.run_bar.auto = False
    rewind(app, 1)
    app.session.config = run_of(app).config.replace(learning_rate=1e-5, epochs=3)
    train_on(app)
    fork = run_of(app)
    assert fork.origin.seconds == fork.origin.parent.history[0].seconds
    for run in list(app.session.state.earlier):
        tell(panel, "hide", run.number)
    best = max(record.test_accuracy for record in fork.history)
    low = tuple(replace(record, test_accuracy=best / 4) for record in fork.history)
    here = replace(fork.evaluation, test_accuracy=best / 4)
    app.session.open(replace(fork, history=replace(fork.history, epochs=low), evaluation=here))
    fork = run_of(app)
    tell(panel, "hide", fork.number - 1)
    assert fork.curve.best.epoch == 1  # the parent's: there the curve begins
    caption = panel.captions["accuracy"].text
    assert caption == f"highest test accuracy: run {fork.number} ({fork.label}), {25 * best:.2f} %"
    assert cell(panel, fork.number, "Best")["text"].startswith(f"{25 * best:.2f}\u00a0% at\u00a0")
    assert panel.accuracy.summary == caption


def ended(dataset, seed):
    training = TrainingRun(CONFIG.replace(epochs=1, seed=seed), dataset)
    events = [event for event in training if event is not None]
    begun = replace(SessionRun.beginning(training), number=seed + 1)
    return with_records(begun, "finished", [*events, training.evaluate()])


def test_what_takes_too_much_memory_goes_the_pinned_last(small_dataset, monkeypatch):
    runs = [ended(small_dataset, seed) for seed in range(6)]
    each = runs[0].n_bytes
    earlier = EarlierRuns()
    monkeypatch.setattr("explorer.session.state.MOST_BYTES", 3 * runs[0].newest.n_bytes)
    runs[0] = replace(runs[0], pinned=True)
    figures = [run.newest.record.test_accuracy for run in runs]
    for run in runs:
        earlier = earlier.followed_by(run)
        assert sum(kept.n_bytes for kept in earlier) <= 3 * each
    assert [run.newest.test_outputs.size > 0 for run in earlier] == [True, False, False, False, True, True]
    assert [run.newest.record.test_accuracy for run in earlier] == figures


def test_deleted_runs_count_and_go_first(small_dataset, monkeypatch):
    runs = [ended(small_dataset, seed) for seed in range(4)]
    earlier = EarlierRuns()
    monkeypatch.setattr("explorer.session.state.MOST_BYTES", 2 * runs[0].newest.n_bytes)
    for run in runs[:2]:
        earlier = earlier.followed_by(run)
    state = SessionState(dataset=small_dataset, config=runs[0].config, earlier=earlier)
    earlier = state.deleting(2).earlier.followed_by(runs[2])  # no page has said "forget"
    assert [run.newest.test_outputs.size > 0 for run in earlier.restored()] == [True, False, True]
    earlier = earlier.followed_by(runs[3]).restored()
    assert [run.newest.test_outputs.size > 0 for run in earlier] == [False, False, True, True]
    assert [run.number for run in earlier] == [1, 2, 3, 4]
    assert earlier[1].newest.record.test_accuracy > 0


@pytest.fixture
def sent_bytes(monkeypatch):
    """Bytes of each message that a widget sends, by the widget."""
    messages = []

    def send(widget, message, buffers=None):
        messages.append((widget, len(json.dumps(message)) + sum(map(len, buffers or ()))))

    monkeypatch.setattr(Widget, "_send", send)
    return messages


@pytest.mark.long
def test_two_hundred_runs_of_a_session(new_app, sent_bytes, monkeypatch):
    """The table has them all, the curves the newest, memory keeps its bound, and a tick says one row."""
    app = new_app(train=False)
    least = TrainingConfig(hidden_sizes=1, epochs=1, n_train=10, batch_size=10)
    app.panels.tab_bar.selected = "data"
    for seed in range(199):
        done(app.train, least.replace(seed=seed))
        if seed == 0:
            most_bytes = 50 * run_of(app).newest.n_bytes
            monkeypatch.setattr("explorer.session.state.MOST_BYTES", most_bytes)
    panel = open_tab(app, "runs")
    app.session.config = least.replace(seed=200, epochs=500)
    app.session.train(paused=True)
    done(app.session.step, "epoch")
    assert list(rows(panel)) == list(range(1, 201))
    best = sorted(app.session.state.earlier, key=lambda run: run.newest.record.test_accuracy)[-5:]
    drawn_last = {trace.name for trace in drawn(panel.accuracy)[:-1]}
    assert drawn_last == {run.title for run in best}
    assert sum(run.n_bytes for run in app.session.state.earlier) <= most_bytes
    assert [run.number for run in app.session.state.earlier if run.n_bytes] == list(range(150, 200))
    before = rows(panel)[200]
    sent_bytes.clear()
    done(app.session.step, "epoch")
    assert rows(panel)[200] != before
    assert 0 < sum(n for widget, n in sent_bytes if widget is panel.table) < 2000
    state = panel.table.get_state()
    assert len(state["earlier"]) + len(state["present"]) == 200


def test_runs_whose_outputs_are_gone_say_so(app, panel):
    for number in (1, 2):
        bare = app.session.state.earlier.numbered(number).without_moments()
        app.session.edit(number, timeline=bare.timeline, evaluation=bare.evaluation, history=bare.history)
    gone, again = "read in each image is no longer kept, to save memory.", "load its settings and train again"
    for chosen, letters in (([1, 3], "A"), ([4, 1], "B"), ([1, 2], "A and B")):
        panel.table.chosen = chosen
        shown = panel.comparison.side_by_side.shown
        assert shown.verdict == f"What {letters} {gone}"
        assert all(f"For {letter}, {again}" in str(shown.remarks) for letter in letters.split(" and "))
        assert "Test accuracy" in [label for label, *_ in shown.lines]
