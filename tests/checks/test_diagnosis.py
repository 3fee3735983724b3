"""An answer is right, wrong with the mistake's name, waiting or missing, all of it told in a sentence."""

import inspect
import json
import linecache
import math
import re
import threading
import time

import numpy as np
import pytest
from checks.injected import INJECTIONS, STYLES, right_answers, verdict_of
from checks.solutions import loops, matrices
from thinned import one_in

import explorer
from explorer import checks
from explorer.checks import MISTAKES, TASKS, CheckError, Verdict, diagnose, diagnose_all, exercise
from explorer.checks.mistakes import MARK, METHODS, textbook
from explorer.checks.observations import Probe
from explorer.checks.tasks import recognize
from explorer.network import NeuralNetwork


def test_the_tasks_are_those_of_the_exercise():
    assert [task.part for task in TASKS.values()] == [1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 9, 9, 9, 9]
    assert sum(not task.is_bonus for task in TASKS.values()) == 12
    for task in TASKS.values():
        assert len(task.hints) == 3
        assert all(20 <= len(hint.split()) <= 60 for hint in task.hints)


FIRST, OTHERS = slice(0, 1), pytest.param(slice(1, None), marks=pytest.mark.long)


@pytest.mark.long
@pytest.mark.parametrize("ways", [FIRST, OTHERS], ids=["first", "others"])
@pytest.mark.parametrize("task", TASKS)
def test_each_way_to_make_a_mistake_is_known_by_what_it_gives(task, ways):
    for mistake in (mistake for mistake in MISTAKES.values() if mistake.task == task):
        for answers in mistake.answers[ways]:
            assert recognize(task, textbook(task, answers), Probe(1)) is mistake, mistake.name


def test_each_combination_of_choices_is_a_variant_once():
    expected = {
        "softmax-for-sigmoid": 4 * 3,
        "step-from-other-parameter": 4 + 2,
        "log-of-product": 1 + 17 + 17,
    }
    assert {name: len(MISTAKES[name].answers) for name in expected} == expected


def test_each_mistake_has_a_task_and_words():
    for mistake in MISTAKES.values():
        assert mistake.task in TASKS
        assert (mistake.what[-1], mistake.look[-1] in ".?") == (".", True)


@pytest.mark.long
def test_the_wrong_line_of_each_mistake_is_marked():
    assert all(MARK in mistake.source for mistake in MISTAKES.values())


# ---------------------------------------------------------------- mistakes in others' solutions


@pytest.mark.parametrize(("number", "name"), one_in(6, [*enumerate(INJECTIONS)]))
def test_a_mistake_in_others_solutions_is_named(number, name):
    """The whole table, each in both solutions with three seeds, is `tests/benchmarks/confusion_table.py`."""
    assert verdict_of(name, STYLES[number // 6 % 2], number % 3).mistake == name


@pytest.mark.parametrize("first", one_in(3, [0, 1, 2]))
@pytest.mark.parametrize("task", TASKS)
def test_no_right_answer_is_refused(task, first):
    for number, answer in enumerate(right_answers()[task][first::3]):
        verdict = diagnose(task, answer, seed=number % 3)
        assert verdict.outcome == "right", f"{answer}: {verdict}"


# ---------------------------------------------------------------- an input to work out on paper


@pytest.mark.parametrize("task", [task for task, about in TASKS.items() if about.example])
def test_a_wrong_value_is_shown_for_an_input_that_fits_on_paper(task):
    """And the student can run it."""
    right = textbook(task)

    def less(value):
        return tuple(map(less, value)) if isinstance(value, tuple) else value * 0.3

    answer = right
    if task == "predict":
        answer = type("Network", (right,), {task: lambda self, X: right.predict(self, X) * 0 + 1})
    elif isinstance(right, type):
        method = "backward" if task == "several_layers" else task
        changed = {method: lambda self, *args, **kw: less(getattr(right, method)(self, *args, **kw))}
        answer = type(right.__name__, (right,), changed)
    elif task == "evaluate":
        answer = lambda *given: (*map(less, right(*given)[:2]), right(*given)[2])  # noqa: E731
    else:
        answer = lambda *given: less(right(*given))  # noqa: E731
    verdict = diagnose(task, answer)
    assert (verdict.outcome, verdict.mistake) == ("wrong", "")
    *given, call, expected, yours = verdict.example.splitlines()
    assert max(map(len, given), default=0) < 110
    for each, said in ((right, expected), (answer, yours)):
        names = {"np": np, right.__name__: each}
        exec("\n".join(given), names)
        numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", said)]
        np.testing.assert_allclose(numbers, np.ravel(eval(call, names)), atol=6e-5)
    assert verdict.look == "Work out on paper what this small example gives."


def test_a_wrong_pixel_is_told_with_its_byte():
    def load(path):
        return tuple(array * 0.9 if array.shape[0] == 784 else array for array in exercise.load_digits(path))

    place = r"X\[\d+, \d+\], for the byte \d+ in row \d+, column \d+ of image \d+: expected 0"
    assert re.match(place, diagnose("load_digits", load).message)


@pytest.mark.parametrize(
    ("product", "got"),
    [
        ("self.W1 @ X.T", "`@` on self.W1 (6, 3) and X.T (9, 3): 3 is not 9"),
        ("np.matmul(X.T, self.W1)", "`np.matmul` on X.T (9, 3) and self.W1 (6, 3): 3 is not 6"),
        ("np.dot(self.W1, X.T)", "`np.dot` on self.W1 (6, 3) and X.T (9, 3): 3 is not 9"),
        ("X.dot(X)", "`X.dot` on X (3, 9) and X (3, 9): 9 is not 3"),
        ("self.W1.copy() @ X.T", "`@` on self.W1.copy() and X.T (9, 3): 3 is not 9"),
        ("self.W1 @ 3.5", "`@` on self.W1 (6, 3) and 3.5: a single number is no matrix"),
        ("self.W1 @ X.max()", "`@` on self.W1 (6, 3) and X.max(): a single number is no matrix"),
        ("(self.W1 @ X) * np.tanh(X)", "`*` on self.W1 @ X (6, 9) and np.tanh(X) (3, 9): 6 is not 3"),
        ("self.b1 / np.ones((4, 5))", "`/` on self.b1 (6, 1) and np.ones((4, 5)) (4, 5): 6 is not 4"),
        ("self.step(X)", "`+` on self.b1 (6, 1) and X (3, 9): 6 is not 3"),
    ],
)
def test_operands_that_do_not_fit_are_told_with_their_shapes(product, got):
    source = f"class Network(Late):\n    def forward(self, X):\n\n        return {product} + X\n"
    source += "    def step(self, X):\n        self.b1 += X\n"
    linecache.cache["a cell"] = len(source), None, source.splitlines(True), "a cell"
    exec(compile(source, "a cell", "exec"), names := {"Late": Late, "np": np, "__name__": "notebook"})
    assert f"forward raised ValueError: {got} (in " in diagnose("forward", names["Network"]).message


# ---------------------------------------------------------------- whatever an answer does


def loops_for_ever(a):
    while True:
        pass


def only_dots(a):
    """Nothing yet."""
    ...


def not_written_yet(a):
    raise NotImplementedError  # the gap of nbgrader and otter, which is to be seen as one


def prints(a):
    print("a is\n", a.shape)
    return explorer.sigmoid(a)


def changes_its_input(a):
    np.negative(a, out=a)
    return 1 / (1 + np.exp(a))


def ends_the_program(a):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (loops_for_ever, "wrong", "no result after 0.3 seconds: there seems to be a loop that doesn't end"),
        (lambda a: 1 / 0, "wrong", "<lambda> raised ZeroDivisionError: division by zero (in <lambda>, line "),
        (lambda a: None if a.size else 0, "wrong", "<lambda> returns None; is there a return at its end?"),
        (lambda a: explorer.sigmoid(a).tolist(), "wrong", "<lambda> returns a list; expected a NumPy array"),
        (lambda a: explorer.sigmoid(a) + 0j, "wrong", "<lambda>: expected numbers, got dtype complex128"),
        (lambda a: explorer.sigmoid(a)[0], "wrong", "<lambda>: expected shape (2, 4), got shape (4,)"),
        (lambda a: 0.5, "wrong", "<lambda>: expected shape (2, 4), got shape ()"),
        (lambda a: a, "wrong", "sigmoid(0): expected 0.5, got 0"),
        (lambda a: 1 / (1 + math.exp(-a)), "wrong", "<lambda> raised TypeError: `math.exp` takes a single"),
        (lambda: 0, "wrong", "TypeError: "),
        (changes_its_input, "wrong", "changes_its_input changes an array that it is given"),
        (ends_the_program, "wrong", "SystemExit is raised"),
        ("sigmoid", "wrong", "sigmoid: expected a function, got str"),
        (lambda a: ..., "waiting", "<lambda> waits for its code"),
        (only_dots, "waiting", "only_dots waits for its code"),
        (not_written_yet, "waiting", "not_written_yet waits for its code"),
        (lambda a: ... * a, "waiting", "<lambda> waits for its code"),
        (None, "waiting", "sigmoid waits for its code"),
    ],
)  # fmt: skip
def test_it_is_told_in_a_sentence(answer, outcome, words, capsys):
    n_threads = threading.active_count()
    verdict = diagnose("sigmoid", answer, seconds=0.3 if answer is loops_for_ever else 5)
    assert (verdict.outcome, verdict.mistake) == (outcome, "")
    assert verdict.message.startswith(words)
    assert "\n" not in repr(verdict)
    assert (capsys.readouterr().out, threading.active_count()) == ("", n_threads)


def test_the_time_limit_counts_computing_not_waiting_for_a_core(monkeypatch):
    """On this machine, it has a tenth of a core."""
    monkeypatch.setattr("explorer.checks.results.perf_counter", lambda: 10 * time.process_time())

    def slow(a):
        began = time.process_time()
        while time.process_time() - began < 0.05:
            pass
        return explorer.sigmoid(a)

    assert diagnose("sigmoid", slow, seconds=0.3).outcome == "right"


def test_prints_and_an_overflow_are_notes(capsys):
    assert diagnose("sigmoid", prints).note == "it prints 4 lines"
    assert capsys.readouterr().out == ""
    assert "overflow encountered in exp. Infinity is meant" in diagnose("sigmoid", matrices.sigmoid).note


class Unlike(loops.Network):
    train_iteration = None

    def predict(self, X):
        return ...

    def backward(self, X, y, d):
        X[:] = 0
        return super().backward(X, y, d)

    def forward(self, X):
        self.a1 = ...
        return np.exp(self.a1)


class Bare:
    def __init__(self, inputs, hidden, outputs):
        self.w1 = np.zeros((hidden, inputs))


class Late(matrices.Network):
    """Draws its weights only when it is told to."""

    def __init__(self, *sizes):
        self.shape, self.generator = sizes, np.random.default_rng(0)

    def init_weights(self):
        n_input, n_hidden, n_output = self.shape
        self.W1, self.b1 = self.generator.normal(0, 0.1, (n_hidden, n_input)), np.zeros((n_hidden, 1))
        self.W2, self.b2 = self.generator.normal(0, 0.1, (n_output, n_hidden)), np.zeros((n_output, 1))


class HalfDone(Late):
    def init_weights(self):
        super().init_weights()
        self.b2 = ...


class Unmade:
    def forward(self, X):
        return X


@pytest.mark.parametrize(
    ("task", "kind", "outcome", "words"),
    [
        ("forward", Unlike, "waiting", "forward waits for its code"),
        ("predict", Unlike, "waiting", "predict waits for its code"),
        ("backward", Unlike, "wrong", "backward changes an array that it is given"),
        ("train_iteration", Unlike, "missing", "Unlike has no method train_iteration"),
        ("fit", Unmade, "missing", "Unmade has no method fit"),
        ("init_weights", Late, "right", "25450 parameters"),
        ("init_weights", HalfDone, "waiting", "b2 waits for its code"),
        ("forward", Bare, "missing", "Bare has no method forward"),
        ("forward", Unmade, "wrong", "TypeError: Unmade() takes no arguments"),
        ("forward", loops.sigmoid, "wrong", "forward: expected a class of networks, got function"),
    ],
)
def test_so_it_is_with_a_class(task, kind, outcome, words):
    verdict = diagnose(task, kind)
    assert (verdict.outcome, verdict.mistake) == (outcome, "")
    assert verdict.message.startswith(words)


class WrongBackward(matrices.Network):
    def forward(self, X):
        self.a1 = self.h1 = X
        return super().forward(X) + 1

    def backward(self, X, y, d):
        return [2 * gradient for gradient in super().backward(X, y, d)]


def not_right(verdicts):
    return [task for task, verdict in verdicts.items() if verdict.outcome != "right"]


def test_what_builds_on_a_wrong_part_is_judged_by_itself():
    verdicts = {task: diagnose(task, WrongBackward) for task in METHODS}
    assert not_right(verdicts) == ["forward", "backward"]
    assert verdicts["train_iteration"].helpers == ("forward", "backward")
    remark = "checked with the textbook's forward and backward, because yours aren't right yet"
    assert verdicts["train_iteration"].remark == remark


class ShiftedForward(exercise.Network):
    """Keeps its arrays in the textbook's lists."""

    def forward(self, X):
        return super().forward(X) + 1

    def backward(self, X, y, d):
        return super().backward(self.h[0], y, d)


class ForgetfulForward(exercise.Network):
    def forward(self, X):
        h = X
        for W, b, f in zip(self.W, self.b, self.f, strict=True):
            h = f(W @ h + b)
        return h

    def backward(self, X, y, d):
        return ...


class UnwrittenForward(exercise.Network):
    def forward(self, X):
        self.a1 = ...
        return self.h1


def test_arrays_in_lists_are_as_good():
    verdicts = {task: diagnose(task, ShiftedForward) for task in METHODS}
    assert not_right(verdicts) == ["forward"]
    assert verdicts["backward"].helpers == ("forward",)
    message = diagnose("forward", ForgetfulForward).message
    assert message.startswith("forward keeps nothing: the backward pass")
    assert diagnose("forward", UnwrittenForward).outcome == "waiting"


def test_an_object_of_the_class_is_as_good():
    assert diagnose("backward", matrices.Network(3, 5, 4)).outcome == "right"


# ---------------------------------------------------------------- a whole namespace


def test_a_namespace_is_searched_for_every_answer():
    found = diagnose_all(vars(matrices))
    assert [*found] == [*TASKS]
    assert {verdict.outcome for verdict in found.values()} == {"right"}


def test_what_is_not_found_is_missing_and_what_is_nearly_so_is_named():
    namespace = {"Net": loops.Network, "sigmoid_": loops.sigmoid}
    found = diagnose_all(namespace | {"relu": explorer.relu, "NeuralNetwork": NeuralNetwork})
    assert found["sigmoid"].message == "there is no function sigmoid; did you mean 'sigmoid_'?"
    assert found["relu"].message == "there is no function relu"  # the package's own isn't the student's
    assert found["several_layers"].message == "there is no second class with the methods of a network"
    assert {task for task, verdict in found.items() if verdict.outcome == "right"} == {*METHODS}
    missing = Verdict("fit", "missing", message="there is no class with the methods of a network")
    assert diagnose_all({})["fit"] == missing


# ---------------------------------------------------------------- what is said


def test_a_verdict_is_one_line_and_can_be_kept():
    verdict = diagnose("d_squared_error", lambda y, d: d - y)
    assert repr(verdict).startswith("✗ d_squared_error: The derivative has the wrong sign")
    assert repr(verdict).endswith("with respect to.")
    kept = json.loads(json.dumps(verdict.record()))
    assert kept["mistake"] == "loss-slope-sign"
    assert kept.keys() == {"task", "outcome", "mistake", "message", "seconds"}
    assert '<p class="lesson-raised">' in verdict._repr_html_()
    assert repr(diagnose("relu", explorer.relu)).startswith("✓ relu: relu against the larger of 0 and a")
    assert "a &lt; b" in Verdict("relu", "wrong", message="a < b")._repr_html_()


def test_a_check_of_the_lessons_names_the_mistake_too():
    words = r"^<lambda>\(0\.25\): expected \S+, got 0\.4378235\. The curve is mirrored"
    with pytest.raises(CheckError, match=words) as caught:
        checks.sigmoid(lambda a: explorer.sigmoid(-a))
    assert caught.value.mistake is MISTAKES["sign-of-the-exponent"]
    with pytest.raises(CheckError, match=r"The step goes uphill: .*\.$"):
        checks.step(MISTAKES["step-uphill"].network(3, 5, 4, seed=0), *Probe().samples(3, 4, 6))
    with pytest.raises(CheckError, match=r"of one sign\. All weights of a layer have the same sign"):
        checks.initial_weights(NeuralNetwork(50, 20, 10, initializer="uniform", seed=0))


MIRRORED = inspect.getsource(matrices).replace("np.exp(-x)", "np.exp(x)")


def namespace_of(source):
    exec(source, found := {"__name__": "submission"})
    return found


def test_what_calls_a_wrong_function_is_judged_with_the_textbooks():
    verdicts = diagnose_all(namespace_of(MIRRORED))
    assert not_right(verdicts) == ["sigmoid"]
    assert verdicts["sigmoid"].mistake == "sign-of-the-exponent"
    assert verdicts["d_sigmoid"].helpers == ("sigmoid",)
    note = "Note: checked with the textbook's sigmoid, because yours isn't right yet."
    assert repr(verdicts["d_sigmoid"]).endswith(note)


HELPERS = {
    "a function": ("slope", "def slope(x): return [d_sigmoid(y) for y in [x]][0]\nclass Network:"),
    "a method": ("self.slope", "class Network:\n    def slope(self, x): return d_sigmoid(x)\n"),
    "a static method": (
        "self.slope",
        "class Network:\n    @staticmethod\n    def slope(x): return CONFIG.get('f', d_sigmoid)(x)\n",
    ),
}
CONFIG = "class Config(dict):\n    __getattr__ = dict.__getitem__\n\n\nCONFIG = Config()\n"


@pytest.mark.parametrize("helper", HELPERS)
def test_so_it_is_where_something_lies_between(helper):
    called, text = HELPERS[helper]
    functions, methods = inspect.getsource(matrices).split("class Network:")
    functions = functions.replace("s - s**2", "s")  # wrong
    methods = methods.replace(" d_sigmoid(", f" {called}(")
    verdicts = diagnose_all(namespace_of(functions + CONFIG + text + methods))
    assert not_right(verdicts) == ["d_sigmoid"]
    assert verdicts["backward"].helpers == ("d_sigmoid",)


def test_what_builds_on_names_that_only_a_wrong_part_keeps_waits_for_it():
    source = MIRRORED.replace("self.a2", "self.z2").replace("self.z2 = np.dot(", "self.z2 = 1 + np.dot(")
    verdict = diagnose_all(namespace_of(source))["backward"]
    assert verdict.outcome == "waiting"
    assert verdict.message.startswith(
        "this can't be checked until forward is right: backward raised AttributeError: "
        "'Network' object has no attribute 'z2' (in backward, line "
    )


def test_a_variant_of_the_network_is_no_answer_to_the_bonus():
    source = inspect.getsource(matrices).partition("class Deep")[0]
    source += "class Momentum(Network):\n    def train_iteration(self, X, d, lr=0.01):\n        return 0.0\n"
    assert diagnose_all(namespace_of(source))["several_layers"].outcome == "missing"


def test_the_slope_of_another_function_gets_no_name_of_a_mistake():
    for function, mistake in ((np.tanh, None), (explorer.sigmoid, MISTAKES["slope-expects-activation"])):
        with pytest.raises(CheckError) as raised:
            checks.slope(function, lambda a: a * (1 - a))
        assert raised.value.mistake is mistake


def test_the_line_that_is_told_is_the_students():
    verdict = diagnose("load_digits", lambda path: np.load("no such file"))
    assert "(in <lambda>, line " in verdict.message
