"""Rules that find a problem in a run's records, its cause, and the setting that fixes it.

Each rule returns a hint or None for the findings of one run. No rule recommends a setting based on test images: if
only these reveal a problem, the hint is to hold out validation images. The thresholds were measured on MNIST, and
a test tries every fix on real runs.
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
_ENOUGH_UPDATES = 600
_FEW_UPDATES = 200
_FEW_UNITS = 5
_ENOUGH_UNITS = 32
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
    found = [hint for hint in (rule(findings) for rule in rules) if hint is not None]
    by_fix = {hint.action: hint for hint in reversed(found)}  # of two hints with one fix, keep the first
    return tuple(hint for hint in found if by_fix[hint.action] is hint)[:most]


def not_a_number(findings: Findings) -> Hint | None:
    """Fix a loss that overflowed: a smaller learning rate, and initial weights that aren't too large."""
    epoch, config = _diverged_at(findings), findings.config
    if epoch is None:
        return None
    smaller = max(rounded_down(config.learning_rate / 3), 1e-5)
    changes = _sound(findings, learning_rate=smaller, initializer=_initializer_for(config))
    why = "Each step overshot further than the one before, until the weights were too large for a float."
    what = f"The loss has not been a number since epoch {epoch}."
    return findings.hint("not_a_number", "error", why, changes, what)


def _diverged_at(findings: Findings) -> int | None:
    error = None if findings.end is None else findings.end.error
    if isinstance(error, DivergedError):
        return error.epoch
    broken = (r.epoch for r in findings.epochs if not math.isfinite(r.train_loss + r.test_loss))
    return next(broken, None)


def _initializer_for(config: TrainingConfig) -> str:
    """Return the config's initializer, or a replacement if it ignores the number of inputs."""
    if config.initializer in ("glorot", "he"):
        return config.initializer
    return "he" if config.hidden_activation == "relu" else "glorot"


def vanishing_gradient(findings: Findings) -> Hint | None:
    """Fix a stack of sigmoid layers in which the gradient vanishes: relu."""
    if not findings.has_deep_sigmoid or not (findings.is_stuck or findings.ends_below(0.8)):
        return None
    weaker = ""
    if findings.diagnostics:
        first, last = (findings.diagnostics[place].gradient_rms for place in (0, -1))
        if 0 < 10 * first < last:
            times = grouped(round(last / first))
            weaker = f": it is {times} times weaker in the first layer than in the last"
    slope = "a slope of at most a quarter"
    why = f"At each sigmoid layer on its way back the gradient is multiplied by {slope}{weaker}."
    changes = _sound(findings, hidden_activation="relu", initializer="he")
    return findings.hint("vanishing_gradient", "warning", why, changes)


def poor_first_weights(findings: Findings) -> Hint | None:
    """Fix initial weights that ignore the number of inputs: Glorot, or He for relu."""
    config, stuck = findings.config, findings.is_stuck
    hopeless = config.initializer == "uniform" and stuck
    if findings.start_accuracy is not None or not (hopeless or findings.ends_below(0.9)):
        return None
    initializer = _initializer_for(config)
    if initializer == config.initializer:
        return None
    kind: Severity = "warning" if stuck else "hint"
    changes = _sound(findings, initializer=initializer)
    return findings.hint("poor_first_weights", kind, _why_first_weights(findings), changes)


def _why_first_weights(findings: Findings) -> str:
    uniform = findings.config.initializer == "uniform"
    because = f"The initial weights are large{' and all positive' if uniform else ''}, so"
    if findings.config.hidden_activation == "relu":
        return f"{because} the weighted sums are too, and the first steps throw them far off."
    units = "every hidden unit is" if uniform else "most hidden units are"
    if findings.diagnostics:
        units = f"{percent(findings.diagnostics[0].saturated, 0)} of the hidden activations are"
    return f"{because} {units} saturated and hardly any gradient passes."


def one_sided_loss(findings: Findings) -> Hint | None:
    """Fix cross-entropy after sigmoid outputs: softmax."""
    config = findings.config
    if (config.output, config.loss) != ("sigmoid", "cross_entropy") or not findings.is_stuck:
        return None
    why = (
        "Cross-entropy asks only that the true class's output is near 1, so all the sigmoid outputs go there."
    )
    return findings.hint("one_sided_loss", "warning", why, _sound(findings, output="softmax"))


def dead_units(findings: Findings) -> Hint | None:
    """Fix relu units that output 0 for every image: He, and a fitting learning rate."""
    hidden = [layer for layer in findings.diagnostics if layer.activation == "relu" and layer.dead > 0.5]
    if not hidden or not (findings.is_stuck or findings.ends_below(0.85)):
        return None
    worst = max(hidden, key=lambda layer: layer.dead)
    dead = f"{round(worst.dead * worst.n_units)} of {counted(worst.n_units, 'unit')} in hidden layer {worst.layer}"
    why = f"Too large a step has left {dead} dead: they are 0 for every image and no longer get a gradient."
    return findings.hint("dead_units", "warning", why, _sound(findings, initializer="he"))


def step_too_large(findings: Findings) -> Hint | None:
    """Fix steps that overshoot: a smaller learning rate, or a smaller batch if the batch size causes it."""
    config = findings.config
    too_large = config.learning_rate > findings.fitting_rate
    if not too_large or not (findings.is_stuck or findings.ends_below(0.9)):
        return None
    changes: dict[str, Any] = {}
    if _mean_would_fit(findings):
        changes = {"reduction": "mean"}
    elif not config.takes_mean and findings.batch > 2 * _GOOD_BATCH:
        changes = {"batch_size": _batch_for(findings)}
    changes = _sound(findings, **changes)
    return findings.hint("step_too_large", "warning", _why_too_large(findings), changes)


def _mean_would_fit(findings: Findings) -> bool:
    """Return whether a summed gradient is used with a learning rate meant for the mean."""
    by_mean = {"reduction": "mean"}
    return not findings.config.takes_mean and findings.with_rate(**by_mean) == by_mean


def _why_too_large(findings: Findings) -> str:
    config, batch = findings.config, findings.batch

    def would_fit(**changes: Any) -> bool:
        return config.learning_rate <= fitting_rate(config.replace(**changes), findings.n_train)

    by = "a mean over the batch" if config.takes_mean else "a sum over the batch"
    if _mean_would_fit(findings):
        times = f"{grouped(batch)} times the mean"
        return f"The gradient is {by}: {grouped(batch)} images make each step {times}."
    if batch >= 2 * _GOOD_BATCH and would_fit(batch_size=_GOOD_BATCH):
        times = f"{grouped(round(batch / _GOOD_BATCH))} times as large as {_GOOD_BATCH} do"
        return f"The gradient is {by}: {grouped(batch)} images make each step {times}."
    excess = round(config.learning_rate / findings.fitting_rate)
    too_large = f"each step about {grouped(excess)} times too large"
    if would_fit(hidden_sizes=(_ENOUGH_UNITS,)):
        return f"The gradient is {by}, and {config.hidden_units} make {too_large}."
    return f"Learning rate {plain(config.learning_rate)} makes {too_large}, so that it overshoots."


def too_few_updates(findings: Findings) -> Hint | None:
    """Fix a batch so large that there are few updates: a smaller one."""
    if not findings.ends_below(0.88) or not _changes_too_rarely(findings):
        return None
    what = f"{findings.low_accuracy()[:-1]} after {counted(findings.updates, 'step')}."
    batch = f"a batch of {grouped(findings.batch)} of {grouped(findings.n_train)} images"
    why = f"The weights change once a batch, and {batch} leaves few steps in an epoch."
    return findings.hint("too_few_updates", "hint", why, _sound(findings), what)


def _changes_too_rarely(findings: Findings) -> bool:
    """Return whether the batch size causes too few updates; a common size doesn't if there are enough images."""
    usual = findings.batch <= _GOOD_BATCH and findings.n_train >= 20 * findings.batch
    return findings.updates < _FEW_UPDATES and not usual and 2 * _batch_for(findings) <= findings.batch


def _batch_for(findings: Findings) -> int:
    """Return the largest power of two from 8 to 512 that gives enough updates."""
    most = findings.n_train * findings.config.epochs / _ENOUGH_UPDATES
    return 1 << int(math.log2(min(max(most, 8.0), float(_GOOD_BATCH))))


def _sound(findings: Findings, **changes: Any) -> dict[str, Any]:
    """Return `changes`, completed so that nothing else keeps the run from learning."""
    config = findings.config
    if min(config.hidden_sizes) < _FEW_UNITS:
        changes["hidden_sizes"] = tuple(max(size, _ENOUGH_UNITS) for size in config.hidden_sizes)
    if _changes_too_rarely(findings):
        changes["batch_size"] = _batch_for(findings)
    return findings.with_rate(**changes)


def step_too_small(findings: Findings) -> Hint | None:
    """Fix steps so small that the loss is still falling at the end: a larger learning rate."""
    config, fitting = findings.config, findings.fitting_rate
    if config.learning_rate > fitting / 5 or not findings.finished:
        return None
    losses = [record.train_loss for record in findings.epochs[-2:]]
    is_improving = len(losses) < 2 or losses[1] < 0.998 * losses[0]
    if not findings.ends_below(0.93 if is_improving else 0.5):
        return None
    why = f"At learning rate {plain(config.learning_rate)} each step changes the weights very little."
    if not config.takes_mean and findings.batch < _GOOD_BATCH / 4:
        why = f"The gradient is a sum over the batch, so a batch of {findings.batch} makes each step tiny."
    name = f"{findings.judged_by.capitalize()} accuracy"
    what = f"{name} is only {percent(findings.accuracy)} and rising slowly."
    return findings.hint("step_too_small", "hint", why, _sound(findings), what)


def ruined_weights(findings: Findings) -> Hint | None:
    """Fix a run that continued from weights no settings can train: freshly initialized weights."""
    config, start = findings.config, findings.start_accuracy
    if start is None or not findings.has_ruined_weights:
        return None
    changes = {"initializer": _initializer_for(config)} if config.initializer == "uniform" else {}
    right = f"were right for {percent(start)} of the images"
    why = f"It went on from weights that {right}, and can't recover from there."
    return findings.hint("ruined_weights", "warning", why, _sound(findings, **changes))


def few_units(findings: Findings) -> Hint | None:
    """Fix a hidden layer too narrow to separate the classes: more units."""
    sizes = findings.config.hidden_sizes
    if min(sizes) >= _ENOUGH_UNITS / 2 or not findings.ends_below(0.9):
        return None
    narrowest = counted(min(sizes), "hidden unit")
    why = f"Everything that tells the classes apart has to pass through {narrowest}."
    changes = findings.with_rate(hidden_sizes=tuple(max(size, _ENOUGH_UNITS) for size in sizes))
    return findings.hint("few_units", "hint", why, changes)


def few_images(findings: Findings) -> Hint | None:
    """Fix a training set too small to generalize from, if twice as many images are available: all images.

    If only test images reveal it, the fix is to hold out validation images to decide on.
    """
    n, available, config = findings.n_train, findings.n_available, findings.config
    has_more = config.n_train is not None and (available is None or available >= 2 * n)
    if not has_more or not findings.finished:
        return None
    on_train, on_others = findings.train_accuracy, findings.test_accuracy
    if on_train - on_others < 0.05 and not (n <= 1000 and on_others < 0.85):
        return None
    what = f"Train accuracy is {percent(on_train)}, {config.held_out} accuracy {percent(on_others)}."
    why = f"{counted(n, 'image')} can be learned by heart and say too little about others."
    if not config.n_validation:
        return findings.hint("few_images", "hint", f"{why} {_HOLD_OUT}", findings.split, what)
    changes: dict[str, Any] = {"n_train": None}
    if available is not None:
        changes["n_validation"] = available // 6
    return findings.hint("few_images", "hint", why, changes, what)


def overfitting(findings: Findings) -> Hint | None:
    """Fix a held-out loss that has risen since its minimum while the train loss fell: early stopping.

    Without validation images, the fix is to hold some out: stopping at the minimum test loss would select by it.
    """
    records, config = findings.epochs, findings.config
    if not findings.finished or len(records) < 5:
        return None
    best = min(records, key=lambda record: record.test_loss)
    last = records[-1]
    risen = min(record.test_loss for record in records[-3:]) > 1.2 * best.test_loss
    fallen = last.train_loss < 0.8 * best.train_loss
    if not (risen and fallen) or last.test_accuracy > best.test_accuracy + 0.0005:
        return None
    name = f"{config.held_out.capitalize()} loss"
    lowest = f"{name} was lowest after epoch {best.epoch} ({best.test_loss:.3g})"
    what = f"{lowest}, then it rose to {last.test_loss:.3g}."
    why = "Since then the network has been learning the training images by heart, which doesn't help with others."
    if not config.n_validation:
        return findings.hint("overfitting", "info", f"{why} {_HOLD_OUT}", findings.split, what)
    if findings.end is not None and findings.end.reason:  # it stopped early: the best weights are restored
        return None
    patience = min(max(3, config.epochs // 10), config.patience or config.epochs)
    return findings.hint("overfitting", "info", why, {"patience": patience}, what)


def few_epochs(findings: Findings) -> Hint | None:
    """Fix a run that ends while it still clearly improves: more epochs, which continue it.

    If a run with similar settings reached more, any gain in the last epoch is enough.

    No hint if further epochs might undo the gain: if the loss fluctuated recently, if the steps are too large, or
    with three or more sigmoid layers, whose accuracy jumps both up and down.
    """
    records = findings.epochs
    if not findings.finished or findings.accuracy > 0.95 or records[-1].epoch < findings.config.epochs:
        return None
    wavers = any(after >= before for (before, _), (after, _) in pairwise(findings.judged[-4:]))
    if wavers or findings.config.learning_rate > findings.fitting_rate or findings.has_deep_sigmoid:
        return None
    done, better = records[-1].epoch, findings.better
    gain = records[-1].train_accuracy - records[-2].train_accuracy if len(records) > 1 else 1.0
    if better is not None and gain > 0 and better.accuracy - findings.accuracy > 0.01:
        changes = {"epochs": min(max(_ENOUGH_EPOCHS, _SLOW_EPOCHS * done), MOST_EPOCHS)}
        name = f"{findings.judged_by.capitalize()} accuracy"
        what = f"{name} is {percent(findings.accuracy)}, and still rising. {better.described}"
        why = "The loss is still falling: with these settings it takes more epochs to get as far."
        return findings.hint("few_epochs", "hint", why, changes, what)
    if gain < 0.01:
        return None
    changes = {"epochs": min(max(_ENOUGH_EPOCHS, 2 * done), MOST_EPOCHS)}
    what = f"Accuracy is still rising after {counted(done, 'epoch')} ({percent(findings.accuracy)})."
    why = "Each epoch goes once through the training images, and the loss has not levelled off yet."
    return findings.hint("few_epochs", "hint", why, changes, what)


_STRONG_L2, _STRONG_L1 = 0.001, 0.0001
_WIDE_ENOUGH = 64  # units; enough to drop a fifth of them in each step
_ROOM: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"shift": (3.0, 2.0), "rotation": (30.0, 15.0), "scale": (0.25, 0.1), "elastic": (2.0, 1.0)}
)
"""For each distortion, the largest value without a hint and one that suits digits."""


def dropout_too_strong(findings: Findings) -> Hint | None:
    """Fix dropout that leaves too few units to learn with: less of it, or none in a narrow network."""
    config = findings.config
    if max(config.dropout, config.input_dropout) < 0.3 or not findings.ends_below(0.95):
        return None
    while_dropping, without = findings.epochs[-1].train_accuracy, findings.train_accuracy
    if without - while_dropping < 0.03 and while_dropping > 0.5:
        return None
    spare = 0.2 if min(config.hidden_sizes) >= _WIDE_ENOUGH else 0.0
    changes = {"dropout": min(config.dropout, spare), "input_dropout": min(config.input_dropout, 0.1)}
    what = f"Train accuracy is {percent(while_dropping)} with dropout, and {percent(without)} without."
    why = "So much is left out in each step that what is left can't tell the classes apart."
    return findings.hint("dropout_too_strong", "hint", why, changes, what)


def penalty_too_strong(findings: Findings) -> Hint | None:
    """Fix a penalty that outweighs the data loss: at most a tenth of the threshold."""
    config = findings.config
    in_loss = not OPTIMIZERS[config.optimizer].decays_weights
    is_strong = (in_loss and config.l2 > _STRONG_L2) or config.l1 > _STRONG_L1
    if not is_strong or not findings.ends_below(0.93):
        return None
    l2 = min(config.l2, _STRONG_L2 / 10) if in_loss else config.l2
    changes = {"l2": l2, "l1": min(config.l1, _STRONG_L1 / 10)}
    why = "The loss falls more by small weights than by right answers, so the weights shrink towards 0."
    return findings.hint("penalty_too_strong", "hint", why, changes)


def augmentation_too_strong(findings: Findings) -> Hint | None:
    """Fix distortions that make digits unrecognizable: milder ones."""
    config = findings.config
    strong = {name: mild for name, (most, mild) in _ROOM.items() if getattr(config, name) > most}
    if not strong or not findings.ends_below(0.95):
        return None
    why = "Distorted so much, images no longer look like their class: a 6 that is turned is a 9."
    return findings.hint("augmentation_too_strong", "hint", why, strong)


def patience_too_short(findings: Findings) -> Hint | None:
    """Fix early stopping at the first fluctuation of the validation loss: more patience."""
    config, records = findings.config, findings.epochs
    stopped = findings.finished and len(records) and records[-1].epoch < config.epochs
    if not stopped or not 0 < config.patience <= 3 or not config.n_validation:
        return None
    best = min(record.test_loss for record in records)
    only_wobbles = records[-1].test_loss < 1.03 * best
    still_learns = findings.train_accuracy < 0.99
    if not (only_wobbles and still_learns):
        return None
    what = f"It stopped after {counted(records[-1].epoch, 'epoch')}, at a validation loss hardly above its lowest."
    why = "From one epoch to the next the loss may also rise by chance: only a lasting rise is a reason to stop."
    return findings.hint("patience_too_short", "hint", why, {"patience": 10}, what)


def wavering_loss(findings: Findings) -> Hint | None:
    """Fix a loss that fluctuates until the end: a schedule with small steps at the end."""
    config, losses = findings.config, [loss for loss, _ in findings.judged]
    ran_to_end = findings.finished and len(losses) >= 5 and findings.epochs[-1].epoch == config.epochs
    if not ran_to_end or config.schedule != "constant" or config.changes or findings.accuracy < 0.5:
        return None
    lowest, ends_high = min(losses), losses[-1] > 1.08 * min(losses)
    if not ends_high or min(losses[-3:]) > 1.2 * lowest:  # a lasting rise is not caused by the steps
        return None
    name = f"{findings.judged_by.capitalize()} loss"
    what = f"{name} goes up and down: it ends at {losses[-1]:.3g}, and was {lowest:.3g} before."
    rate = plain(config.learning_rate)
    why = f"At learning rate {rate} steps are too large for the loss to settle: let them get smaller at the end."
    return findings.hint("wavering_loss", "hint", why, {"schedule": "cosine"}, what)


def memorised(findings: Findings) -> Hint | None:
    """Fix memorized training images, as shown by validation images: new variants of them in each epoch."""
    if not _learned_by_heart(findings) or findings.config.augmentation.is_on:
        return None
    what = f"Train accuracy is {percent(findings.train_accuracy)}, validation accuracy "
    what += f"{percent(findings.test_accuracy)}."
    why = "The training images are learned by heart: shifted and turned a little, they are new in each epoch."
    return findings.hint("memorised", "info", why, {"shift": 1.0, "rotation": 10.0}, what)


def room_to_memorise(findings: Findings) -> Hint | None:
    """Fix a wide network that has memorized: dropout, so that no unit can rely on certain others."""
    config = findings.config
    has_dropout = config.dropout or config.input_dropout
    if not _learned_by_heart(findings) or has_dropout or min(config.hidden_sizes) < _WIDE_ENOUGH:
        return None
    what = f"{config.hidden_units} have room to learn individual images by heart."
    why = "Where a few units are left out in each step, each has to be of use by itself, for many images."
    return findings.hint("room_to_memorise", "info", why, {"dropout": 0.2}, what)


def _learned_by_heart(findings: Findings) -> bool:
    """Return whether a run classifies nearly all of many training images correctly, but clearly fewer others."""
    if not findings.finished or not findings.config.n_validation or findings.n_train < 5000:
        return False
    gap = findings.train_accuracy - findings.test_accuracy
    return findings.train_accuracy >= 0.985 and gap >= 0.015


_CAUSES: tuple[Rule, ...] = (
    not_a_number,
    vanishing_gradient,
    poor_first_weights,
    one_sided_loss,
    dead_units,
    step_too_large,
    penalty_too_strong,
    dropout_too_strong,
    augmentation_too_strong,
    too_few_updates,
    step_too_small,
    ruined_weights,
    few_units,
)
"""Rules for runs that don't learn; only the first that applies is reported."""

_ADVICE: tuple[Rule, ...] = (
    few_images,
    overfitting,
    patience_too_short,
    wavering_loss,
    memorised,
    room_to_memorise,
    few_epochs,
)
"""Rules that improve a sound run."""
