"""Tables of many cases: one in so many is quick, half of the others are long, the rest is a sweep."""

import pytest


def one_in(n, cases, names=None):
    """The cases as `parametrize` takes them, of which the first of every `n` is quick."""
    names = names or [None] * len(cases)
    tuples = [case if isinstance(case, tuple) else (case,) for case in cases]
    marks = [], [pytest.mark.long], [pytest.mark.sweep]
    return [
        pytest.param(*case, id=name, marks=marks[number % n and 2 - number % 2])
        for number, (case, name) in enumerate(zip(tuples, names, strict=True))
    ]


def swept(*cases):
    """Cases that are tried before a release."""
    return [pytest.param(*case, marks=pytest.mark.sweep) for case in cases]
