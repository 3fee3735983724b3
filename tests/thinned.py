"""Tables of many cases: one in so many is quick, the others come with the longest tests."""

import pytest


def one_in(n, cases, names=None):
    """The cases as `parametrize` takes them, of which the first of every `n` is quick."""
    names = names or [None] * len(cases)
    tuples = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [
        pytest.param(*case, id=name, marks=[pytest.mark.long] * (number % n > 0))
        for number, (case, name) in enumerate(zip(tuples, names, strict=True))
    ]
