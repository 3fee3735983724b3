"""An answer is checked in another process, which ends where a thread couldn't be stopped."""

import os
import sys
import threading
import time
from functools import partial, wraps
from itertools import product
from types import ModuleType

import numpy as np
import pytest
from checks.solutions import loops, matrices
from thinned import one_in

from explorer.checks import TASKS, diagnose, exercise
from explorer.checks.mistakes import METHODS
from explorer.notebook.exercise import Examiner

ACTIVATIONS = {"right": lambda a: exercise.sigmoid(a)}


def right(a):
    return 1 / (1 + np.exp(-a))


def one_huge_number(a):
    return 7 ** (10**8 + a.size)


def one_long_sum(a):
    return sum(range(10**13))


def waits(a):
    time.sleep(100)


def ends_its_process(a):
    os._exit(3)


def never_ends(a):
    while True:
        pass


def prints(a):
    print("to be or not to be")
    os.write(1, b"not to be read as a verdict\n")
    return right(a)


def from_a_table(a):
    return ACTIVATIONS["right"](a)


def counted(f):
    @wraps(f)
    def call(*args):
        call.count += 1
        return f(*args)

    call.count = 0
    return call


@counted
def decorated(a):
    return right(a)


@pytest.fixture(scope="module")
def examiner():
    return Examiner()


FROZEN = "no result after 0.5 seconds: a single call in it takes too long"
ENDLESS = "no result after 0.5 seconds: there seems to be a loop that doesn't end"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(one_huge_number, FROZEN, marks=pytest.mark.long),
        pytest.param(one_long_sum, FROZEN, marks=pytest.mark.long),
        (never_ends, ENDLESS),
        pytest.param(waits, ENDLESS, marks=pytest.mark.long),
        (ends_its_process, "it ends the program that checks it (exit code 3)"),
    ],
)
def test_the_time_limit_holds_and_this_process_goes_on(answer, message, examiner):
    verdict = examiner.diagnose("sigmoid", answer, 0.5)
    assert (verdict.outcome, verdict.message) == ("wrong", message)
    assert examiner.diagnose("sigmoid", right).outcome == "right"


@pytest.mark.parametrize("answer", [prints, from_a_table, decorated, lambda a: right(a), partial(right)])
def test_whatever_an_answer_is_made_of_it_is_found_right(answer, examiner):
    verdict = examiner.diagnose("sigmoid", answer)
    assert verdict.outcome == "right", verdict


@pytest.mark.parametrize(("module", "task"), one_in(5, [*product([matrices, loops], TASKS)]))
def test_it_says_what_is_said_in_this_process(task, module, examiner):
    answer = module.Network if task in METHODS else getattr(module, task)
    here, there = diagnose(task, answer), examiner.diagnose(task, answer)
    assert repr(there) == repr(here)


def test_what_cannot_be_carried_is_checked_here(examiner):
    lock = threading.Lock()

    def locked(a):
        with lock:
            return right(a)

    assert examiner.diagnose("sigmoid", locked).outcome == "right"
    module = sys.modules["only here"] = ModuleType("only here")
    exec("import numpy as np\ndef sigmoid(a): return 1 / (1 + np.exp(-a))", vars(module))
    try:
        assert examiner.diagnose("sigmoid", module.sigmoid).outcome == "right"
    finally:
        del sys.modules["only here"]
