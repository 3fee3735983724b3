"""The exercise: with its gaps empty every task waits, with a student's answers all pass, and progress lasts."""

import re
from itertools import pairwise

import pytest
from exercise_answers import ANSWERS, EXERCISE, GAP, answered
from lessons import code_cells, complaints, execute, execute_here, read, said_by, shown

from explorer.checks import TASKS

LAST = "12 of 12 tasks"


@pytest.fixture(scope="module", params=["here", pytest.param("in kernels", marks=pytest.mark.long)])
def runs(request, tmp_path_factory):
    """The notebook with its gaps filled, and then with them empty, both in one folder."""
    run = execute_here if request.param == "here" else execute
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("exercise"))
        return [run(notebook) for notebook in (answered(read(EXERCISE)), read(EXERCISE))]


@pytest.fixture
def filled(runs):
    return runs[0]


@pytest.fixture
def empty(runs):
    return runs[1]


def test_each_task_has_a_cell_with_a_gap_and_its_check():
    gaps = {cell.id: cell.source for cell in code_cells(EXERCISE) if GAP.search(cell.source)}
    assert list(gaps) == list(TASKS) == list(ANSWERS)
    for name, source in gaps.items():
        assert len(GAP.findall(source)) == 1
        assert re.search(rf'^check\("{name}", \w+\)$', source, re.MULTILINE)


def test_a_task_is_told_in_a_few_sentences_and_a_formula():
    cells = read(EXERCISE).cells
    for before, cell in pairwise(cells):
        if cell.id in TASKS:
            words = re.sub(r"\$\$.*?\$\$|^#.*?$", "", before.source, flags=re.DOTALL | re.MULTILINE)
            assert "$$" in before.source, cell.id
            assert len(re.findall(r"[.:?](?=\s)", words + " ")) <= 5, cell.id


@pytest.mark.long
def test_they_run_to_their_end_without_a_word_on_stderr(runs):
    assert [complaints(notebook) for notebook in runs] == [[], []]


def test_with_the_answers_all_tasks_are_right(filled):
    text = said_by(filled)
    for task in TASKS:
        assert text[task].startswith(f"✓ {task}: Right."), text[task]
    assert (LAST in text["evaluate"], "5 of 5 bonus tasks" in text["several_layers"]) == (True, True)
    assert not [words for words in text.values() if "This cell waits" in words]


def test_the_students_network_learns_to_read(filled):
    text = said_by(filled)
    assert float(re.search(r"test accuracy ([\d.]+)%", text["train"])[1]) > 20  # mostly 40 to 65
    assert "Hardest: " in text["confusion"]
    assert "500 test images are misclassified" in text["mistakes"]
    assert text["batches"].count("test accuracy") == 4
    assert sum(html.count('class="lesson-plot"') for html in shown(filled)) == 6


def test_with_empty_gaps_each_task_says_that_it_waits(empty):
    text = said_by(empty)
    for task in TASKS:
        assert text[task].startswith(f"… {task}: Your turn."), text[task]
    for name in "sigmoid-figure", "plane", "digits", "train", "confusion", "mistakes", "batches", "explorer":
        assert text[name].startswith("This cell waits until "), name


def test_progress_survives_the_kernel(empty):
    assert LAST in said_by(empty)["sigmoid"]
