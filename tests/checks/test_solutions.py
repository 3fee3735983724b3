"""The textbook's answers: they run in the notebook as they stand, alone and with a student's own methods."""

from itertools import compress, product

import numpy as np
import pytest
from checks.solutions import networks
from exercise_answers import given, pasted

from explorer.checks import TASKS, diagnose_all
from explorer.checks.exercise import Network
from explorer.checks.mistakes import METHODS, plain_source, textbook
from explorer.checks.tasks import solution

PASTED = {task: compile(solution(task), task, "exec") for task in TASKS}
SIZES = 3, 5, 2
FUNCTIONS = [*TASKS][: [*TASKS].index("init_weights")]


def begun(*tasks):
    """The names of the notebook once the given class and some solutions are there."""
    names = {"__name__": "__main__", "np": np}
    for code in (given(), *(PASTED[task] for task in tasks)):
        exec(code, names)
    return names


@pytest.mark.slow
def test_as_one_script_they_solve_all():
    exec(pasted(), names := {"__name__": "__main__"})
    said = {task: (one.outcome, one.note, one.look, one.remark) for task, one in diagnose_all(names).items()}
    assert said == dict.fromkeys(TASKS, ("right", "", "", ""))


@pytest.mark.parametrize("task", TASKS)
def test_the_lines_are_the_textbooks(task):
    answer = textbook(task)
    names = ["forward", "backward"] if task == "several_layers" else [task]
    cell = [line.strip() for line in solution(task).splitlines()]
    for function in [getattr(answer, name, answer) for name in names]:
        lines = plain_source(function).splitlines()
        body = lines[next(at for at, line in enumerate(lines) if line.endswith(":")) + 1 :]
        assert body
        assert [line for line in body if line.strip() not in cell] == []


@pytest.fixture
def trained(monkeypatch):
    """A function that trains a network, from the same weights with the same batches; what it gives."""

    def trained(network):
        rng, orders = np.random.default_rng(1), np.random.default_rng(2)
        for name in ("W1", "b1", "W2", "b2"):
            setattr(network, name, rng.normal(0, 1, getattr(network, name).shape))
        network.rng = orders
        monkeypatch.setattr("numpy.random.permutation", orders.permutation)  # a student may draw from either
        X, labels = rng.normal(0, 1, (SIZES[0], 23)), rng.integers(SIZES[2], size=23)
        (loss,) = network.fit(X, np.eye(SIZES[2])[:, labels], 5, n_epochs=1, lr=0.1)
        return [loss, network.predict(X), network.W1, network.b1, network.W2, network.b2]

    return trained


@pytest.mark.parametrize(
    "own",
    [tuple(compress(METHODS, chosen)) for chosen in product([False, True], repeat=len(METHODS))],
    ids=lambda own: "-".join(own) or "none",
)
def test_a_students_methods_and_the_textbooks_work_in_any_mixture(own, trained):
    names = begun(*FUNCTIONS)
    for task in METHODS:
        if task in own:
            method = {task: getattr(networks.Vectorised, task)}
            names["Network"] = type("Network", (names["Network"],), method)
        else:
            exec(PASTED[task], names)
    expected = trained(Network(*SIZES))
    for found, right in zip(trained(names["Network"](*SIZES)), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-14)
