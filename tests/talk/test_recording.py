"""Recordings are what their settings train to today, and nothing else passes for one."""

from __future__ import annotations

import numpy as np
import pytest

from explorer import TrainingConfig, train
from explorer.talk.slides import RECORDINGS, RUNS, RecordingError, load_recording, save_recording
from explorer.training import TrainingRun, complete

CONFIG = TrainingConfig(hidden_sizes=12, epochs=3, batch_size=16, learning_rate=0.05)
FIGURES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


@pytest.fixture(scope="module")
def made(small_dataset):
    return complete(TrainingRun(CONFIG, small_dataset))


def figures(records):
    return np.array([[getattr(record, name) for name in FIGURES] for record in records])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exercise", "averaged"])
def test_it_is_what_its_settings_train_to_today(name, mnist):
    recorded, _ = load_recording(RECORDINGS / f"{name}.npz", RUNS[name].config, mnist)
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
    _, steps = run.config.steps_at_ends(run.n_samples)[:2]
    points = len(run.history.batches) / shown.config.epochs
    assert points == steps if steps <= 20 else 10 <= points <= 20
    final = run.evaluation
    assert final.confusion.sum() == 10_000
    assert final.test_accuracy == np.trace(final.confusion) / 10_000
    assert bool(run.newest.weights) == shown.with_weights


def test_what_is_saved_comes_back(made, small_dataset, tmp_path):
    save_recording(tmp_path / "run.npz", made, with_weights=True)
    back, final = load_recording(tmp_path / "run.npz", CONFIG, small_dataset)
    assert back.config == made.config
    assert back.epochs == made.history.epochs
    assert (back.end.status, back.end.final) == ("finished", final)
    assert [record.confusion.tolist() for record in back] == [
        record.confusion.tolist() for record in made.history
    ]
    assert back.batches == made.history.batches
    for name in ("epoch", "step", *FIGURES):
        assert getattr(final, name) == getattr(made.final, name), name
    assert isinstance(final.step, int)
    for one, other in zip(final.snapshot.weights, made.final.snapshot.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(final.snapshot.test_outputs, made.final.snapshot.test_outputs)
    assert not final.confusion.flags.writeable


def test_another_runs_recording_is_refused(made, small_dataset, tmp_path):
    save_recording(tmp_path / "run.npz", made, with_weights=True)
    with pytest.raises(RecordingError, match=r"run\.npz.*lr=0\.05.*--record"):
        load_recording(tmp_path / "run.npz", CONFIG.replace(learning_rate=0.1), small_dataset)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\x00", b"text"])
def test_a_damaged_file_is_one_sentence(content, small_dataset, tmp_path):
    (tmp_path / "run.npz").write_bytes(content)
    with pytest.raises(RecordingError, match=r"run\.npz can't be used"):
        load_recording(tmp_path / "run.npz", CONFIG, small_dataset)


def test_a_missing_file_and_a_missing_array_are_one_sentence(made, small_dataset, tmp_path):
    with pytest.raises(RecordingError, match=r"none\.npz"):
        load_recording(tmp_path / "none.npz", CONFIG, small_dataset)
    save_recording(tmp_path / "run.npz", made, with_weights=True)
    with np.load(tmp_path / "run.npz") as file:
        np.savez(tmp_path / "part.npz", **{name: file[name] for name in file if name != "batches"})
    with pytest.raises(RecordingError, match="batches"):
        load_recording(tmp_path / "part.npz", CONFIG, small_dataset)


def test_objects_are_never_loaded(made, small_dataset, tmp_path):
    save_recording(tmp_path / "run.npz", made, with_weights=True)
    with np.load(tmp_path / "run.npz") as file:
        arrays = dict(file) | {"epochs": np.array([{}], object)}
    np.savez(tmp_path / "run.npz", **arrays)
    with pytest.raises(RecordingError):
        load_recording(tmp_path / "run.npz", CONFIG, small_dataset)
