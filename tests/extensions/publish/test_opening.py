"""What a published page says of its runs: those that failed, and the steps of a first epoch that it replays."""

import json
from dataclasses import replace

import pytest
from extensions.publish.test_site import content_of

from explorer.datasets import load_mnist
from explorer.extensions.publish.recordings import PublishedRun, accuracy_change
from explorer.extensions.publish.site import publish
from explorer.session.new_runs import recorded_start
from explorer.training import History


def start():
    """The recorded run of Start, as a page carries it."""
    run = recorded_start(load_mnist())
    weights = {int(moment.epoch): moment.weights for moment in run.timeline.moments}
    return PublishedRun(run.config, run.history, weights, {round(one.epoch, 5): one for one in run.early})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page of Start, and of a run at too large a rate."""
    one, bad = start(), start().config.replace(learning_rate=5, epochs=1)
    failed = replace(one.history[0], train_accuracy=0.1, test_accuracy=0.1)
    two = PublishedRun(bad, History(bad, (failed,)), {1: one.weights[1]})
    publish([one, two], load_mnist(), place := tmp_path_factory.mktemp("opening") / "site", title="")
    return place


def about_of(folder, number):
    content = content_of(folder, f"run-{number}")
    return json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])


def test_the_steps_of_the_first_epoch_come_before_its_end_with_figures_of_their_own(folder):
    about = about_of(folder, 0)
    steps = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert about["epochs"][:10] == pytest.approx([step / about["n_steps"] for step in steps], abs=1e-3)
    assert about["epochs"][10:] == [1, 2, 3, 4, 5, 6, 8, 10]
    early, last = (json.dumps(about["tiles"][at], ensure_ascii=False) for at in (3, -1))
    assert "sample of 1\u202f000" in early
    assert "step 4 of 469" in early
    assert about["summaries"][3].startswith("step 4 of epoch 1, 32.7 %")
    assert "during epoch 10" in last
    assert "s/epoch" not in last
    assert accuracy_change(start(), load_mnist()) <= 0.001


def test_the_page_says_what_it_is_and_why_a_run_is_at_chance_level(folder):
    page = (folder / "index.html").read_text()
    said = "A network that learned from 60\u202f000 images of MNIST. Change a setting for another of 2"
    assert said in page
    assert "recorded runs, or draw a digit: your browser reads it." in page
    assert about_of(folder, 0)["hint"] == ""
    assert "overshoots" in about_of(folder, 1)["hint"]
