"""Rules that find a problem in a run's records, its cause, and the setting that fixes it.

Each problem has a name, the changes of settings that fix it, and the words that its sentences in ``hints.toml``
leave open. No rule recommends a setting based on test images: if only these reveal a problem, the fix is to hold
out validation images. The thresholds were measured on MNIST; a test tries every fix on real runs.
"""

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
_BY_HEART = 0.985  # train accuracy
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
    """A problem: what it is and why, a sentence each, and its fix."""

    id: str
    kind: Severity
    what: str
    why: str
    fix: Mapping[str, Any]
    """Valid changes for `TrainingConfig.replace`; empty only if `fresh` is True."""
    action: str
    """The changes as a button label: ``"Learning rate 0.01 → 0.003"``."""
    fresh: bool = False
    """Whether the run must restart from freshly initialized weights instead of those it continued from."""


def hints(
    history: History,
    *,
    n_train: int,
    diagnostics: Sequence[LayerDiagnostics] = (),
    n_available: int | None = None,
    start_accuracy: float | None = None,
) -> tuple[Hint, ...]:
    """Return the hints for a run, most severe first: at most two, none if all is well.

    While the run continues (``history.end`` is None), only problems that don't resolve themselves are reported.

    `n_train` samples are in use, and `n_available` could be, if there is a limit. `diagnostics`, of `diagnose` for
    the newest weights, make some reasons more exact. `start_accuracy`, 0 to 1, is that of the weights which a fork
    continues from.
    """
    run = _Findings(history.config, history, n_train, diagnostics, n_available, start_accuracy)
    return _cause(run) or _worded(_refinements(run), run)[:_MOST]


def changes_in_words(before: TrainingConfig, after: TrainingConfig, *, most: int = len(FIELDS)) -> str:
    """Describe how settings differ, the first `most` of them: ``"batch size 2 048 → 512 and 2 more"``."""
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

    @property
    def finished(self) -> bool:
        end = self.history.end
        return end is not None and end.status == "finished" and len(self.history) > 0

    @property
    def newest(self) -> EpochRecord | Evaluation:
        """The current figures, which are exact once the run has ended."""
        end = self.history.end
        return self.history[-1] if end is None or end.final is None else end.final

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
        return [(getattr(r, f"{kind}_loss"), getattr(r, f"{kind}_accuracy")) for r in self.history]

    @property
    def accuracy_words(self) -> str:
        return percent(self.accuracy)

    @property
    def both_accuracies(self) -> str:
        held_out = f"{self.config.held_out} accuracy {percent(self.newest.test_accuracy)}"
        return f"Train accuracy is {percent(self.newest.train_accuracy)}, {held_out}."

    @property
    def low_accuracy(self) -> str:
        name = f"{self.judged_by.capitalize()} accuracy"
        if not self.is_stuck:
            return f"{name} is only {self.accuracy_words}."
        level = "near chance" if self.accuracy < 1.5 * self.chance else "low"
        return f"{name} stays {level} ({self.accuracy_words})."

    @property
    def chance(self) -> float:
        """Accuracy of always answering the most frequent class."""
        counts = self.history[-1].confusion.sum(axis=1)
        return float(counts.max() / max(counts.sum(), 1))

    @property
    def is_stuck(self) -> bool:
        """Whether both accuracies are low and the run has finished or some epoch gained less than 0.03."""
        if not self.history or max(self.accuracy, self.newest.train_accuracy) >= min(0.5, 5 * self.chance):
            return False
        gains = (after - before for (_, before), (_, after) in pairwise(self.judged))
        return self.finished or any(gain < 0.03 for gain in gains)

    @property
    def has_ruined_weights(self) -> bool:
        """Whether the run is stuck and continued from weights that were already bad."""
        return self.start_accuracy is not None and self.start_accuracy < 0.5 and self.is_stuck

    def falls_short(self, least: float) -> bool:
        """Return whether held-out accuracy is below train accuracy by `least` and by two standard errors."""
        train, held_out = self.newest.train_accuracy, self.newest.test_accuracy
        variance = held_out * (1 - held_out) / max(int(self.history[-1].confusion.sum()), 1)
        return train - held_out >= max(least, 2 * math.sqrt(variance))

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
    def diverged_at(self) -> int | None:
        error = None if self.history.end is None else self.history.end.error
        if isinstance(error, DivergedError):
            return error.epoch
        broken = (r.epoch for r in self.history if not math.isfinite(r.train_loss + r.test_loss))
        return next(broken, None)

    @property
    def batch(self) -> int:
        return min(self.config.batch_size, self.n_train)

    @property
    def good_batch(self) -> int:
        """The largest power of two from 8 to 512 that gives enough updates."""
        most = self.n_train * self.config.epochs / _ENOUGH_UPDATES
        return 1 << int(math.log2(min(max(most, 8.0), float(_GOOD_BATCH))))

    @property
    def updates(self) -> int:
        """Updates of the weights in a whole run, excluding those before a fork."""
        before = self.history[0].epoch - 1 if self.history else 0
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
    def knows_few_by_heart(self) -> bool:
        """Whether it has learned fewer than 1000 images by heart, and more are available."""
        n, available = self.n_train, self.n_available
        is_small = self.config.n_train is not None and n < 1000 and (available is None or available >= 2 * n)
        return is_small and self.newest.train_accuracy >= _BY_HEART

    @property
    def wide_enough(self) -> tuple[int, ...]:
        return tuple(max(size, _ENOUGH_UNITS) for size in self.config.hidden_sizes)

    @property
    def mean_would_fit(self) -> bool:
        """Whether a summed gradient is used with a learning rate meant for the mean."""
        by_mean = {"reduction": "mean"}
        return not self.config.takes_mean and self.with_rate(**by_mean) == by_mean

    def fitting_rate(self, **changes: Any) -> float:
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


_Problem = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""Its name, the changes of settings that fix it, and the words that its sentences leave open."""


def _cause(run: _Findings) -> tuple[Hint, ...]:
    """Return the hint on why a run doesn't learn, for the learning rate and batch size in effect.

    The fix drops the mid-run changes and keeps these values. If an epoch diverged, the changes within it count.
    """
    if not run.config.changes:
        return _worded(_causes(run), run)[:1]
    batches = run.history.batches
    step = batches[-1].step - 1 if batches else 0  # a change applies after its step
    if (epoch := run.diverged_at) is not None:
        step = max(step, run.config.steps_at_ends(run.n_train)[epoch] - 1)
    now = run.config.at_step(step)
    kept = {"learning_rate": now.learning_rate, "batch_size": now.batch_size}
    run = replace(run, config=now)
    found = _worded(_causes(run), run)[:1]
    return tuple(replace(hint, fix=MappingProxyType({**kept, **hint.fix})) for hint in found)


def _worded(problems: Iterable[_Problem], run: _Findings) -> tuple[Hint, ...]:
    """Return the hints on problems that a fix changes anything about; of two with one fix, the first.

    A run with ruined weights must restart from fresh ones even if nothing else changes.
    """
    found, fresh = dict[str, Hint](), run.has_ruined_weights
    for name, changes, words in problems:
        fixed = run.config.replace(**changes)
        fix = {name: getattr(fixed, name) for name in run.config.differences(fixed)}
        if fix or fresh:
            parts = changes_in_words(run.config, fixed), "freshly initialized weights" if fresh else ""
            action = ", ".join(filter(None, parts))
            action = action[0].upper() + action[1:]
            entry = {"what": "{run.low_accuracy}", **_SENTENCES[words.get("hint", name)], **words}
            what, why = (entry[key].format(run=run, **words) for key in ("what", "why"))
            hint = Hint(name, entry["kind"], what, why, MappingProxyType(fix), action, fresh)
            found.setdefault(action, hint)
    return tuple(found.values())


def _causes(run: _Findings) -> Iterator[_Problem]:
    """Yield why a run doesn't learn; only the first cause is reported."""
    config = run.config
    if (epoch := run.diverged_at) is not None:
        smaller = max(rounded_down(config.learning_rate / 3), 1e-5)
        yield "not_a_number", run.sound(learning_rate=smaller, initializer=run.initializer), {"epoch": epoch}
    if run.has_deep_sigmoid and run.is_low(0.8):
        first, last = (run.diagnostics[at].gradient_rms if run.diagnostics else 0.0 for at in (0, -1))
        weaker = ""
        if 0 < 10 * first < last:
            times = grouped(round(last / first))
            weaker = f": it is {times} times weaker in the first layer than in the last"
        yield "vanishing_gradient", run.sound(hidden_activation="relu", initializer="he"), {"weaker": weaker}
    yield from _poor_first_weights(run)
    if (config.output, config.loss) == ("sigmoid", "cross_entropy") and run.is_stuck:
        yield "one_sided_loss", run.sound(output="softmax"), {}
    dead = [layer for layer in run.diagnostics if layer.activation == "relu" and layer.dead > 0.5]
    if dead and run.is_low(0.85):
        worst = max(dead, key=lambda layer: layer.dead)
        units = f"{round(worst.dead * worst.n_units)} of {counted(worst.n_units, 'unit')}"
        yield "dead_units", run.sound(initializer="he"), {"dead": f"{units} in hidden layer {worst.layer}"}
    if config.learning_rate > run.fitting_rate() and run.is_low(0.9):
        changes: dict[str, Any] = {}
        if run.mean_would_fit:
            changes = {"reduction": "mean"}
        elif not config.takes_mean and run.batch > 2 * _GOOD_BATCH:
            changes = {"batch_size": run.good_batch}
        yield "step_too_large", run.sound(**changes), {"cause": _why_too_large(run)}
    yield from _too_strong(run)
    if run.ends_below(0.88) and run.changes_too_rarely:
        words = {"low": run.low_accuracy[:-1], "steps": counted(run.updates, "step")}
        words |= {"batch": grouped(run.batch), "n_train": grouped(run.n_train)}
        yield "too_few_updates", run.sound(), words
    yield from _step_too_small(run)
    if run.start_accuracy is not None and run.has_ruined_weights:
        changes = {"initializer": run.initializer} if config.initializer == "uniform" else {}
        yield "ruined_weights", run.sound(**changes), {"right": percent(run.start_accuracy)}
    narrowest = min(config.hidden_sizes)
    if narrowest < _ENOUGH_UNITS / 2 and run.ends_below(0.9):
        words = {"narrowest": counted(narrowest, "hidden unit")}
        yield "few_units", run.with_rate(hidden_sizes=run.wide_enough), words


def _poor_first_weights(run: _Findings) -> Iterator[_Problem]:
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
    words = {"positive": " and all positive" if uniform else "", "effect": effect}
    kind = "warning" if run.is_stuck else "hint"
    yield "poor_first_weights", run.sound(initializer=run.initializer), words | {"kind": kind}


def _why_too_large(run: _Findings) -> str:
    config, batch = run.config, run.batch
    by = f"The gradient is a {'mean' if config.takes_mean else 'sum'} over the batch"
    if run.mean_would_fit:
        return f"{by}: {grouped(batch)} images make each step {grouped(batch)} times the mean"
    if batch >= 2 * _GOOD_BATCH and config.learning_rate <= run.fitting_rate(batch_size=_GOOD_BATCH):
        times = f"{grouped(round(batch / _GOOD_BATCH))} times as large as {_GOOD_BATCH} do"
        return f"{by}: {grouped(batch)} images make each step {times}"
    ratio = config.learning_rate / run.fitting_rate()
    excess = f"about {grouped(round(ratio))} times" if ratio >= 1.5 else "somewhat"
    if config.learning_rate <= run.fitting_rate(hidden_sizes=(_ENOUGH_UNITS,)):
        return f"{by}, and {config.hidden_units} make each step {excess} too large"
    rate = plain(config.learning_rate)
    return f"Learning rate {rate} makes each step {excess} too large, so that it overshoots"


def _too_strong(run: _Findings) -> Iterator[_Problem]:
    """Yield penalties, dropout and distortions that outweigh what there is to learn."""
    config, in_loss = run.config, not OPTIMIZERS[run.config.optimizer].decays_weights
    if ((in_loss and config.l2 > _STRONG_L2) or config.l1 > _STRONG_L1) and run.ends_below(0.93):
        l2 = min(config.l2, _STRONG_L2 / 10) if in_loss else config.l2
        yield "penalty_too_strong", {"l2": l2, "l1": min(config.l1, _STRONG_L1 / 10)}, {}
    if max(config.dropout, config.input_dropout) >= 0.3 and run.ends_below(0.95):
        dropping, without = run.history[-1].train_accuracy, run.newest.train_accuracy
        spare = 0.2 if min(config.hidden_sizes) >= _WIDE_ENOUGH else 0.0
        changes = {"dropout": min(config.dropout, spare), "input_dropout": min(config.input_dropout, 0.1)}
        if without - dropping >= 0.03 or dropping <= 0.5:
            words = {"dropping": percent(dropping), "without": percent(without)}
            yield "dropout_too_strong", changes, words
    strong = {name: mild for name, (most, mild) in _ROOM.items() if getattr(config, name) > most}
    if strong and run.ends_below(0.95):
        yield "augmentation_too_strong", strong, {}


def _step_too_small(run: _Findings) -> Iterator[_Problem]:
    config, losses = run.config, [record.train_loss for record in run.history[-2:]]
    is_improving = len(losses) < 2 or losses[1] < 0.998 * losses[0]
    if config.learning_rate > run.fitting_rate() / 5 or not run.ends_below(0.93 if is_improving else 0.5):
        return
    cause = f"At learning rate {plain(config.learning_rate)} each step changes the weights very little"
    if not config.takes_mean and run.batch < _GOOD_BATCH / 4:
        cause = f"The gradient is a sum over the batch, so a batch of {run.batch} makes each step tiny"
    yield "step_too_small", run.sound(), {"cause": cause}


def _refinements(run: _Findings) -> Iterator[_Problem]:
    """Yield what would improve a sound run that has finished."""
    config, records = run.config, run.history
    if not run.finished:
        return
    yield from _few_images(run)
    yield from _overfitting(run)
    stopped_early = records[-1].epoch < config.epochs
    if stopped_early and 0 < config.patience <= 3 and config.n_validation:
        only_wobbles = records[-1].test_loss < 1.03 * min(record.test_loss for record in records)
        if only_wobbles and run.newest.train_accuracy < 0.99:
            yield "patience_too_short", {"patience": 10}, {"epochs": counted(records[-1].epoch, "epoch")}
    if not stopped_early:
        yield from _wavering_loss(run)
    has_dropout = config.dropout or config.input_dropout
    by_heart = run.newest.train_accuracy >= _BY_HEART and run.falls_short(0.015)
    by_heart = by_heart and bool(config.n_validation) and run.n_train >= 5000
    if by_heart and not config.augmentation.is_on:
        yield "memorised", {"shift": 1.0, "rotation": 10.0}, {}
    if by_heart and not has_dropout and min(config.hidden_sizes) >= _WIDE_ENOUGH:
        yield "room_to_memorise", {"dropout": 0.2}, {}
    if not stopped_early:
        yield from _few_epochs(run)


def _held_out(run: _Findings, name: str, changes: Mapping[str, Any], **words: Any) -> _Problem:
    """Return a problem to decide on with validation images; without any, hold out a sixth of the images."""
    if run.config.n_validation:
        return name, changes, {**words, "hold_out": ""}
    return name, {"n_validation": max(1, run.n_train // 6)}, {**words, "hold_out": _HOLD_OUT}


def _few_images(run: _Findings) -> Iterator[_Problem]:
    """Fix a training set too small to generalize from, if twice as many images are available: all images."""
    n, available = run.n_train, run.n_available
    if run.config.n_train is None or (available is not None and available < 2 * n):
        return
    if not run.config.n_validation and run.knows_few_by_heart:  # the training images tell it
        yield "few_images", {"n_train": None}, {"images": counted(n, "image"), "hold_out": ""}
    elif run.falls_short(0.05) or (n <= 1000 and run.newest.test_accuracy < 0.9):
        changes = {"n_train": None} | ({} if available is None else {"n_validation": available // 6})
        yield _held_out(run, "few_images", changes, images=counted(n, "image"))


def _overfitting(run: _Findings) -> Iterator[_Problem]:
    """Fix a held-out loss that has risen since its minimum while the train loss fell: early stopping."""
    records, config, end = run.history, run.config, run.history.end
    if len(records) < 5 or (config.n_validation and end is not None and end.reason):
        return  # it stopped early: the best weights are restored
    if not config.n_validation and run.knows_few_by_heart:
        return  # a few validation images of so few would help little
    best, last = min(records, key=lambda record: record.test_loss), records[-1]
    risen = min(record.test_loss for record in records[-3:]) > 1.2 * best.test_loss
    fallen = last.train_loss < 0.8 * best.train_loss
    if risen and fallen and last.test_accuracy <= best.test_accuracy + 0.0005:
        patience = min(max(3, config.epochs // 10), config.patience or config.epochs)
        words = {"held_out": config.held_out.capitalize(), "best": best, "last": last.test_loss}
        yield _held_out(run, "overfitting", {"patience": patience}, **words)


def _wavering_loss(run: _Findings) -> Iterator[_Problem]:
    config, losses = run.config, [loss for loss, _ in run.judged]
    if len(losses) < 5 or config.schedule != "constant" or config.changes or run.accuracy < 0.5:
        return
    lowest, last = min(losses), losses[-1]
    if last > 1.08 * lowest and min(losses[-3:]) <= 1.2 * lowest:  # a lasting rise is not caused by the steps
        words = {"judged_by": run.judged_by.capitalize(), "rate": plain(config.learning_rate)}
        yield "wavering_loss", {"schedule": "cosine"}, words | {"last": last, "lowest": lowest}


def _few_epochs(run: _Findings) -> Iterator[_Problem]:
    """Fix a run that ends while it still clearly improves, unless more epochs might undo the gain: more epochs."""
    records, hint = run.history, "few_epochs" if len(run.history) > 1 else "one_epoch"
    wavers = any(after >= before for (before, _), (after, _) in pairwise(run.judged[-4:]))
    has_large_steps = run.config.learning_rate > run.fitting_rate()
    # The accuracy of deep sigmoid networks jumps both up and down.
    if run.accuracy > 0.95 or wavers or has_large_steps or run.has_deep_sigmoid:
        return
    done = records[-1].epoch
    if len(records) == 1 or records[-1].train_accuracy - records[-2].train_accuracy >= 0.01:
        epochs = min(max(_ENOUGH_EPOCHS, 2 * done), MOST_EPOCHS)
        yield "few_epochs", {"epochs": epochs}, {"hint": hint, "epochs": counted(done, "epoch")}
