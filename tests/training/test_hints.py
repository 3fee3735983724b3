from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.network.diagnostics import LayerDiagnostics, diagnose
from explorer.training import PRESETS, DivergedError, TrainingRun, complete
from explorer.training.fields import Change
from explorer.training.hints import changes_in_words, hints
from explorer.training.presets import fitting_rate
from explorer.training.records import BatchRecord, EpochRecord, Evaluation, History, RunEnd, Snapshot

EXERCISE, MODERN = PRESETS["The exercise"], PRESETS["Modern"]
CONFUSION = np.full((10, 10), 100)  # of 10 000 images
N = 60_000


def history(config, test, *, train=None, test_loss=None, train_loss=None, end="finished"):
    """A run with these figures, an epoch each; losses that aren't given fall by a tenth each epoch."""
    n = len(test)
    train = test if train is None else train
    falling = [0.9**k for k in range(n)]
    columns = zip(train_loss or falling, test_loss or falling, train, test, strict=True)
    run = History(config.replace(epochs=max(n, 1)))
    for epoch, figures in enumerate(columns, 1):
        run = run.followed_by(EpochRecord(epoch, *figures, 1.0, CONFUSION))
    if end in ("finished", "stopped"):
        final = None if n == 0 else evaluation(n, train[-1], test[-1])
        run = run.followed_by(RunEnd(end, final=final))
    return run


def evaluation(epoch, train, test):
    snapshot = Snapshot(epoch, (), np.zeros((10, 1)))
    return Evaluation(epoch, epoch, 0.1, 0.1, train, test, CONFUSION, snapshot)


GIVEN = ("n_train", "diagnostics", "n_available", "start_accuracy")


def said(config, *figures, **more):
    """The hints of a run with these figures."""
    given = {name: more.pop(name) for name in GIVEN if name in more}
    return hints(history(config, *figures, **more), **{"n_train": N, **given})


def layer(**figures):
    neutral = {"layer": 1, "activation": "sigmoid", "n_units": 32, "gradient_rms": 1e-3}
    return LayerDiagnostics(**{**neutral, "saturated": 0.0, "dead": 0.0, **figures})


# What is said, on hand-made records


CHANCE = [0.1, 0.1, 0.1]
FEW, FEW_MODERN = EXERCISE.replace(n_train=1000), MODERN.replace(n_train=1000, batch_size=16)


CASES = {
    "uniform weights": (
        EXERCISE.replace(initializer="uniform"), CHANCE, "poor_first_weights", {"initializer": "glorot"},
    ),
    "uniform weights, relu": (
        MODERN.replace(initializer="uniform"), CHANCE, "poor_first_weights", {"initializer": "he"},
    ),
    "normal weights": (
        EXERCISE.replace(initializer="normal"), [0.8, 0.85], "poor_first_weights", {"initializer": "glorot"},
    ),
    "sigmoid outputs with cross-entropy": (
        EXERCISE.replace(loss="cross_entropy"), CHANCE, "one_sided_loss",
        {"output": "softmax", "learning_rate": 0.001},
    ),
    "many sigmoid layers": (
        MODERN.replace(hidden_activation="sigmoid", hidden_sizes=(32, 32, 32)), CHANCE, "vanishing_gradient",
        {"hidden_activation": "relu"},
    ),
    "wide": (EXERCISE.replace(hidden_sizes=256), CHANCE, "step_too_large", {"learning_rate": 0.001}),
    "mean, large rate": (MODERN.replace(learning_rate=3), CHANCE, "step_too_large", {"learning_rate": 0.3}),
    "a mean's rate by sum": (MODERN.replace(reduction="sum"), CHANCE, "step_too_large", {"reduction": "mean"}),
    "batch 2048 by sum": (EXERCISE.replace(batch_size=2048), [0.1] * 10, "step_too_large", {"batch_size": 512}),
    "large batch by sum": (EXERCISE.replace(batch_size=4096), [0.1] * 10, "step_too_large", {"batch_size": 512}),
    "large batch by sum, few epochs": (
        EXERCISE.replace(batch_size=60_000), CHANCE, "step_too_large", {"batch_size": 256},
    ),
    "large batch by mean": (
        EXERCISE.replace(batch_size=8192, reduction="mean", learning_rate=3), [0.6] * 8 + [0.7, 0.8],
        "too_few_updates", {"batch_size": 512},
    ),
    "few images in one batch": (FEW, [0.3, 0.4], "too_few_updates", {"batch_size": 8, "learning_rate": 0.3}),
    "small rate": (EXERCISE.replace(reduction="mean"), [0.3, 0.34], "step_too_small", {"learning_rate": 3.0}),
    "small batch by sum": (
        EXERCISE.replace(batch_size=8), [0.89, 0.91, 0.92], "step_too_small", {"learning_rate": 0.3},
    ),
    "narrow": (EXERCISE.replace(hidden_sizes=4), [0.79, 0.8], "few_units", {"hidden_sizes": (32,)}),
    "few epochs": (MODERN, [0.9, 0.92, 0.935], "few_epochs", {"epochs": 10}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_fault_has_its_fix(case):
    config, figures, rule, fix = CASES[case]
    n_train = config.n_train or N
    (hint,) = said(config, figures, n_train=n_train)
    assert (hint.id, dict(hint.fix)) == (rule, fix)
    config = config.replace(epochs=len(figures))
    changed = config.replace(**hint.fix)
    assert set(config.differences(changed)) == set(fix)
    for sentence in (hint.what, hint.why):
        assert sentence.endswith(".")
        assert len(sentence) < 130
    with pytest.raises(TypeError):
        hint.fix["seed"] = 1


TINY = EXERCISE.replace(batch_size=60_000, learning_rate=1e-5)


@pytest.mark.parametrize(("config", "figures", "name", "words"), [
    (EXERCISE.replace(initializer="uniform"), CHANCE, "action", "Initial weights uniform U[0, 1) → Glorot"),
    (MODERN.replace(hidden_sizes=(2, 64)), [0.3, 0.3], "action", "Hidden units 2-64 → 32-64"),
    (TINY, [0.2] * 10, "action", "Batch size 60\u202f000 → 512, learning rate 0.00001 → 0.01"),
    (EXERCISE.replace(hidden_sizes=128), CHANCE, "action", "Learning rate 0.01 → 0.003"),
    (EXERCISE.replace(hidden_sizes=128), CHANCE, "why",
     "The gradient is a sum over the batch, and 128 hidden units make each step about 3 times too large."),
    (EXERCISE.replace(batch_size=2048), CHANCE, "why",
     "The gradient is a sum over the batch: 2\u202f048 images make each step 4 times as large as 512 do."),
    (MODERN.replace(reduction="sum"), CHANCE, "why",
     "The gradient is a sum over the batch: 128 images make each step 128 times the mean."),
    (MODERN.replace(learning_rate=30), CHANCE, "why",
     "Learning rate 30 makes each step about 100 times too large, so that it overshoots."),
])  # fmt: skip
def test_actions_read_as_the_controls_and_reasons_name_what_makes_a_step_large(config, figures, name, words):
    assert getattr(said(config, figures)[0], name) == words


def test_two_faults_are_fixed_together():
    """A fix that leaves another fault in place fixes nothing."""
    (hint,) = said(EXERCISE.replace(initializer="uniform", hidden_sizes=128), CHANCE)
    assert hint.fix == {"initializer": "glorot", "learning_rate": 0.003}
    (hint,) = said(MODERN.replace(hidden_sizes=2, learning_rate=10, batch_size=20_000), [0.1] * 5)
    assert hint.fix == {"hidden_sizes": (32,), "learning_rate": 0.3, "batch_size": 256}
    (hint,) = said(MODERN.replace(hidden_sizes=2, learning_rate=0.001), [0.3, 0.35])
    assert hint.fix == {"hidden_sizes": (32,), "learning_rate": 0.3}


def test_a_run_that_was_changed_is_judged_by_the_rate_that_it_came_to():
    config = EXERCISE.replace(changes=(Change(100, 0.1, 512),))
    run = replace(history(config, CHANCE), batches=(BatchRecord(3.0, 354, 0.1, 0.1, 0.1),))
    (hint,) = hints(run, n_train=N)
    assert (hint.id, hint.action) == ("step_too_large", "Learning rate 0.1 → 0.01")
    assert config.replace(**hint.fix) == EXERCISE


OVERFITS = {"train_loss": [1, 0.5, 0.4, 0.2, 0.1], "test_loss": [1, 0.5, 0.7, 0.8, 0.7]}
BY_HEART = {"train": [0.8, 0.9, 0.94, 0.97, 0.99], "n_train": 1000, **OVERFITS}


def test_two_at_most():
    config = FEW_MODERN.replace(n_validation=166)
    both = said(config, [0.8, 0.88, 0.87, 0.87, 0.88], **BY_HEART)
    assert [hint.id for hint in both] == ["few_images", "overfitting"]
    assert [hint.fix for hint in both] == [{"n_train": None}, {"patience": 3}]
    assert both[0].what == "Train accuracy is 99.0\u00a0%, validation accuracy 88.0\u00a0%."
    assert both[1].what == "Validation loss was lowest after epoch 2 (0.5), then it rose to 0.7."


def test_where_only_test_images_tell_the_fix_is_to_hold_some_out():
    """One hint of the two that have this fix."""
    (hint,) = said(FEW_MODERN, [0.8, 0.88, 0.87, 0.87, 0.88], **BY_HEART)
    assert (hint.id, dict(hint.fix)) == ("few_images", {"n_validation": 166})
    assert hint.what == "Train accuracy is 99.0\u00a0%, test accuracy 88.0\u00a0%."
    (hint,) = said(MODERN, [0.8, 0.97, 0.97, 0.97, 0.97], **OVERFITS)
    assert (hint.id, hint.action) == ("overfitting", "Validation images 0 → 10\u202f000")
    assert hint.what == "Test loss was lowest after epoch 2 (0.5), then it rose to 0.7."


def test_few_images_known_by_heart_are_more_images_not_fewer():
    """83 validation images of 500 would be no cure."""
    config = FEW_MODERN.replace(n_train=500)
    (hint,) = said(config, [0.8, 0.83, 0.83, 0.83, 0.83], n_train=500, **{**OVERFITS, "train": [1.0] * 5})
    assert (hint.id, dict(hint.fix)) == ("few_images", {"n_train": None})


LOSS, SHARE = st.floats(0.01, 2.0), st.floats(0.005, 1.0)
FIGURES = st.lists(st.tuples(LOSS, LOSS, SHARE, SHARE), min_size=1, max_size=12)


@given(FIGURES, FIGURES, st.sampled_from([EXERCISE, MODERN, FEW, MODERN.replace(patience=2, dropout=0.5)]))
def test_no_setting_is_chosen_by_the_test_images(rows, others, config):
    """Whatever the test images say, the fix is the same, or to hold out validation images."""
    n = min(len(rows), len(others))
    train_loss, _, train, _ = (list(column) for column in zip(*rows[:n], strict=True))
    fixes = set()
    for _, test_loss, _, test in (zip(*rows[:n], strict=True), zip(*others[:n], strict=True)):
        losses = {"train_loss": train_loss, "test_loss": [*test_loss]}
        found = said(config, [*test], train=train, n_train=1000, **losses)
        fixes.add(tuple(hint.action for hint in found if "n_validation" not in hint.fix))
    assert len(fixes) == 1


def test_more_epochs_are_advised_only_where_they_can_be_counted_on():
    rising = [0.8, 0.85, 0.88, 0.9, 0.92]

    def advised(config=MODERN, figures=rising, **more):
        return [hint.id for hint in said(config, figures, **more)] == ["few_epochs"]

    assert advised()
    held_out = MODERN.replace(n_validation=10_000)
    for config, loss in ((MODERN, "train_loss"), (held_out, "test_loss")):
        assert advised(config, **{loss: [0.3, 0.5, 0.4, 0.3, 0.2]})  # it wavered, but that is long past
        assert not advised(config, **{loss: [0.7, 0.4, 0.5, 0.3, 0.2]})
    assert advised(test_loss=[0.7, 0.4, 0.5, 0.3, 0.2])  # nothing to choose by
    assert not advised(MODERN.replace(learning_rate=1))
    assert advised(MODERN.replace(hidden_activation="sigmoid", hidden_sizes=(32, 32)))
    assert not advised(MODERN.replace(hidden_activation="sigmoid", hidden_sizes=(32, 32, 32)))


@pytest.mark.parametrize(
    ("n_available", "advised"), [(None, True), (N, True), (2000, True), (1999, False), (1000, False)]
)
def test_more_images_are_advised_only_where_there_are_many_more(n_available, advised):
    found = said(FEW_MODERN, [0.85] * 5, train=[0.99] * 5, n_train=1000, n_available=n_available)
    assert ("few_images" in [hint.id for hint in found]) is advised


def test_a_forks_updates_are_its_own():
    config = MODERN.replace(batch_size=20_000, epochs=10)
    run = History(config)
    for record in history(config, [0.8] * 10).epochs[4:]:
        run = run.followed_by(record)
    run = run.followed_by(RunEnd("finished", final=evaluation(10, 0.8, 0.8)))
    (hint,) = hints(run, n_train=N)
    assert hint.what.endswith("after 18 steps.")


@pytest.mark.parametrize(("config", "rule", "action"), [
    (EXERCISE, "ruined_weights", ""),
    (EXERCISE.replace(initializer="uniform"), "ruined_weights", "Initial weights uniform U[0, 1) → Glorot, "),
    (EXERCISE.replace(hidden_sizes=128), "step_too_large", "Learning rate 0.01 → 0.003, "),
])  # fmt: skip
@pytest.mark.parametrize("end", ["finished", None])
def test_a_run_in_ruined_weights_starts_again_whatever_else_is_fixed(config, rule, action, end):
    (hint,) = said(config, CHANCE, start_accuracy=0.098, end=end) or (None,)
    if end is None and hint is None:
        return  # it may still get better
    assert (hint.id, hint.kind, hint.fresh) == (rule, "warning", True)
    assert hint.action.lower() == f"{action}freshly initialized weights".lower()
    assert rule != "ruined_weights" or "right for 9.8\u00a0% of the images" in hint.why


def test_weights_that_were_good_are_gone_on_from_again():
    """The settings ruined them, not what was there before; nor is the initializer to blame, which drew nothing."""
    config = EXERCISE.replace(hidden_sizes=128, initializer="uniform")
    (hint,) = said(config, CHANCE, start_accuracy=0.94)
    assert (hint.id, hint.action, hint.fresh) == ("step_too_large", "Learning rate 0.01 → 0.003", False)
    assert [h.fresh for h in said(EXERCISE, [0.4, 0.92, 0.94], start_accuracy=0.1)] == [False]


def test_overfitting_is_a_test_loss_that_stays_up_while_the_train_loss_falls():
    def overfits(test_loss, train_loss=(1, 0.5, 0.3, 0.2, 0.1), test=(0.9, 0.95, 0.95, 0.95, 0.95)):
        return said(MODERN, list(test), test_loss=test_loss, train_loss=train_loss) != ()

    assert overfits([1, 0.5, 0.7, 0.7, 0.7])
    assert not overfits([1, 0.5, 0.7, 0.55, 0.7])  # it only wavers
    assert not overfits([1, 0.5, 0.7, 0.7, 0.7], train_loss=[1, 0.5, 0.5, 0.5, 0.5])
    assert not overfits([1, 0.5, 0.7, 0.7, 0.7], test=(0.9, 0.95, 0.96, 0.96, 0.96))  # still worth it


@pytest.mark.parametrize("end", ["finished", "failed"])
def test_a_loss_that_is_not_a_number(end):
    """Raised by the training, or found in a record."""
    config = MODERN.replace(learning_rate=30)
    run = history(config, [0.5, 0.1], test_loss=[1.0, float("inf")], end=end)
    if end == "failed":
        run = history(config, [0.5], end=None)
        run = run.followed_by(RunEnd("failed", error=DivergedError(2)))
    (hint,) = hints(run, n_train=N)
    assert (hint.id, hint.kind) == ("not_a_number", "error")
    assert hint.what == "The loss has not been a number since epoch 2."
    assert hint.fix == {"learning_rate": 0.3}


def test_the_rate_gets_smaller_also_where_it_was_a_fitting_one():
    (hint,) = said(MODERN, [0.5, 0.1], test_loss=[1.0, float("nan")], end=None)
    assert hint.action == "Learning rate 0.3 → 0.1"
    failed = history(EXERCISE, [], end=None).followed_by(RunEnd("failed", error=MemoryError()))
    assert hints(failed, n_train=N) == ()  # its own message says why


def test_while_it_goes_on_only_what_does_not_get_better():
    rules = {"step_too_large", "one_sided_loss", "vanishing_gradient"}
    for config, figures, rule, _ in CASES.values():
        urgent = rule in rules or "uniform" in config.initializer
        running = said(config, figures[:3], n_train=config.n_train or N, end=None)
        assert [hint.id for hint in running] == ([rule] if urgent else [])


WIDEST = EXERCISE.replace(hidden_sizes=128)


@pytest.mark.parametrize(("config", "figures", "end", "count"), [
    # Nothing before two epochs agree; once said, it stays, until the accuracy is no longer low.
    *((WIDEST, figures, None, 0) for figures in ([], [0.1], [0.1, 0.2], [0.1, 0.11, 0.6])),
    *((WIDEST, figures, None, 1) for figures in ([0.1, 0.11], [0.1, 0.11, 0.3])),
    # A run that was stopped by the user is not told to go on.
    (MODERN, [0.9, 0.92, 0.935], "stopped", 0), (EXERCISE, [], "stopped", 0), (WIDEST, CHANCE, "stopped", 1),
    (EXERCISE.replace(initializer="normal"), [0.8, 0.85], "stopped", 0),
])  # fmt: skip
def test_what_is_said_of_a_run_that_has_not_finished(config, figures, end, count):
    assert len(said(config, figures, end=end)) == count


@pytest.mark.parametrize(("config", "figures", "words"), [
    (MODERN, [0.9], "Accuracy is 90.0\u00a0% after 1 epoch: one figure can't show whether it still rises."),
    (MODERN, [0.9, 0.92], "Accuracy is still rising after 2 epochs (92.0\u00a0%)."),
    (EXERCISE.replace(loss="cross_entropy"), [0.149] * 3, "Train accuracy stays near chance (14.9\u00a0%)."),
    (EXERCISE.replace(loss="cross_entropy"), [0.151] * 3, "Train accuracy stays low (15.1\u00a0%)."),
    (EXERCISE.replace(batch_size=8), [0.91], "Train accuracy is only 91.0\u00a0%."),  # one epoch has no trend
    (EXERCISE.replace(reduction="mean"), [0.3, 0.3], "Train accuracy stays low (30.0\u00a0%)."),
])  # fmt: skip
def test_a_symptom_says_no_more_than_its_numbers(config, figures, words):
    assert said(config, figures)[0].what == words


@pytest.mark.parametrize(("ratio", "words"), [(1.4, "somewhat too large"), (1.6, "about 2 times too large")])
def test_a_step_is_too_large_by_no_more_than_its_rate_is(ratio, words):
    config = MODERN.replace(learning_rate=0.3, reduction="mean", batch_size=128)
    config = config.replace(learning_rate=ratio * fitting_rate(config, N))
    assert words in said(config, CHANCE)[0].why


@pytest.mark.parametrize(("n", "is_said"), [(83, False), (10_000, True)])
def test_a_gap_within_two_standard_errors_of_few_images_is_no_overfitting(monkeypatch, n, is_said):
    """At 93 % of 83 images the standard error is 2.8 points, so that a gap of 5 may be chance; of 10 000, 0.3."""
    monkeypatch.setattr(f"{__name__}.CONFUSION", np.diag([n] + [0] * 9))
    config = MODERN.replace(n_train=2000, n_validation=83)
    found = said(config, [0.90, 0.92, 0.93], train=[0.95, 0.97, 0.982], n_train=2000)
    assert ("few_images" in [hint.id for hint in found]) is is_said


def test_a_finished_run_below_one_half_is_stuck_even_if_it_moved():
    assert said(EXERCISE.replace(loss="cross_entropy"), [0.1, 0.2, 0.3])[0].id == "one_sided_loss"


def test_measured_shares_make_the_reason_exact():
    saturated = [layer(saturated=0.997), layer(layer=2)]
    (hint,) = said(EXERCISE.replace(initializer="uniform"), CHANCE, diagnostics=saturated)
    assert "100\u00a0% of the hidden activations are saturated" in hint.why
    vanished = [layer(gradient_rms=1e-6), layer(), layer(), layer(gradient_rms=7e-4)]
    (hint,) = said(EXERCISE.replace(hidden_sizes=(32, 32, 32)), CHANCE, diagnostics=vanished)
    assert "is 700 times weaker in the first layer than in the last" in hint.why


def test_dead_units():
    config = MODERN.replace(learning_rate=3, initializer="glorot")
    dead = [layer(activation="relu", n_units=128, dead=1.0), layer(layer=2, activation="softmax", n_units=10)]
    (hint,) = said(config, CHANCE, diagnostics=dead)
    assert hint.id == "dead_units"
    assert hint.why.startswith("128 of 128 units in hidden layer 1 are dead: 0 for every image tried, ")
    assert hint.fix == {"initializer": "he", "learning_rate": 0.3}
    assert said(config, [0.96] * 3, diagnostics=dead) == ()
    few_dead = [layer(activation="relu", n_units=128, dead=0.3)]
    assert said(config, CHANCE, diagnostics=few_dead)[0].id == "step_too_large"


def test_changed_settings_in_words():
    changed = EXERCISE.replace(batch_size=2048, learning_rate=0.003, seed=1)
    assert changes_in_words(EXERCISE, EXERCISE) == ""
    assert changes_in_words(EXERCISE, changed, most=1) == "batch size 512 → 2\u202f048 and 2 more"
    words = "batch size 512 → 2\u202f048, learning rate 0.01 → 0.003, seed 0 → 1"
    assert changes_in_words(EXERCISE, changed) == words


# The learning rate that fits


@pytest.mark.parametrize(("changes", "rate"), [
    ({}, 0.01), ({"hidden_sizes": 128}, 0.003), ({"hidden_sizes": (16, 256)}, 0.001),
    ({"reduction": "mean"}, 3), ({"reduction": "mean", "batch_size": 1}, 1), ({"batch_size": 60_000}, 3e-5),
    ({"n_train": 100}, 0.03), ({"hidden_sizes": 1024, "batch_size": 60_000}, 1e-5),
    ({"optimizer": "adam"}, 0.01), ({"optimizer": "rmsprop", "hidden_sizes": 256}, 0.003),
    ({"optimizer": "momentum", "reduction": "mean"}, 0.1), ({"optimizer": "nesterov"}, 0.0003),
    ({"hidden_activation": "relu"}, 0.003), ({"hidden_activation": "relu", "hidden_sizes": (32,) * 3}, 0.001),
])  # fmt: skip
def test_fitting_rates(changes, rate):
    config = EXERCISE.replace(**changes)
    assert fitting_rate(config, config.n_train or N) == rate


def test_a_small_batch_is_noisy_and_bears_less():
    rates = [fitting_rate(MODERN.replace(batch_size=n), N) for n in (1, 8, 32, MODERN.batch_size)]
    assert rates == [0.03, 0.1, 0.3, MODERN.learning_rate]


# Real runs


@dataclass(frozen=True)
class Trained:
    history: History
    accuracy: float
    loss: float
    diagnostics: tuple[LayerDiagnostics, ...]


@pytest.fixture(scope="module")
def trained(mnist):
    """A function that trains a config on the real images and collects what the page would know."""

    @cache
    def train(config):
        records = complete(run := TrainingRun(config, mnist))
        if records.end.status == "failed":
            return Trained(records, 0.0, np.inf, ())
        end = records.end.final
        probe = diagnose(run.network, mnist.X_test[:, :300], mnist.Y_test[:, :300])
        return Trained(records, end.test_accuracy, end.test_loss, probe)

    return train


def hints_of(config, run, *, diagnostics=()):
    n_train = (config.n_train or N) - config.n_validation
    return hints(run.history, n_train=n_train, n_available=N, diagnostics=diagnostics)


slow = pytest.mark.slow
BY_MEAN = EXERCISE.replace(reduction="mean", learning_rate=3)
RELU = MODERN.replace(hidden_sizes=32, batch_size=512)
SPLIT = {"n_validation": 10_000}

GOOD = {
    "the exercise": EXERCISE,
    "the exercise, split": EXERCISE.replace(**SPLIT),
    "by mean, batch 2048": BY_MEAN.replace(batch_size=2048),
    "by mean, batch 8": BY_MEAN.replace(batch_size=8),
    "128 units": EXERCISE.replace(hidden_sizes=128, learning_rate=0.003),
    "relu, 8 units": RELU.replace(hidden_sizes=8),
    "Modern": MODERN,
    "a textbook's": BY_MEAN.replace(hidden_sizes=30, batch_size=10, epochs=8),
}


QUICK = {"the exercise", "uniform weights", "1 epoch"}
SLOWEST = {"by mean, batch 8", "by mean, batch 2048", "a textbook's", "the exercise, split", "a first wobble"}
SLOWEST |= {"learned by heart", "learned by heart, wide"}


def rows(cases):
    """The table's rows as pytest takes them: a few are quick, and of each rule the first, if fast, is no sweep."""
    found, rules = [], set()
    for name, case in cases.items():
        case = case if isinstance(case, tuple) else (case,)
        rule = case[1] if len(case) > 1 else name
        mark = pytest.mark.sweep if name in SLOWEST or rule in rules else pytest.mark.long
        rules.add(rule)
        found.append(pytest.param(*case, id=name, marks=() if name in QUICK else mark))
    return found


@pytest.mark.parametrize("config", rows(GOOD))
def test_silent_when_all_is_well(trained, config):
    run = trained(config)
    assert run.accuracy > 0.89
    assert hints_of(config, run) == ()
    assert hints_of(config, run, diagnostics=run.diagnostics) == ()


DEEP = (32, 32, 32, 32)
FAULTS = {  # settings, the rule that speaks up, and the test accuracy that its fix reaches at least
    "128 units by sum": (EXERCISE.replace(hidden_sizes=128, epochs=4), "step_too_large", 0.88),
    "batch 60000 by sum": (EXERCISE.replace(batch_size=60_000, epochs=5), "step_too_large", 0.9),
    "a mean's rate by sum": (RELU.replace(reduction="sum", epochs=3), "step_too_large", 0.9),
    "batch 1": (RELU.replace(batch_size=1, n_train=10_000, epochs=1), "step_too_large", 0.8),
    "uniform weights": (EXERCISE.replace(initializer="uniform", epochs=3), "poor_first_weights", 0.9),
    "normal weights, relu": (RELU.replace(initializer="normal", epochs=5), "poor_first_weights", 0.92),
    "sigmoid + cross-entropy": (EXERCISE.replace(loss="cross_entropy", epochs=3), "one_sided_loss", 0.88),
    "four sigmoid layers": (EXERCISE.replace(hidden_sizes=DEEP, epochs=5), "vanishing_gradient", 0.88),
    "batch 60000 by mean": (BY_MEAN.replace(batch_size=60_000), "too_few_updates", 0.92),
    "1000 images in two batches": (FEW, "too_few_updates", 0.84),
    "batch 8 by sum": (EXERCISE.replace(batch_size=8, epochs=3), "step_too_small", 0.945),
    "rate 0.00001": (BY_MEAN.replace(learning_rate=1e-5, epochs=3), "step_too_small", 0.89),
    "2 units": (EXERCISE.replace(hidden_sizes=2), "few_units", 0.93),
    "1 epoch": (EXERCISE.replace(epochs=1), "few_epochs", 0.93),
    "100 images": (RELU.replace(n_train=100, n_validation=20), "few_images", 0.93),
    "1000 images": (
        RELU.replace(n_train=1000, n_validation=166, batch_size=64, epochs=16, hidden_activation="tanh"),
        "few_images", 0.93,
    ),
    "dropout in 32 units": (RELU.replace(dropout=0.8, epochs=4), "dropout_too_strong", 0.92),
    "dropout of inputs": (RELU.replace(input_dropout=0.8, epochs=4), "dropout_too_strong", 0.93),
    "L2, squared error": (EXERCISE.replace(l2=0.003, epochs=6), "penalty_too_strong", 0.92),
    "L1": (RELU.replace(l1=0.001, epochs=4), "penalty_too_strong", 0.92),
    "rotation": (RELU.replace(rotation=180, epochs=4), "augmentation_too_strong", 0.92),
    "elastic": (RELU.replace(elastic=5, epochs=4), "augmentation_too_strong", 0.92),
    "not a number": (
        RELU.replace(hidden_sizes=DEEP, learning_rate=100, reduction="sum", epochs=4), "not_a_number", 0.88,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "rule", "reach"), rows(FAULTS))
def test_every_fix_works(trained, config, rule, reach):
    """Trained again with the hint's changes, the test accuracy is clearly better."""
    run = trained(config)
    hint = hints_of(config, run)[0]
    assert hint.id == rule
    fixed = trained(config.replace(**hint.fix))
    assert fixed.accuracy >= max(reach, run.accuracy + 0.02)


@pytest.mark.long
def test_dead_units_come_alive(trained):
    config = RELU.replace(learning_rate=10, epochs=3)
    run = trained(config)
    assert run.diagnostics[0].dead > 0.9
    (hint,) = hints_of(config, run, diagnostics=run.diagnostics)
    assert hint.id == "dead_units"
    fixed = trained(config.replace(**hint.fix))
    assert fixed.diagnostics[0].dead < 0.1
    assert fixed.accuracy > 0.9


@slow
@pytest.mark.long
def test_early_stopping_fixes_overfitting_once_images_are_held_out(trained):
    """The loss is clearly lower, and the accuracy no worse."""
    config = MODERN.replace(batch_size=64, n_train=1200, epochs=100, seed=1)
    (hint,) = (hint for hint in hints_of(config, trained(config)) if "n_validation" in hint.fix)
    assert hint.fix == {"n_validation": 200}
    split = config.replace(**hint.fix)
    run = trained(split)
    found = {hint.id: hint for hint in hints_of(split, run)}
    assert found["overfitting"].fix == {"patience": 10}
    fixed = trained(split.replace(patience=10))
    assert fixed.loss < 0.85 * run.loss
    assert fixed.accuracy >= run.accuracy - 0.005


MEMORIZES = MODERN.replace(n_train=20_000, batch_size=64, epochs=15, **SPLIT)
METHODS = {  # settings, a rule of those that refine, and by how much its fix raises validation accuracy
    "a first wobble": (
        EXERCISE.replace(n_train=30_000, batch_size=128, patience=1, epochs=60, **SPLIT),
        "patience_too_short", 0.0005,
    ),
    "learned by heart": (MEMORIZES, "memorised", 0.001),
    "learned by heart, wide": (MEMORIZES, "room_to_memorise", 0.001),
    "small batches": (
        MODERN.replace(n_train=25_000, batch_size=8, epochs=6, seed=2, **SPLIT), "wavering_loss", 0.001,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "rule", "gain"), rows(METHODS))
def test_every_method_refines(trained, config, rule, gain):
    run = trained(config)
    found = {hint.id: hint for hint in hints_of(config, run)}
    assert trained(config.replace(**found[rule].fix)).accuracy >= run.accuracy + gain


def test_no_settings_lead_out_of_ruined_weights(trained, mnist):
    """A step far too large, then the exercise's own settings from there on: only fresh weights help."""
    start = complete(TrainingRun(EXERCISE.replace(learning_rate=1, epochs=1), mnist)).end.final
    records = complete(TrainingRun(EXERCISE.replace(epochs=4), mnist, start=start.snapshot))
    (hint,) = hints(records, n_train=N, start_accuracy=start.test_accuracy)
    assert (hint.id, hint.fresh) == ("ruined_weights", True)
    assert trained(EXERCISE.replace(**hint.fix)).accuracy > 0.93
