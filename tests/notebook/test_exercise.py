"""The exercise in a kernel: answers are checked, hints open one after the other, and the next kernel knows."""

import json
import re
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from exercise_answers import pasted
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from explorer.checks import TASKS
from explorer.checks.mistakes import METHODS
from explorer.checks.tasks import solution
from explorer.notebook.exercise import Attempt, AttemptLog, Examiner, Exercise

N_TASKS = sum(not task.is_bonus for task in TASKS.values())


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def mirrored(a):
    return 1 / (1 + np.exp(a))  # WRONG


def gap(a):
    return ...  # YOUR CODE HERE


EXAMINER = Examiner()


def begun(path):
    return Exercise(path, examiner=EXAMINER)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "exercise-progress.jsonl"


@pytest.fixture
def exercise(path):
    return begun(path)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_answer_gets_its_verdict_and_a_line_of_the_file(exercise, path):
    outcomes = [exercise.check("sigmoid", answer).shown.outcome for answer in (mirrored, gap, sigmoid)]
    assert outcomes == ["wrong", "waiting", "right"]
    assert [line["outcome"] for line in lines(path)] == ["wrong", "right"]  # a gap is no attempt
    assert lines(path)[0]["mistake"]
    assert all(line["task"] == "sigmoid" and line["seconds"] >= 0 for line in lines(path))


def test_hints_open_one_after_the_other_and_are_kept(exercise, path, from_page):
    card = exercise.check("sigmoid", gap)
    for press in ("2", "4", "x", "0", ""):  # what the page can't send, unless somebody else is at its end
        from_page.send(card, {"press": press})
    assert (card.shown.is_open, path.exists()) == (0, False)
    for press, is_open in (("1", 1), ("2", 2), ("2", 0), ("1", 1), ("3", 3)):
        from_page.send(card, {"press": press})
        assert card.shown.is_open == is_open
    assert [(line["outcome"], line["rung"]) for line in lines(path)] == [("hint", n) for n in (1, 2, 3)]
    exercise.check("sigmoid", mirrored)
    assert lines(path)[-1]["rung"] == 3
    assert begun(path).check("sigmoid", gap).shown.presses == ("1", "2", "3", "4")


def test_the_solution_is_the_source_that_is_installed(exercise, from_page):
    assert exercise.check("sigmoid", gap).shown.solution == ()
    card = exercise.check("sigmoid", mirrored)
    from_page.send(card, {"press": "4"})
    assert card.shown.is_open == 0  # hints first
    for press in "1234":
        from_page.send(card, {"press": press})
    text = "".join(part if isinstance(part, str) else part[2] for part in card.shown.solution)
    assert text == solution("sigmoid")
    assert "return 1 / (1 + np.exp(-a))" in text


def test_progress_counts_what_is_right_on_every_card_and_in_the_next_kernel(exercise, path):
    exercise.check("sigmoid", mirrored)
    other = exercise.check("d_sigmoid", lambda a: sigmoid(a) * (1 - sigmoid(a)))
    bonus = exercise.check("relu", lambda a: np.maximum(0, a))
    assert (other.shown.progress, bonus.shown.progress) == (f"1 of {N_TASKS} tasks", "1 of 5 bonus tasks")
    exercise.check("sigmoid", sigmoid)
    assert other.shown.done == 2
    assert begun(path).check("sigmoid", gap).shown.progress == f"2 of {N_TASKS} tasks"


def test_without_a_file_all_goes_on_and_that_is_said_once(tmp_path):
    exercise = begun(tmp_path)
    first, second = (exercise.check("sigmoid", sigmoid) for _ in range(2))
    assert "Your progress lasts only until the kernel is restarted" in first.shown.note
    assert "progress" not in second.shown.note
    assert second.shown.done == 1


def test_a_cell_says_what_it_waits_for(exercise, capsys):
    exercise.check("sigmoid", mirrored)
    exercise.check("d_sigmoid", lambda a: sigmoid(a) * (1 - sigmoid(a)))
    assert not exercise.ready("sigmoid", "d_sigmoid")
    assert not exercise.ready("sigmoid", "predict", "load_digits")
    said = re.findall(r"waits until (.*) right", capsys.readouterr().out)
    assert said == [
        "sigmoid (part 1) is",
        "sigmoid (part 1), init_weights (part 3), forward (part 4), predict (part 4) and load_digits (part 8) are",
    ]
    exercise.check("sigmoid", sigmoid)
    assert exercise.ready("sigmoid", "d_sigmoid")
    assert capsys.readouterr().out == ""


def network_with(**methods):
    """The network that the pasted solutions make, but for some methods."""
    exec(pasted(), namespace := {"__name__": __name__})
    return type("Network", (namespace["Network"],), methods)


def test_a_cell_asks_for_all_that_its_tasks_build_on(exercise, capsys):
    for task in METHODS:
        exercise.check(task, network_with(train_iteration=lambda self, X, d, lr=0.01: 0.0))
    assert not exercise.ready("predict", "fit")
    assert "waits until train_iteration (part 6) is right" in capsys.readouterr().out
    exercise.check("train_iteration", network_with())
    assert exercise.ready("predict", "fit")


def test_a_right_answer_is_not_ready_while_a_helper_of_it_is_wrong(exercise, capsys):
    source = "def sigmoid(a): return np.tanh(a)\ndef d_sigmoid(a): return sigmoid(a) * (1 - sigmoid(a))"
    exec(source, namespace := {"__name__": "__main__", "np": np})
    card = exercise.check("d_sigmoid", namespace["d_sigmoid"]).shown
    message = "Your `sigmoid` (part 1) isn't right yet, so this is checked with the textbook's."
    assert (card.outcome, card.message) == ("right", message)
    assert not exercise.ready("d_sigmoid")
    assert "waits until sigmoid (part 1) is right" in capsys.readouterr().out
    exercise.check("sigmoid", sigmoid)
    assert exercise.ready("d_sigmoid")


def test_the_exercise_says_where_one_is(exercise, path, tmp_path):
    kept = "Your progress is kept in exercise-progress.jsonl."
    assert repr(exercise) == f"Ready. There are {N_TASKS} tasks; begin with sigmoid (part 1). {kept}"
    exercise.check("sigmoid", sigmoid)
    again = "Run your cells again from the top, then go on with d_sigmoid (part 1)."
    assert repr(begun(path)) == f"You have solved 1 of {N_TASKS} tasks. {again} {kept}"
    assert "<code>d_sigmoid</code>" in begun(path)._repr_html_()
    assert "lasts only until the kernel is restarted" in repr(begun(tmp_path))


def test_a_training_says_how_far_it_is(exercise, monkeypatch):
    said, times = [], count(0, 5)
    handle = SimpleNamespace(update=lambda shown: said.append(shown.text))
    monkeypatch.setattr("explorer.notebook.exercise.display", lambda shown, display_id: handle)
    monkeypatch.setattr("explorer.notebook.exercise.perf_counter", lambda: next(times))
    network, X, d = network_with()(4, 3, 2), np.zeros((4, 25)), np.zeros((2, 25))
    with exercise.progress(network, n_samples=50):
        history = network.fit(X, d, 10, n_epochs=2)
    assert history.shape == (2,)
    assert "train_iteration" not in vars(network)
    assert said[:2] == ["Training 20%, 20 s left", "Training 40%, 15 s left"]
    assert (len(said), said[-1]) == (7, "Training took 35 s")  # one for each batch, and the end


def test_all_tasks_right_is_something_to_be_proud_of(exercise):
    exec(pasted(), names := {"__name__": __name__})
    required = [task for task, about in TASKS.items() if not about.is_bonus]
    answers = {task: names["Network" if task in METHODS else task] for task in required}
    said = [exercise.check(task, answer).shown.message for task, answer in answers.items()]
    assert said[:-1] == [""] * 11
    assert said[-1].startswith("All 12 tasks are right")


def test_a_wrong_function_is_drawn_over_the_right_one_and_uses_the_textbooks_helpers(exercise):
    source = (
        "def sigmoid(a): return np.tanh(a)\ndef d_sigmoid(a): return np.where(a > 5, np.nan, 2) * sigmoid(a)"
    )
    exec(source, namespace := {"__name__": "__main__", "np": np})
    card = exercise.check("d_sigmoid", namespace["d_sigmoid"]).shown
    assert card.message == "d_sigmoid(0): expected 0.25, got 1."
    assert "# yours, with the textbook's sigmoid: [[1., 1.4621, 0.2384]]" in card.example
    right, found = card.curves
    assert (max(right), found[24], len(found)) == (0.25, 1.0, 49)
    (curves,) = (
        part for part in card.elements()[0][2:] if part[1].get("class", "").startswith("explorer-task-curves")
    )
    paths = [path[1]["d"] for path in curves[2][2:]]
    assert [path.count("L") for path in paths[1:]] == [48, 44]  # none where there is no number
    assert exercise.check("sigmoid", sigmoid).shown.curves == ()


def test_a_cells_traceback_ends_in_the_operands_that_do_not_fit(path, capsys):
    shell = InteractiveShell.instance()
    try:
        begun(path)
        shell.run_cell("import numpy as np\nW, X = np.ones((4, 3)), np.ones((5, 2))\nW @ X")
    finally:
        InteractiveShell.clear_instance()
    assert "`@` on W (4, 3) and X (5, 2): 3 is not 5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("task", "body", "line", "words"),
    [
        ("sigmoid", "1 / (1 + np.exp(a))", "return 1 / (1 + np.exp(a))", ""),
        ("squared_error", "float(np.sum(y - d))", "", ""),
        ("d_squared_error", "(y - d) @ d", "return (y - d) @ d", "@ on y - d (2, 3) and d (2, 3): 3 is"),
    ],
)
def test_a_wrong_answer_is_watched_on_the_cards_example(
    exercise, from_page, tmp_path, task, body, line, words
):
    names, path = "a" if task == "sigmoid" else "y, d", tmp_path / "cell.py"
    path.write_text(f"import numpy as np\n\ndef {task}({names}):\n    return {body}\n")
    exec(compile(path.read_text(), str(path), "exec"), cell := {})
    card = exercise.check(task, cell[task])
    assert "watch" in card.shown.presses
    from_page.send(card, {"press": "watch"})
    _, code = card.view.children
    told, step = repr(code), code.recording.steps[code.at]
    assert step.place.function == task  # the answer's first line, or the one that raises
    assert step.place.text == (line if words else f"def {task}({names}):")
    assert f"return {task}({names})" in told  # the example's own line
    assert line in told
    assert words in told
    from_page.send(card, {"press": "watch"})  # again
    assert len(card.view.children) == 2


def test_what_cannot_be_watched_has_no_button_or_a_sentence(exercise, from_page):
    assert "watch" not in exercise.check("sigmoid", sigmoid).shown.presses
    assert "watch" not in exercise.check("sigmoid", lambda a: __import__("os")._exit(1)).shown.presses
    exec("def d_sigmoid(a):\n    return a", unread := {})
    card = exercise.check("d_sigmoid", unread["d_sigmoid"])
    from_page.send(card, {"press": "watch"})
    assert "return d_sigmoid(a)" in repr(card.view.children[1])  # the example, without what it calls


def test_a_task_that_there_is_not_is_refused(exercise):
    with pytest.raises(ValueError, match="no task 'sigmoyd'; did you mean 'sigmoid'"):
        exercise.check("sigmoyd", sigmoid)


# ---------------------------------------------------------------- the file of attempts


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


CHANGES = {"task": ["fit"]}, {"outcome": "waiting"}, {"rung": 5}, {"rung": "1"}, {"mistake": "x" * 20_000}
CHANGED = [json.dumps(json.loads(LINE) | change) for change in CHANGES]


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
