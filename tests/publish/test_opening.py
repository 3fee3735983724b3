"""What a published page says of its runs: those that failed, and the steps of a first epoch that it replays."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from publish.test_site import content_of

from explorer.datasets import load_mnist
from explorer.publish.recordings import PublishedRun, accuracy_change
from explorer.publish.site import publish
from explorer.session.recorded_start import recorded_start
from explorer.training import PRESETS, EpochRecord, History, new_network


@pytest.fixture(scope="module")
def start():
    """The recorded run of Start, as a page carries it."""
    run = recorded_start(load_mnist())
    weights = {int(moment.epoch): moment.weights for moment in run.timeline.moments}
    return PublishedRun(run.config, run.history, weights, {round(one.epoch, 5): one for one in run.early})


def about_of(folder, number=0):
    """A run's description in a folder."""
    content = content_of(folder, f"run-{number}")
    return json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])


def test_the_steps_of_the_first_epoch_come_before_its_end_with_figures_of_their_own(start, tmp_path):
    sizes = publish([start], load_mnist(), tmp_path / "site", title="")
    about = about_of(tmp_path / "site")
    steps = [round(epoch * about["n_steps"]) for epoch in about["epochs"] if epoch < 1]
    assert steps == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert [epoch for epoch in about["epochs"] if epoch >= 1] == [1, 2, 3, 4, 5, 6, 8, 10]
    first, last = (json.dumps(about["tiles"][at], ensure_ascii=False) for at in (3, -1))
    assert "sample of 1\u202f000" in first
    assert "step 4 of 469" in first
    assert about["summaries"][3].startswith("step 4 of epoch 1, 32.7 %")
    assert "during epoch 10" in last
    assert "s/epoch" not in last
    assert sizes["data/run-0.js"] < 600_000
    assert accuracy_change(start, load_mnist()) <= 0.001


def test_the_page_says_what_it_is(start, tmp_path):
    other = replace(start, config=start.config.replace(seed=1), early={})
    publish([start, other], load_mnist(), tmp_path / "two", title="")
    publish([start], load_mnist(), tmp_path / "one", title="", only=["curves"])
    two, one = ((tmp_path / name / "index.html").read_text() for name in ("two", "one"))
    assert (
        "A network that learned from 60\u202f000 images of MNIST. Change a setting for another of 2 recorded"
        in two
    )
    assert ", or draw a digit: your browser reads it." in two
    assert "Change a setting" not in one
    assert "draw a digit" not in one


def test_a_run_at_chance_level_says_why(tmp_path):
    mnist, weights = load_mnist(), {}
    config = PRESETS["The exercise"].replace(learning_rate=0.1, epochs=2)
    network = new_network(config, mnist)
    weights = [W for pair in zip(network.W, network.b, strict=True) for W in pair]
    records = [
        EpochRecord(at, 0.9, 0.9, accuracy, accuracy, 1.0, np.eye(10, dtype=np.int64))
        for at, accuracy in ((1, 0.1), (2, 0.1))
    ]
    for name, accuracy in (("failed", 0.1), ("fine", 0.95)):
        told = [replace(record, train_accuracy=accuracy, test_accuracy=accuracy) for record in records]
        publish([PublishedRun(config, History(config, told), {2: weights})], mnist, tmp_path / name, title="")
    assert about_of(tmp_path / "fine")["hint"] == ""
    assert "overshoots" in about_of(tmp_path / "failed")["hint"]
