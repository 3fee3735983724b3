"""The file of attempts: what was written is read, whatever became of the rest of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.notebook.exercise import Attempt, AttemptLog

RIGHT, WRONG = Attempt("sigmoid", "right", seconds=0.5), Attempt("sigmoid", "wrong", "mirrored", 2)


def test_the_next_kernel_knows_what_the_last_one_wrote(tmp_path):
    path = tmp_path / "progress.jsonl"
    log = AttemptLog(path)
    for attempt in (WRONG, Attempt("fit", "hint", rung=3), Attempt("forward", "right"), RIGHT):
        log.add(attempt)
    found = AttemptLog(path)
    assert found.last_outcomes() == {"sigmoid": "right", "forward": "right"}
    assert (found.rung("sigmoid"), found.rung("fit"), found.rung("forward")) == (2, 3, 0)
    assert found.trouble() == ""
    keys = {"time", "task", "outcome", "mistake", "rung", "seconds"}
    assert json.loads(path.read_text().splitlines()[0]).keys() == keys


@given(st.binary(max_size=200))
def test_whatever_was_in_the_file_does_not_take_a_new_line_with_it(tmp_path_factory, before):
    path = tmp_path_factory.mktemp("log") / "progress.jsonl"
    path.write_bytes(before)
    AttemptLog(path).add(RIGHT)
    assert path.read_bytes().startswith(before)
    assert AttemptLog(path).last_outcomes() == {"sigmoid": "right"}


LINE = '{"time": "t", "task": "fit", "outcome": "right", "mistake": "", "rung": 1, "seconds": 1}'


CHANGES = [{"task": ["fit"]}, {"outcome": "waiting"}, {"rung": 5}, {"rung": "1"}, {"seconds": None}]
CHANGED = [json.dumps(json.loads(LINE) | change) for change in (*CHANGES, {"mistake": "x" * 20_000})]


@pytest.mark.parametrize(
    "line", [LINE[:-5], "null", "[" * 5000, "{}", LINE.replace('"fit"', "NaN"), *CHANGED]
)
def test_a_damaged_line_is_left_out(line, tmp_path):
    path = tmp_path / "progress.jsonl"
    path.write_text(f"{LINE.replace('fit', 'relu')}\n{line}\n{LINE.replace('fit', 'forward')}\n")
    assert AttemptLog(path).last_outcomes() == {"relu": "right", "forward": "right"}


@pytest.mark.parametrize("name", [".", "missing/progress.jsonl"])
def test_a_file_that_cannot_be_written_is_said_once_and_costs_nothing_else(name, tmp_path):
    log = AttemptLog(tmp_path / name)
    log.add(WRONG)
    log.add(RIGHT)
    assert log.last_outcomes() == {"sigmoid": "right"}
    assert log.trouble().startswith("Your progress lasts only until the kernel is restarted, because ")
    assert log.trouble() == ""
