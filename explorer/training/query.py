"""Settings as a link's query string: ``"hidden=128&lr=0.1"``. Those that it leaves out are Start's.

A preset or an experiment has a name: ``"preset=exercise"``, which other settings may follow.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode

from explorer.discovery import offers
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError, Field, Whole
from explorer.training.presets import PRESETS, SITUATIONS, START
from explorer.wording import did_you_mean, enumerated, grouped, writable

VIEW_KEYS = ("tab", "section", "theme", "size", "controls")  # only affect the view, as the keys of levels do
MOTION_KEY = "motion"  # its value "off" opens the page at rest; settings, which train, make it needless
DATA_KEY = "data"
PRESET_KEY = "preset"  # names the settings which the others change
KEYS = frozenset((*(one.key for one in FIELDS.values()), *VIEW_KEYS, MOTION_KEY, DATA_KEY, PRESET_KEY))


def _key(name: str) -> str:
    return name.lower().removeprefix("the ").replace(",", "").replace(" ", "-")


NAMED: Mapping[str, TrainingConfig] = MappingProxyType(
    {_key(name): config for name, config in PRESETS.items()}
    | {_key(name): situation.config for name, situation in SITUATIONS.items()}
)
"""The presets and the experiments by their names in a link: ``"exercise"``, ``"rate-too-large"``."""

_MOST_NOTICES = 5  # invalid values described in full
_MOST_CHARACTERS = 10_000
_MOST_NAMED = 3


@lru_cache(64)
def write_query(config: TrainingConfig) -> str:
    """Return settings as a query string, without the ``?``: those that differ from Start, or a nearer preset."""
    base = next((name for name, named in NAMED.items() if named == config), "start")
    own = config.differences(NAMED[base])
    if len(own) > 1:  # else no other name is shorter
        near = {name: config.differences(NAMED[name]) for name in [*NAMED][: len(PRESETS)]}
        # A name is as long as a setting.
        base = min(near, key=lambda name: len(near[name]) + (name != "start"))
        own = near[base]
    named = {} if base == "start" else {PRESET_KEY: base}
    texts = {FIELDS[name].key: FIELDS[name].format(getattr(config, name)) for name in own}
    return urlencode(named | texts, safe=",:")


def sets_run(query: str) -> bool:
    """Return whether a query string has settings, and not only what changes the view."""
    settings = {PRESET_KEY, DATA_KEY, *(field.key for field in FIELDS.values())}
    return not settings.isdisjoint(parts(query))


def read_query(query: str, fields: Mapping[str, Field] = FIELDS) -> tuple[TrainingConfig, tuple[str, ...]]:
    """Parse a URL's query string into settings and at most ten sentences on what was ignored or replaced.

    `query` is the part after the ``?`` (a leading ``?`` is ignored): ``"hidden=128,64&lr=0.1"``. Keys of the
    view and `DATA_KEY` are skipped. Numbers out of range are clamped to the nearest value that `fields` allows:
    `FIELDS`, or the fields of one data set as returned by `fields_of`. Unreadable values become the preset's, or
    Start's. If there are many problems of one kind, a few are named and the rest are counted.
    """
    by_key, pairs = {field.key: field for field in fields.values()}, _pairs(query)
    values, counts = dict(pairs), Counter(key for key, _ in pairs)
    name = values.get(PRESET_KEY, "")
    base = NAMED.get(name, START)
    read = {field: _read(field, values[key], base) for key, field in by_key.items() if key in values}
    noticed = [(field.label, notice) for field, (_, notice) in read.items() if notice]
    others = ", ".join(label for label, _ in noticed[_MOST_NOTICES:])
    levels = filter(None, (tab.what.key for tab in offers("tabs")))
    known = (*by_key, *VIEW_KEYS, *levels, DATA_KEY, MOTION_KEY, PRESET_KEY)
    unknown = [key for key in values if key not in known and not key.startswith("voila-")]  # the server's own
    guess = did_you_mean(unknown[0], by_key, 0.6) if len(unknown) == 1 else ""
    repeated = [key for key in known if counts[key] > 1]
    notices = [notice for _, notice in noticed[:_MOST_NOTICES]]
    if others:
        notices.append(f"Replaced as well: {others}.")
    if name and name not in NAMED:
        instead = did_you_mean(name, NAMED) or f"; there are {', '.join(NAMED)}."
        notices.append(f"There is no preset {listed([name])}{instead}")
    if unknown:
        are = "is not a setting and is" if len(unknown) == 1 else "are not settings and are"
        notices.append(f"{listed(unknown)} {are} ignored{guess or '.'}")
    if repeated:
        verb, last = ("stands", "last") if len(repeated) == 1 else ("stand", "last of each")
        notices.append(f"{listed(repeated)} {verb} more than once: the {last} is used.")
    if len(query.removeprefix("?")) > _MOST_CHARACTERS:
        most = grouped(_MOST_CHARACTERS)
        notices.append(f"The link is too long: only its first {most} characters are read.")
    config = fitting = replace(base, **{field.name: value for field, (value, _) in read.items()})
    images = fields["n_train"]
    if isinstance(images, Whole) and not images.high_means:  # fields of a data set: its size is known
        fitting = config.for_images(images.high)
    if fitting != config:
        asked, most = config.text("n_validation"), fitting.text("n_validation")
        notices.append(f"Only {most} of these training images can be held out, not {asked}.")
    return fitting, tuple(notices)


def _read(field: Field, text: str, base: TrainingConfig) -> tuple[Any, str]:
    """Parse `text`; return the value, and a sentence if it had to be replaced."""
    try:
        return field.parse(text), ""
    except ConfigError as error:
        problem = f"{field.label} can't be “{text[:40]}”: expected {error.expected}."
    try:
        nearest = field.check(field.clamp(text))
    except ConfigError:
        return getattr(base, field.name), f"{problem} The default is used."
    used = "All are" if nearest is None else f"{field.format(nearest)} is"
    return nearest, f"{problem} {used} used."


def parts(query: str) -> dict[str, str]:
    """Parse any query string, with or without the leading ``?``, into its keys and their last values."""
    return dict(_pairs(query))


def _pairs(query: str) -> list[tuple[str, str]]:
    text = writable(query).removeprefix("?")
    if len(text) > _MOST_CHARACTERS:
        text = text[: _MOST_CHARACTERS + 1].rpartition("&")[0]
    return parse_qsl(text, keep_blank_values=True)


def listed(names: Sequence[str]) -> str:
    """Abbreviate a list of names of any length: ``"“a”, “b”, “c” and 95 more"``."""
    first = [f"“{name[:40]}”" for name in names[:_MOST_NAMED]]
    more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return enumerated([*first, *more])
