"""Parsing of a URL's query string, within limits; whatever is ignored is reported."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from explorer.wording import grouped, writable

MOST_CHARACTERS = 10_000
MOST_PARTS = 100

_MOST_NAMED = 3
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Parts:
    """The content of a query string."""

    values: dict[str, str]
    """The value of each key; the last one for a repeated key."""
    repeated: tuple[str, ...]
    """The keys that occur more than once."""
    unread: tuple[str, ...]
    """The keys of the parts beyond the limits."""

    def doubled(self, known: Collection[str]) -> str:
        """Return a sentence that names the repeated keys among `known`; empty if there are none."""
        keys = [key for key in self.repeated if key in known]
        if len(keys) == 1:
            return f"{listed(keys)} stands more than once: the last is used."
        return f"{listed(keys)} stand more than once: the last of each is used." if keys else ""

    def cut_off(self, known: Collection[str]) -> str:
        """Return a sentence on the parts that were cut off, `known` keys first; empty if nothing was."""
        if not self.unread:
            return ""
        keys = sorted(self.unread, key=lambda key: key not in known)
        verb = "is" if len(keys) == 1 else "are"
        bounds = f"{MOST_PARTS} parts and {grouped(MOST_CHARACTERS)} characters"
        return f"The link is too long, only {bounds} are read: {listed(keys)} {verb} ignored."


def parts(query: str) -> Parts:
    """Parse any query string: the part of a URL after the ``?``, with or without the ``?`` itself.

    Only the first 100 parts within the first 10 000 characters are read; a part is read as a whole or not at all.
    """
    found = [part for part in writable(query).removeprefix("?").split("&") if part]
    n_read, length = 0, -1
    while n_read < min(len(found), MOST_PARTS) and length + 1 + len(found[n_read]) <= MOST_CHARACTERS:
        length += 1 + len(found[n_read])
        n_read += 1
    pairs = parse_qsl("&".join(found[:n_read]), keep_blank_values=True)
    counts = Counter(key for key, _ in pairs)
    repeated = tuple(key for key, count in counts.items() if count > 1)
    return Parts(dict(pairs), repeated, tuple(part.partition("=")[0] for part in found[n_read:]))


def listed(names: Sequence[str]) -> str:
    """Abbreviate a list of names of any length: ``"“a”, “b”, “c” and 95 more"``."""
    first = [f"“{name[:_LONGEST_NAME]}”" for name in names[:_MOST_NAMED]]
    if len(names) > _MOST_NAMED:
        return f"{', '.join(first)} and {len(names) - _MOST_NAMED} more"
    return " and ".join([", ".join(first[:-1]), first[-1]] if len(first) > 1 else first)
