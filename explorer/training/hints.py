"""Rules that find a problem in a run's records, its cause, and the setting that fixes it.

A rule that applies yields the changes of settings that fix the problem, and the words that its sentences in
``hints.toml`` leave open. No rule recommends a setting based on test images: if only these reveal a problem, the
fix is to hold out validation images. The thresholds were measured on MNIST; a test tries every fix on real runs.
"""

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal

from explorer.network import OPTIMIZERS
from explorer.network.diagnostics import LayerDiagnostics
from explorer.training.config import FIELDS, MOST_EPOCHS, TrainingConfig
from explorer.training.presets import fitting_rate, rounded_down
from explorer.training.records import EpochRecord, Evaluation, History
from explorer.training.run import DivergedError
from explorer.wording import counted, grouped, percent, plain

Severity = Literal["info", "hint", "warning", "error"]

_MOST = 2
_GOOD_BATCH = 512
_ENOUGH_UPDATES, _FEW_UPDATES = 600, 200
_ENOUGH_UNITS, _FEW_UNITS = 32, 5
_ENOUGH_EPOCHS = 10
_SLOW_EPOCHS = 3  # times the epochs done
_STRONG_L2, _STRONG_L1 = 0.001, 0.0001
_WIDE_ENOUGH = 64  # units; enough to drop a fifth of them in each step
_ROOM: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"shift": (3.0, 2.0), "rotation": (30.0, 15.0), "scale": (0.25, 0.1), "elastic": (2.0, 1.0)}
)
"""For each distortion, the largest value without a hint and one that suits digits."""
_HOLD_OUT = (
    " Choosing settings by the test images would make their accuracy too optimistic; "
    "validation images are there for that."
)
_SENTENCES = tomllib.loads((files("explorer.training") / "hints.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Hint:
    """A problem, its cause and its fix."""

    id: str
    kind: Severity
    what: str
    """The symptom, in one sentence."""
    why: str
    """The cause, in one sentence."""
    fix: Mapping[str, Any]
    """Valid changes for `TrainingConfig.replace`; empty only if `fresh` is True."""
    action: str
    """The changes as a button label: ``"Learning rate 0.01 → 0.003"``."""
    fresh: bool = False
    """Whether the run must restart from freshly initialized weights instead of those it continued from."""


@dataclass(frozen=True, slots=True)
class BetterRun:
    """Another run with similar settings and a higher accuracy."""

    title: str
    accuracy: float
    """Its accuracy, 0 to 1: validation accuracy if there are validation images, otherwise train accuracy."""
    settings: str = ""
    """The settings that differ, in words."""

    @property
    def described(self) -> str:
        """The run's result in a sentence: ``"Run 1 reached 94.1 % with hidden units 32."``."""
        title = self.title[:1].upper() + self.title[1:]
        return f"{title} reached {percent(self.accuracy)}{self.settings and f' with {self.settings}'}."


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

    `n_train` samples are in use, and `n_available` could be, if there is a limit. `diagnostics`, of `diagnose` for
    the newest weights, make some reasons more exact. `start_accuracy`, 0 to 1, is that of the weights which a fork
    continues from, and `better` a run with similar settings and a higher accuracy.
    """
    run = _Findings(history.config, history, n_train, diagnostics, n_available, start_accuracy, better)
    return _causes(run) or _first(_ADVICE, run, _MOST)


def changes_in_words(before: TrainingConfig, after: TrainingConfig, *, most: int = len(FIELDS)) -> str:
    """Describe how settings differ: ``"batch size 2 048 → 512, learning rate 0.01 → 0.003"``; empty if they don't.

    Differences beyond the first `most` are counted: ``"… and 2 more"``.
    """
    names = before.differences(after)
    changes = [f"{FIELDS[name].label.lower()} {before.text(name)} → {after.text(name)}" for name in names]
    return ", ".join(changes[:most]) + (f" and {len(changes) - most} more" if len(changes) > most else "")


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the rules look at: the arguments of `hints`, and the settings in effect."""

    config: TrainingConfig
    history: History
    n_train: int
    diagnostics: Sequence[LayerDiagnostics]
    n_available: int | None
    start_accuracy: float | None
    better: BetterRun | None

    @property
    def epochs(self) -> tuple[EpochRecord, ...]:
        return self.history.epochs

    @property
    def finished(self) -> bool:
        end = self.history.end
        return end is not None and end.status == "finished" and bool(self.epochs)

    @property
    def newest(self) -> EpochRecord | Evaluation:
        """The current figures, which are exact once the run has ended."""
        end = self.history.end
        return self.epochs[-1] if end is None or end.final is None else end.final

    @property
    def judged_by(self) -> str:
        """The set by which settings are chosen: never the test set."""
        return "validation" if self.config.n_validation else "train"

    @property
    def accuracy(self) -> float:
        return self.newest.test_accuracy if self.config.n_validation else self.newest.train_accuracy

    @property
    def judged(self) -> list[tuple[float, float]]:
        """Loss and accuracy of each epoch on that set."""
        kind = "test" if self.config.n_validation else "train"
        return [(getattr(r, f"{kind}_loss"), getattr(r, f"{kind}_accuracy")) for r in self.epochs]

    @property
    def accuracy_name(self) -> str:
        return f"{self.judged_by.capitalize()} accuracy"

    @property
    def accuracy_words(self) -> str:
        return percent(self.accuracy)

    @property
    def both_accuracies(self) -> str:
        held_out = f"{self.config.held_out} accuracy {percent(self.newest.test_accuracy)}"
        return f"Train accuracy is {percent(self.newest.train_accuracy)}, {held_out}."

    @property
    def low_accuracy(self) -> str:
        chance = 1.0 / len(self.epochs[-1].confusion)
        if not self.is_stuck:
            return f"{self.accuracy_name} is only {self.accuracy_words}."
        level = "near chance" if self.accuracy < 3 * chance else "low"
        return f"{self.accuracy_name} stays {level} ({self.accuracy_words})."

    @property
    def is_stuck(self) -> bool:
        """Whether both accuracies are below 0.5 and the run has finished or some epoch gained less than 0.03."""
        if not self.epochs or max(self.accuracy, self.newest.train_accuracy) >= 0.5:
            return False
        gains = (after - before for (_, before), (_, after) in pairwise(self.judged))
        return self.finished or any(gain < 0.03 for gain in gains)

    @property
    def has_ruined_weights(self) -> bool:
        """Whether the run is stuck and continued from weights that were already bad."""
        return self.start_accuracy is not None and self.start_accuracy < 0.5 and self.is_stuck

    def ends_below(self, accuracy: float) -> bool:
        """Return whether a finished run's train and validation accuracies are all below `accuracy`."""
        return self.finished and max(self.accuracy, self.newest.train_accuracy) < accuracy

    def is_low(self, accuracy: float) -> bool:
        return self.is_stuck or self.ends_below(accuracy)

    @property
    def has_deep_sigmoid(self) -> bool:
        """Whether the gradient passes through three or more layers of sigmoid units."""
        return len(self.config.hidden_sizes) >= 3 and self.config.hidden_activation == "sigmoid"

    @property
    def learned_by_heart(self) -> bool:
        """Whether nearly all of many training images are classified correctly, but clearly fewer others."""
        if not self.finished or not self.config.n_validation or self.n_train < 5000:
            return False
        accuracy = self.newest.train_accuracy
        return accuracy >= 0.985 and accuracy - self.newest.test_accuracy >= 0.015

    @property
    def diverged_at(self) -> int | None:
        error = None if self.history.end is None else self.history.end.error
        if isinstance(error, DivergedError):
            return error.epoch
        broken = (r.epoch for r in self.epochs if not math.isfinite(r.train_loss + r.test_loss))
        return next(broken, None)

    @property
    def batch(self) -> int:
        """Images in a full batch."""
        return min(self.config.batch_size, self.n_train)

    @property
    def good_batch(self) -> int:
        """The largest power of two from 8 to 512 that gives enough updates."""
        most = self.n_train * self.config.epochs / _ENOUGH_UPDATES
        return 1 << int(math.log2(min(max(most, 8.0), float(_GOOD_BATCH))))

    @property
    def updates(self) -> int:
        """Updates of the weights in a whole run, excluding those before a fork."""
        before = self.epochs[0].epoch - 1 if self.epochs else 0
        ends = self.history.config.steps_at_ends(self.n_train)
        return ends[-1] - ends[before]

    @property
    def changes_too_rarely(self) -> bool:
        """Whether the batch size causes too few updates; a common size doesn't if there are enough images."""
        usual = self.batch <= _GOOD_BATCH and self.n_train >= 20 * self.batch
        return self.updates < _FEW_UPDATES and not usual and 2 * self.good_batch <= self.batch

    @property
    def initializer(self) -> str:
        """The initializer, or a replacement if it ignores the number of inputs."""
        if self.config.initializer in ("glorot", "he"):
            return self.config.initializer
        return "he" if self.config.hidden_activation == "relu" else "glorot"

    @property
    def wide_enough(self) -> tuple[int, ...]:
        return tuple(max(size, _ENOUGH_UNITS) for size in self.config.hidden_sizes)

    @property
    def mean_would_fit(self) -> bool:
        """Whether a summed gradient is used with a learning rate meant for the mean."""
        by_mean = {"reduction": "mean"}
        return not self.config.takes_mean and self.with_rate(**by_mean) == by_mean

    def fitting_rate(self, **changes: Any) -> float:
        """Return the learning rate that fits the settings with `changes`."""
        return fitting_rate(self.config.replace(**changes), self.n_train)

    def with_rate(self, **changes: Any) -> dict[str, Any]:
        """Return `changes`, plus a fitting learning rate unless theirs is at most that and above a fifth of it."""
        fitting = self.fitting_rate(**changes)
        if fitting / 5 < changes.get("learning_rate", self.config.learning_rate) <= fitting:
            return changes
        return {**changes, "learning_rate": fitting}

    def sound(self, **changes: Any) -> dict[str, Any]:
        """Return `changes`, completed so that nothing else keeps the run from learning."""
        if min(self.config.hidden_sizes) < _FEW_UNITS:
            changes["hidden_sizes"] = self.wide_enough
        if self.changes_too_rarely:
            changes["batch_size"] = self.good_batch
        return self.with_rate(**changes)


_Fixes = Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]
"""For a rule that applies, once the changes of settings and the words that its sentences leave open."""
_Rule = Callable[[_Findings], _Fixes]


def _causes(run: _Findings) -> tuple[Hint, ...]:
    """Return the hint on why a run doesn't learn, for the learning rate and batch size in effect.

    The fix drops the mid-run changes and keeps these values. If an epoch diverged, the changes within it count.
    """
    if not run.config.changes:
        return _first(_CAUSES, run, 1)
    batches = run.history.batches
    step = batches[-1].step - 1 if batches else 0  # a change applies after its step
    if (epoch := run.diverged_at) is not None:
        step = max(step, run.config.steps_at_ends(run.n_train)[epoch] - 1)
    now = run.config.at_step(step)
    kept = {"learning_rate": now.learning_rate, "batch_size": now.batch_size}
    found = _first(_CAUSES, replace(run, config=now), 1)
    return tuple(replace(hint, fix=MappingProxyType({**kept, **hint.fix})) for hint in found)


def _first(rules: Sequence[_Rule], run: _Findings, most: int) -> tuple[Hint, ...]:
    found = [hint for rule in rules for hint in _worded(rule, run)]
    by_fix = {hint.action: hint for hint in reversed(found)}  # of two hints with one fix, keep the first
    return tuple(hint for hint in found if by_fix[hint.action] is hint)[:most]


def _worded(rule: _Rule, run: _Findings) -> Iterator[Hint]:
    """Yield a rule's hint, whose fix is the effective part of the changes, if it changes anything.

    A run with ruined weights must restart from fresh ones even if nothing else changes.
    """
    for changes, words in rule(run):
        fixed, fresh = run.config.replace(**changes), run.has_ruined_weights
        fix = {name: getattr(fixed, name) for name in run.config.differences(fixed)}
        if fix or fresh:
            parts = changes_in_words(run.config, fixed), "freshly initialized weights" * fresh
            action = ", ".join(filter(None, parts))
            name = rule.__name__.removeprefix("_")
            entry = {"what": "{run.low_accuracy}", **_SENTENCES[words.get("hint", name)], **words}
            what, why = (entry[key].format(run=run, **words) for key in ("what", "why"))
            action = action[0].upper() + action[1:]
            yield Hint(name, entry["kind"], what, why, MappingProxyType(fix), action, fresh)


def _not_a_number(run: _Findings) -> _Fixes:
    if (epoch := run.diverged_at) is not None:
        smaller = max(rounded_down(run.config.learning_rate / 3), 1e-5)
        yield run.sound(learning_rate=smaller, initializer=run.initializer), {"epoch": epoch}


def _vanishing_gradient(run: _Findings) -> _Fixes:
    if not run.has_deep_sigmoid or not run.is_low(0.8):
        return
    first, last = (run.diagnostics[at].gradient_rms if run.diagnostics else 0.0 for at in (0, -1))
    weaker = ""
    if 0 < 10 * first < last:
        weaker = f": it is {grouped(round(last / first))} times weaker in the first layer than in the last"
    yield run.sound(hidden_activation="relu", initializer="he"), {"weaker": weaker}


def _poor_first_weights(run: _Findings) -> _Fixes:
    uniform = run.config.initializer == "uniform"
    is_low = run.ends_below(0.9) or (uniform and run.is_stuck)
    if run.start_accuracy is not None or not is_low or run.initializer == run.config.initializer:
        return
    units = "every hidden unit is" if uniform else "most hidden units are"
    if run.diagnostics:
        units = f"{percent(run.diagnostics[0].saturated, 0)} of the hidden activations are"
    effect = f"{units} saturated and hardly any gradient passes"
    if run.config.hidden_activation == "relu":
        effect = "the weighted sums are too, and the first steps throw them far off"
    words = {"positive": " and all positive" * uniform, "effect": effect}
    kind = "warning" if run.is_stuck else "hint"
    yield run.sound(initializer=run.initializer), words | {"kind": kind}


def _one_sided_loss(run: _Findings) -> _Fixes:
    if (run.config.output, run.config.loss) == ("sigmoid", "cross_entropy") and run.is_stuck:
        yield run.sound(output="softmax"), {}


def _dead_units(run: _Findings) -> _Fixes:
    hidden = [layer for layer in run.diagnostics if layer.activation == "relu" and layer.dead > 0.5]
    if hidden and run.is_low(0.85):
        worst = max(hidden, key=lambda layer: layer.dead)
        n_dead, units = round(worst.dead * worst.n_units), counted(worst.n_units, "unit")
        yield run.sound(initializer="he"), {"dead": f"{n_dead} of {units} in hidden layer {worst.layer}"}


def _step_too_large(run: _Findings) -> _Fixes:
    if run.config.learning_rate <= run.fitting_rate() or not run.is_low(0.9):
        return
    changes: dict[str, Any] = {}
    if run.mean_would_fit:
        changes = {"reduction": "mean"}
    elif not run.config.takes_mean and run.batch > 2 * _GOOD_BATCH:
        changes = {"batch_size": run.good_batch}
    yield run.sound(**changes), {"cause": _why_too_large(run)}


def _why_too_large(run: _Findings) -> str:
    config, batch = run.config, run.batch
    by = f"The gradient is a {'mean' if config.takes_mean else 'sum'} over the batch"
    if run.mean_would_fit:
        return f"{by}: {grouped(batch)} images make each step {grouped(batch)} times the mean"
    if batch >= 2 * _GOOD_BATCH and config.learning_rate <= run.fitting_rate(batch_size=_GOOD_BATCH):
        times = f"{grouped(round(batch / _GOOD_BATCH))} times as large as {_GOOD_BATCH} do"
        return f"{by}: {grouped(batch)} images make each step {times}"
    excess = grouped(round(config.learning_rate / run.fitting_rate()))
    if config.learning_rate <= run.fitting_rate(hidden_sizes=(_ENOUGH_UNITS,)):
        return f"{by}, and {config.hidden_units} make each step about {excess} times too large"
    rate = plain(config.learning_rate)
    return f"Learning rate {rate} makes each step about {excess} times too large, so that it overshoots"


def _penalty_too_strong(run: _Findings) -> _Fixes:
    config, in_loss = run.config, not OPTIMIZERS[run.config.optimizer].decays_weights
    if ((in_loss and config.l2 > _STRONG_L2) or config.l1 > _STRONG_L1) and run.ends_below(0.93):
        l2 = min(config.l2, _STRONG_L2 / 10) if in_loss else config.l2
        yield {"l2": l2, "l1": min(config.l1, _STRONG_L1 / 10)}, {}


def _dropout_too_strong(run: _Findings) -> _Fixes:
    config = run.config
    if max(config.dropout, config.input_dropout) < 0.3 or not run.ends_below(0.95):
        return
    dropping, without = run.epochs[-1].train_accuracy, run.newest.train_accuracy
    if without - dropping >= 0.03 or dropping <= 0.5:
        spare = 0.2 if min(config.hidden_sizes) >= _WIDE_ENOUGH else 0.0
        changes = {"dropout": min(config.dropout, spare), "input_dropout": min(config.input_dropout, 0.1)}
        yield changes, {"dropping": percent(dropping), "without": percent(without)}


def _augmentation_too_strong(run: _Findings) -> _Fixes:
    strong = {name: mild for name, (most, mild) in _ROOM.items() if getattr(run.config, name) > most}
    if strong and run.ends_below(0.95):
        yield strong, {}


def _too_few_updates(run: _Findings) -> _Fixes:
    if run.ends_below(0.88) and run.changes_too_rarely:
        words = {"low": run.low_accuracy[:-1], "steps": counted(run.updates, "step")}
        yield run.sound(), words | {"batch": grouped(run.batch), "n_train": grouped(run.n_train)}


def _step_too_small(run: _Findings) -> _Fixes:
    if run.config.learning_rate > run.fitting_rate() / 5 or not run.finished:
        return
    losses = [record.train_loss for record in run.epochs[-2:]]
    is_improving = len(losses) < 2 or losses[1] < 0.998 * losses[0]
    if run.ends_below(0.93 if is_improving else 0.5):
        cause = (
            f"At learning rate {plain(run.config.learning_rate)} each step changes the weights very little"
        )
        if not run.config.takes_mean and run.batch < _GOOD_BATCH / 4:
            cause = f"The gradient is a sum over the batch, so a batch of {run.batch} makes each step tiny"
        yield run.sound(), {"cause": cause}


def _ruined_weights(run: _Findings) -> _Fixes:
    if run.start_accuracy is not None and run.has_ruined_weights:
        changes = {"initializer": run.initializer} if run.config.initializer == "uniform" else {}
        yield run.sound(**changes), {"right": percent(run.start_accuracy)}


def _few_units(run: _Findings) -> _Fixes:
    narrowest = min(run.config.hidden_sizes)
    if narrowest < _ENOUGH_UNITS / 2 and run.ends_below(0.9):
        yield run.with_rate(hidden_sizes=run.wide_enough), {"narrowest": counted(narrowest, "hidden unit")}


def _few_images(run: _Findings) -> _Fixes:
    """Fix a training set too small to generalize from, if twice as many images are available: all images."""
    n, available = run.n_train, run.n_available
    has_more = run.config.n_train is not None and (available is None or available >= 2 * n)
    if not has_more or not run.finished:
        return
    on_train, on_test = run.newest.train_accuracy, run.newest.test_accuracy
    if on_train - on_test >= 0.05 or (n <= 1000 and on_test < 0.85):
        changes = {"n_train": None} | ({} if available is None else {"n_validation": available // 6})
        yield from _held_out(run, changes, {"images": counted(n, "image")})


def _held_out(run: _Findings, changes: Mapping[str, Any], words: Mapping[str, Any]) -> _Fixes:
    """Yield a fix to decide on with validation images: without any, hold out a sixth of the images instead."""
    if run.config.n_validation:
        yield changes, {**words, "hold_out": ""}
    else:
        yield {"n_validation": max(1, run.n_train // 6)}, {**words, "hold_out": _HOLD_OUT}


def _overfitting(run: _Findings) -> _Fixes:
    """Fix a held-out loss that has risen since its minimum while the train loss fell: early stopping."""
    records, config, end = run.epochs, run.config, run.history.end
    if not run.finished or len(records) < 5:
        return
    best, last = min(records, key=lambda record: record.test_loss), records[-1]
    risen = min(record.test_loss for record in records[-3:]) > 1.2 * best.test_loss
    fallen = last.train_loss < 0.8 * best.train_loss
    if not (risen and fallen) or last.test_accuracy > best.test_accuracy + 0.0005:
        return
    if (
        config.n_validation and end is not None and end.reason
    ):  # it stopped early: the best weights are restored
        return
    patience = min(max(3, config.epochs // 10), config.patience or config.epochs)
    words = {"held_out": config.held_out.capitalize(), "best": best, "last": last.test_loss}
    yield from _held_out(run, {"patience": patience}, words)


def _patience_too_short(run: _Findings) -> _Fixes:
    config, records = run.config, run.epochs
    stopped = run.finished and records[-1].epoch < config.epochs
    if not stopped or not 0 < config.patience <= 3 or not config.n_validation:
        return
    only_wobbles = records[-1].test_loss < 1.03 * min(record.test_loss for record in records)
    if only_wobbles and run.newest.train_accuracy < 0.99:
        yield {"patience": 10}, {"epochs": counted(records[-1].epoch, "epoch")}


def _wavering_loss(run: _Findings) -> _Fixes:
    config, losses = run.config, [loss for loss, _ in run.judged]
    ran_to_end = run.finished and len(losses) >= 5 and run.epochs[-1].epoch == config.epochs
    if not ran_to_end or config.schedule != "constant" or config.changes or run.accuracy < 0.5:
        return
    lowest, last = min(losses), losses[-1]
    if last > 1.08 * lowest and min(losses[-3:]) <= 1.2 * lowest:  # a lasting rise is not caused by the steps
        words = {"judged_by": run.judged_by.capitalize(), "rate": plain(config.learning_rate)}
        yield {"schedule": "cosine"}, words | {"last": last, "lowest": lowest}


def _memorised(run: _Findings) -> _Fixes:
    if run.learned_by_heart and not run.config.augmentation.is_on:
        yield {"shift": 1.0, "rotation": 10.0}, {}


def _room_to_memorise(run: _Findings) -> _Fixes:
    config = run.config
    has_dropout = config.dropout or config.input_dropout
    if run.learned_by_heart and not has_dropout and min(config.hidden_sizes) >= _WIDE_ENOUGH:
        yield {"dropout": 0.2}, {}


def _few_epochs(run: _Findings) -> _Fixes:
    """Fix a run that ends while it still clearly improves: more epochs, which continue it.

    If a run with similar settings reached more, any gain in the last epoch is enough.

    No hint if further epochs might undo the gain: if the loss fluctuated recently, if the steps are too large, or
    with three or more sigmoid layers, whose accuracy jumps both up and down.
    """
    records, better = run.epochs, run.better
    if not run.finished or run.accuracy > 0.95 or records[-1].epoch < run.config.epochs:
        return
    wavers = any(after >= before for (before, _), (after, _) in pairwise(run.judged[-4:]))
    if wavers or run.config.learning_rate > run.fitting_rate() or run.has_deep_sigmoid:
        return
    done = records[-1].epoch
    gain = records[-1].train_accuracy - records[-2].train_accuracy if len(records) > 1 else 1.0
    is_beaten = better is not None and gain > 0 and better.accuracy - run.accuracy > 0.01
    if is_beaten or gain >= 0.01:
        epochs = min(max(_ENOUGH_EPOCHS, (_SLOW_EPOCHS if is_beaten else 2) * done), MOST_EPOCHS)
        name = "beaten" if is_beaten else "few_epochs"
        yield {"epochs": epochs}, {"hint": name, "epochs": counted(done, "epoch")}


_CAUSES: tuple[_Rule, ...] = (
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

_ADVICE: tuple[_Rule, ...] = (
    _few_images,
    _overfitting,
    _patience_too_short,
    _wavering_loss,
    _memorised,
    _room_to_memorise,
    _few_epochs,
)
"""Rules that improve a sound run."""
