"""The run that the page opens with is what training gives, to the bit on the machine's own arithmetic."""

import numpy as np
import pytest
from record_start import NOTE, arithmetic, trained_start

from explorer.session import Session
from explorer.session.new_runs import recorded_start
from explorer.training.presets import START

TOLERANCE = 1e-4
"""Of weights, outputs, losses and shares elsewhere, where sums are rounded in another order. Of OpenBLAS's kernels
for other processors three were tried: weights and outputs differed by at most 4e-6, no image changed its class."""


@pytest.fixture(scope="module")
def recorded(mnist):
    return recorded_start(mnist)


@pytest.fixture(scope="module")
def trained(mnist):
    return trained_start(mnist)


def networks(run):
    return [*run.early, *run.timeline.moments, run.newest]


@pytest.mark.slow
def test_it_is_what_training_gives_today(recorded, trained):
    assert (recorded.config, recorded.status) == (trained.config, trained.status) == (START, "finished")
    same = NOTE.read_text(encoding="utf-8").strip() == arithmetic()
    tolerance = 0.0 if same else TOLERANCE
    assert [(one.epoch, getattr(one, "step", None)) for one in networks(recorded)] == [
        (one.epoch, getattr(one, "step", None)) for one in networks(trained)
    ]
    for one, other in zip(networks(recorded), networks(trained), strict=True):
        pairs = [*zip(one.snapshot.weights, other.snapshot.weights, strict=True)]
        pairs += [(one.snapshot.test_outputs, other.snapshot.test_outputs)]
        pairs += [tuple(each.confusion / each.confusion.sum() for each in (one, other))]
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
    for name in ("train_loss", "train_accuracy", "learning_rate"):
        curves = [[getattr(record, name) for record in run.history.batches] for run in (recorded, trained)]
        np.testing.assert_allclose(*curves, rtol=0, atol=tolerance)
    if same:
        assert recorded.history.epochs == trained.history.epochs


def test_there_is_none_on_other_images(small_dataset):
    assert recorded_start(small_dataset) is None


@pytest.mark.slow
def test_a_session_that_begins_with_it_goes_on_as_if_it_had_been_trained_there(mnist, recorded, trained):
    ends = []
    for run in (recorded, trained):
        session = Session(mnist, START)
        session.open(run)
        session.extend(11)
        assert session.wait(60)
        ends.append(session.state.run.newest.test_outputs)
        session.close()
    np.testing.assert_allclose(*ends, rtol=0, atol=TOLERANCE)
