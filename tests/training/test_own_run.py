"""Networks of somebody's own class: trained by themselves, told as any run is."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from own_networks import Endless, Mine, Mismatched, Named, Pasted, Renamed, Sideways, SlopeForgotten

from explorer import EpochRecord, NeuralNetwork, TrainingConfig, train
from explorer.network.gradient_check import check_gradient, choose_weights
from explorer.training import BatchRecord, OwnClass, OwnNetworkError, Runner, TrainingRun
from explorer.training.own_network import departs
from explorer.training.own_run import by_turns
from explorer.training.process_settings import one_blas_thread

CONFIG = TrainingConfig(hidden_sizes=6, epochs=2, batch_size=64, learning_rate=0.05)
PATIENCE = 60


@pytest.fixture(autouse=True)
def _one_thread():
    with one_blas_thread():
        yield


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("made_by", [Mine, Named, Pasted, NeuralNetwork])
def test_the_textbooks_formulas_give_the_textbooks_records(made_by, reduction, small_dataset):
    config = CONFIG.replace(reduction=reduction, learning_rate={"sum": 0.05, "mean": 2.0}[reduction])
    events = [*TrainingRun(config, small_dataset, own=OwnClass(made_by))]
    found = [event for event in events if isinstance(event, EpochRecord)]
    for ours, own in zip(train(config, small_dataset), found, strict=True):
        assert own.train_accuracy == ours.train_accuracy
        np.testing.assert_array_equal(own.confusion, ours.confusion)
        np.testing.assert_allclose(
            [own.train_loss, own.test_loss], [ours.train_loss, ours.test_loss], rtol=1e-5
        )
    batches = [event for event in events if isinstance(event, BatchRecord)]
    assert [batch.step for batch in batches] == list(range(1, 21))


def test_penalties_of_the_textbooks_network_are_in_every_loss(small_dataset):
    config = CONFIG.replace(l2=0.01)
    found = [*TrainingRun(config, small_dataset, own=OwnClass(NeuralNetwork))]
    ours = [record.test_loss for record in found if isinstance(record, EpochRecord)]
    expected = [record.test_loss for record in train(config, small_dataset)]
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_a_mini_batch_may_be_given_by_keywords_in_any_order(small_dataset):
    class ByName(Mine):
        def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
            n = X.shape[1]
            for batch in np.split(self.rng.permutation(n), range(batch_size, n, batch_size)):
                self.pass_on(X[:, batch], d[:, batch], lr)

        def pass_on(self, X, d, lr):
            self.train_iteration(lr=lr, d=d, X=X)

    class Wrapped(ByName):
        def pass_on(self, X, d, lr):
            self.train_iteration(X, d=d, lr=lr)

        def train_iteration(self, *arguments, **options):
            return Mine.train_iteration(self, *arguments, **options)

    classes = Mine, ByName, Wrapped
    events = [[*TrainingRun(CONFIG.replace(epochs=1), small_dataset, own=OwnClass(cls))] for cls in classes]
    ours, *others = ([event for event in said if isinstance(event, BatchRecord)] for said in events)
    assert others == [ours, ours]


def test_a_snapshot_has_the_size_that_it_is_said_to_have(small_dataset):
    run = TrainingRun(CONFIG, small_dataset, own=OwnClass(Mine))
    snapshot = run.snapshot()
    assert (
        run.snapshot_bytes == sum(array.nbytes for array in snapshot.weights) + 4 * snapshot.test_outputs.size
    )


def test_each_epoch_goes_on_from_the_last_and_more_may_follow(small_dataset):
    run, whole = (TrainingRun(CONFIG, small_dataset, own=OwnClass(Mine)) for _ in range(2))
    first = [*run]
    run.extend(4)
    whole.extend(4)
    weights = [event.weights[0] for event in [*first, *run] if hasattr(event, "weights")]
    expected = [event.weights[0] for event in whole if hasattr(event, "weights")]
    np.testing.assert_array_equal(weights, expected)


class Unsummed(Mine):
    def train_iteration(self, X, d, lr=0.01):
        return (self.forward(X) - d) ** 2


class Rows(Mine):
    def forward(self, X):
        return super().forward(X).T


class Short(Mine):
    def fit(self, X, d, batch_size):
        pass


class Rateless(Mine):
    def train_iteration(self, X, d):
        return 1.0

    def fit(self, X, d, batch_size, n_epochs, lr):
        self.train_iteration(X, d)


class Unmade(Mine):
    def __init__(self, n_input, n_hidden, n_output):
        self.W1 = n_hidden + "units"


@pytest.mark.parametrize(
    ("made_by", "sentence"),
    [
        (Mismatched, r"Mismatched raised ValueError in backward, line \d+, “return X @ y”"),
        (Unsummed, r"train_iteration returned shape \(10, 64\); expected one number"),
        (Rows, r"forward returned shape \(512, 10\); expected \(10, 512\)"),
        (Unmade, "Unmade raised TypeError in __init__, line"),
        (Short, r"Short raised TypeError in fit: Short\.fit\(\) takes"),
        (Rateless, "train_iteration takes no learning rate"),
    ],
)
def test_what_goes_wrong_in_the_class_is_one_sentence(made_by, sentence, small_dataset):
    config = CONFIG.replace(reduction="mean" if made_by is Rateless else "sum")

    def use():
        run = TrainingRun(config, small_dataset, own=OwnClass(made_by))
        run.evaluate()
        return list(run)

    with pytest.raises(OwnNetworkError, match=sentence):
        use()


class LoneForward:
    def forward(self, X):
        return X


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Mine(4, 3, 2), "expected a class, as Mine"),
        (LoneForward, "LoneForward has no train_iteration and no fit"),
        (type("Short", (Mine,), {"__init__": lambda self, n_input: None}), "can't be called as Short"),
    ],
)
def test_what_is_no_network_is_refused(network, message):
    with pytest.raises(TypeError, match=message):
        OwnClass(network)


def test_the_keywords_that_it_names_are_its_settings():
    assert OwnClass(Mine).keywords == ("seed",)
    assert {"initializer", "output"} & {*OwnClass(Mine).settings} == set()
    functions = ("hidden_activation", "output", "loss", "initializer", "optimizer")
    methods = ("l2", "l1", "dropout", "input_dropout", "max_norm")
    assert OwnClass(NeuralNetwork).keywords == (*functions, *methods, "seed")
    assert not {"schedule", "warmup", "shift", "patience", "changes"} & {*OwnClass(NeuralNetwork).settings}


def own_threads():
    return [thread for thread in threading.enumerate() if thread.name == "explorer-own-fit"]


def until_no_thread_is_left():
    for thread in own_threads():
        thread.join(PATIENCE)
    assert not own_threads(), "a fit goes on"


def test_code_that_never_returns_is_abandoned_and_the_end_says_so(small_dataset, caplog):
    records = []
    runner = Runner(lambda delivery: records.extend(delivery.records))
    runner.start(TrainingRun(CONFIG, small_dataset, own=OwnClass(Endless)))
    runner.stop()
    assert runner.wait(PATIENCE)
    runner.close()
    end = records[-1]
    assert (end.status, end.final.epoch) == ("stopped", 0)
    assert "code of Endless is still running" in end.reason
    assert end.reason in caplog.text
    Endless.released.set()
    until_no_thread_is_left()


class SeveralLayers(Mine):
    def __init__(self, n_input, n_hidden, n_output):
        (first,) = n_hidden
        super().__init__(n_input, first, n_output, seed=0)


class SizesAsSettings(Mine):
    def __init__(self, inputs, hidden, output):
        super().__init__(inputs, hidden, output, seed=0)


@pytest.mark.parametrize("made_by", [SeveralLayers, SizesAsSettings])
def test_units_come_as_a_number_or_else_as_a_sequence_whatever_their_names(made_by, small_dataset):
    assert TrainingRun(CONFIG, small_dataset, own=OwnClass(made_by)).weights()[0].shape == (6, 784)


def test_a_run_that_is_left_in_mid_epoch_leaves_no_thread_and_begins_the_epoch_again(small_dataset):
    run = TrainingRun(CONFIG, small_dataset, own=OwnClass(Mine))
    first = [next(iter(run)) for _ in range(3)]
    run.leave()
    until_no_thread_is_left()
    again = [event for event in run if isinstance(event, BatchRecord)]
    assert [batch.step for batch in first] == [1, 2, 3]
    assert [batch.step for batch in again] == [*range(4, 21)]


class Stubborn(Mine):
    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        while True:
            try:
                self.train_iteration(X[:, :batch_size], d[:, :batch_size], lr)
            except:  # noqa: E722
                return


def test_a_fit_that_takes_every_error_for_its_own_ends_as_well(small_dataset):
    run = TrainingRun(CONFIG, small_dataset, own=OwnClass(Stubborn))
    next(iter(run))
    run.leave()
    until_no_thread_is_left()


def test_what_failed_keeps_none_of_its_images(small_dataset):
    ends = []
    runner = Runner(lambda delivery: ends.extend(delivery.records))
    runner.start(TrainingRun(CONFIG, small_dataset, own=OwnClass(Mismatched)))
    assert runner.wait(PATIENCE)
    error = ends[-1].error
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


class Halfway(Mine):
    """Moves its weights, and a good while later its biases."""

    def train_iteration(self, X, d, lr=0.01):
        self.W1 = self.W1 + 1
        time.sleep(0.3)
        self.b1 = self.b1 + 1
        return 1.0


def test_a_pause_waits_for_the_end_of_a_mini_batch(small_dataset):
    found = []
    runner = Runner(lambda delivery: found.extend(delivery.records))
    run = TrainingRun(CONFIG, small_dataset, own=OwnClass(Halfway))
    runner.start(run)
    runner.pause()
    assert runner.wait(PATIENCE)
    W1, b1, *_ = found[-1].snapshot.weights
    np.testing.assert_allclose(W1 - run.first_weights[0], run.step, rtol=1e-5)
    np.testing.assert_allclose(b1 - run.first_weights[1], run.step, rtol=1e-5)
    runner.close()


def test_the_last_stretch_of_an_epoch_is_told_whatever_its_length(small_dataset):
    run = TrainingRun(CONFIG.replace(batch_size=7), small_dataset, own=OwnClass(Mine))
    epochs = [event.epoch for event in run if isinstance(event, BatchRecord)]
    assert {1.0, 2.0} < {*epochs}


class Idle(Mine):
    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        pass


def test_a_fit_without_mini_batches_has_epochs_and_no_steps(small_dataset):
    run = TrainingRun(CONFIG.replace(batch_size=600), small_dataset, own=OwnClass(Idle))
    events = [*run]
    assert [event.epoch for event in events if isinstance(event, EpochRecord)] == [1, 2]
    assert run.batch_step(run.first_weights) is None


class Silent(Mine):
    answers = threading.Event()

    def forward(self, X):
        if X.shape[1] > 16:  # not what its functions are recognized by
            self.answers.wait()
        return super().forward(X)


def test_a_forward_that_never_ends_is_left(small_dataset):
    run, tries = TrainingRun(CONFIG, small_dataset, own=OwnClass(Silent)), iter([True] * 3)
    assert run.evaluate(lambda: next(tries, False)) is None
    assert "code of Silent is still running" in run.leave()
    Silent.answers.set()
    until_no_thread_is_left()


class OwnFit(NeuralNetwork):
    """Steps by the textbook's optimizer, epochs by itself."""

    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        for start in range(0, X.shape[1], batch_size):
            self.train_iteration(X[:, start : start + batch_size], d[:, start : start + batch_size], lr)


def test_an_optimizer_that_takes_the_mean_is_given_the_rate_whole(small_dataset):
    config = CONFIG.replace(optimizer="adam", learning_rate=0.003)
    by_sum, by_mean = (
        [
            record
            for record in TrainingRun(each, small_dataset, own=OwnClass(OwnFit))
            if isinstance(record, EpochRecord)
        ]
        for each in (config, config.replace(reduction="mean"))
    )
    assert by_sum == by_mean


def test_work_stands_still_until_more_is_asked_for():
    done = []
    words = by_turns(lambda say: [(done.append(n), say(n)) for n in range(3)])
    assert next(word for word in words if word is not None) == 0
    assert done == [0]
    assert [word for word in words if word is not None] == [1, 2]


@pytest.mark.parametrize("made_by", [Renamed, Sideways])
def test_a_class_without_the_usual_weights_has_figures_but_no_network(made_by, small_dataset):
    run = TrainingRun(CONFIG, small_dataset, own=OwnClass(made_by))
    before = run.evaluate()
    assert len([*run]) > 2
    assert run.evaluate().train_loss < before.train_loss
    assert run.weights() == run.first_weights == ()
    with pytest.raises(OwnNetworkError, match="has no W1, b1, W2, b2 of the usual shapes"):
        _ = run.network


@pytest.mark.parametrize(("made_by", "agrees"), [(Mine, True), (Pasted, True), (SlopeForgotten, False)])
def test_the_gradient_check_is_of_its_own_passes(made_by, agrees, small_dataset):
    network = TrainingRun(CONFIG, small_dataset, own=OwnClass(made_by)).network
    X, d = small_dataset.X_test[:, :8], small_dataset.Y_test[:, :8]
    checked = check_gradient(network, X, d, choose_weights(network, X, np.random.default_rng(0)))
    assert {weight.agrees for weight in checked if weight.place.parameter in ("W1", "b1")} == {agrees}
    assert all(weight.agrees for weight in checked if weight.place.parameter in ("W2", "b2"))
    assert not departs(network, backward=False)
    assert departs(network) is not agrees


class Rectified(Mine):
    def forward(self, X):
        self.a1 = self.W1 @ X + self.b1
        self.h1 = np.maximum(0, self.a1)
        e = np.exp(self.W2 @ self.h1 + self.b2)
        return e / e.sum(axis=0)


class Linear(Mine):
    def forward(self, X):
        super().forward(X)
        return self.a2


def test_its_functions_are_recognized_by_their_outputs(small_dataset):
    config = TrainingRun(CONFIG, small_dataset, own=OwnClass(Rectified)).config
    assert (config.hidden_activation, config.output, config.loss) == ("relu", "softmax", "cross_entropy")
    unknown = TrainingRun(CONFIG, small_dataset, own=OwnClass(Linear))
    assert unknown.config == CONFIG
    assert departs(unknown.network, backward=False)
