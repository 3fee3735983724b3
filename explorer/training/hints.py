"""Rules that find a problem in a run's records, its cause, and the setting that fixes it.

Each rule returns a hint, which says what is wrong and why, or None for the findings of one run. No rule recommends
a setting based on test images: if only these reveal a problem, the hint is to hold out validation images. The
thresholds were measured on MNIST, and a test tries every fix on real runs.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from explorer.network import OPTIMIZERS
from explorer.network.diagnostics import LayerDiagnostics
from explorer.training.config import MOST_EPOCHS, TrainingConfig
from explorer.training.diagnostics import BetterRun, Findings, Hint, Severity
from explorer.training.presets import fitting_rate, rounded_down
from explorer.training.records import History
from explorer.training.run import DivergedError
from explorer.wording import counted, grouped, percent, plain

Rule = Callable[[Findings], Hint | None]

_MOST = 2
_GOOD_BATCH = 512
_ENOUGH_UPDATES, _FEW_UPDATES = 600, 200
_ENOUGH_UNITS, _FEW_UNITS = 32, 5
_ENOUGH_EPOCHS = 10
_SLOW_EPOCHS = 3  # times the epochs done
_HOLD_OUT = (
    "Choosing settings by the test images would make their accuracy too optimistic; "
    "validation images are there for that."
)


def hints(
    history: History,
    *,
    n_train: int,
    diagnostics: Sequence[LayerDiagnostics] = (),
    n_available: int | None = None,
    start_accuracy: float | None = None,
    better: BetterRun | None = None,
) -> tuple[Hint, ...]:
    """Return the hints for a run, most severe first: at most two, none if all is well.

    While the run continues (``history.end`` is None), only problems that don't resolve themselves are reported.

    Parameters
    ----------
    history : History
        The settings of the run, and its records so far.
    n_train : int
        Training samples in use, at least 1.
    diagnostics : sequence of LayerDiagnostics
        The result of `diagnose` for the newest weights, output layer last; makes some reasons more exact.
    n_available, start_accuracy, better
        As in `Findings`.
    """
    run = (history.config, history.epochs, history.end, n_train)
    findings = Findings(*run, tuple(diagnostics), n_available, start_accuracy, better)
    return _causes(findings, history) or _first(_ADVICE, findings, _MOST)


def _causes(findings: Findings, history: History) -> tuple[Hint, ...]:
    """Return the hint on why a run doesn't learn, for the learning rate and batch size in effect.

    The fix drops the mid-run changes and keeps these values. If an epoch diverged, the changes within it count.
    """
    if not findings.config.changes:
        return _first(_CAUSES, findings, 1)
    step = history.batches[-1].step - 1 if history.batches else 0  # a change applies after its step
    if (epoch := _diverged_at(findings)) is not None:
        step = max(step, findings.config.steps_at_ends(findings.n_train)[epoch] - 1)
    now = findings.config.at_step(step)
    found = _first(_CAUSES, replace(findings, config=now, whole=findings.config), 1)
    kept = {"learning_rate": now.learning_rate, "batch_size": now.batch_size}
    return tuple(replace(hint, fix=MappingProxyType({**kept, **hint.fix})) for hint in found)


def _first(rules: Sequence[Rule], findings: Findings, most: int) -> tuple[Hint, ...]:
    found = [hint for rule in rules if (hint := rule(findings)) is not None]
    by_fix = {hint.action: hint for hint in reversed(found)}  # of two hints with one fix, keep the first
    return tuple(hint for hint in found if by_fix[hint.action] is hint)[:most]


def _not_a_number(run: Findings) -> Hint | None:
    epoch, config = _diverged_at(run), run.config
    if epoch is None:
        return None
    smaller = max(rounded_down(config.learning_rate / 3), 1e-5)
    changes = _sound(run, learning_rate=smaller, initializer=_initializer_for(config))
    why = "Each step overshot further than the one before, until the weights were too large for a float."
    what = f"The loss has not been a number since epoch {epoch}."
    return run.hint("not_a_number", "error", why, changes, what)


def _diverged_at(run: Findings) -> int | None:
    error = None if run.end is None else run.end.error
    if isinstance(error, DivergedError):
        return error.epoch
    broken = (r.epoch for r in run.epochs if not math.isfinite(r.train_loss + r.test_loss))
    return next(broken, None)


def _initializer_for(config: TrainingConfig) -> str:
    """Return the config's initializer, or a replacement if it ignores the number of inputs."""
    if config.initializer in ("glorot", "he"):
        return config.initializer
    return "he" if config.hidden_activation == "relu" else "glorot"


def _vanishing_gradient(run: Findings) -> Hint | None:
    if not run.has_deep_sigmoid or not (run.is_stuck or run.ends_below(0.8)):
        return None
    weaker = ""
    if run.diagnostics:
        first, last = (run.diagnostics[place].gradient_rms for place in (0, -1))
        if 0 < 10 * first < last:
            times = grouped(round(last / first))
            weaker = f": it is {times} times weaker in the first layer than in the last"
    slope = "a slope of at most a quarter"
    why = f"At each sigmoid layer on its way back the gradient is multiplied by {slope}{weaker}."
    changes = _sound(run, hidden_activation="relu", initializer="he")
    return run.hint("vanishing_gradient", "warning", why, changes)


def _poor_first_weights(run: Findings) -> Hint | None:
    config, initializer = run.config, _initializer_for(run.config)
    hopeless = config.initializer == "uniform" and run.is_stuck
    if run.start_accuracy is not None or not (hopeless or run.ends_below(0.9)):
        return None
    if initializer == config.initializer:
        return None
    kind: Severity = "warning" if run.is_stuck else "hint"
    return run.hint("poor_first_weights", kind, _why_first_weights(run), _sound(run, initializer=initializer))


def _why_first_weights(run: Findings) -> str:
    uniform = run.config.initializer == "uniform"
    because = f"The initial weights are large{' and all positive' if uniform else ''}, so"
    if run.config.hidden_activation == "relu":
        return f"{because} the weighted sums are too, and the first steps throw them far off."
    units = "every hidden unit is" if uniform else "most hidden units are"
    if run.diagnostics:
        units = f"{percent(run.diagnostics[0].saturated, 0)} of the hidden activations are"
    return f"{because} {units} saturated and hardly any gradient passes."


def _one_sided_loss(run: Findings) -> Hint | None:
    config = run.config
    if (config.output, config.loss) != ("sigmoid", "cross_entropy") or not run.is_stuck:
        return None
    why = (
        "Cross-entropy asks only that the true class's output is near 1, so all the sigmoid outputs go there."
    )
    return run.hint("one_sided_loss", "warning", why, _sound(run, output="softmax"))


def _dead_units(run: Findings) -> Hint | None:
    hidden = [layer for layer in run.diagnostics if layer.activation == "relu" and layer.dead > 0.5]
    if not hidden or not (run.is_stuck or run.ends_below(0.85)):
        return None
    worst = max(hidden, key=lambda layer: layer.dead)
    dead = f"{round(worst.dead * worst.n_units)} of {counted(worst.n_units, 'unit')} in hidden layer {worst.layer}"
    why = f"Too large a step has left {dead} dead: they are 0 for every image and no longer get a gradient."
    return run.hint("dead_units", "warning", why, _sound(run, initializer="he"))


def _step_too_large(run: Findings) -> Hint | None:
    config, changes = run.config, dict[str, Any]()
    if config.learning_rate <= run.fitting_rate or not (run.is_stuck or run.ends_below(0.9)):
        return None
    if _mean_would_fit(run):
        changes = {"reduction": "mean"}
    elif not config.takes_mean and run.batch > 2 * _GOOD_BATCH:
        changes = {"batch_size": _batch_for(run)}
    return run.hint("step_too_large", "warning", _why_too_large(run), _sound(run, **changes))


def _mean_would_fit(run: Findings) -> bool:
    """Return whether a summed gradient is used with a learning rate meant for the mean."""
    by_mean = {"reduction": "mean"}
    return not run.config.takes_mean and run.with_rate(**by_mean) == by_mean


def _why_too_large(run: Findings) -> str:
    config, batch = run.config, run.batch

    def would_fit(**changes: Any) -> bool:
        return config.learning_rate <= fitting_rate(config.replace(**changes), run.n_train)

    by = f"The gradient is a {'mean' if config.takes_mean else 'sum'} over the batch"
    if _mean_would_fit(run):
        return f"{by}: {grouped(batch)} images make each step {grouped(batch)} times the mean."
    if batch >= 2 * _GOOD_BATCH and would_fit(batch_size=_GOOD_BATCH):
        times = f"{grouped(round(batch / _GOOD_BATCH))} times as large as {_GOOD_BATCH} do"
        return f"{by}: {grouped(batch)} images make each step {times}."
    excess = round(config.learning_rate / run.fitting_rate)
    too_large = f"each step about {grouped(excess)} times too large"
    if would_fit(hidden_sizes=(_ENOUGH_UNITS,)):
        return f"{by}, and {config.hidden_units} make {too_large}."
    return f"Learning rate {plain(config.learning_rate)} makes {too_large}, so that it overshoots."


def _too_few_updates(run: Findings) -> Hint | None:
    if not run.ends_below(0.88) or not _changes_too_rarely(run):
        return None
    what = f"{run.low_accuracy()[:-1]} after {counted(run.updates, 'step')}."
    batch = f"a batch of {grouped(run.batch)} of {grouped(run.n_train)} images"
    why = f"The weights change once a batch, and {batch} leaves few steps in an epoch."
    return run.hint("too_few_updates", "hint", why, _sound(run), what)


def _changes_too_rarely(run: Findings) -> bool:
    """Return whether the batch size causes too few updates; a common size doesn't if there are enough images."""
    usual = run.batch <= _GOOD_BATCH and run.n_train >= 20 * run.batch
    return run.updates < _FEW_UPDATES and not usual and 2 * _batch_for(run) <= run.batch


def _batch_for(run: Findings) -> int:
    """Return the largest power of two from 8 to 512 that gives enough updates."""
    most = run.n_train * run.config.epochs / _ENOUGH_UPDATES
    return 1 << int(math.log2(min(max(most, 8.0), float(_GOOD_BATCH))))


def _sound(run: Findings, **changes: Any) -> dict[str, Any]:
    """Return `changes`, completed so that nothing else keeps the run from learning."""
    config = run.config
    if min(config.hidden_sizes) < _FEW_UNITS:
        changes["hidden_sizes"] = _wide_enough(config)
    if _changes_too_rarely(run):
        changes["batch_size"] = _batch_for(run)
    return run.with_rate(**changes)


def _step_too_small(run: Findings) -> Hint | None:
    config, fitting = run.config, run.fitting_rate
    if config.learning_rate > fitting / 5 or not run.finished:
        return None
    losses = [record.train_loss for record in run.epochs[-2:]]
    is_improving = len(losses) < 2 or losses[1] < 0.998 * losses[0]
    if not run.ends_below(0.93 if is_improving else 0.5):
        return None
    why = f"At learning rate {plain(config.learning_rate)} each step changes the weights very little."
    if not config.takes_mean and run.batch < _GOOD_BATCH / 4:
        why = f"The gradient is a sum over the batch, so a batch of {run.batch} makes each step tiny."
    what = f"{run.accuracy_name} is only {percent(run.accuracy)} and rising slowly."
    return run.hint("step_too_small", "hint", why, _sound(run), what)


def _ruined_weights(run: Findings) -> Hint | None:
    config, start = run.config, run.start_accuracy
    if start is None or not run.has_ruined_weights:
        return None
    changes = {"initializer": _initializer_for(config)} if config.initializer == "uniform" else {}
    right = f"were right for {percent(start)} of the images"
    why = f"It went on from weights that {right}, and can't recover from there."
    return run.hint("ruined_weights", "warning", why, _sound(run, **changes))


def _few_units(run: Findings) -> Hint | None:
    sizes = run.config.hidden_sizes
    if min(sizes) >= _ENOUGH_UNITS / 2 or not run.ends_below(0.9):
        return None
    narrowest = counted(min(sizes), "hidden unit")
    why = f"Everything that tells the classes apart has to pass through {narrowest}."
    return run.hint("few_units", "hint", why, run.with_rate(hidden_sizes=_wide_enough(run.config)))


def _wide_enough(config: TrainingConfig) -> tuple[int, ...]:
    return tuple(max(size, _ENOUGH_UNITS) for size in config.hidden_sizes)


def _few_images(run: Findings) -> Hint | None:
    """Fix a training set too small to generalize from, if twice as many images are available: all images.

    If only test images reveal it, the fix is to hold out validation images to decide on.
    """
    n, available, config = run.n_train, run.n_available, run.config
    has_more = config.n_train is not None and (available is None or available >= 2 * n)
    if not has_more or not run.finished:
        return None
    if run.train_accuracy - run.test_accuracy < 0.05 and not (n <= 1000 and run.test_accuracy < 0.85):
        return None
    what, why = (
        run.both_accuracies,
        f"{counted(n, 'image')} can be learned by heart and say too little about others.",
    )
    if not config.n_validation:
        return run.hint("few_images", "hint", f"{why} {_HOLD_OUT}", run.split, what)
    changes = {"n_train": None} | ({} if available is None else {"n_validation": available // 6})
    return run.hint("few_images", "hint", why, changes, what)


def _overfitting(run: Findings) -> Hint | None:
    """Fix a held-out loss that has risen since its minimum while the train loss fell: early stopping.

    Without validation images, the fix is to hold some out: stopping at the minimum test loss would select by it.
    """
    records, config = run.epochs, run.config
    if not run.finished or len(records) < 5:
        return None
    best = min(records, key=lambda record: record.test_loss)
    last = records[-1]
    risen = min(record.test_loss for record in records[-3:]) > 1.2 * best.test_loss
    fallen = last.train_loss < 0.8 * best.train_loss
    if not (risen and fallen) or last.test_accuracy > best.test_accuracy + 0.0005:
        return None
    what = f"{config.held_out.capitalize()} loss was lowest after epoch {best.epoch} ({best.test_loss:.3g}), "
    what += f"then it rose to {last.test_loss:.3g}."
    why = "Since then the network has been learning the training images by heart, which doesn't help with others."
    if not config.n_validation:
        return run.hint("overfitting", "info", f"{why} {_HOLD_OUT}", run.split, what)
    if run.end is not None and run.end.reason:  # it stopped early: the best weights are restored
        return None
    patience = min(max(3, config.epochs // 10), config.patience or config.epochs)
    return run.hint("overfitting", "info", why, {"patience": patience}, what)


def _few_epochs(run: Findings) -> Hint | None:
    """Fix a run that ends while it still clearly improves: more epochs, which continue it.

    If a run with similar settings reached more, any gain in the last epoch is enough.

    No hint if further epochs might undo the gain: if the loss fluctuated recently, if the steps are too large, or
    with three or more sigmoid layers, whose accuracy jumps both up and down.
    """
    records = run.epochs
    if not run.finished or run.accuracy > 0.95 or records[-1].epoch < run.config.epochs:
        return None
    wavers = any(after >= before for (before, _), (after, _) in pairwise(run.judged[-4:]))
    if wavers or run.config.learning_rate > run.fitting_rate or run.has_deep_sigmoid:
        return None
    done, better = records[-1].epoch, run.better
    gain = records[-1].train_accuracy - records[-2].train_accuracy if len(records) > 1 else 1.0
    if better is not None and gain > 0 and better.accuracy - run.accuracy > 0.01:
        changes = {"epochs": min(max(_ENOUGH_EPOCHS, _SLOW_EPOCHS * done), MOST_EPOCHS)}
        what = f"{run.accuracy_name} is {percent(run.accuracy)}, and still rising. {better.described}"
        why = "The loss is still falling: with these settings it takes more epochs to get as far."
        return run.hint("few_epochs", "hint", why, changes, what)
    if gain < 0.01:
        return None
    changes = {"epochs": min(max(_ENOUGH_EPOCHS, 2 * done), MOST_EPOCHS)}
    what = f"Accuracy is still rising after {counted(done, 'epoch')} ({percent(run.accuracy)})."
    why = "Each epoch goes once through the training images, and the loss has not levelled off yet."
    return run.hint("few_epochs", "hint", why, changes, what)


_STRONG_L2, _STRONG_L1 = 0.001, 0.0001
_WIDE_ENOUGH = 64  # units; enough to drop a fifth of them in each step
_ROOM: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"shift": (3.0, 2.0), "rotation": (30.0, 15.0), "scale": (0.25, 0.1), "elastic": (2.0, 1.0)}
)
"""For each distortion, the largest value without a hint and one that suits digits."""


def _dropout_too_strong(run: Findings) -> Hint | None:
    config = run.config
    if max(config.dropout, config.input_dropout) < 0.3 or not run.ends_below(0.95):
        return None
    while_dropping, without = run.epochs[-1].train_accuracy, run.train_accuracy
    if without - while_dropping < 0.03 and while_dropping > 0.5:
        return None
    spare = 0.2 if min(config.hidden_sizes) >= _WIDE_ENOUGH else 0.0
    changes = {"dropout": min(config.dropout, spare), "input_dropout": min(config.input_dropout, 0.1)}
    what = f"Train accuracy is {percent(while_dropping)} with dropout, and {percent(without)} without."
    why = "So much is left out in each step that what is left can't tell the classes apart."
    return run.hint("dropout_too_strong", "hint", why, changes, what)


def _penalty_too_strong(run: Findings) -> Hint | None:
    config = run.config
    in_loss = not OPTIMIZERS[config.optimizer].decays_weights
    is_strong = (in_loss and config.l2 > _STRONG_L2) or config.l1 > _STRONG_L1
    if not is_strong or not run.ends_below(0.93):
        return None
    l2 = min(config.l2, _STRONG_L2 / 10) if in_loss else config.l2
    changes = {"l2": l2, "l1": min(config.l1, _STRONG_L1 / 10)}
    why = "The loss falls more by small weights than by right answers, so the weights shrink towards 0."
    return run.hint("penalty_too_strong", "hint", why, changes)


def _augmentation_too_strong(run: Findings) -> Hint | None:
    config = run.config
    strong = {name: mild for name, (most, mild) in _ROOM.items() if getattr(config, name) > most}
    if not strong or not run.ends_below(0.95):
        return None
    why = "Distorted so much, images no longer look like their class: a 6 that is turned is a 9."
    return run.hint("augmentation_too_strong", "hint", why, strong)


def _patience_too_short(run: Findings) -> Hint | None:
    config, records = run.config, run.epochs
    stopped = run.finished and len(records) and records[-1].epoch < config.epochs
    if not stopped or not 0 < config.patience <= 3 or not config.n_validation:
        return None
    only_wobbles = records[-1].test_loss < 1.03 * min(record.test_loss for record in records)
    if not only_wobbles or run.train_accuracy >= 0.99:
        return None
    what = f"It stopped after {counted(records[-1].epoch, 'epoch')}, at a validation loss hardly above its lowest."
    why = "From one epoch to the next the loss may also rise by chance: only a lasting rise is a reason to stop."
    return run.hint("patience_too_short", "hint", why, {"patience": 10}, what)


def _wavering_loss(run: Findings) -> Hint | None:
    config, losses = run.config, [loss for loss, _ in run.judged]
    ran_to_end = run.finished and len(losses) >= 5 and run.epochs[-1].epoch == config.epochs
    if not ran_to_end or config.schedule != "constant" or config.changes or run.accuracy < 0.5:
        return None
    lowest, ends_high = min(losses), losses[-1] > 1.08 * min(losses)
    if not ends_high or min(losses[-3:]) > 1.2 * lowest:  # a lasting rise is not caused by the steps
        return None
    ends = f"it ends at {losses[-1]:.3g}, and was {lowest:.3g} before"
    what = f"{run.judged_by.capitalize()} loss goes up and down: {ends}."
    rate = plain(config.learning_rate)
    why = f"At learning rate {rate} steps are too large for the loss to settle: let them get smaller at the end."
    return run.hint("wavering_loss", "hint", why, {"schedule": "cosine"}, what)


def _memorised(run: Findings) -> Hint | None:
    if not _learned_by_heart(run) or run.config.augmentation.is_on:
        return None
    why = "The training images are learned by heart: shifted and turned a little, they are new in each epoch."
    return run.hint("memorised", "info", why, {"shift": 1.0, "rotation": 10.0}, run.both_accuracies)


def _room_to_memorise(run: Findings) -> Hint | None:
    config = run.config
    has_dropout = config.dropout or config.input_dropout
    if not _learned_by_heart(run) or has_dropout or min(config.hidden_sizes) < _WIDE_ENOUGH:
        return None
    what = f"{config.hidden_units} have room to learn individual images by heart."
    why = "Where a few units are left out in each step, each has to be of use by itself, for many images."
    return run.hint("room_to_memorise", "info", why, {"dropout": 0.2}, what)


def _learned_by_heart(run: Findings) -> bool:
    """Return whether a run classifies nearly all of many training images correctly, but clearly fewer others."""
    if not run.finished or not run.config.n_validation or run.n_train < 5000:
        return False
    gap = run.train_accuracy - run.test_accuracy
    return run.train_accuracy >= 0.985 and gap >= 0.015


_CAUSES: tuple[Rule, ...] = (
    _not_a_number,
    _vanishing_gradient,
    _poor_first_weights,
    _one_sided_loss,
    _dead_units,
    _step_too_large,
    _penalty_too_strong,
    _dropout_too_strong,
    _augmentation_too_strong,
    _too_few_updates,
    _step_too_small,
    _ruined_weights,
    _few_units,
)
"""Rules for runs that don't learn; only the first that applies is reported."""

_ADVICE: tuple[Rule, ...] = (
    _few_images,
    _overfitting,
    _patience_too_short,
    _wavering_loss,
    _memorised,
    _room_to_memorise,
    _few_epochs,
)
"""Rules that improve a sound run."""
