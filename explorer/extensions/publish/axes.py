"""The controls of a published page: the settings in which its runs differ, those that go together as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.training import FIELDS, PRESETS, TrainingConfig

_METHOD = "method"


@dataclass(frozen=True, slots=True)
class Axis:
    """One control."""

    name: str
    key: str
    """Its setting in `TrainingConfig`, and its name in links."""
    label: str
    help: str
    values: Sequence[float | str]
    texts: Sequence[str]
    """The recorded values in their order on the control, and as they are written."""
    isNumber: bool  # noqa: N815  # as the page's script names it
    """Whether it is a slider."""


def axes_of(configs: Sequence[TrainingConfig]) -> tuple[list[Axis], list[list[int]]]:
    """Return the axes, and for each config the place of its value on each axis.

    Settings that always change together become one axis, named by the preset that has these values.
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in FIELDS:
        values = [getattr(config, name) for config in configs]
        known = [*dict.fromkeys(values)]
        if len(known) > 1:
            groups.setdefault(tuple(map(known.index, values)), []).append(name)
    found = [_axis(names, configs) for names in sorted(groups.values(), key=lambda names: len(names) == 1)]
    places = [[places[k] for _, places in found] for k in range(len(configs))]
    axes = [axis for axis, _ in found]
    if sum(axis.key == _METHOD for axis in axes) > 1:  # each by its first setting
        axes = [replace(axis, key=FIELDS[axis.name].key, label=FIELDS[axis.name].label) for axis in axes]
    return axes, places


def _axis(names: Sequence[str], configs: Sequence[TrainingConfig]) -> tuple[Axis, list[int]]:
    field = FIELDS[names[0]]
    numbers = [_number(getattr(config, names[0])) for config in configs]
    if len(names) == 1 and None not in numbers:
        values = sorted({number for number in numbers if number is not None})
        texts = {n: config.text(names[0]) for n, config in zip(numbers, configs, strict=True)}
        axis = Axis(field.name, field.key, field.label, field.help, values, [texts[n] for n in values], True)
        return axis, [values.index(n) for n in numbers if n is not None]
    kinds = [tuple(getattr(config, name) for name in names) for config in configs]
    word_of = {kind: _words(names, config) for kind, config in zip(kinds[::-1], configs[::-1], strict=True)}
    words = [word_of[kind] for kind in kinds]
    known = [*dict.fromkeys(words)]
    label, key = (field.label, field.key) if len(names) == 1 else ("Method", _METHOD)
    about = field.help if len(names) == 1 else ", ".join(FIELDS[name].label.lower() for name in names)
    return Axis(names[0], key, label, about, known, known, False), [known.index(one) for one in words]


def _number(value: Any) -> float | None:
    """Return the number on a slider, that of units if there is one layer; None if it isn't a number."""
    (value,) = value if isinstance(value, tuple) and len(value) == 1 else (value,)
    return value if isinstance(value, int | float) else None


def _words(names: Sequence[str], config: TrainingConfig) -> str:
    if len(names) > 1:
        differences = {name: {*config.differences(preset)} for name, preset in PRESETS.items()}
        for name in sorted(differences, key=lambda name: len(differences[name])):
            if not ({*names} - {"epochs"}) & differences[name]:
                return name
    return ", ".join(config.text(name) for name in names)
