import numpy as np
import pytest

from explorer.training import EpochRecord, Moment, Snapshot, Timeline


def moment(epoch, floats=250):
    """A moment that keeps 1000 bytes."""
    confusion = np.eye(2, dtype=np.int64)
    record = EpochRecord(epoch, 1.0, 1.0, 0.5, 0.5, 0.1, confusion)
    half = np.zeros(floats // 2, np.float32)
    return Moment(record, Snapshot(epoch, (half,), half))


def timeline(last, most_bytes):
    made = Timeline(most_bytes=most_bytes)
    for epoch in range(last + 1):
        made = made.followed_by(moment(epoch))
    return made


def test_every_second_is_left_out_when_there_is_no_room():
    assert timeline(10, 10_000).epochs == (0, 2, 4, 6, 8, 10)
    assert timeline(11, 10_000).epochs == (0, 2, 4, 6, 8, 10, 11)
    assert timeline(12, 10_000).epochs == (0, 2, 4, 6, 8, 10, 12)


@pytest.mark.parametrize("last", [1, 7, 50, 499])
@pytest.mark.parametrize("most", [2, 3, 10, 64])
def test_memory_stays_bounded_and_the_ends_stay(last, most):
    made = timeline(last, most * 1000)
    assert len(made.moments) <= most
    assert made.epochs[0] == 0
    assert made.newest.epoch == last
    assert len(made.moments) >= min(last + 1, most) / 2
    gaps = np.diff(made.epochs[:-1])
    assert len(set(gaps.tolist())) <= 1, "evenly spaced, but for the newest"


def test_a_moment_within_an_epoch_gives_way_to_the_next():
    made = Timeline()
    for epoch in (0, 1, 1.25, 2):
        made = made.followed_by(moment(epoch))
    assert made.epochs == (0, 1, 2)
