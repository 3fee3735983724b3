"""Fields: the type, range and text of each setting, for its validation, control, command line and link."""

import math
import numbers
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, pairwise
from typing import Any

import numpy as np

from explorer.wording import grouped, plain

_HYPHEN = re.compile(r"(?<=\d)\s*[-–→]\s*(?=\d)")
_NO_NUMBERS = (bool, np.timedelta64)  # types that pass for integers
_DIVIDER = re.compile(r"\s*[,;]\s*|\s+")

MOST_CHANGES = 50  # of a run
_MOST_STEPS = 10**12


class ConfigError(ValueError):
    """The setting `field` has an invalid value; `expected` says in words which: ``"a number from 0 to 1"``."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        self.field, self.value, self.expected = field, value, expected
        super().__init__(field, value, expected)

    def __str__(self) -> str:
        try:
            found = repr(self.value)
        except ValueError:  # Python refuses to write integers of thousands of digits
            found = "a value too long to write"
        if len(found) > 60:
            found = found[:57] + "…"
        return f"{self.field} is {found}; expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Field(ABC):
    """The attributes and methods common to all settings."""

    name: str  # attribute of `TrainingConfig`
    label: str  # on screen
    help: str  # one sentence on its effect
    key: str  # in URLs and on the command line
    unit: str = ""  # on screen; empty for a count named by its label

    @property
    @abstractmethod
    def expected(self) -> str:
        """The accepted values, in words."""

    @property
    def expected_text(self) -> str:
        """The accepted values as text, in a URL or on the command line."""
        return self.expected

    @abstractmethod
    def check(self, value: object) -> Any:
        """Return `value` in its canonical type, or raise `ConfigError`."""

    def parse(self, text: str) -> Any:
        """Parse `text` from a URL or the command line, or raise `ConfigError`."""
        value = self._read(text)
        try:
            return self.check(value)
        except ConfigError:
            raise ConfigError(self.name, text, self.expected_text) from None

    def _read(self, text: str) -> Any:
        """Return what `text` stands for, or anything that `check` refuses."""
        return text

    def clamp(self, text: str) -> Any:
        """Return the valid value nearest to the number in `text`; raise `ConfigError` if it holds none."""
        raise self.refuse(text)

    def format(self, value: object) -> str:
        """Return the text that `parse` converts back to `value`."""
        return str(value)

    def text(self, value: Any) -> str:
        """Format the value for display."""
        return self.format(value)

    def refuse(self, value: object) -> ConfigError:
        """Return a `ConfigError` for `value`."""
        return ConfigError(self.name, value, self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Field):
    """An integer from `low` to `high`, or with `none_means` also None. A seed is a number, but not an amount."""

    low: int
    high: int
    high_means: str = ""  # the name of the upper bound if it depends on the data set
    none_means: str = ""
    is_amount: bool = True

    @property
    def expected(self) -> str:
        return self.expected_text.replace(", or ", ", or None for ")

    @property
    def expected_text(self) -> str:
        numbers = f"a whole number from {grouped(self.low)} to {self.high_means or grouped(self.high)}"
        return numbers + (f", or {self.none_means}" if self.none_means else "")

    def check(self, value: Any) -> int | None:
        if value is None and self.none_means:
            return None
        if not _is_whole(value, self.low, self.high):
            raise self.refuse(value)
        return int(value)

    def _read(self, text: str) -> Any:
        return None if self.none_means and text == self.none_means else _number(int, text)

    def clamp(self, text: str) -> int | None:
        number = _clamped(self, text, self.low, math.inf)
        if number > self.high:  # more than there are
            return None if self.none_means else self.high
        return int(number)

    def format(self, value: object) -> str:
        return self.none_means if value is None else str(value)

    def text(self, value: Any) -> str:
        return grouped(value) if self.is_amount and value is not None else self.format(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Real(Field):
    """A finite number from `low` to `high`."""

    low: float
    high: float

    @property
    def expected(self) -> str:
        return f"a number from {_written_out(f'{self.low:g}')} to {_written_out(f'{self.high:g}')}"

    def check(self, value: object) -> float:
        if isinstance(value, _NO_NUMBERS) or not isinstance(value, numbers.Real):
            raise self.refuse(value)
        try:
            number = float(value)
        except OverflowError:
            raise self.refuse(value) from None
        if not self.low <= number <= self.high:  # also refuses NaN
            raise self.refuse(value)
        return number

    def _read(self, text: str) -> Any:
        return _number(float, text)

    def clamp(self, text: str) -> float:
        return _clamped(self, text, self.low, self.high)

    def format(self, value: Any) -> str:
        return _written_out(repr(float(value)))

    def text(self, value: Any) -> str:
        return plain(value) if value >= 1e-4 or not value else _written_out(f"{value:.2g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Field):
    """One of a few names; `labels` are their names on screen."""

    choices: tuple[str, ...]
    labels: tuple[str, ...]

    def text(self, value: Any) -> str:
        return self.labels[self.choices.index(value)]

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(self.choices)

    def check(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise self.refuse(value)
        return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSizes(Field):
    """The number of units of each hidden layer: an integer, or a sequence of one to `most_layers` of them.

    As text, commas, semicolons or spaces separate the sizes; so do hyphens, with or without the input and output
    sizes: ``"128, 64"``, ``"128-64"`` and ``"784-128-64-10"`` are the same network.
    """

    low: int
    high: int
    most_layers: int
    n_inputs: int = 784
    n_outputs: int = 10

    @property
    def expected(self) -> str:
        units = f"{grouped(self.low)} to {grouped(self.high)}"
        return f"1 to {self.most_layers} hidden layers, each a whole number of units from {units}"

    def check(self, value: Any) -> tuple[int, ...]:
        row = (value,) if isinstance(value, numbers.Integral) else value
        sizes = tuple(islice(row if _is_row(row) else (), self.most_layers + 1))  # one too many is refused
        fits = 1 <= len(sizes) <= self.most_layers
        if not fits or not all(_is_whole(size, self.low, self.high) for size in sizes):
            raise self.refuse(value)
        return tuple(map(int, sizes))

    def _read(self, text: str) -> Any:
        return [_number(int, size) for size in self._hidden(text)]

    def clamp(self, text: str) -> tuple[int, ...]:
        sizes = self._hidden(text)
        if len(sizes) > self.most_layers:
            raise self.refuse(text)
        return tuple(int(_clamped(self, size, self.low, self.high)) for size in sizes)

    def _hidden(self, text: str) -> list[str]:
        """Split `text` into the sizes; `ConfigError` for what seems to be all layers, but of another network."""
        chain = _HYPHEN.split(text.strip())
        if len(chain) == 1:
            return _DIVIDER.split(text.strip())
        inputs, outputs = str(self.n_inputs), str(self.n_outputs)
        begins, ends = chain[0] == inputs, chain[-1] == outputs
        hidden = chain[begins : len(chain) - ends]
        if begins != ends and hidden:
            alone, whole = "-".join(hidden), "-".join([inputs, *hidden, outputs])
            all_layers = f"all layers, from {inputs} inputs to {outputs} outputs, {whole}"
            raise ConfigError(self.name, text, f"the hidden layers alone, {alone}, or {all_layers}")
        return hidden

    def format(self, value: Any) -> str:
        return ",".join(map(str, value))

    def text(self, value: Any) -> str:
        return "-".join(map(str, value))


@dataclass(frozen=True, slots=True)
class Change:
    """A learning rate and a batch size, valid from one mini-batch on."""

    step: int
    """Mini-batches (updates of the weights) before the change, since the start of the run."""
    learning_rate: float
    """Factor on the gradient, before any schedule."""
    batch_size: int

    def __str__(self) -> str:
        return f"{self.step}:{self.learning_rate!r}:{self.batch_size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(Field):
    """Changes in order of their steps, each a `Change` or a mapping; as text ``1170:0.001:512,2340:0.001:64``."""

    rate: Real
    batch: Whole

    @property
    def expected(self) -> str:
        return f"up to {MOST_CHANGES} changes, each step:rate:batch with a later step, as 1170:0.001:512"

    def check(self, value: Any) -> tuple[Change, ...]:
        if not _is_row(value):
            raise self.refuse(value)
        try:
            changes = tuple(map(self._change, islice(value, MOST_CHANGES + 1)))
        except ConfigError:
            raise self.refuse(value) from None
        is_ordered = all(before.step < after.step for before, after in pairwise(changes))
        if len(changes) > MOST_CHANGES or not is_ordered:
            raise self.refuse(value)
        return changes

    def _change(self, value: Any) -> Change:
        named = isinstance(value, Mapping) and value.keys() == {*Change.__slots__}
        change = Change(**value) if named else value
        is_change = isinstance(change, Change) and type(change.step) is int
        if not is_change or not 0 <= change.step <= _MOST_STEPS:
            raise self.refuse(value)
        rate, size = self.rate.check(change.learning_rate), self.batch.check(change.batch_size)
        return Change(change.step, rate, size or 0)

    def _read(self, text: str) -> Any:
        rows = [part.split(":") for part in text.split(",") if part]
        if any(len(row) != 3 for row in rows):
            return text
        return [Change(_number(int, a), _number(float, b), _number(int, c)) for a, b, c in rows]

    def format(self, value: Any) -> str:
        return ",".join(map(str, value))

    def text(self, value: Any) -> str:
        words = (
            f"{self.rate.text(one.learning_rate)} with batch size {self.batch.text(one.batch_size)}"
            f" from step {grouped(one.step)}"
            for one in value
        )
        return "; ".join(words) or "none"


def _is_row(value: Any) -> bool:
    """Return whether a value is a sequence other than text or bytes, or a one-dimensional array."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview)


def _number(kind: type, text: str) -> Any:
    """Return `text` as a number, or if it holds none as it is, which no `check` accepts."""
    try:
        return kind(text)
    except ValueError:
        return text


def _is_whole(value: Any, low: int, high: int) -> bool:
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, _NO_NUMBERS)
    return is_whole and low <= int(value) <= high


def _written_out(number: str) -> str:
    """Write a number without an exponent: ``"0.00001"`` for ``"1e-05"``."""
    return f"{Decimal(number):f}"


def _clamped(field: Field, text: str, low: float, high: float) -> float:
    number = _number(float, text)
    if number is text or not math.isfinite(number):
        raise field.refuse(text)
    return float(min(max(number, low), high))
