"""The rehearsal of a class: what it counts, what it refuses, and a small one from end to end."""

from __future__ import annotations

import json
import math
import os

import needs
import pytest

from explorer.serve.command import main
from explorer.serve.rehearsal import percentile, usage_of


def test_a_percentile_is_one_of_the_values_and_leaves_out_what_never_happened():
    values = [3.0, math.nan, 1.0, 2.0, 4.0]
    assert [percentile(values, percent) for percent in (50, 75, 95)] == [2, 3, 4]
    assert math.isnan(percentile([math.nan], 50))


def test_what_a_process_takes():
    assert usage_of(os.getpid()).processes >= 1
    assert usage_of(os.getpid()).memory > 10
    assert usage_of(None) == (0, 0, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--url", "http://example.org/"], "only a server on this computer"),
        (["--url", "file://127.0.0.1/x"], "only a server on this computer"),
        (["--url", "http://127.0.0.1.example.org"], "only a server on this computer"),
        (["--visitors", "10,"], "visitors are numbers from 1 to 500"),
        (["--visitors", "0"], "visitors are numbers from 1 to 500"),
        (["--visitors", "501"], "visitors are numbers from 1 to 500"),
    ],
)
def test_others_servers_and_too_many_visitors_are_refused(options, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["rehearse", *options])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@needs.PROC
@pytest.mark.long
def test_a_class_of_three_finds_two_seats_and_leaves_nothing(capfd):
    assert main(["--seats", "2", "rehearse", "--visitors", "3", "--json"]) == 0
    out, err = capfd.readouterr()
    assert "(2 seats; Ctrl-C ends it)" in err
    (rung,) = json.loads(out)
    assert [rung[name] for name in ("visitors", "seated", "waited", "failed")] == [3, 2, 1, 0]
    assert rung["left_over"] == ""
    assert 0 < rung["first_byte"][0] <= rung["first_byte"][1] < rung["page"][0]
    assert rung["point"][0] > 0
    assert rung["memory"] > 0 < rung["cpu"]
