import dataclasses
import pickle

import numpy as np
import pytest

from explorer.training import (
    BatchRecord,
    EpochRecord,
    History,
    Moment,
    RunEnd,
    Snapshot,
    Timeline,
    TrainingConfig,
)

NAN = float("nan")


def epoch(number=1, *, seconds=0.5, test_accuracy=0.9, confusion=((5, 1), (0, 4)), **figures):
    values = {"train_loss": 0.5, "test_loss": 0.6, "train_accuracy": 0.95, "learning_rate": 0.01} | figures
    values |= {"epoch": number, "seconds": seconds, "test_accuracy": test_accuracy}
    return EpochRecord(confusion=np.array(confusion, dtype=np.int64), **values)


BATCH = BatchRecord(epoch=0.5, step=3, train_loss=1.0, train_accuracy=0.5, learning_rate=0.01)


def history(*records):
    return History(TrainingConfig()).followed_by(*records)


@pytest.mark.parametrize("loss", [0.5, NAN])
def test_records_are_equal_whatever_time_they_took(loss):
    """Two diverged runs of one config have equal records, too."""
    first, second = epoch(seconds=0.5, train_loss=loss), epoch(seconds=9.0, train_loss=float(str(loss)))
    assert first == second == pickle.loads(pickle.dumps(first))
    assert hash(first) == hash(second)
    others = [epoch(2), *(epoch(confusion=c) for c in (((4, 2), (0, 4)), ((5, 1, 0), (0, 4, 0), (0, 0, 0))))]
    assert epoch() not in others


@pytest.mark.parametrize(
    "name", ["train_loss", "test_loss", "train_accuracy", "test_accuracy", "learning_rate"]
)
def test_a_figure_that_differs_in_its_last_bit_makes_a_difference(name):
    value = getattr(epoch(), name)
    assert epoch(**{name: float(np.nextafter(value, 2))}) != epoch()


def test_a_history_is_a_sequence_of_its_epochs():
    made = history(BATCH, epoch(1), BATCH, epoch(2), epoch(3))
    assert (len(made), [*made]) == (3, [epoch(1), epoch(2), epoch(3)])
    assert (made[0], made[-1], [*made[1:]]) == (epoch(1), epoch(3), [epoch(2), epoch(3)])
    assert made.index(epoch(2)) == 1
    assert (made.last, made.best, made.batches) == (epoch(3), epoch(1), (BATCH, BATCH))
    assert history().last is history().best is history().end is None


def test_a_history_stays_as_it_is():
    made = history(epoch(1), epoch(2))
    longer = made.followed_by(epoch(3), BATCH)
    assert [record.epoch for record in longer] == [1, 2, 3]
    assert (len(made), len(made.batches)) == (2, 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.epochs = ()


@pytest.mark.parametrize("thing", [None, 0.9, "epoch 1", Snapshot(1, (), np.zeros((2, 3)))])
def test_only_records_go_in(thing):
    with pytest.raises(TypeError, match=type(thing).__name__):
        history(epoch(1)).followed_by(thing)


def test_an_ended_history_can_be_continued():
    made = history(epoch(1), RunEnd("finished")).continued(TrainingConfig(epochs=20))
    assert made.end is None
    assert made.config.epochs == 20
    assert [record.epoch for record in made.followed_by(epoch(2))] == [1, 2]


def test_an_ended_history_is_closed():
    made = history(epoch(1), RunEnd("stopped"))
    for record in (epoch(2), BATCH, RunEnd("finished")):
        with pytest.raises(RuntimeError, match="the run has stopped"):
            made.followed_by(record)


def test_a_history_until_an_epoch_holds_its_batches_and_no_end():
    late = BatchRecord(epoch=1.5, step=9, train_loss=1.0, train_accuracy=0.5)
    made = history(BATCH, epoch(1), late, epoch(2), RunEnd("finished")).until(1)
    assert (made.epochs, made.batches, made.end) == ((epoch(1),), (BATCH,), None)


def moment(number):
    """A moment that keeps 1000 bytes."""
    half = np.zeros(125, np.float32)
    return Moment(epoch(number), Snapshot(number, (half,), half))


def timeline(numbers, **options):
    """A timeline to which moments of these epochs were added."""
    made = Timeline(**options)
    for number in numbers:
        made = made.followed_by(moment(number))
    return made


def test_every_second_is_left_out_when_there_is_no_room():
    for last, kept in ((10, (10,)), (11, (10, 11)), (12, (10, 12))):
        assert timeline(range(last + 1), most_bytes=10_000).epochs == (0, 2, 4, 6, 8, *kept)


@pytest.mark.parametrize("last", [1, 7, 50, 499])
@pytest.mark.parametrize("most", [2, 3, 10, 64])
def test_memory_stays_bounded_and_the_ends_stay(last, most):
    made = timeline(range(last + 1), most_bytes=most * 1000)
    assert min(last + 1, most) / 2 <= len(made.moments) <= most
    assert (made.epochs[0], made.newest.epoch) == (0, last)
    gaps = np.diff(made.epochs[:-1])
    assert len(set(gaps.tolist())) <= 1, "evenly spaced, but for the newest"


def test_a_moment_within_an_epoch_gives_way_to_the_next():
    assert timeline((0, 1, 1.25, 2)).epochs == (0, 1, 2)
