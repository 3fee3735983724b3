"""Match a wrong answer to the known mistake that produces the same output."""

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from explorer.checks.observations import OBSERVATIONS, RAISED, SHAPES, Pieces, Probe
from explorer.checks.results import CheckError, Passed
from explorer.checks.tasks import METHODS, MISTAKES, Mistake, textbook
from explorer.checks.watch import no_leftovers

__all__ = ["naming", "recognise"]

_Arguments = ParamSpec("_Arguments")


def naming(task: str, check: Callable[_Arguments, Passed]) -> Callable[_Arguments, Passed]:
    """Return a check that, if it fails, names the known mistake of a task that produces the same output.

    The answer, a function or a network, is the check's first argument; a derivative is the second.
    """

    @wraps(check)
    def run(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Passed:
        try:
            return check(*args, **kwargs)
        except CheckError as error:
            answer = args[1 if task.startswith("d_") else 0]
            if task.startswith("d_") and not _is_textbook(task.removeprefix("d_"), args[0]):
                raise error.with_traceback(None) from None  # another function's slope: no mistake applies
            if task == "init_weights":
                error.mistake = recognise(task, lambda *_: answer)  # its own weights, whatever their number
            else:
                error.mistake = recognise(task, type(answer) if task in METHODS else answer)
            raise error.with_traceback(None) from None

    return run


def recognise(task: str, answer: Any, probe: Probe | None = None) -> Mistake | None:
    """Return the known mistake that produces the same output as this wrong answer.

    Known mistakes together must explain every piece that differs from the textbook's. Among them, the one that
    explains most is returned, or in a tie the most severe.
    """
    probe = probe or Probe()
    try:
        seen, right = _seen(task, answer, probe), _seen(task, textbook(task), probe)
    except Exception:  # noqa: BLE001  # such a network doesn't work at other sizes, so there is no output
        return None
    raised = {name for name, piece in seen.items() if isinstance(piece, str) and piece.startswith(RAISED)}
    differing = {name for name in seen.keys() - raised if not _same(seen[name], right.get(name))}
    if not differing or any(seen[name] != SHAPES for name in raised):
        return None  # it is the textbook's answer, or its exception has another cause than the mistakes
    found = dict[Mistake, set[str]]()
    for mistake in (mistake for mistake in MISTAKES.values() if mistake.task == task):
        wrong = (_seen(task, textbook(task, answers), probe) for answers in mistake.answers)
        found[mistake] = set[str]().union(*(_explained(pieces, right, seen) for pieces in wrong))
    if set[str]().union(*found.values()) != differing:
        return None
    return max(found, key=lambda mistake: len(found[mistake]))


def _seen(task: str, answer: Any, probe: Probe) -> Pieces:
    """Return the observed output of an answer, without NumPy's warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), no_leftovers():
        warnings.simplefilter("ignore")
        return OBSERVATIONS[task](answer, probe)


def _explained(wrong: Pieces, right: Pieces, seen: Pieces) -> set[str]:
    """Return the pieces that a mistake changes, if the answer's pieces change in the same way.

    Attributes that aren't kept are not observed, nor is anything after incompatible shapes.
    """
    changed = {name for name, piece in wrong.items() if not _same(piece, right.get(name))}
    changed = {name for name in changed & seen.keys() if not _same(seen[name], SHAPES)}
    return changed if all(_same(seen[name], wrong[name]) for name in changed) else set()


def _is_textbook(task: str, function: Any) -> bool:
    seen, right = (_seen(task, each, Probe()) for each in (function, textbook(task)))
    return _same(seen.get("value"), right["value"])


def _same(found: Any, expected: Any) -> bool:
    if isinstance(found, str) or isinstance(expected, str):
        return type(found) is type(expected) and bool(found == expected)
    try:
        numbers, others = np.asarray(found), np.asarray(expected, float)
        if numbers.shape != others.shape or numbers.dtype.kind not in "biuf":
            return False
    except (TypeError, ValueError):  # not an array of numbers
        return False
    precision = np.finfo(numbers.dtype).eps if numbers.dtype.kind == "f" else 0.0
    scale = np.abs(others[np.isfinite(others)]).max(initial=0)
    tolerance = scale * max(1e-5, 1000 * float(precision))
    return np.allclose(numbers, others, rtol=0, atol=tolerance, equal_nan=True)
