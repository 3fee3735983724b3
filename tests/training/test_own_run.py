"""Runs of a user's class: trained by its own methods, with the records of any run."""

from collections import Counter

import numpy as np
import pytest
from app_steps import done
from own_networks import (
    Mine,
    Mismatched,
    Named,
    OnlySteps,
    Pasted,
    Rectified,
    Renamed,
    Sideways,
    SlopeForgotten,
)
from reference_runs import of

from explorer import EpochRecord, NeuralNetwork, TrainingConfig, train
from explorer.checks import MISTAKES
from explorer.network.gradient_check import check_gradient, choose_weights
from explorer.training import BatchRecord, OwnNetworkError, Snapshot, TrainingRun
from explorer.training.own_network import OwnClass, departs, fits_as_usual
from explorer.training.process_settings import one_blas_thread
from explorer.training.runner import Runner

CONFIG = TrainingConfig(hidden_sizes=6, epochs=2, batch_size=64, learning_rate=0.05)


@pytest.fixture(autouse=True)
def _one_thread():
    with one_blas_thread():
        yield


@pytest.fixture
def run_of(small_dataset):
    return lambda made_by, config=CONFIG: TrainingRun(config, small_dataset, own=OwnClass(made_by))


@pytest.mark.parametrize("made_by", [Mine, Named, Pasted, NeuralNetwork])
@pytest.mark.parametrize("changes", [
    {}, {"reduction": "mean", "learning_rate": 2.0}, {"l2": 0.01},
    {"optimizer": "adam", "learning_rate": 0.003, "reduction": "mean"},
])  # fmt: skip
def test_the_textbooks_formulas_give_the_textbooks_records(made_by, changes, run_of, small_dataset):
    if made_by is not NeuralNetwork and changes.keys() & {"l2", "optimizer"}:
        return  # it has no such settings
    config = CONFIG.replace(**changes)
    events = [*run_of(made_by, config)]
    for ours, own in zip(train(config, small_dataset), of(EpochRecord, events), strict=True):
        assert own.train_accuracy == ours.train_accuracy
        np.testing.assert_array_equal(own.confusion, ours.confusion)
        losses = [ours.train_loss, ours.test_loss]
        np.testing.assert_allclose([own.train_loss, own.test_loss], losses, rtol=1e-5)
    assert [batch.step for batch in of(BatchRecord, events)] == list(range(1, 21))


def test_each_epoch_goes_on_from_the_last_and_more_may_follow(run_of):
    run, whole = run_of(Mine), run_of(Mine, CONFIG.replace(epochs=4))
    first = [*run]
    run.extend(4)
    both = [*first, *run], whole
    weights, expected = ([each.weights[0] for each in of(Snapshot, found)] for found in both)
    np.testing.assert_array_equal(weights, expected)


class OnlyFit(OnlySteps):
    train_iteration = None

    def fit(self, X, d, batch_size, n_epochs, lr):
        self.inner.fit(X, d, batch_size, n_epochs, lr)


class Idle(Mine):
    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        pass


class Standardized(Mine):
    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        Mine.fit(self, X - X.mean(), d, batch_size, n_epochs, lr)


class Careful(Mine):
    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        assert X.min() >= 0
        assert X.max() <= 1
        Mine.fit(self, X, d, batch_size, n_epochs, lr)


class DividedByNothing(Mine):
    def fit(self, X, d, batch_size, n_epochs=10, lr=0.01):
        Mine.fit(self, X / (X.std() * 0), d, batch_size, n_epochs, lr)


AS_USUAL = OnlySteps, Mine, Careful
ODD_FITS = [MISTAKES[name].network for name in ("last-batch-dropped", "shuffled-apart", "rate-not-passed")]


@pytest.mark.parametrize(
    ("made_by", "n_batches"),
    [*((each, 20) for each in AS_USUAL), *((each, 0) for each in (OnlyFit, Idle, Standardized, *ODD_FITS))],
)
def test_a_fit_is_used_where_there_are_no_steps_or_it_does_not_make_them_as_usual(made_by, n_batches, run_of):
    run = run_of(made_by)
    events = [*run]
    assert [event.epoch for event in of(EpochRecord, events)] == [1, 2]
    assert len(of(BatchRecord, events)) == n_batches
    assert run.step == 20
    assert (run.batch_step(run.first_weights) is None) == (n_batches == 0)


def test_a_fit_whose_inputs_are_no_numbers_is_used_as_it_is(small_dataset):
    assert not fits_as_usual(OwnClass(DividedByNothing), CONFIG, small_dataset)


class Unsummed(Mine):
    def train_iteration(self, X, d, lr=0.01):
        return (self.forward(X) - d) ** 2


class Worded(Mine):
    def train_iteration(self, X, d, lr=0.01):
        return "a loss"


class Rows(Mine):
    def forward(self, X):
        return super().forward(X).T


class Short(Mine):
    def fit(self, X, d, batch_size):
        pass


class Unmade(Mine):
    def __init__(self, n_input, n_hidden, n_output):
        self.W1 = n_hidden + "units"


@pytest.mark.parametrize(
    ("made_by", "sentence"),
    [
        (
            Mismatched,
            r"Mismatched.train_iteration raised ValueError: .*\(in backward, line \d+: return X @ y\)",
        ),
        (Unsummed, r"train_iteration returned shape \(10, 64\); expected one number"),
        (Worded, "train_iteration returned str; expected one number"),
        (Rows, r"forward returned shape \(512, 10\); expected \(10, 512\)"),
        (Unmade, r"Unmade.__init__ raised TypeError: .* \(in __init__, line"),
        (Short, r"Short.fit raised TypeError: Short\.fit\(\) takes"),
    ],
)
def test_what_goes_wrong_in_the_class_is_one_sentence(made_by, sentence, run_of):
    def use():
        run = run_of(made_by)
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
        (object, "object has no forward and no train_iteration and no fit"),
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


class SeveralLayers(Mine):
    def __init__(self, n_input, n_hidden, n_output):
        (first,) = n_hidden
        super().__init__(n_input, first, n_output, seed=0)


class SizesAsSettings(Mine):
    def __init__(self, inputs, hidden, output):
        super().__init__(inputs, hidden, output, seed=0)


@pytest.mark.parametrize("made_by", [SeveralLayers, SizesAsSettings])
def test_units_come_as_a_number_or_else_as_a_sequence_whatever_their_names(made_by, run_of):
    assert run_of(made_by).weights()[0].shape == (6, 784)


def test_what_failed_keeps_none_of_its_images(run_of):
    ends = []
    runner = Runner(lambda delivery: ends.extend(delivery.records))
    done(runner.start, run_of(Mismatched))
    error = ends[-1].error
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


def test_the_last_stretch_of_an_epoch_is_told_whatever_its_length(run_of):
    epochs = Counter(event.epoch for event in of(BatchRecord, run_of(Mine, CONFIG.replace(batch_size=7))))
    assert {1.0, 2.0} < {*epochs}
    assert len(epochs) <= 40


@pytest.mark.parametrize("made_by", [Renamed, Sideways])
def test_a_class_without_the_usual_weights_has_figures_but_no_network(made_by, run_of):
    run = run_of(made_by)
    before = run.evaluate()
    assert len([*run]) > 2
    assert run.evaluate().train_loss < before.train_loss
    assert run.weights() == run.first_weights == ()
    with pytest.raises(OwnNetworkError, match="has no W1, b1, W2, b2 of the usual shapes"):
        _ = run.network


@pytest.mark.parametrize(("made_by", "agrees"), [(Mine, True), (Pasted, True), (SlopeForgotten, False)])
def test_the_gradient_check_is_of_its_own_passes(made_by, agrees, run_of, small_dataset):
    network = run_of(made_by).network
    X, d = small_dataset.X_test[:, :8], small_dataset.Y_test[:, :8]
    checked = check_gradient(network, X, d, choose_weights(network, X, np.random.default_rng(0)))
    assert {weight.agrees for weight in checked if weight.place.parameter in ("W1", "b1")} == {agrees}
    assert all(weight.agrees for weight in checked if weight.place.parameter in ("W2", "b2"))
    assert departs(network) is not agrees


class Inherited(NeuralNetwork):
    def __init__(self, n_input, n_hidden, n_output):
        super().__init__(n_input, n_hidden, n_output, **Rectified.functions)


@pytest.mark.parametrize(
    ("made_by", "functions"), [(Mine, {}), (Rectified, Rectified.functions), (Inherited, Rectified.functions)]
)
def test_a_class_says_which_functions_it_has_or_has_the_exercises(made_by, functions, run_of):
    run = run_of(made_by, CONFIG.replace(hidden_activation="tanh", initializer="he", schedule="cosine"))
    assert run.config == CONFIG.replace(**functions)
    assert not departs(run.network)


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ("softmax", "Odd.functions is 'softmax'; expected a dict with any of the keys hidden_activation, "),
        ({"seed": 1}, "Odd.functions is {'seed': 1}; expected a dict"),
        ({"output": "sofmax"}, "Odd.functions: output is 'sofmax'; expected"),
    ],
)
def test_functions_that_there_are_not_are_refused(functions, message):
    with pytest.raises(TypeError, match=message):
        OwnClass(type("Odd", (Mine,), {"functions": functions}))
