"""A link's query string, taken apart: within bounds, and nothing is left out unsaid."""

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
    """What stands in a query string."""

    values: dict[str, str]
    """The text of each key; the last where a key stands more than once."""
    repeated: tuple[str, ...]
    """The keys that stand more than once."""
    unread: tuple[str, ...]
    """The keys of the parts that were cut off."""

    def doubled(self, known: Collection[str]) -> str:
        """Return a sentence that names those of the keys `known` that stand more than once; empty without any."""
        keys = [key for key in self.repeated if key in known]
        if len(keys) == 1:
            return f"{listed(keys)} stands more than once: the last is used."
        return f"{listed(keys)} stand more than once: the last of each is used." if keys else ""

    def cut_off(self, known: Collection[str]) -> str:
        """Return a sentence on what was cut off, the keys `known` named first; empty where all was read."""
        if not self.unread:
            return ""
        keys = sorted(self.unread, key=lambda key: key not in known)
        verb = "is" if len(keys) == 1 else "are"
        bounds = f"{MOST_PARTS} parts and {grouped(MOST_CHARACTERS)} characters"
        return f"The link is too long, only {bounds} are read: {listed(keys)} {verb} ignored."


def parts(query: str) -> Parts:
    """Take a query string apart, whatever it holds: the part of a link after the ``?``, which may lead it.

    Of a longer one the first 100 parts within the first 10 000 characters are read; a part is read as a whole or
    not at all.
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
    """Return names of any length and number in short: ``"“a”, “b”, “c” and 95 more"``."""
    first = [f"“{name[:_LONGEST_NAME]}”" for name in names[:_MOST_NAMED]]
    if len(names) > _MOST_NAMED:
        return f"{', '.join(first)} and {len(names) - _MOST_NAMED} more"
    return " and ".join([", ".join(first[:-1]), first[-1]] if len(first) > 1 else first)
