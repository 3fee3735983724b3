"""Notebooks hold no logic: they import and show."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

import nbclient
import nbformat
import pytest

HERE = Path(__file__).parent
NOTEBOOKS = sorted((HERE.parent / "notebooks").rglob("*.ipynb"))
OTHERS = [path for path in NOTEBOOKS if not (HERE / "notebooks" / f"test_{path.stem}.py").exists()]
"""Those without tests of their own, which run them."""


def parametrized(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.name)


each = parametrized(NOTEBOOKS)


def code_cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@each
def test_is_a_valid_notebook_for_python(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    assert notebook.metadata["kernelspec"]["name"] == "python3"


@each
def test_keeps_no_outputs_and_no_state(path):
    assert "widgets" not in nbformat.read(path, as_version=4).metadata
    for cell in code_cells(path):
        assert not cell.outputs
        assert cell.execution_count is None


@each
def test_defines_nothing(path):
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef), cell.source


@each
def test_cells_are_short(path):
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= 8, cell.source


@each
def test_starts_with_words(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")


@pytest.mark.slow
@parametrized(OTHERS)
def test_runs_top_to_bottom(path):
    notebook = nbformat.read(path, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the kernel's client warns of unencrypted sockets within this computer
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert outputs, "a notebook shows something"
