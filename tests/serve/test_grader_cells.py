"""The checks for otter-grader and nbgrader: what these ask of them, and what passes and fails them."""

from __future__ import annotations

import doctest
import json
import re

import nbformat
import numpy as np
import pytest
from exercise_answers import given, pasted

from explorer.checks import TASKS
from explorer.serve.check_command import nbgrader_notebook, otter_test
from explorer.serve.command import main

METADATA = {
    "schema_version": 3,
    "grade": bool,
    "locked": bool,
    "solution": bool,
    "task": False,
    "grade_id": str,
}


def otter_result(task, environment):
    """What otter-grader 7 does with a file in OK format, as its `OKTestFile` has it: its case run as a doctest."""
    defined = {}
    exec(otter_test(task), defined)
    test = defined["test"]
    (suite,) = test["suites"]
    assert defined["OK_FORMAT"] is True
    assert (test["name"], test["points"]) == (task, 1)
    assert (suite["type"], suite["setup"], suite["teardown"]) == ("doctest", "", "")
    (case,) = suite["cases"]
    said = []
    parsed = doctest.DocTestParser().get_doctest(case["code"], dict(environment), task, None, None)
    result = doctest.DocTestRunner(verbose=False).run(parsed, out=said.append)
    return result.failed == 0, "".join(said)


def run(cells):
    """Execute cells; the checks that don't pass, with what they print."""
    namespace, failed = {}, {}
    for cell in cells:
        try:
            exec(cell["source"], namespace)
        except AssertionError:
            failed[cell["metadata"]["nbgrader"]["grade_id"]] = namespace["verdict"].outcome
    return failed


def code_cells():
    return [cell for cell in nbgrader_notebook()["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("task", ["sigmoid", "backward", "load_digits", "several_layers"])
def test_otter_passes_the_solutions(task):
    submitted = {"__name__": "submitted"}
    exec(pasted(), submitted)
    assert otter_result(task, submitted) == (True, "")


def test_otter_shows_the_verdict_and_no_traceback():
    passed, said = otter_result("sigmoid", {"sigmoid": lambda a: 1 / (1 + np.exp(a))})
    assert not passed
    assert "✗ sigmoid: The curve is mirrored" in said
    assert "Traceback" not in said


def test_nbgrader_finds_its_metadata():
    notebook = nbgrader_notebook()
    nbformat.validate(nbformat.from_dict(notebook))
    ids = [cell["metadata"]["nbgrader"]["grade_id"] for cell in code_cells()]
    assert len(ids) == len({*ids}) == 2 * len(TASKS) + 2
    assert code_cells()[1]["source"] == given()
    for cell in code_cells():
        metadata = cell["metadata"]["nbgrader"]
        for name, kind in METADATA.items():
            assert metadata[name] == kind or isinstance(metadata[name], kind)
        assert ("points" in metadata) is metadata["grade"] is ("verdict" in cell["source"])
        assert not (metadata["grade"] and metadata["solution"])
        assert ("BEGIN SOLUTION" in cell["source"]) is metadata["solution"]


def test_the_teachers_version_passes_and_the_students_waits():
    assert run(code_cells()) == {}
    cells = code_cells()
    for cell in cells:  # as nbgrader's ClearSolutions does
        region = r"( *)### BEGIN SOLUTION\n.*?### END SOLUTION"
        stub = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"  # nbgrader's own words
        cell["source"] = re.sub(region, stub, cell["source"], flags=re.DOTALL)
    assert run(cells) == {f"{task}-check": "waiting" for task in TASKS}


def test_the_command_writes_them(tmp_path, capsys):
    assert main(["check", "--cells", "otter", "-o", str(tmp_path / "tests")]) == 0
    assert {path.stem for path in (tmp_path / "tests").iterdir()} == TASKS.keys()
    assert main(["check", "--cells", "nbgrader", "-o", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "exercise.ipynb").read_text(encoding="utf-8")) == nbgrader_notebook()
    capsys.readouterr()
    assert main(["check", "--cells", "nbgrader", "-o", str(tmp_path)]) == 2
    assert "exercise.ipynb is there already; --overwrite replaces" in capsys.readouterr().err
    assert main(["check", "--cells", "nbgrader", "-o", str(tmp_path), "--overwrite"]) == 0
