"""The benchmark of a class that comes at once: how it sums up seconds, and a small one from end to end."""

from __future__ import annotations

import json
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
def test_of_two_visitors_one_finds_the_seat_and_nothing_is_left_over(tmp_path, capsys):
    from visitors import main

    assert main(["--seats", "1", "--visitors", "2", "--json", str(tmp_path / "report.json")]) == 0
    out = capsys.readouterr().out
    assert "cores: " in out
    assert "processes and memory as before" in out
    (figures,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["figures"]
    assert [figures[name] for name in ("visitors", "seated", "waited", "failed")] == [2, 1, 1, 0]
    assert 0 < figures["first_byte"][0] <= figures["first_byte"][1] < figures["page"][0]
    assert figures["point"][0] > 0
    assert figures["MiB a seat"] > 0 < figures["CPU s a seat"]
