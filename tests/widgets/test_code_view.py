"""A recorded call, shown step by step: its lines, their values, the loop's turns, and what raised."""

import re
import struct
from dataclasses import replace

import numpy as np
import pytest

from explorer import watch
from explorer.inspection import record
from explorer.network.network import Network
from explorer.widgets.code_view import CodeView


def summed(X):
    total = 0.0
    for k, row in enumerate(X):  # noqa: B007
        Y = row * 2.0  # «δ» before it
        total += twice(Y.sum())
    return total, k


def twice(x):
    y = x + x
    return y  # noqa: RET504


def many(n):
    s = 0.0
    for k in range(n):
        s = s + k
    return s


def outer(n):
    total = 0
    for i in range(n):
        for j in range(i):
            total += j
    return total


def shifted(X):
    Z = X + outer(3)
    return Z  # noqa: RET504


def both(X):
    return shifted(X).sum() + shifted(X.T).sum()


def unfit(W, delta):
    return 1 + ("δ", W @ delta)[1]


def fitted(net, X, d):
    return net.forward(X) - d


def odd(values):
    y = 0
    for value in values:
        y = value
    return y


@pytest.fixture
def view():
    return watch(summed, np.arange(12.0).reshape(3, 4))


def line(view):
    """Number and code of the current line."""
    shown = view.shown
    number, _ = shown["lines"]
    code = "".join(text for _, text in shown["tokens"]).split("\n")
    return number, code[number - shown["first"]].strip()


def figures(view, kind=""):
    return [one["name"] for one in view.shown["figures"] if kind in ("", one["kind"])]


def figure(view, name):
    return next(one for one in view.shown["figures"][::-1] if one["name"] == name)


def go(view, code, nth=0):
    """Go to a step on a line, by its code."""
    view.at = [k for k, s in enumerate(view.recording.steps) if s.place.text.startswith(code)][nth]


def move(view, *moves):
    """Go where the page's buttons go."""
    last = view.shown["n_steps"] - 1
    for one in moves:
        view.at = {"first": 0, "back": view.at - 1, "next": view.at + 1, "last": last}.get(
            one, view.shown.get(one)
        )
    return line(view)[1]


def test_a_step_shows_its_line_and_its_values_each_once_in_the_order_of_evaluation(view):
    go(view, "Y =")
    assert line(view)[1] == "Y = row * 2.0  # «δ» before it"
    assert figures(view) == ["row", "Y"]  # the product is Y
    assert figures(view, "made") == ["Y"]
    made = {"shape": (4,), "kept": (4,), "type": "float64", "measures": ("0", "6", "3", "")}
    assert figure(view, "Y").items() >= made.items()
    go(view, "return y")
    assert figures(view, "made") == figures(view) == ["y"]
    assert figure(view, "y")["words"] == "24"


def test_marks_say_where_the_code_has_each_value_inner_ones_first(view):
    go(view, "y =")
    assert figures(view) == ["x", "y"]
    n, _ = line(view)
    marks = [(4 + 4, 5 + 4, 0), (12, 13, 0), (8, 13, 1), (4, 5, 1)]
    assert view.shown["marks"] == [(n, begin, n, end, k) for begin, end, k in marks]
    assert view.shown["wrong"] is None


def test_the_cursor_goes_back_into_calls_over_them_and_out(view):
    go(view, "total +=")
    assert move(view, "next") == "def twice(x):"
    assert move(view, "back", "over").startswith("for k, row")
    go(view, "y =")
    assert move(view, "out").startswith("for k, row")  # out of the call
    assert move(view, "out") == "return total, k"  # out of the loop
    assert move(view, "first") == "def summed(X):"
    assert move(view, "last", "next", "over", "out") == "return total, k"
    assert move(view, "first", "back") == "def summed(X):"
    view.at = 10_000
    assert view.at == len(view.recording.steps) - 1


def test_out_of_a_loop_is_still_in_its_function():
    view = watch(both, np.ones((2, 3)))
    go(view, "total += j")
    assert move(view, "out") == "for i in range(n):"
    assert move(view, "out") == "return total"
    assert move(view, "out") == "return Z  # noqa: RET504"
    assert move(view, "out") == "def shifted(X):"


def test_a_line_has_the_sizes_of_what_it_made_last_in_this_call():
    view = watch(both, np.ones((2, 3)))

    def shapes():
        return [shape for made in view.shown["shapes"].values() for _, shape in made]

    go(view, "def shifted", 0)
    assert shapes() == [(2, 3)]
    go(view, "return Z", 0)
    assert shapes() == [(2, 3), (2, 3), (2, 3)]
    go(view, "def shifted", 1)
    assert shapes() == [(3, 2)]


def test_a_line_leads_to_its_next_step_and_from_the_last_to_the_first(view):
    go(view, "Y =")
    number, _ = line(view)
    first = view.at
    turns = []
    for _ in range(3):
        view.at = view.shown["on_line"][str(number)]
        assert line(view)[0] == number
        turns.append(view.shown["turn"])
    assert (turns, view.at) == ([2, 3, 1], first)
    go(view, "return total")
    assert view.shown["on_line"][str(line(view)[0])] == view.at  # its only step
    assert str(number + 500) not in view.shown["on_line"]


def test_a_loop_has_the_first_step_of_each_turn_and_what_it_made(view):
    go(view, "Y =", 1)
    shown = view.shown
    assert (shown["turn"], [*shown["turns"]]) == (2, ["1", "2", "3"])
    step, made = shown["turns"]["2"]
    words = {"k": "1", "row": "4, from 4 to 7", "Y": "4, from 8 to 14", "total": "112"}
    assert {name: text for name, (text, _) in made.items()} == words
    assert [number for _, number in made.values()] == [1, None, None, 112.0]
    view.at = step
    assert line(view)[1].startswith("for k, row")
    assert view.recording.steps[view.at].turns == (2,)
    go(view, "return total")
    assert (view.shown["turn"], view.shown["turns"]) == (0, {})


def test_numbers_of_a_loop_are_ones_that_can_be_drawn():
    view = watch(odd, [np.nan, -np.inf, 2 + 1j, True])
    go(view, "y = value")
    assert [made["y"] for _, made in view.shown["turns"].values()] == [
        ("not a number", 0.0),
        ("−∞", 0.0),
        ("(2+1j)", 2.0),
        ("True", 1),
    ]


def test_of_many_turns_some_are_kept():
    view = watch(many, 60)
    go(view, "s = s + k", 5)
    assert [int(turn) for turn in view.shown["turns"]] == [1, 2, 3, 4, 8, 16, 32, 58, 59, 60]
    assert (view.shown["turn"], view.shown["whole"]) == (16, True)


def test_the_turns_are_those_of_the_innermost_loop():
    view = watch(outer, 4)
    go(view, "total += j", -1)
    assert [made["j"][0] for _, made in view.shown["turns"].values()] == ["0", "1", "2"]
    view.at, _ = view.shown["turns"]["1"]
    assert view.recording.steps[view.at].turns == (4, 1)


def test_what_raised_is_marked_and_said():
    view = watch(unfit, np.ones((3, 4)), delta=np.ones((2, 4)))
    assert view.shown["alert"] == f"Line {line(view)[0]}: @ on W (3, 4) and delta (2, 4): 4 is not 2"
    n, code = line(view)
    assert code == 'return 1 + ("δ", W @ delta)[1]'
    assert view.shown["wrong"] == [n, 21, n, 30]  # in characters, not in bytes
    assert figures(view) == ["W", "delta"]
    move(view, "back")
    assert view.shown["wrong"] is None
    assert watch(many, 3).shown["alert"] == ""


def test_a_recording_that_ended_early_or_has_no_step_says_so(monkeypatch):
    nothing = CodeView()
    nothing.theme = "dark"
    assert (nothing.shown, repr(nothing)) == ({"n_steps": 0, "alert": "", "ended": ""}, "")
    monkeypatch.setattr(record, "MOST_STEPS", 5)
    view = watch(many, 3)
    assert (view.shown["n_steps"], repr(view).splitlines()[-1]) == (5, view.shown["ended"])
    assert view.shown["ended"].startswith("The recording ends here")
    monkeypatch.setattr(record, "MOST_STEPS", 0)
    view.watch(many, 3)
    assert (view.shown["n_steps"], "figures" in view.shown, repr(view)) == (0, False, view.shown["ended"])
    view.at = 3
    assert view.at == 0


def test_each_step_is_one_spoken_line(view):
    go(view, "Y =")
    assert view.shown["spoken"] == f"line {line(view)[0]}, Y = row * 2.0: made Y, 4, from 0 to 6"


def test_the_text_lists_the_lines_with_what_they_made(view):
    first, *_, last = repr(view).splitlines()
    assert re.fullmatch(r" +\d+ def summed\(X\):  # X, 3 by 4, from 0 to 11", first)
    assert last.endswith("return total, k  # total, k, tuple of 2: 264.0, 2")
    assert re.search(r"^ +\d+   y = x \+ x  # y, 24$", repr(view), re.MULTILINE)
    assert view._repr_mimebundle_()[0]["text/plain"] == repr(view)
    view.recording = replace(view.recording, steps=view.recording.steps * 6)
    long = repr(view).splitlines()
    assert len(long) == 61
    assert long[30].strip() == f"… {len(view.recording.steps) - 60} more steps …"


def test_the_axes_of_a_network_and_of_its_mini_batches_are_named():
    X, d = np.zeros((9, 4)), np.zeros((3, 4))
    net = Network(9, [5, 6], 3)
    layered = {"9": "pixels", "4": "samples", "5": "units", "6": "units"}
    assert watch(net.forward, X).shown["axes"] == layered
    assert watch(fitted, net, X, d).shown["axes"] == layered | {"3": "classes"}
    both = {"9": "pixels", "4": "samples or units", "3": "classes or samples"}
    assert watch(Network(9, 4, 3).fit, X, d, 3, 1).shown["axes"] == both
    assert watch(Network(9, 5, 1).train_iteration, X, d[:1]).shown["axes"].keys() == {"9", "4", "5"}
    assert watch(many, 3).shown["axes"] == {}
    with pytest.raises(ValueError, match="no Python source"):
        watch(np.sort, X)


def test_a_part_of_an_array_is_called_one_and_what_is_not_finite_is_counted():
    def made():
        large = np.zeros((300, 200))
        small = np.array([1.0, np.nan, np.inf])
        nothing = np.zeros((0, 3))
        return large, small, nothing

    view = watch(made)
    for code, measures in (
        ("large", ("0", "", "0", "")),
        ("small", ("1", "", "1", ", 2 not finite")),
        ("nothing", ("–", "–", "–", "")),
    ):
        go(view, code)
        assert figure(view, code)["measures"] == measures
    assert "png" not in figure(view, "nothing")
    go(view, "large")
    large = figure(view, "large")
    assert (large["shape"], large["kept"], large["part"]) == ((300, 200), (160, 200), "the first 64 × 90")


def test_pictures_follow_the_theme_and_say_their_size(view):
    go(view, "Y =")
    light = figure(view, "Y")
    assert light["drawn"] == "bars"
    assert figure(view, "Y")["numbers"] == "0, 2, 4, 6"
    assert struct.unpack(">II", light["png"][16:24]) == (4 + 1, 48 + 1)  # as code_view.js reads it
    view.theme = "dark"
    assert figure(view, "Y")["png"] != light["png"]
    assert figures(view) == ["row", "Y"]


def test_the_cursor_can_be_set_and_followed(view, from_page):
    seen = []
    view.observe(lambda change: seen.append(change["new"]), "at")
    from_page.set(view, at=3)
    assert seen == [3]


def test_a_step_is_one_message(sent):
    view = CodeView()
    sent.clear()
    view.watch(many, 3)
    (message,) = sent
    assert message["shown"]["function"] == "many"
    sent.clear()
    view.at = 1
    assert sent[-1]["shown"]["lines"] == view.shown["lines"]
