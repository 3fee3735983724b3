"""What a sentence says is what the run's own arrays say."""

from dataclasses import replace

import numpy as np

from explorer.extensions.talk.talk import spoken_numbers
from explorer.training import Moment


def test_the_numbers_are_those_of_the_run(runs, mnist):
    run = runs["exercise"]
    found = spoken_numbers(run, run.newest, mnist)
    confusion = run.newest.confusion
    right = int(np.trace(confusion))
    settings = {"units": "32", "layers": "One", "batch": "512", "rate": "0.01"}
    counts = {"updates": "1\u202f180", "parameters": "25\u202f450", "wrong": str(10_000 - right)}
    assert found.items() >= {**settings, **counts, "accuracy": f"{right / 100:.1f} %"}.items()
    assert found["right"] == f"{right:,}".replace(",", "\u202f")
    off = np.where(np.eye(10, dtype=bool), 0, confusion)
    true, predicted = np.unravel_index(off.argmax(), off.shape)
    assert (found["true"], found["predicted"], found["times"]) == (str(true), str(predicted), str(off.max()))


def test_a_collapsed_network_reads_all_as_one_and_saturation_is_told_where_the_weights_are_known(runs, mnist):
    uniform, summed = runs["uniform"], runs["summed"]
    found = spoken_numbers(summed, summed.newest, mnist)
    read = summed.newest.confusion.sum(axis=0)
    assert (found["favorite"], found["favorite_share"]) == (str(read.argmax()), f"{read.max() / 100:.0f} %")
    assert "saturated" not in found
    assert spoken_numbers(uniform, uniform.newest, mnist)["saturated"] == "100 %"


def test_a_network_without_mistakes_has_none_to_name(runs, mnist):
    run = runs["exercise"]
    perfect = replace(run.evaluation, confusion=np.eye(10, dtype=int) * 1000, test_accuracy=1.0)
    found = spoken_numbers(run, Moment(perfect, run.newest.snapshot), mnist)
    assert (found["wrong"], found["times"], found["true"]) == ("0", "0", "–")
