"""Mid-run changes of the learning rate and the batch size, stored as settings.

A run repeated with the same changes applies them at the same mini-batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from explorer.training.fields import ConfigError, Field, Real, Whole, is_row
from explorer.wording import grouped

MOST_CHANGES = 50
"""Maximum number of changes per run."""

_MOST_STEPS = 10**12
_LONGEST_TEXT = 3000


@dataclass(frozen=True, slots=True)
class Change:
    """A learning rate and a batch size, valid from one mini-batch on."""

    step: int
    """Mini-batches (updates of the weights) before the change, since the start of the run."""
    learning_rate: float
    """Factor on the gradient, before any schedule."""
    batch_size: int
    """Images per step."""

    def __str__(self) -> str:
        return f"{self.step}:{self.learning_rate!r}:{self.batch_size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(Field):
    """Changes in order of their steps; written as step:rate:batch, as in ``1170:0.001:512,2340:0.001:64``."""

    rate: Real
    batch: Whole

    @property
    def expected(self) -> str:
        """The accepted values, in words."""
        return f"up to {MOST_CHANGES} changes, each step:rate:batch with a later step, as 1170:0.001:512"

    def check(self, value: Any) -> tuple[Change, ...]:
        """Return changes as a tuple, or raise `ConfigError`; each may be a mapping, as read from a file."""
        if not is_row(value):
            raise self.refuse(value)
        try:
            changes = tuple(map(self._change, islice(value, MOST_CHANGES + 1)))
        except ConfigError:
            raise self.refuse(value) from None
        if len(changes) > MOST_CHANGES:
            raise self.refuse(value)
        if any(before.step >= after.step for before, after in pairwise(changes)):
            raise self.refuse(value)
        return changes

    def _change(self, value: Any) -> Change:
        named = isinstance(value, Mapping) and value.keys() == {*Change.__slots__}
        change = Change(**value) if named else value
        if (
            not isinstance(change, Change)
            or type(change.step) is not int
            or not 0 <= change.step <= _MOST_STEPS
        ):
            raise self.refuse(value)
        rate, size = self.rate.check(change.learning_rate), self.batch.check(change.batch_size)
        return Change(change.step, rate, size or 0)

    def parse(self, text: str) -> tuple[Change, ...]:
        """Parse `text` into changes, or raise `ConfigError`."""
        try:
            if len(text) > _LONGEST_TEXT:
                raise self.refuse(text)
            parts = [part.split(":") for part in text.split(",") if part]
            changes = [
                Change(int(step), self.rate.parse(rate), self.batch.parse(size) or 0)
                for step, rate, size in parts
            ]
            return self.check(changes)
        except ValueError:
            raise ConfigError(self.name, text, self.expected) from None

    def format(self, value: Any) -> str:
        """Return the text that `parse` converts back to `value`."""
        return ",".join(map(str, value))

    def text(self, value: Any) -> str:
        """Format the changes for display."""
        words = (
            f"{self.rate.text(one.learning_rate)} with batch size {self.batch.text(one.batch_size)}"
            f" from step {grouped(one.step)}"
            for one in value
        )
        return "; ".join(words) or "none"
