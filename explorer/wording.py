"""Wording of numbers, durations, lists and texts in messages."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def grouped(count: int) -> str:
    """Format an integer with thousands separated by a narrow no-break space: 10 000."""
    return f"{count:,}".replace(",", "\u202f")


def plain(number: float) -> str:
    """Format a number without an exponent: ``"60 000"``, ``"0.003"``; fractions have at most five decimals."""
    return grouped(number) if isinstance(number, int) else f"{number:.5f}".rstrip("0").rstrip(".")


def counted(count: int, noun: str) -> str:
    """Format a number of things: ``"1 image"``, ``"8 images"``."""
    return f"{grouped(count)} {noun}{'' if count == 1 else 's'}"


def enumerated(words: Sequence[str]) -> str:
    """Join words: ``"W1"``, ``"W1 and b1"``, ``"W1, b1 and W2"``; empty for none."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def times(count: int) -> str:
    """Format a number of occurrences: ``"never"``, ``"once"``, ``"28 times"``."""
    return {0: "never", 1: "once"}.get(count) or f"{grouped(count)} times"


def ordinal(number: int) -> str:
    """Format an ordinal number: ``"1st"``, ``"2nd"``, ``"13th"``."""
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{grouped(number)}{ending}"


def percent(share: float, digits: int = 1) -> str:
    """Format a share as ``"93.2 %"``, with a no-break space."""
    return f"{100 * share:.{digits}f}\u00a0%"


def duration(seconds: float) -> str:
    """Format a duration in a suitable unit: ``"12 s"``, ``"3 min"``, ``"1.5 h"``."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def long_duration(seconds: float) -> str:
    """Format a duration with its unit written out: ``"12 seconds"``, ``"1.5 hours"``, ``"3 days"``."""
    hours = seconds / 3600
    if seconds < 59.5:
        return counted(max(1, round(seconds)), "second")
    if hours < 0.99:
        return counted(round(seconds / 60), "minute")
    if hours < 9.95:
        return "1 hour" if f"{hours:.1f}" == "1.0" else f"{hours:.1f}".removesuffix(".0") + " hours"
    return counted(round(hours), "hour") if hours < 47.5 else counted(round(hours / 24), "day")


def queue_text(position: int) -> str:
    """Return the message for a position in the queue for a core: ``"waiting for a turn: 3rd"``."""
    return f"waiting for a turn: {ordinal(position)}"


def class_noun(class_names: Iterable[str]) -> str:
    """Return the noun for a class: ``"digit"`` if all names are one digit, else ``"class"``."""
    return "digit" if all(name.isdigit() and len(name) == 1 for name in class_names) else "class"


def with_noun(text: str, noun: str) -> str:
    """Return a text about images as one about what a data set has: `Dataset.noun`, ``"image"`` or ``"point"``."""
    text = text if noun == "image" else text.replace("an image", f"a {noun}")
    return text.replace("image", noun).replace("Image", noun.capitalize())


def with_article(name: str) -> str:
    """Return a class's name as in a sentence: "an 8", "a 7", "Sneaker"."""
    if not name.isdigit():
        return name
    return f"an {name}" if name.startswith("8") or name in ("11", "18") else f"a {name}"


def writable(text: str) -> str:
    """Make a text encodable as UTF-8: each half of a surrogate pair becomes a question mark."""
    return text.encode(errors="replace").decode()


def did_you_mean(name: object, known: Iterable[str], likeness: float = 0.4) -> str:
    """Return a suffix for an error about an unknown name, if a known one is near: ``"; did you mean 'seed'?"``."""
    near = get_close_matches(str(name), [*known], 1, likeness)
    return f"; did you mean {near[0]!r}?" if near else ""
