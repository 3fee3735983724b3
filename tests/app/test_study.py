"""The Study tab, without a page."""

from __future__ import annotations

import time

import pytest

from explorer import Explorer, TrainingConfig, train
from explorer.app.panels.recorded_study import FILE, load_points, save_points
from explorer.app.panels.study import study_configs
from explorer.training.studies import StudyError, StudyResult, batch_size_grid
from explorer.training.study_runner import StudyDelivery, StudyRunner

CONFIG = TrainingConfig(hidden_sizes=4, epochs=2, batch_size=16, seed=7)
HIDDEN = "explorer-hidden"


@pytest.fixture
def app(untrained):
    untrained.panels.tab_bar.selected = "study"
    return untrained


@pytest.fixture
def panel(app):
    return app.panels["study"]


def press(panel):
    panel.progress._on_message(panel.progress, {"press": panel.progress.shown.press}, [])


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nothing_is_drawn_before_there_is_something(panel):
    assert HIDDEN in panel._drawings._dom_classes
    assert panel.words.text == ""


def test_on_mnist_it_opens_with_a_recorded_study(mnist):
    app = Explorer(mnist, train=False)
    panel = app.panels["study"]
    assert HIDDEN not in panel._drawings._dom_classes
    assert {(p.batch_size, p.reduction, p.seed) for p in panel.points} == {
        (run.batch_size, run.reduction, run.seed) for run in batch_size_grid()
    }
    assert panel.words.text.startswith(
        "Recorded beforehand, with the exercise's settings, 10 epochs and 3 seeds. By sum"
    )
    app.close()


def test_the_recorded_study_is_what_training_gives(mnist):
    """One of its runs, the quickest: the others are as long as a benchmark."""
    (point,) = (p for p in load_points() if (p.batch_size, p.reduction, p.seed) == (8192, "mean", 1))
    config = next(
        run for run in batch_size_grid() if (run.batch_size, run.reduction, run.seed) == (8192, "mean", 1)
    )
    *_, last = train(config, mnist)
    assert point.test_accuracy == pytest.approx(
        last.test_accuracy, abs=0.005
    )  # another processor may round otherwise
    assert point.updates == 10 * 8


def test_a_recorded_study_is_read_as_it_was_written(tmp_path):
    points = load_points()
    save_points(points[::-1], tmp_path / "study.json")
    assert (tmp_path / "study.json").read_text() == FILE.read_text()


def test_a_study_is_drawn_and_put_into_words(panel):
    panel.epochs.value = panel.seeds.value = "1"
    press(panel)
    assert panel.progress.shown.running
    wait_for(lambda: not panel.progress.shown.running)
    assert panel.progress.shown.text.endswith("runs · done")
    sizes = {1, 8, 32, 128, 512, 600}
    assert {point.batch_size for point in panel.points} == sizes
    assert {point.seed for point in panel.points} == {7}
    assert HIDDEN not in panel._drawings._dom_classes
    by_sum = panel.figures["accuracy"].data[2]
    assert list(by_sum.x) == sorted(sizes)
    best = max(by_sum.y)
    assert f"{best:.1f}" in panel.words.text
    assert panel.figures["accuracy"].summary == panel.words.text


def test_a_study_can_be_stopped_and_started_again(panel):
    panel.epochs.value = "10"
    press(panel)
    press(panel)
    assert not panel.progress.shown.running
    assert panel.progress.shown.text.endswith("stopped")
    panel.epochs.value = panel.seeds.value = "1"
    press(panel)
    wait_for(lambda: not panel.progress.shown.running)
    assert len(panel.points) == 12


def test_where_no_study_can_run_the_reason_is_said(panel, monkeypatch):
    def refuse(*_):
        raise StudyError("A study can't run here: why.")

    monkeypatch.setattr(StudyRunner, "start", refuse)
    press(panel)
    assert panel.progress.shown.text.endswith("A study can't run here: why.")
    assert not panel.progress.shown.running


def test_a_study_says_that_it_waits_and_why_runs_failed(panel, monkeypatch):
    tell = []
    monkeypatch.setattr(
        StudyRunner, "start", lambda _self, _configs, _data, deliver: tell.append(deliver) or 0
    )
    press(panel)
    (deliver,) = tell
    deliver(StudyDelivery(0, in_line=3))
    assert panel.progress.shown.text.endswith("runs · waiting for a turn: 3rd")
    deliver(StudyDelivery(0, in_line=0))
    assert "waiting" not in panel.progress.shown.text
    deliver(StudyDelivery(0, StudyResult(CONFIG, (), "out of memory")))
    deliver(StudyDelivery(0))
    assert panel.progress.shown.text.endswith("1 failed: out of memory · done")


def test_the_figures_follow_the_theme(app, panel):
    def ground():
        return panel.figures["time"].layout.template.layout.paper_bgcolor

    before = ground()
    app.header.theme = "dark"
    assert ground() != before


def test_the_two_learning_rates_are_said(panel):
    assert "by sum at 0.01 and by mean at 3:" in panel.question.text


def test_no_batch_is_larger_than_the_images_and_the_whole_curve_comes_first():
    runs = study_configs(TrainingConfig(n_train=1000, seed=5), n_images=60_000, epochs=1, n_seeds=2)
    assert [run.batch_size for run in runs[:12:2]] == [1000, 512, 128, 32, 8, 1]
    assert [run.seed for run in runs] == [5] * 12 + [6] * 12


def test_a_press_of_what_the_button_no_longer_stands_for_is_dropped(panel):
    panel.progress._on_message(panel.progress, {"press": "stop"}, [])
    assert not panel.progress.shown.running
    panel.epochs.value = "10"
    press(panel)
    panel.progress._on_message(panel.progress, {"press": "run"}, [])
    assert panel.progress.shown.running
    press(panel)
    assert panel.progress.shown.text.endswith("stopped")
