"""A recorded call against a plain one and against the formulas, in every style, and whatever else may happen."""

import ast
import asyncio
import importlib
import linecache
import re
import sys
from copy import deepcopy
from functools import partial
from itertools import count
from textwrap import indent
from threading import Thread
from traceback import walk_tb
from types import CodeType

import numpy as np
import pytest
from student_cells import CALLABLES, ENDLESS, LOCKED, RAISES, STUDENTS

from explorer.checks.results import unfitting
from explorer.datasets.plane import load_plane
from explorer.inspection import record as recorder
from explorer.inspection.record import record
from explorer.inspection.rewriting import rewritten
from explorer.network import OPTIMIZERS, NeuralNetwork
from explorer.network.network import Network

NUMBERS = count()
rng = np.random.default_rng(0)
X, d = rng.random((6, 5)), np.eye(3)[:, [0, 1, 2, 2, 1]]


def cell(source, **names):
    """Run a notebook's cell, and return its names."""
    path = f"<cell {next(NUMBERS)}>"
    linecache.cache[path] = len(source), None, source.splitlines(keepends=True), path
    names |= {"np": np, "__name__": "__main__"}
    for one in ast.parse(source).body:  # as IPython does
        exec(compile(ast.Module([one], []), path, "exec"), names)
    return names


def bits(value):
    """Everything that a value is, to the bit."""
    if isinstance(value, np.ndarray | np.generic):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, dict):
        return [(key, bits(one)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [bits(one) for one in value]
    if isinstance(value, np.random.Generator):
        return bits(value.bit_generator.state)
    is_object = not callable(value) or type(type(value).__call__).__name__ == "function"
    return bits(value.__reduce_ex__(4)[2:3]) if is_object and type(value).__module__ == "__main__" else value


def recorded_as_plain(call, *arguments, **named):
    """Record a call and make it; nothing else may change."""
    before, code = bits([getattr(call, "__self__", 0), arguments, named]), call.__code__
    found = record(call, *arguments, **named)
    assert bits([getattr(call, "__self__", 0), arguments, named]) == before
    assert call.__code__ is code
    assert (found.error, found.ended, found.failed) == (None, "", -1)
    assert bits(found.result) == bits(call(*arguments, **named))
    return found


def values(found, text, function=None, kind=None):
    """The kept values of an expression, in order."""
    steps = [step for step in found.steps if function in {None, step.place.function}]
    shown = [one for step in steps for one in step.values if kind in {None, one.place.kind}]
    return [one.kept for one in shown if one.place.text == text]


@pytest.mark.parametrize("hidden", [4, (5, 4), (4, 3, 4)], ids=str)
@pytest.mark.parametrize(("output", "loss"), [
    ("sigmoid", "squared_error"), ("sigmoid", "cross_entropy"), ("softmax", "cross_entropy"),
    ("softmax", "squared_error"),
])  # fmt: skip
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
def test_the_textbook(hidden, activation, output, loss):
    net = Network(6, hidden, 3, hidden_activation=activation, output=output, loss=loss, seed=1)
    recorded_as_plain(deepcopy(net).train_iteration, X, d, lr=0.1)
    recorded_as_plain(deepcopy(net).predict, X)
    assert recorded_as_plain(deepcopy(net).fit, X, d, 2, n_epochs=3, lr=0.1).result.shape == (3,)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "options",
    [{}, {"l2": 0.02, "l1": 0.01}, {"max_norm": 0.5}, {"dropout": 0.5, "input_dropout": 0.2}],
    ids=str,
)
def test_the_methods(optimizer, options):
    net = NeuralNetwork(6, (5, 4), 3, optimizer=optimizer, seed=1, **options)
    net.train_iteration(X, d)  # so that it remembers something
    recorded_as_plain(deepcopy(net).train_iteration, X, d)
    recorded_as_plain(net.fit, X, d, 2, 2, lambda t: 0.1 / (1 + t))


def test_points_of_the_plane():
    data, net = load_plane(), Network(2, 5, 2, seed=0)
    recorded_as_plain(net.train_iteration, data.X_train[:, ::7], data.Y_train[:, ::7])


@pytest.mark.parametrize("style", STUDENTS)
def test_students(style):
    source = STUDENTS[style] + "net = Net()\n"
    names, again = cell(source), cell(source)
    before, own = bits(names["net"]), X.copy()
    found = record(names["net"].train, X, d)
    assert (found.error, found.ended) == (None, "")
    assert bits(names["net"]) == before
    assert bits(X) == bits(own)
    assert bits(found.result) == bits(again["net"].train(X.copy(), d))
    assert {"Net.train"} <= {step.place.function for step in found.steps}
    expected = source.splitlines()
    for step in found.steps:
        first = " ".join(expected[step.place.line - 1][step.place.column :].split())
        assert step.place.text.startswith(first) or first.startswith(step.place.text)


def test_the_numbers_of_a_step():
    net = Network(6, (5, 4), 3, seed=3)
    found = record(net.train_iteration, X, d, 0.1)
    W, b = [W.copy() for W in net.W], [b.copy() for b in net.b]
    h = [X]
    for i in range(3):
        h.append(1 / (1 + np.exp(-(W[i] @ h[-1] + b[i]))))
    deltas = [(h[3] - d) * h[3] * (1 - h[3])]
    for i in (2, 1):
        deltas.append((W[i].T @ deltas[-1]) * h[i] * (1 - h[i]))

    def close(text, expected, function, kind=None):
        for one, other in zip(values(found, text, function, kind), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)

    close("W", W, "Network.forward", "made")
    close("W @ self.h[-1] + b", [W[i] @ h[i] + b[i] for i in range(3)], "Network.forward")
    close("self.h[-1]", h, "Network.forward")
    close("delta @ h[i].T", [deltas[i] @ h[2 - i].T for i in range(3)], "Network.backward")
    close("d_b", [one.sum(1, keepdims=True) for one in deltas], "Network.backward", "made")
    close("self.W[i].T", [W[2].T, W[1].T], "Network.backward", "operand")
    close("self.W[i].T @ delta", [W[2].T @ deltas[0], W[1].T @ deltas[1]], "Network.backward", "result")
    close("loss", [0.5 * np.sum((h[3] - d) ** 2)] * 2, "Network.train_iteration")
    before, after, *_ = values(found, "theta", "Network.step", "made")  # which is changed in place
    np.testing.assert_allclose(before - after, 0.1 * deltas[2] @ X.T, rtol=1e-9)


def test_places_turns_and_calls():
    source = """def größe(δ, η=.5):  # Größe
    ψ = η * δ.sum(); φ = {"ü": δ}["ü"][0]
    for i in range(2):
        # a comment
        for j in range(i, 2):
            ψ -= i * j
    if (ψ >
            0): return kurz(ψ)
def kurz(x):
    return x if x < 1 else kurz(x - 1)
"""
    found = record(cell(source)["größe"], np.ones(8))
    assert found.result < 1
    rows = source.splitlines()
    for step in found.steps:
        for place in [step.place, *(one.place for one in step.values)]:
            if place.line == place.end_line:
                text = rows[place.line - 1][place.column : place.end_column]
                assert text.split(":")[0] == place.text.split(":")[0]
    assert [one.place.text for one in found.steps[1].values] == ["η", "δ", "δ.sum()", "η * δ.sum()", "ψ"]
    assert [one.place.kind for one in found.steps[1].values] == [*2 * ["operand"], *2 * ["result"], "made"]
    inner = [step.turns for step in found.steps if step.place.line == 6]
    assert inner == [(1, 1), (1, 2), (2, 1)]
    headers = [step.place.text for step in found.steps if step.place.line in {1, 3, 5, 7}]
    assert headers[0] == "def größe(δ, η=.5): # Größe"
    assert headers[1:4] == ["for i in range(2):"] * 2 + ["for j in range(i, 2):"]
    assert headers[-1] == "if (ψ > 0):"
    calls = {(step.call, step.depth, step.place.function) for step in found.steps}
    assert calls == {(0, 0, "größe"), *((n, n, "kurz") for n in range(1, len(calls)))}
    assert found.steps[0].place.lines == (1, 8)
    assert found.sources == {found.steps[0].path: tuple(source.splitlines(keepends=True))}


@pytest.mark.parametrize("n", [3, 7, 8, 9, 40])
@pytest.mark.parametrize("is_while", [False, True])
@pytest.mark.parametrize("is_left", [False, True])
def test_long_loops(is_left, is_while, n):
    loop = "while (i := i + 1) <= n:" if is_while else "for i in range(1, n + 1):"
    loop += "\n        g(i)\n        if i == last: break"
    source = f"def f(n, last):\n    i = 0\n    {loop}\ndef g(i):\n    return -i\n"
    found = record(cell(source)["f"], n, n if is_left else 0)
    last = n + (is_while and not is_left)  # the turn that ends the loop
    assert len(found.whole) == 1 - is_left
    kept = [i for i in range(1, n + 1) if i <= 3 or i >= last - 2 or i in {4, 8, 16, 32}]
    assert [int(one) for one in values(found, "i", "g", "made")] == kept
    assert [step.turns[0] for step in found.steps if step.place.line == 4] == kept
    assert len({step.call for step in found.steps}) == len(kept) + 1


def test_what_is_kept():
    source = (
        "def f(x, big, n):\n    y = x\n    x += 1\n    z = y\n    a, s, n = big, 'relu', None\n    g = x, f\n"
    )
    huge = np.arange(10.0**6).reshape(1000, -1)
    found = record(cell(source)["f"], np.zeros(3), huge, 2)
    assert [one[0] for one in values(found, "x")] == [0, 0, 0, 1, 1]  # though it is changed in place
    first, second, before, changed, _ = values(found, "x")
    assert first is second is before is values(found, "y")[0]  # kept once
    assert values(found, "y")[1] is values(found, "z")[0] is changed
    [one] = [one for step in found.steps for one in step.values if one.place.text == "a"]
    assert one.shape == (1000, 1000)
    assert one.kept.size <= 32_000
    np.testing.assert_array_equal(one.kept, huge[: one.kept.shape[0], : one.kept.shape[1]])
    words = {one.place.text: one.words for step in found.steps for one in step.values if one.kept is None}
    assert words == {"s": "'relu'", "n": "None", "g": "tuple of 2: array of 3, f"}


def test_lists_tell_their_sizes_and_what_is_returned_is_shown():
    source = (
        "def f(x):\n    parts = [x, x.T]\n    parts.append(g(x))\n    return tuple(parts[::-1])\n"
        "def g(x):\n    if x.size > 100:\n        return None\n    return x[:, :1]\n"
    )
    found = record(cell(source)["f"], np.ones((3, 2)))
    shown = {(one.place.text, one.place.kind): one for step in found.steps for one in step.values}
    assert shown["parts", "made"].words == shown["parts", "operand"].words == "list of 2: 3 by 2, 2 by 3"
    assert shown["parts[::-1]", "operand"].words == "list of 3: 3 by 1, 2 by 3, 3 by 2"
    assert shown["tuple(parts[::-1])", "made"].words == "tuple of 3: 3 by 1, 2 by 3, 3 by 2"
    assert (shown["x[:, :1]", "made"].shape, ("x[:, :1]", "operand") in shown) == ((3, 1), False)
    for n, words in ((5, "list of 5: 5, 5, 5, 5, …"), (0, "empty list")):
        assert record(cell("def f(n): return [n] * n")["f"], n).steps[1].values[-1].words == words


def test_what_is_changed_in_place_is_shown_before_also_if_that_raises():
    source = "def f(x, y):\n    x -= y\n    x[0] += y\n"
    found = record(cell(source)["f"], np.zeros((2, 3)), 1.0)
    kinds = [[(one.place.text, one.place.kind) for one in step.values] for step in found.steps[1:]]
    assert kinds == [[(x, "operand"), ("y", "operand"), (x, "made")] for x in ("x", "x[0]")]
    (before, *_, after), (row, *_) = (step.values for step in found.steps[1:])
    assert (before.kept.max(), after.kept.max(), row.kept.tolist()) == (0, -1, [-1, -1, -1])
    unfit = record(cell(source)["f"], np.zeros((2, 3)), np.ones(2))
    assert [one.shape for one in unfit.steps[unfit.failed].values] == [(2, 3), (2,)]


def test_copies_share_memory_as_the_originals_do():
    source = "def f(a, b, c, n):\n    a += 1\n    return a, b, c, b.strides, c.strides, c.flags.writeable\n"
    whole = np.arange(24.0).reshape(4, 6)
    given = whole, whole[:, ::2], whole.T[1:, ::-1], whole[:0]
    given[2].flags.writeable = False
    again = whole.copy()
    found = record(cell(source)["f"], *given).result
    again += 1
    expected = again, again[:, ::2], again.T[1:, ::-1], given[1].strides, given[2].strides, False
    assert bits(found) == bits(expected)
    (frozen := np.zeros(1)).flags.writeable = False
    assert type(record(cell("def f(x): x[0] = 1")["f"], frozen).error) is ValueError
    assert np.shares_memory(found[0], found[2])
    assert not np.shares_memory(found[0], whole)


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("bounds", [{"MOST_SECONDS": 0.03}, {"MOST_STEPS": 90, "MOST_SECONDS": 0.1}], ids=str)
def test_endless(monkeypatch, body, bounds):
    for name, most in bounds.items():
        monkeypatch.setattr(recorder, name, most)
    f = cell(f"def f(n):\n{indent(body, '    ')}def g(n):\n    return n + 1\n")["f"]
    code = f.__code__
    found = record(f, 1)
    assert (found.error, found.failed, f.__code__ is code) == (None, -1, True)
    words = "(90 steps|0 seconds of computing)" if "MOST_STEPS" in bounds else "0 seconds of computing"
    assert re.fullmatch(f"The recording ends here, after {words}.", found.ended)
    assert "90" not in found.ended or len(found.steps) == 90


def test_gigabytes(monkeypatch):
    monkeypatch.setattr(recorder, "MOST_BYTES", 2_000_000)
    source = "def f(x):\n    y = [x + 1]\n    g(x + 2)\n    f(x + 1)\ndef g(x):\n    return x\n"
    assert not record(cell("def f(x):\n    return x\n")["f"], np.zeros((3000, 1000))).ended
    found = record(cell(source)["f"], np.zeros(3000))
    assert found.ended == "The recording ends here, after 2 MB of arrays."
    everything = [one.kept for step in found.steps for one in step.values if one.kept is not None]
    kept = {id(one): one.nbytes for one in everything}
    assert 1_900_000 < sum(kept.values()) < 2_100_000
    loop = "def f(x):\n    for i in range(900):\n        x = x + i\n    return x\n"
    assert not record(cell(loop)["f"], np.zeros(3000)).ended  # it drops most turns


@pytest.mark.parametrize(("body", "kind", "words"), RAISES.values(), ids=RAISES)
def test_what_raises(body, kind, words):
    f = cell("def f(W, X, d):\n" + body)["f"]
    code = f.__code__
    found = record(f, np.ones((3, 6)), X[:, :5].T.copy().T, d)
    assert type(found.error) is kind
    assert found.result is None
    assert not found.ended
    if kind is ValueError:
        assert unfitting(found.error) == words or not words
        *_, (_, line) = walk_tb(found.error.__traceback__)
        assert found.steps[found.failed].place.line == line
    assert f.__code__ is code


@pytest.mark.parametrize("n", [1, 10])
def test_what_does_not_fit_in_place_has_its_own_shape_and_not_the_results(n):
    f = cell("def f(b, lr, d):\n    b -= lr * d\n")["f"]
    found = record(f, np.ones((10, 1)), 0.1, np.ones((n, 4)))
    assert unfitting(found.error) == f"`-` on b (10, 1) and lr * d ({n}, 4): 1 is not 4"


def test_generator_prints_and_changed_inputs(capsys):
    f = cell("def f(x):\n    for i in range(3):\n        x[i] = print(i) or 7\n        yield i\n")["f"]
    x = np.zeros(3)
    found = record(f, x)
    assert (found.result, capsys.readouterr().out) == ([0, 1, 2], "0\n1\n2\n")
    assert not x.any()
    assert [one.tolist() for one in values(found, "x[i]")] == [7.0] * 3


def test_from_other_cells_and_files(tmp_path, monkeypatch):
    source = "# -*- coding: latin-1 -*-\ndef g(x):\n    return x * 2  # é\n"
    (tmp_path / "mine.py").write_text(source, encoding="latin-1")
    monkeypatch.syspath_prepend(tmp_path)
    mine = importlib.import_module("mine")
    first = cell("h = None\nclass A:\n    def go(self, x):\n        return h(x)\n")
    f = cell("class B(A):\n    def go(self, x):\n        return super().go(x)\n", A=first["A"])["B"]
    first["h"] = cell("def h(x):\n    return g(x) + 3\n", g=mine.g)["h"]  # defined in a later cell
    found = record(f().go, 2)
    assert found.result == 7
    calls = [step.place.function for step in found.steps if step.place.text.startswith("def")]
    assert calls == ["B.go", "A.go", "h", "g"]
    assert len(found.sources) == 4
    (tmp_path / "mine.py").write_text("\n\ndef g(x):\n    return x * 3\n", encoding="utf-8")
    assert [step.place.function for step in record(f().go, 2).steps][-1] == "h"  # the file is another one now
    with pytest.raises(ValueError, match="g has no Python source"):
        record(mine.g, 1)
    sys.modules.pop("mine")


ASYNCHRONOUS = cell("async def waits(x):\n    1 / 0\nasync def yields(x):\n    yield 1 / 0\n")


@pytest.mark.parametrize(("call", "words"), [
    (np.dot, "^dot has no Python source"), (max, "max has no"), (3, "3 has no"),
    (np.exp, "exp has no"), (np.linalg.norm, "norm has no"), (int, "int has no"),
    (eval("lambda x: x"), "<lambda> has no"),
    (cell(LOCKED)["a"].go, "A.go runs on a copy, and none can be made: cannot pickle"),
    (partial(ASYNCHRONOUS["waits"]), "is asynchronous"), (ASYNCHRONOUS["waits"], "waits is asynchronous"),
    (ASYNCHRONOUS["yields"], "yields is asynchronous"),
])  # fmt: skip
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        record(call, X)


@pytest.mark.parametrize("call", [
    "f", "A", "A()", "A().bound", "A.of_class", "A().of_class", "A.static", "A.bound", "A().logged", "l",
    "cached", "wrapped", "partial(f)", "partial(A().bound)", "logged(A())",
])  # fmt: skip
def test_kinds_of_callables(call):
    names = cell(CALLABLES)
    given = [names["A"](), 4] if call == "A.bound" else [4]
    found = record(eval(call, names), *given)
    assert found.error is None
    assert found.result == 5 or found.result.y == 5
    assert any(step.place.function in {"f", "<lambda>", "A.__call__"} for step in found.steps)
    assert all(step.depth in {0, 1, 2} for step in found.steps)


def test_asynchronous_inside_and_recorded_inside():
    source = "async def g(x):\n    return x + 1\ndef f(x):\n    return asyncio.run(g(x))\n"
    found = record(cell(source, asyncio=asyncio)["f"], 1)
    assert found.result == 2
    assert values(found, "x", "g")
    f = cell("def f(x):\n    return record(f, x)\n", record=record)["f"]
    assert "while another call is recorded" in str(record(f, 1).error)
    assert record(cell("def f(x):\n    return x\n")["f"], 1).result == 1  # the lock is open


def test_another_thread_meanwhile():
    results, f = [], cell("def f(x):\n    y = x + 1\n    wait(x)\n    return y\n")["f"]

    def wait(x):
        if x == 1:
            thread.start()
            thread.join()

    f.__globals__["wait"], thread = wait, Thread(target=lambda: results.append(f(10)))
    found = record(f, 1)
    assert (found.result, results) == (2, [11])
    assert {int(one) for one in values(found, "x")} == {1}


@pytest.mark.parametrize("tool", ["trace", "profile"])
def test_a_debugger_goes_on(tool):
    f, seen, before = cell("def f(x):\n    y = x + 1\n    return y\n")["f"], [], getattr(sys, f"get{tool}")()

    def watch(frame, event, arg):
        seen.append(event)
        return watch

    getattr(sys, f"set{tool}")(watch)
    try:
        found = record(f, 1)
        assert getattr(sys, f"get{tool}")() is watch
        n = len(seen)
        f(1)
    finally:
        getattr(sys, f"set{tool}")(before)
    assert len(seen) > n
    assert [step.place.line for step in found.steps] == [1, 2, 3]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="came with Python 3.12")
def test_monitoring_goes_on():
    f, seen, tools = cell("def f(x):\n    y = x + 1\n    return y\n")["f"], [], sys.monitoring
    tools.use_tool_id(2, "test")
    try:
        tools.register_callback(2, tools.events.LINE, lambda code, line: seen.append((code.co_name, line)))
        tools.set_events(2, tools.events.LINE)
        f(1)
        found = record(f, 1)
        f(1)
        tools.set_events(2, 0)
    finally:
        tools.free_tool_id(2)
    assert [line for name, line in seen if name == "f"][-2:] == [2, 3]
    assert [step.place.line for step in found.steps] == [1, 2, 3]


def test_an_interrupt_restores_the_functions():
    names = cell("def f(x):\n    g(x)\ndef g(x):\n    raise KeyboardInterrupt\n")
    codes = names["f"].__code__, names["g"].__code__
    with pytest.raises(KeyboardInterrupt):
        record(names["f"], 1)
    assert all(names[name].__code__ is code for name, code in zip("fg", codes, strict=True))


@pytest.mark.parametrize("body", [
    "class N: next = None\n    a = N()\n    a.next, b = N(), None\n"
    "    while a:\n        b, a.next, a = a, b, a.next\n    return b.next.next is None",
    "i, x = 0, [0, 0]\n    x[i], i = 7, 5\n    return x, i",
    "a = []\n    a.append(a)\n    return len(a)",
    "t = ()\n    for i in range(2000): t = t, i\n    return t[1]",
    "n = 1 << 20_000\n    return n.bit_length()",
])  # fmt: skip
def test_what_is_recorded_is_what_the_call_does(body):
    f = cell(f"def f():\n    {body}\n")["f"]
    assert (found := record(f)).result == f(), found.error


@pytest.mark.parametrize("source", [
    "f, g = lambda x: x, lambda x: x\n",
    "import numpy as np\ndef f():\n    while True:\n        np.exp(1)\n",
    "def f():\n    try:\n        return 1\n    finally:\n        g = lambda x: 'd'\n",
    "async def f():\n    async with f() as x:\n        async for y in x: return [z async for z in y]\n",
    "x = await 1\nclass A:\n    def f(self):\n        class B: pass\n        yield f'{self!r:>{3}}'\n",
])  # fmt: skip
def test_all_functions_are_rewritten(source):
    codes, tree = rewritten(tuple(source.splitlines(keepends=True))).codes, ast.parse(source)
    for unit in (tree, *(ast.Module([one], []) for one in tree.body)):  # of a file, and of a cell
        found = compile(unit, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT).co_consts
        assert all(one in codes for one in found if isinstance(one, CodeType))
    assert codes
    assert rewritten(("def f(:\n",)).codes == {}
