"""Notebooks hold no logic: they import and show."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from lessons import code_cells, execute, execute_here, outputs, read, sources

HERE = Path(__file__).parent
NOTEBOOKS = sorted((HERE.parent / "notebooks").rglob("*.ipynb"))
OTHERS = [path for path in NOTEBOOKS if not (HERE / "notebooks" / f"test_{path.stem}.py").exists()]
"""Those without tests of their own, which run them."""
OURS = [path for path in NOTEBOOKS if path.name != "exercise.ipynb"]
"""Those whose code the reader doesn't write."""


def parametrized(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


each = parametrized(NOTEBOOKS)


@each
def test_is_a_valid_notebook_for_python_without_outputs_and_state(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert "widgets" not in notebook.metadata
    for cell in code_cells(path):
        assert (cell.outputs, cell.execution_count) == ([], None)
        assert len(cell.source.splitlines()) <= 8, cell.source
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    # A picture, which GitHub shows, and Jupyter, which serves no hidden folder, doesn't; then two sentences.
    shown = re.search(r"\n\n!\[.+\]\(\.\./(\.github/\w+\.png)\)\n\n[^\n]+\. [^\n]+\.\n", first.source)
    assert (HERE.parent / shown[1]).is_file()


@parametrized(OURS)
def test_defines_nothing(path):
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef), cell.source


@parametrized([path for path in NOTEBOOKS if path.stem in ("tutorial", "pitfalls")])
def test_source_that_is_shown_fits_a_screen(path):
    found = sources(path)
    assert len(found) >= 10
    for cell, shown in found.items():
        lines = [line for line in shown.text.splitlines() if line]
        assert shown.html.count("<pre>") <= 25, cell
        assert max(map(len, lines)) <= 110, cell


@parametrized([path for path in NOTEBOOKS if path not in OTHERS and path.stem != "demonstrations"])
def test_text_states_no_number_that_a_cell_has_not_computed(path):
    """Words may count parts and name 0 and 1; results, sizes and settings come from live values.

    The questions of demonstrations are fixed; a test of their own compares them with the package's.
    """
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            words = re.sub(r"\$\$.*?\$\$|\$.*?\$|`.*?`|\b(19|20)\d\d\b", "", cell.source, flags=re.DOTALL)
            words = re.sub(r"float32|(\*\*|^## |part )10\b", "", words)  # a name, and the tenth part
            assert not re.findall(r"\d[\d.,]*\d|\d\s*%", words), cell.source


@pytest.mark.slow
def test_the_app_in_a_cell_is_changed_and_read_by_the_next():
    app, accuracy, mistakes, records, without, notes = outputs(
        execute_here(read(HERE.parent / "notebooks" / "explorer.ipynb"))
    )
    assert "application/vnd.jupyter.widget-view+json" in app.data
    assert float(accuracy.data["text/plain"]) > 0.9
    assert mistakes.data["text/plain"].count("Confusion(") == 3
    assert [len(one.text.splitlines()) for one in (records, without)] == [10, 3]
    assert "Drawn for testing" in notes.data["text/plain"]


@pytest.mark.long
@parametrized(OTHERS)
def test_runs_top_to_bottom(path):
    assert outputs(execute(read(path))), "a notebook shows something"
