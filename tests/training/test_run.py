import copy
import math
import os
import pickle
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from reference_runs import diverging, of

from explorer.network import confusion_matrix
from explorer.training import (
    ConfigError,
    DivergedError,
    TrainingConfig,
    TrainingRun,
    complete,
    open_test_set,
    train,
)
from explorer.training.fields import Change
from explorer.training.records import BatchRecord, EpochRecord, Snapshot

SMALL = TrainingConfig(hidden_sizes=(6, 5), n_train=103, epochs=2, seed=3, learning_rate=0.02)
CHANGED = {"batch_size": 16, "changes": (Change(4, 0.05, 20), Change(9, 0.01, 7), Change(20, 0.1, 30))}


def records(run):
    """What a run says, without its silent steps."""
    return [event for event in run if event is not None]


def figures(events):
    """The part of a run's events that compares to the bit."""
    return [event for event in events if isinstance(event, EpochRecord | BatchRecord)]


def advance(run, step):
    """Iterate until the run has made `step` updates."""
    while run.step < step:
        assert next(run, "ended") != "ended"


def assert_same_snapshots(first, second):
    found, expected = (
        [(e.epoch, e.test_outputs, e.weights) for e in events if isinstance(e, Snapshot)]
        for events in (first, second)
    )
    np.testing.assert_equal(found, expected)


def oracle(run):
    """The reference's side of a run that has not begun: its weights, its data, its batches of each epoch."""
    config, data = run.config, run.dataset
    rng, n = copy.deepcopy(run.network.rng), len(data.train_labels)
    columns = lambda images: images.reshape(len(images), -1).T / 255.0  # noqa: E731
    return SimpleNamespace(
        theta=[w.astype(np.float64) for w in run.snapshot().weights],
        X=columns(data.train_images),
        D=np.eye(data.n_classes)[:, data.train_labels],
        X_test=columns(data.test_images),
        D_test=np.eye(data.n_classes)[:, data.test_labels],
        epochs=[reference.slices(rng.permutation(n), config.batch_size) for _ in range(config.epochs)],
        options={
            "lr": config.learning_rate,
            "activation": config.hidden_activation,
            "output": config.output,
            "loss": config.loss,
            "reduction": config.reduction,
        },
    )


def assert_close_to_reference(weights, theta):
    for i, (w, p) in enumerate(zip(weights, theta, strict=True)):
        assert w.shape == p.shape
        np.testing.assert_allclose(w, p, rtol=2e-4, atol=2e-5, err_msg=f"parameter {i} of W1, b1, W2, …")


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 64, 511, 512, 513, 587, 60_000])
def test_every_way_of_taking_batches_is_the_same_mathematics(small_dataset, batch_size, reduction):
    """587 images cross the limits of loads (512), of blocks (32) and of mini-batches, at different places."""
    config = SMALL.replace(
        n_train=587, epochs=1, batch_size=batch_size, reduction=reduction,
        learning_rate=0.003 if reduction == "sum" else 0.1,
    )  # fmt: skip
    run = TrainingRun(config, small_dataset)
    told = oracle(run)
    events = records(run)
    theta, losses, right = reference.sgd(told.theta, told.X, told.D, told.epochs[0], **told.options)
    assert run.step == len(losses) == math.ceil(587 / batch_size)
    assert_close_to_reference(events[-1].weights, theta)
    assert of(EpochRecord, events)[0].train_loss == pytest.approx(sum(losses) / 587, rel=1e-4)
    assert of(EpochRecord, events)[0].train_accuracy == pytest.approx(sum(right) / 587, abs=1e-12)


@pytest.mark.parametrize("batch_size", [1, 5, 16, 520, 600])
def test_an_epoch_has_at_most_20_stretches_which_add_up_to_its_record(small_dataset, batch_size):
    events = records(TrainingRun(SMALL.replace(n_train=587, batch_size=batch_size), small_dataset))
    done, steps, kinds = 0.0, 0, [type(event) for event in events]
    n = kinds.index(EpochRecord)
    assert 1 <= n <= 20
    assert kinds == [*[BatchRecord] * n, EpochRecord, Snapshot] * 2
    for number, epoch in enumerate(of(EpochRecord, events)):
        stretches = [e for e in events if isinstance(e, BatchRecord) and number < e.epoch <= number + 1]
        ends = [done, *(stretch.epoch for stretch in stretches)]
        shares = np.diff(ends)
        assert np.all(shares > 0)
        assert ends[-1] == number + 1
        assert shares @ [s.train_loss for s in stretches] == pytest.approx(epoch.train_loss, rel=1e-7)
        assert shares @ [s.train_accuracy for s in stretches] == pytest.approx(epoch.train_accuracy, rel=1e-9)
        assert all(s.step >= steps for s in stretches)
        steps = stretches[-1].step
        assert steps == (number + 1) * math.ceil(587 / batch_size)
        done = number + 1


@pytest.mark.parametrize(("n_train", "batch_size"), [(20, 1), (103, 8), (587, 64), (600, 520), (600, 600)])
def test_at_most_twenty_mini_batches_have_a_point_each(small_dataset, n_train, batch_size):
    """Each with the loss and accuracy of its own step, as the textbook finds them."""
    config = SMALL.replace(n_train=n_train, batch_size=batch_size)
    run = TrainingRun(config, small_dataset)
    told = oracle(run)
    points = [event for event in run if isinstance(event, BatchRecord)]
    batches = [batch for epoch in told.epochs for batch in epoch]
    _, losses, right = reference.sgd(told.theta, told.X, told.D, batches, **told.options)
    assert [point.step for point in points] == [*range(1, len(batches) + 1)]
    for point, batch, loss, n_right in zip(points, batches, losses, right, strict=True):
        assert point.train_loss == pytest.approx(loss / len(batch), rel=1e-4)
        assert point.train_accuracy == pytest.approx(n_right / len(batch), abs=1e-12)
    ends = [
        epoch + sum(map(len, told.epochs[0][:k])) / n_train
        for epoch in (0, 1)
        for k in range(1, len(batches) // 2 + 1)
    ]
    assert [point.epoch for point in points] == pytest.approx(ends)


def test_an_evaluation_is_exact_over_both_sets(small_dataset):
    run = TrainingRun(SMALL.replace(batch_size=2), small_dataset)
    told = oracle(run)
    advance(run, 20)  # within a block
    evaluation = run.evaluate()
    theta = [w.astype(np.float64) for w in run.snapshot().weights]
    for X, D, loss, accuracy in (
        (told.X, told.D, evaluation.train_loss, evaluation.train_accuracy),
        (told.X_test, told.D_test, evaluation.test_loss, evaluation.test_accuracy),
    ):
        y = reference.forward(theta, X, "sigmoid", "sigmoid")[1][-1]
        assert loss == pytest.approx(reference.loss("squared_error", y, D) / X.shape[1], rel=1e-5)
        assert accuracy == pytest.approx(np.mean(y.argmax(axis=0) == D.argmax(axis=0)), abs=1e-12)
    assert_same_snapshots([evaluation.snapshot], [run.snapshot()])
    expected = confusion_matrix(small_dataset.test_labels, y.argmax(axis=0), 10)
    np.testing.assert_array_equal(evaluation.confusion, expected)
    np.testing.assert_array_equal(run.network.predict(small_dataset.X_test), y.argmax(axis=0))
    assert evaluation.step == 20
    assert evaluation.epoch == pytest.approx(40 / 103)


def test_an_evaluation_can_be_left(long_test_set):
    """Before any of its chunks, and within a block: what it was settled for is taken back."""
    config = SMALL.replace(batch_size=2, n_train=587, epochs=1)
    through = records(TrainingRun(config, long_test_set))
    run, asked = TrainingRun(config, long_test_set), []
    events = [next(run) for _ in range(20)]
    chunks = 2 + 3  # of 587 and of 1200 images
    for left_after in range(chunks):
        answers = iter([True] * left_after + [False])
        assert run.evaluate(lambda answers=answers: next(answers)) is None
    exact = run.evaluate(lambda: not asked.append(1))
    assert len(asked) >= chunks
    again = run.evaluate()
    assert (exact.train_loss, exact.test_loss) == (again.train_loss, again.test_loss)
    events = [event for event in events if event is not None] + records(run)
    assert figures(events) == figures(through)
    assert_same_snapshots(events, through)


def test_the_test_set_is_scored_once_at_an_epochs_end(long_test_set):
    """An evaluation there takes the epoch's own figures, which are those of a new scoring."""

    def chunks():
        asked = []
        return run.evaluate(lambda: not asked.append(1)), len(asked)

    run = TrainingRun(SMALL.replace(epochs=1), long_test_set)
    *_, record, snapshot = run
    weights = run.network.weights()
    at_its_end, few = chunks()
    assert at_its_end.test_loss == record.test_loss
    assert at_its_end.test_accuracy == record.test_accuracy
    np.testing.assert_array_equal(at_its_end.confusion, record.confusion)
    assert_same_snapshots([at_its_end.snapshot, run.snapshot()], [snapshot, snapshot])
    run.set_weights([-w for w in weights])
    elsewhere, many = chunks()
    assert many - few == 2, "the second and third chunk of 512 images"
    assert elsewhere.test_loss != record.test_loss
    fresh = TrainingRun(SMALL, long_test_set)
    fresh.set_weights(weights)
    assert fresh.evaluate().test_loss == record.test_loss
    np.testing.assert_array_equal(fresh.snapshot().test_outputs, snapshot.test_outputs)


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("n_train", [None, 400])
def test_the_test_set_opened_is_what_a_run_without_a_split_says_of_the_same_weights(
    small_dataset, l2, n_train
):
    config = SMALL.replace(l2=l2, n_train=n_train)
    run = TrainingRun(config.replace(n_validation=150), small_dataset)
    final = complete(run).end.final
    judge = TrainingRun(config, small_dataset)
    judge.set_weights(run.network.weights())
    expected = judge.evaluate()
    split = small_dataset.head(n_train).hold_out(150, config.seed)
    found = open_test_set(run.network, split)
    assert (found.accuracy, found.n_images) == (expected.test_accuracy, 200)
    assert found.loss == pytest.approx(expected.test_loss, rel=1e-5)
    assert found == open_test_set(run.network, small_dataset)
    assert found.accuracy != final.test_accuracy


def test_what_is_handed_out_is_read_only_and_stays(small_dataset):
    run = TrainingRun(SMALL, small_dataset)
    first = run.snapshot()
    kept = [w.copy() for w in first.weights]
    events = records(run)
    last = run.evaluate()
    for array in (
        first.test_outputs, *first.weights, of(EpochRecord, events)[0].confusion,
        last.confusion, last.snapshot.test_outputs, *last.snapshot.weights,
    ):  # fmt: skip
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
    np.testing.assert_equal(first.weights, kept)
    assert not any(np.shares_memory(w, run.network.W1) for w in first.weights)
    assert (first.epoch, first.test_outputs.shape) == (0, (10, 200))
    assert [w.shape for w in first.weights] == [(6, 784), (6, 1), (5, 6), (5, 1), (10, 5), (10, 1)]


def test_another_process_gives_the_same_records(small_dataset, tmp_path):
    """A fresh interpreter, as a study's workers are, with a BLAS that would use two threads."""
    config = TrainingConfig(hidden_sizes=64, batch_size=100, epochs=2)
    (tmp_path / "in").write_bytes(pickle.dumps((config, small_dataset)))
    code = (
        "import pickle, sys; from explorer import train; folder = sys.argv[1];"
        "records = list(train(*pickle.load(open(folder + '/in', 'rb'))));"
        "pickle.dump(records, open(folder + '/out', 'wb'))"
    )
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, env=environment)
    assert pickle.loads((tmp_path / "out").read_bytes()) == list(train(config, small_dataset))


@pytest.mark.parametrize("batch_size", [2, 5, 16, 520])
def test_looking_between_batches_and_while_the_test_set_is_scored_changes_nothing(long_test_set, batch_size):
    """One `next` at a time, with figures and a snapshot taken after each: the records of running through."""
    config = SMALL.replace(n_train=587, batch_size=batch_size, epochs=1)
    through = records(TrainingRun(config, long_test_set))
    run, stepped = TrainingRun(config, long_test_set), []
    while (event := next(run, "ended")) != "ended":
        stepped.append(event)
        is_scoring = event is None and run.epoch == 1
        if len(stepped) % 7 in (0, 1) or is_scoring:
            run.evaluate()
            run.snapshot()
    stepped = [event for event in stepped if event is not None]
    assert figures(stepped) == figures(through)
    assert_same_snapshots(stepped, through)


def test_a_large_mini_batch_comes_in_parts(small_dataset):
    """So that Stop is heard within it."""
    run = TrainingRun(SMALL.replace(n_train=None, batch_size=600, epochs=1), small_dataset)
    before = run.snapshot().weights[0]
    next(run)
    assert run.step == 0
    np.testing.assert_array_equal(run.snapshot().weights[0], before)
    next(run)
    assert run.step == 1


@pytest.mark.parametrize("batch_size", [2, 16, 600])
def test_going_on_from_2_to_4_epochs_is_a_run_of_4(small_dataset, batch_size):
    config = SMALL.replace(batch_size=batch_size)
    longer = records(TrainingRun(config.replace(epochs=4), small_dataset))
    run = TrainingRun(config, small_dataset)
    events = records(run)
    assert len(of(EpochRecord, events)) == 2
    run.extend(4)
    events += records(run)
    assert figures(events) == figures(longer)
    assert_same_snapshots(events, longer)


def test_epochs_and_a_change_that_come_at_once_are_both_kept(small_dataset, monkeypatch):
    run, replace = TrainingRun(SMALL.replace(batch_size=8), small_dataset), TrainingConfig.replace
    extends, changed = threading.Event(), threading.Event()

    def dawdle(config, **settings):
        if "epochs" in settings:
            extends.set()
            changed.wait(0.2)  # it never comes while the other waits
        return replace(config, **settings)

    monkeypatch.setattr(TrainingConfig, "replace", dawdle)
    advance(run, 3)
    run.change(0.5, 32)
    thread = threading.Thread(target=run.extend, args=(5,))
    thread.start()
    assert extends.wait(60)
    advance(run, 4)
    changed.set()
    thread.join()
    assert (run.config.epochs, run.config.changes) == (5, (Change(3, 0.5, 32),))


def test_the_last_record_before_a_change_has_the_rate_that_it_was_trained_at(small_dataset):
    config = TrainingConfig(hidden_sizes=6, batch_size=8, learning_rate=0.05, epochs=1)
    run = TrainingRun(config.replace(changes=(Change(10, 0.01, 16),)), small_dataset)
    rates = {r.step: r.learning_rate for r in run if isinstance(r, BatchRecord)}
    assert 10 in rates
    assert all(rate == (0.05 if step <= 10 else 0.01) for step, rate in rates.items())


@pytest.mark.parametrize("batch_size", [1, 8])
def test_the_network_of_a_run_in_mid_epoch_is_that_of_its_weights(small_dataset, batch_size):
    run = TrainingRun(SMALL.replace(batch_size=batch_size), small_dataset)
    advance(run, 3)  # in a block, whose steps are still to be applied
    np.testing.assert_equal(run.network.parameters, run.weights())


@pytest.mark.parametrize("changes", [{"batch_size": 2}, {"batch_size": 16}, {"batch_size": 600}, CHANGED])
def test_a_run_that_starts_from_a_snapshot_goes_on_as_the_other_did(small_dataset, changes):
    config = SMALL.replace(epochs=4, **changes)
    whole = records(TrainingRun(config, small_dataset))
    second = next(event for event in whole if isinstance(event, Snapshot) and event.epoch == 2)
    fork = TrainingRun(config, small_dataset, start=second)
    assert (fork.epoch, fork.step) == (2, config.steps_at_ends(fork.dataset.n_train)[2])
    assert_same_snapshots([fork.snapshot()], [second])
    rest = whole[whole.index(second) + 1 :]
    forked = records(fork)
    assert figures(forked) == figures(rest)
    assert_same_snapshots(forked, rest)


def test_a_fork_takes_its_own_settings_and_leaves_the_snapshot_alone(small_dataset):
    run = TrainingRun(SMALL, small_dataset)
    start = next(event for event in run if isinstance(event, Snapshot))
    kept = [w.copy() for w in start.weights]
    fork = TrainingRun(SMALL.replace(learning_rate=0.5, batch_size=7, epochs=3), small_dataset, start=start)
    told = oracle(fork)
    next(fork)
    theta, _, _ = reference.sgd(told.theta, told.X, told.D, told.epochs[1][:1], **told.options)
    assert_close_to_reference(fork.snapshot().weights, theta)
    assert [epoch.epoch for epoch in of(EpochRecord, fork)] == [2, 3]
    np.testing.assert_equal(start.weights, kept)


def test_a_fork_that_can_not_be_is_refused(small_dataset):
    start = [event for event in TrainingRun(SMALL, small_dataset) if isinstance(event, Snapshot)][-1]
    with pytest.raises(ConfigError, match="epochs"):
        TrainingRun(SMALL.replace(epochs=SMALL.epochs - 1), small_dataset, start=start)
    with pytest.raises(ValueError, match="shape"):
        TrainingRun(SMALL.replace(hidden_sizes=(6, 7), epochs=9), small_dataset, start=start)
    with pytest.raises(ValueError, match=r"weights|parameters|layers"):
        TrainingRun(SMALL.replace(hidden_sizes=6, epochs=9), small_dataset, start=start)


def test_a_run_with_no_epoch_to_go_is_there_to_be_looked_at(small_dataset):
    before = TrainingRun(SMALL, small_dataset)
    records(before)
    again = TrainingRun(SMALL, small_dataset, start=before.snapshot())
    assert records(again) == []
    assert again.evaluate().train_accuracy == before.evaluate().train_accuracy


def test_more_images_than_there_are_is_refused(small_dataset):
    with pytest.raises(ConfigError, match="600") as refused:
        TrainingRun(SMALL.replace(n_train=601), small_dataset)
    assert (refused.value.field, refused.value.value) == ("n_train", 601)


def until_it_diverges(run):
    """What the run says before its error, and the error."""
    seen = []
    with pytest.raises(DivergedError) as diverged:
        seen.extend(event for event in run if event is not None)  # keeps what came before
    return seen, diverged.value


DIVERGING = diverging(SMALL).replace(initializer="he", epochs=20)


def test_a_diverged_run_says_since_when(small_dataset):
    run = TrainingRun(DIVERGING.replace(batch_size=4, n_train=None), small_dataset)
    seen, error = until_it_diverges(run)
    assert run.step < run.steps_per_epoch, "an epoch that has gone wrong is not run to its end"
    assert all(math.isfinite(record.train_loss) for record in figures(seen))
    assert of(EpochRecord, seen) == []
    assert error.epoch == 1
    assert str(error) == "the loss has not been a number since epoch 1"
    assert pickle.loads(pickle.dumps(error)).epoch == 1


def test_a_diverged_run_keeps_what_came_before(small_dataset):
    """One step an epoch: the loss of each is from before its step, so a test loss may go wrong first."""
    seen, error = until_it_diverges(TrainingRun(DIVERGING.replace(batch_size=103), small_dataset))
    assert error.epoch == len(of(EpochRecord, seen)) + 1 > 1
    assert all(math.isfinite(record.train_loss) for record in figures(seen))
    assert all(math.isfinite(record.test_loss) for record in of(EpochRecord, seen))


@pytest.mark.slow
def test_the_exercise_reaches_its_mark(mnist):
    """784-32-10, sigmoid, squared error, batch 512, 10 epochs: 93.5 % of the 10 000 test images, seeds 0 to 2."""
    last = [list(train(TrainingConfig(seed=seed), mnist))[-1] for seed in range(3)]
    assert np.mean([record.test_accuracy for record in last]) >= 0.935
    assert [record.confusion.sum() for record in last] == [10_000] * 3
