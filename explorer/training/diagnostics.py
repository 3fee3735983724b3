"""Findings from a run's records, and the hints worded from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal

from explorer.network.diagnostics import LayerDiagnostics
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.presets import fitting_rate
from explorer.training.records import EpochRecord, Evaluation, RunEnd
from explorer.wording import percent

Severity = Literal["info", "hint", "warning", "error"]


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
    """Another run with a higher accuracy."""

    title: str
    accuracy: float
    """Its accuracy, 0 to 1, on the set that `Findings.judged_by` names."""
    settings: str = ""
    """The settings that differ, in words."""

    @property
    def described(self) -> str:
        """The run's result in a sentence: ``"Run 1 reached 94.1 % with hidden units 32."``."""
        title = self.title[:1].upper() + self.title[1:]
        return f"{title} reached {percent(self.accuracy)}{self.settings and f' with {self.settings}'}."


@dataclass(frozen=True, slots=True)
class Findings:
    """The input of the rules: a run's settings and records, and the other arguments of `hints`."""

    config: TrainingConfig
    epochs: tuple[EpochRecord, ...]
    end: RunEnd | None
    n_train: int
    diagnostics: tuple[LayerDiagnostics, ...] = ()
    n_available: int | None = None
    """Available training samples; None for no limit."""
    start_accuracy: float | None = None
    """Accuracy, 0 to 1, of the weights that a fork continues from; None for freshly initialized ones."""
    better: BetterRun | None = None
    """A run with similar settings and a higher accuracy, on the set that `judged_by` names."""
    whole: TrainingConfig | None = None
    """The run's settings with its mid-run changes, if `config` holds the values in effect."""

    @property
    def finished(self) -> bool:
        """Whether the run finished with at least one epoch."""
        return self.end is not None and self.end.status == "finished" and bool(self.epochs)

    @property
    def test_accuracy(self) -> float:
        """Current held-out accuracy, 0 to 1; requires at least one epoch."""
        return self._newest.test_accuracy

    @property
    def train_accuracy(self) -> float:
        """Current train accuracy, 0 to 1: the exact one once the run has ended."""
        return self._newest.train_accuracy

    @property
    def accuracy(self) -> float:
        """The accuracy used to choose settings, 0 to 1: validation or train, never test."""
        return self.test_accuracy if self.config.n_validation else self.train_accuracy

    @property
    def judged_by(self) -> str:
        """The name of the set that `accuracy` is measured on: ``"validation"`` or ``"train"``."""
        return "validation" if self.config.n_validation else "train"

    @property
    def accuracy_name(self) -> str:
        """The name of `accuracy` at the beginning of a sentence."""
        return f"{self.judged_by.capitalize()} accuracy"

    @property
    def both_accuracies(self) -> str:
        """A sentence on the train and the held-out accuracy."""
        held_out = f"{self.config.held_out} accuracy {percent(self.test_accuracy)}"
        return f"Train accuracy is {percent(self.train_accuracy)}, {held_out}."

    @property
    def judged(self) -> tuple[tuple[float, float], ...]:
        """Loss and accuracy of each epoch on that set."""
        kind = "test" if self.config.n_validation else "train"
        return tuple((getattr(r, f"{kind}_loss"), getattr(r, f"{kind}_accuracy")) for r in self.epochs)

    @property
    def split(self) -> dict[str, int]:
        """The changes that hold out a sixth of the images in use for validation."""
        return {"n_validation": max(1, self.n_train // 6)}

    @property
    def _newest(self) -> EpochRecord | Evaluation:
        final = None if self.end is None else self.end.final
        return self.epochs[-1] if final is None else final

    @property
    def is_stuck(self) -> bool:
        """Whether both accuracies are below 0.5 and the run has finished or some epoch gained less than 0.03."""
        if not self.epochs or max(self.accuracy, self.train_accuracy) >= 0.5:
            return False
        gains = (after - before for (_, before), (_, after) in pairwise(self.judged))
        return self.finished or any(gain < 0.03 for gain in gains)

    @property
    def has_ruined_weights(self) -> bool:
        """Whether the run is stuck and continued from weights that were already bad."""
        return self.start_accuracy is not None and self.start_accuracy < 0.5 and self.is_stuck

    def ends_below(self, accuracy: float) -> bool:
        """Return whether a finished run's train and validation accuracies are all below `accuracy`."""
        return self.finished and max(self.accuracy, self.train_accuracy) < accuracy

    @property
    def has_deep_sigmoid(self) -> bool:
        """Whether the gradient passes through three or more layers of sigmoid units."""
        return len(self.config.hidden_sizes) >= 3 and self.config.hidden_activation == "sigmoid"

    @property
    def batch(self) -> int:
        """Images in a full batch."""
        return min(self.config.batch_size, self.n_train)

    @property
    def updates(self) -> int:
        """Updates of the weights in a whole run, excluding those before a fork."""
        before = self.epochs[0].epoch - 1 if self.epochs else 0
        ends = (self.whole or self.config).steps_at_ends(self.n_train)
        return ends[-1] - ends[before]

    @property
    def fitting_rate(self) -> float:
        """The learning rate that fits the other settings."""
        return fitting_rate(self.config, self.n_train)

    def low_accuracy(self) -> str:
        """Return the sentence that reports the low accuracy."""
        reached, chance = percent(self.accuracy), 1.0 / len(self.epochs[-1].confusion)
        if not self.is_stuck:
            return f"{self.accuracy_name} is only {reached}."
        return f"{self.accuracy_name} stays {'near chance' if self.accuracy < 3 * chance else 'low'} ({reached})."

    def with_rate(self, **changes: Any) -> dict[str, Any]:
        """Return `changes`, plus a fitting learning rate unless theirs is at most that and above a fifth of it."""
        changed = self.config.replace(**changes)
        fitting = fitting_rate(changed, self.n_train)
        if fitting / 5 < changed.learning_rate <= fitting:
            return changes
        return {**changes, "learning_rate": fitting}

    def hint(
        self, id_: str, kind: Severity, why: str, changes: Mapping[str, Any], what: str = ""
    ) -> Hint | None:
        """Return a hint whose fix is the effective part of `changes`; None if they change nothing.

        `what` defaults to a sentence on the low accuracy. A run with ruined weights must restart from fresh ones
        even if nothing else changes.
        """
        fixed = self.config.replace(**changes)
        fix = {name: getattr(fixed, name) for name in self.config.differences(fixed)}
        fresh = self.has_ruined_weights
        if not fix and not fresh:
            return None
        changed = changes_in_words(self.config, fixed)
        action = ", ".join(filter(None, [changed, "freshly initialized weights" * fresh]))
        action = action[0].upper() + action[1:]
        return Hint(id_, kind, what or self.low_accuracy(), why, MappingProxyType(fix), action, fresh)


def changes_in_words(before: TrainingConfig, after: TrainingConfig, *, most: int = len(FIELDS)) -> str:
    """Describe how settings differ: ``"batch size 2 048 → 512, learning rate 0.01 → 0.003"``; empty if they don't.

    Differences beyond the first `most` are counted: ``"… and 2 more"``.
    """
    names = before.differences(after)
    changes = [f"{FIELDS[name].label.lower()} {before.text(name)} → {after.text(name)}" for name in names]
    return ", ".join(changes[:most]) + (f" and {len(changes) - most} more" if len(changes) > most else "")
