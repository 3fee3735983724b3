from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from explorer.training import BatchRecord, EpochRecord, History, RunEnd, Snapshot, TrainingConfig

NAN = float("nan")


def epoch(number=1, *, seconds=0.5, test_accuracy=0.9, confusion=((5, 1), (0, 4)), **figures):
    values = {"train_loss": 0.5, "test_loss": 0.6, "train_accuracy": 0.95, "learning_rate": 0.01} | figures
    return EpochRecord(
        epoch=number,
        seconds=seconds,
        test_accuracy=test_accuracy,
        confusion=np.array(confusion, dtype=np.int64),
        **values,
    )


BATCH = BatchRecord(epoch=0.5, step=3, train_loss=1.0, train_accuracy=0.5, learning_rate=0.01)


def history(*records):
    return History(TrainingConfig()).followed_by(*records)


# ---------------------------------------------------------------- an epoch's record


def test_records_are_equal_whatever_time_they_took():
    assert epoch(seconds=0.5) == epoch(seconds=9.0)
    assert hash(epoch(seconds=0.5)) == hash(epoch(seconds=9.0))


@pytest.mark.parametrize(
    "name", ["train_loss", "test_loss", "train_accuracy", "test_accuracy", "learning_rate"]
)
def test_a_figure_that_differs_in_its_last_bit_makes_a_difference(name):
    value = getattr(epoch(), name)
    assert epoch(**{name: float(np.nextafter(value, 2))}) != epoch()


def test_number_and_confusion_make_a_difference():
    assert epoch(2) != epoch(1)
    assert epoch(confusion=((4, 2), (0, 4))) != epoch()
    assert epoch(confusion=((5, 1, 0), (0, 4, 0), (0, 0, 0))) != epoch()


def test_not_a_number_equals_itself():
    """Two diverged runs of one config have equal records."""
    first, second = epoch(train_loss=NAN), epoch(train_loss=float("nan"))
    assert first == second
    assert hash(first) == hash(second)
    assert first != epoch()
    assert pickle.loads(pickle.dumps(first)) == first


@pytest.mark.parametrize("record", [epoch(), BATCH, RunEnd("stopped"), Snapshot(0, (), np.zeros((2, 3)))])
def test_records_are_frozen(record):
    name = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, name, 7)
    with pytest.raises((AttributeError, TypeError)):
        record.remark = "mine"


def test_records_cross_to_another_process():
    for record in (epoch(), BATCH, RunEnd("finished")):
        assert pickle.loads(pickle.dumps(record)) == record


# ---------------------------------------------------------------- the history


def test_records_are_kept_by_kind_and_in_order():
    end = RunEnd("finished")
    made = history(BATCH, epoch(1), BATCH, epoch(2), end)
    assert made.epochs == (epoch(1), epoch(2))
    assert made.batches == (BATCH, BATCH)
    assert made.end is end
    assert made.last == epoch(2)


def test_a_history_is_a_sequence_of_its_epochs():
    made = history(epoch(1), epoch(2), epoch(3))
    assert len(made) == 3
    assert [record.epoch for record in made] == [1, 2, 3]
    assert made[0].epoch == 1
    assert made[-1].epoch == 3
    assert [record.epoch for record in made[1:]] == [2, 3]
    assert epoch(2) in made
    assert made.index(epoch(2)) == 1


def test_a_new_history_is_empty():
    made = history()
    assert len(made) == 0
    assert made.last is made.best is made.end is None
    assert made.epochs == made.batches == ()


def test_a_history_stays_as_it_is():
    made = history(epoch(1), epoch(2))
    longer = made.followed_by(epoch(3), BATCH)
    assert [record.epoch for record in longer] == [1, 2, 3]
    assert (len(made), len(made.batches)) == (2, 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.epochs = ()


def test_the_best_epoch_is_the_earliest_of_equals():
    made = history(epoch(1, test_accuracy=0.8), epoch(2, test_accuracy=0.9), epoch(3, test_accuracy=0.9))
    assert made.best.epoch == 2


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


def test_histories_of_equal_records_are_equal():
    assert history(epoch(1, seconds=1), BATCH) == history(epoch(1, seconds=2), BATCH)
    assert history(epoch(1)) != history(epoch(2))
