"""Recordings are what their settings train to today, and nothing else passes for one."""

import gzip
import json

import numpy as np
import pytest

from explorer import TrainingConfig, train
from explorer.extensions.talk.file import read_talk
from explorer.extensions.talk.recordings import RecordingError, read_recording, record
from explorer.training import TrainingRun, complete
from explorer.training.query import write_query

CONFIG = TrainingConfig(hidden_sizes=12, epochs=3, batch_size=16, learning_rate=0.05)
FIGURES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")


def figures(records):
    return np.array([[getattr(record, name) for name in FIGURES] for record in records])


@pytest.mark.parametrize("name", [pytest.param("exercise", marks=pytest.mark.long), "averaged"])
def test_it_is_what_its_settings_train_to_today(name, mnist, ready, runs):
    recorded = runs[name].history
    today = list(train(ready.runs[name].config, mnist))
    # Another processor rounds sums of float32 otherwise; any other change of the training shows.
    np.testing.assert_allclose(figures(recorded.epochs), figures(today), atol=2e-3)
    assert np.abs(recorded.epochs[-1].confusion - today[-1].confusion).sum() <= 40


def test_every_run_of_the_talk_is_recorded_to_its_end(ready, runs):
    assert {*runs} == {*ready.runs}
    for name, shown in ready.runs.items():
        assert_recorded(runs[name], shown)


def assert_recorded(run, shown):
    assert run.config == shown.config
    assert run.epochs_done == run.config.epochs
    assert run.status == "finished"
    _, steps = run.config.steps_at_ends(run.dataset.n_train)[:2]
    points = len(run.history.batches) / shown.config.epochs
    assert points == steps if steps <= 20 else 10 <= points <= 20
    final = run.evaluation
    assert final.confusion.sum() == 10_000
    assert final.test_accuracy == np.trace(final.confusion) / 10_000
    assert bool(run.newest.weights) >= shown.with_weights


TEXT = """
[runs.small]
label = "a run"
settings = "{settings}"

[[slides]]
title = "It"
pictures = ["weights"]
run = "small"
"""


@pytest.fixture
def recorded(written, small_dataset):
    """A talk with one run, recorded on the small data set."""
    talk = read_talk(written(TEXT.format(settings=write_query(CONFIG))))
    record(talk, "small", small_dataset)
    return talk


def test_what_is_recorded_comes_back(recorded, small_dataset):
    made = complete(TrainingRun(CONFIG, small_dataset))
    run = read_recording(recorded, "small", small_dataset)
    assert (run.name, run.is_recorded, run.history.epochs) == ("a run", True, made.epochs)
    assert run.history.batches == made.batches
    outputs = run.evaluation.snapshot.test_outputs
    np.testing.assert_array_equal(outputs, made.end.final.snapshot.test_outputs)


def test_what_is_no_recording_of_the_run_is_one_sentence(recorded, written, small_dataset):
    def refused(talk, words):
        with pytest.raises(RecordingError, match=f"the recording of small can't be used .*{words}"):
            read_recording(talk, "small", small_dataset)

    file = recorded.recordings / "small.session"
    content = file.read_bytes()
    for bad in (b"", b"PK\x03\x04 no archive", content[:-99]):
        file.write_bytes(bad)
        refused(recorded, "")
    file.write_bytes(content)
    other = written(TEXT.format(settings=write_query(CONFIG.replace(learning_rate=0.1))))
    refused(read_talk(other), "lr=0.05")
    file.unlink()
    refused(recorded, "there is no file")


def test_a_demonstration_is_recorded_with_both_themes_and_others_are_refused(written, mnist, monkeypatch):
    text = '[[slides]]\ntitle = "It"\npictures = ["demonstration: fgsm"]\n'
    talk, few = read_talk(written(text)), mnist.head(10_000)
    record(talk, "demonstration.fgsm", few)
    found = read_recording(talk, "demonstration.fgsm", few)
    assert found.numbers["attacked"] < found.numbers["before"]
    dark, light = (found.figure(theme).to_plotly_json() for theme in ("dark", "light"))
    assert dark["data"] != light["data"]
    file = talk.recordings / "demonstration.fgsm.json.gz"
    good = json.loads(gzip.decompress(file.read_bytes()))
    wrong = (
        {"format": 9},
        {"numbers": {"attacked": "<b>"}},
        {"numbers": {}},
        {"figures": {"light": {"data": 3}}},
    )
    figures = good["figures"]
    title = '<b>see</b> <<a>A href="https://h">it</A> <%{meta} href="https://h">'
    stranger = {"images": [{"source": "https://h/i"}], "title": {"text": title}, "meta": "a"}
    figures["dark"]["layout"] |= stranger | {"updatemenus": [{"buttons": []}]}
    file.write_bytes(gzip.compress(json.dumps(good).encode()))
    layout = read_recording(talk, "demonstration.fgsm", few).figure("dark").layout
    assert layout.title.text == '<b>see</b> ‹‹a>A href="https://h">it‹/A> ‹%{meta} href="https://h">'
    assert not [*layout.images, *layout.updatemenus]
    odd = ({"type": "image"}, {"type": "scattergeo"}, {"type": []}, {"y": {"z": 1}}, 3)
    wrong += tuple({"figures": figures | {"light": {"data": [trace], "layout": {}}}} for trace in odd)
    packed = gzip.compress(json.dumps(good).encode())
    damaged = packed[:100] + bytes(100) + packed[200:]
    for bad in (
        *(gzip.compress(json.dumps(good | one).encode()) for one in wrong),
        b"no gzip",
        damaged,
        gzip.compress(b"[" * 100_000),
    ):
        file.write_bytes(bad)
        with pytest.raises(RecordingError, match=r"the recording of fgsm can't be used \(.{,150}$"):
            read_recording(talk, "demonstration.fgsm", mnist)
