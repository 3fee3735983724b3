"""The benchmark of a class that comes at once: how it sums up seconds, and a small one from end to end."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import needs
import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytestmark = needs.PROC


def test_percentiles_are_among_the_values_and_leave_out_what_never_happened():
    from visitors import percentiles  # reads the system's clock ticks as it is loaded

    assert percentiles([3.0, math.nan, 1.0, 2.0, 4.0]) == (2, 4)
    assert all(map(math.isnan, percentiles([math.nan])))


@pytest.mark.long
def test_of_two_visitors_one_finds_the_seat_and_nothing_is_left_over(capsys):
    from visitors import main

    assert main(["--seats", "1", "--visitors", "2"]) == 0
    out = capsys.readouterr().out
    assert "cores: " in out
    assert "processes and memory as before" in out
    (row,) = (line.split() for line in out.splitlines() if line.startswith("       2"))
    assert row[:4] == ["2", "1", "1", "0"]  # visitors, seated, waited, failed
    times = [float(seconds) for times in row[4:7] for seconds in times.split("/")]
    assert 0 < times[0] <= times[1] < times[2] < math.inf
    assert times[4] > 0
    assert float(row[7]) > 0 < float(row[8])
