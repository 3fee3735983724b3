"""Whatever comes over a border, there is a result or a documented error, and it costs little."""

from __future__ import annotations

import json
import subprocess
import sys

import hostile_inputs
import needs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.app.url_state import Link
from explorer.serve.request import visit

READERS = hostile_inputs.READERS


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False))
def test_a_hostile_input_is_a_documented_error_or_nothing(name, rng):
    reader = READERS[name]
    reader.attempt(reader.hostile(rng))


def measured(*arguments):
    """What the inputs' program finds in a process of its own, whose memory is theirs alone."""
    program = [sys.executable, hostile_inputs.__file__, *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs.PROC
@pytest.mark.long
def test_what_is_small_and_grows_is_refused_before_it_does():
    found = measured("bombs")
    assert found.keys() == hostile_inputs.BOMBS.keys()
    assert {name: cost["wrong"] for name, cost in found.items() if cost["wrong"]} == {}
    costly = {name: cost for name, cost in found.items() if cost["seconds"] > 10 or cost["megabytes"] > 200}
    assert costly == {}


@needs.PROC
@pytest.mark.sweep
@pytest.mark.parametrize("name", READERS)
def test_thousands_of_hostile_inputs(name):
    cost = measured(name, 3_000)[name]
    assert cost["wrong"] == []
    assert (cost["seconds"] < 10, cost["megabytes"] < 200) == (True, True), cost


@pytest.mark.parametrize("dtype", ["<i9", "<f9", "<f1", "<u3"])
def test_weights_of_a_dtype_that_there_is_none_of(dtype):
    data = hostile_inputs.header((), dtype) + bytes(9)
    content = hostile_inputs.with_entry(hostile_inputs.weights(), "weights_epoch", data)
    with pytest.raises(hostile_inputs.WeightsError, match=r"weights_epoch: found .*, expected a value"):
        hostile_inputs.take_weights(content)


@pytest.mark.parametrize(
    "query", ["hidden=\ud800", "\udfff=1&tab=\ud800", "controls=\ud83d", "data=a\ud800b"]
)
def test_half_a_surrogate_pair_in_a_query_is_told_as_a_question_mark(query):
    _, notices = Link.read(query, ["overview"])
    assert "?" in "".join(notices).encode().decode()
    assert "%3F" in visit(query).query
