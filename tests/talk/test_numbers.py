"""What a sentence says is what the run's own arrays say."""

from __future__ import annotations

import numpy as np

from explorer.talk.talk import spoken_numbers


def test_the_numbers_are_those_of_the_run(runs, mnist):
    run = runs["exercise"]
    found = spoken_numbers(run, run.newest, mnist)
    confusion = run.newest.confusion
    right = int(np.trace(confusion))
    assert found["units"] == "32"
    assert found["layers"] == "One"
    assert found["batch"] == "512"
    assert found["rate"] == "0.01"
    assert found["updates"] == "1\u202f180"
    assert found["parameters"] == "25\u202f450"
    assert found["right"] == f"{right:,}".replace(",", "\u202f")
    assert found["wrong"] == str(10_000 - right)
    assert found["accuracy"] == f"{right / 100:.1f} %"
    off = np.where(np.eye(10, dtype=bool), 0, confusion)
    true, predicted = np.unravel_index(off.argmax(), off.shape)
    assert (found["true"], found["predicted"], found["times"]) == (str(true), str(predicted), str(off.max()))


def test_a_collapsed_network_reads_all_as_one(runs, mnist):
    run = runs["summed"]
    found = spoken_numbers(run, run.newest, mnist)
    read = run.newest.confusion.sum(axis=0)
    assert found["favorite"] == str(read.argmax())
    assert found["favorite_share"] == f"{read.max() / 100:.0f} %"


def test_saturation_is_told_where_the_weights_are_known(runs, mnist):
    uniform, summed = runs["uniform"], runs["summed"]
    assert spoken_numbers(uniform, uniform.newest, mnist)["saturated"] == "100 %"
    assert "saturated" not in spoken_numbers(summed, summed.newest, mnist)


def test_a_network_without_mistakes_has_none_to_name(runs, mnist):
    from dataclasses import replace

    from explorer.training import Moment

    run = runs["exercise"]
    perfect = replace(run.evaluation, confusion=np.eye(10, dtype=int) * 1000, test_accuracy=1.0)
    found = spoken_numbers(run, Moment(perfect, run.newest.snapshot), mnist)
    assert (found["wrong"], found["times"], found["true"]) == ("0", "0", "–")
