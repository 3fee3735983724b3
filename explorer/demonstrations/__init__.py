"""Famous experiments on this very network, live in seconds, with the paper's figure next to ours.

Each file is one: a pure function from a network or settings, a data set and a seed to frozen arrays, a figure,
and its `DEMONSTRATION`; its texts are a table in ``demonstrations.toml``. A new one is a file, a table, and its
name below.
"""

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module

from explorer.demonstrations.averages import average, blend, match_units
from explorer.demonstrations.demonstration import Demonstration, Knob, Result
from explorer.demonstrations.distillation import soft_answers
from explorer.demonstrations.fgsm import adversarial, fgsm
from explorer.demonstrations.fooling import fooling_noise, universal_change
from explorer.demonstrations.landscape import directions, losses_around
from explorer.demonstrations.lottery import large_weights, masked
from explorer.demonstrations.noise_scale import noise_scale
from explorer.demonstrations.random_features import random_features
from explorer.demonstrations.rate_finder import rate_test
from explorer.demonstrations.sharpness import sharpness
from explorer.demonstrations.straight_line import loss_on_line
from explorer.demonstrations.swapped import least_believed
from explorer.demonstrations.temperature import best_temperature, calibration
from explorer.session.state import Finding

__all__ = [
    "DEMONSTRATIONS",
    "Demonstration",
    "Knob",
    "Result",
    "adversarial",
    "average",
    "best_temperature",
    "blend",
    "calibration",
    "described",
    "directions",
    "fgsm",
    "fooling_noise",
    "large_weights",
    "least_believed",
    "loss_on_line",
    "losses_around",
    "masked",
    "match_units",
    "noise_scale",
    "random_features",
    "rate_test",
    "sharpness",
    "soft_answers",
    "universal_change",
]

_FILES = (
    "fgsm", "fooling", "distillation", "swapped", "double_descent", "averages", "sharpness", "lottery", "nonsense",
    "feedback", "forgetting", "grokking", "landscape", "straight_line", "rate_finder", "noise_scale",
    "temperature", "random_features",
)  # fmt: skip


def described(findings: Mapping[str, Finding]) -> list[tuple[str, tuple[str, str, str]]]:
    """Return the title and the sentences of each finding; unknown ones are left out."""
    known, found = {one.key: one for one in DEMONSTRATIONS}, []
    for key, finding in findings.items():
        with suppress(KeyError, ValueError):
            found.append((known[key].texts.title, known[key].sentences(finding.numbers, finding.guess)))
    return found


DEMONSTRATIONS: tuple[Demonstration, ...] = tuple(
    import_module(f"{__name__}.{name}").DEMONSTRATION for name in _FILES
)
"""All of them, in the order of the page."""
