"""Recordings are what their settings train to today, and nothing else passes for one."""

from __future__ import annotations

import numpy as np
import pytest
from talk_recordings import recording

from explorer import TrainingConfig, train
from explorer.talk import slides
from explorer.talk.slides import RUNS, RecordingError, TalkRun, recorded_run
from explorer.training import TrainingRun, complete

CONFIG = TrainingConfig(hidden_sizes=12, epochs=3, batch_size=16, learning_rate=0.05)
FIGURES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


def figures(records):
    return np.array([[getattr(record, name) for name in FIGURES] for record in records])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exercise", "averaged"])
def test_it_is_what_its_settings_train_to_today(name, mnist, runs):
    recorded = runs[name].history
    today = list(train(RUNS[name].config, mnist))
    # Another processor rounds sums of float32 otherwise; any other change of the training shows.
    np.testing.assert_allclose(figures(recorded.epochs), figures(today), atol=2e-3)
    assert np.abs(recorded.epochs[-1].confusion - today[-1].confusion).sum() <= 40


@pytest.mark.parametrize("name", RUNS)
def test_every_run_of_the_talk_is_recorded_to_its_end(name, runs):
    run, shown = runs[name], RUNS[name]
    assert run.config == shown.config
    assert run.epochs_done == run.config.epochs
    assert run.status == "finished"
    _, steps = run.config.steps_at_ends(run.dataset.n_train)[:2]
    points = len(run.history.batches) / shown.config.epochs
    assert points == steps if steps <= 20 else 10 <= points <= 20
    final = run.evaluation
    assert final.confusion.sum() == 10_000
    assert final.test_accuracy == np.trace(final.confusion) / 10_000
    assert bool(run.newest.weights) == shown.with_weights


@pytest.fixture
def recorded(small_dataset, tmp_path, monkeypatch):
    """The session that a run is recorded as, on the small data set."""
    monkeypatch.setattr(slides, "RECORDINGS", tmp_path)
    monkeypatch.setattr(slides, "RUNS", {"run": TalkRun("a run", CONFIG, with_weights=True)})
    file = tmp_path / "run.session"
    file.write_bytes(recording(slides.RUNS["run"], small_dataset))
    return file


def test_what_is_recorded_comes_back(recorded, small_dataset):
    made, run = complete(TrainingRun(CONFIG, small_dataset)), recorded_run("run", small_dataset)
    assert (run.name, run.is_recorded, run.history.epochs) == ("a run", True, made.epochs)
    assert run.history.batches == made.batches
    outputs = run.evaluation.snapshot.test_outputs
    np.testing.assert_array_equal(outputs, made.end.final.snapshot.test_outputs)


def test_what_is_no_recording_of_the_run_is_one_sentence(recorded, small_dataset, monkeypatch):
    content = recorded.read_bytes()
    for bad in (b"", b"PK\x03\x04 no archive", content[:-99]):
        recorded.write_bytes(bad)
        with pytest.raises(RecordingError, match=r"run\.session can't be used .*install"):
            recorded_run("run", small_dataset)
    recorded.write_bytes(content)
    monkeypatch.setattr(slides, "RUNS", {"run": TalkRun("a run", CONFIG.replace(learning_rate=0.1))})
    with pytest.raises(RecordingError, match=r"run\.session.*lr=0\.05"):
        recorded_run("run", small_dataset)
    recorded.unlink()
    with pytest.raises(RecordingError, match=r"run\.session can't be used"):
        recorded_run("run", small_dataset)
