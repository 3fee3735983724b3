"""A test that has become slow is named, on a machine of any pace."""

from collections import Counter

import pytest
import slowest

BEFORE = Counter({f"tests/test_a.py::test[{k} of 3]": 10.0 - k for k in range(4)})


@pytest.mark.parametrize("pace", [0.3, 1, 5])
def test_one_that_doubles_is_named_and_a_slow_machine_is_not(pace):
    tracked = slowest.read(slowest.written(BEFORE))
    assert tracked == BEFORE
    now = Counter({test: pace * seconds for test, seconds in BEFORE.items()})
    assert slowest.grown(now, tracked) == []
    now["tests/test_a.py::test[3 of 3]"] *= 2.3
    now["tests/test_b.py::test"] = pace * 15
    assert slowest.grown(now, tracked) == [
        "tests/test_a.py::test[3 of 3]: 16.1 s, not 7.0 s",
        "tests/test_b.py::test: 15.0 s, not at most 7.0 s",
    ]
    assert slowest.grown(Counter({"tests/test_b.py::test": 99.0}), tracked) == []  # a part of the tests


def test_setup_and_call_are_added():
    class Report:
        nodeid = "a"

        def __init__(self, when, duration):
            self.when, self.duration = when, duration

    stats = {
        "": [Report("setup", 2), Report("teardown", 4)],
        "passed": [Report("call", 1)],
        "warnings": [None],
    }
    assert slowest.durations(stats) == {"a": 3}
