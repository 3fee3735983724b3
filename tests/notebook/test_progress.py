"""How far it has come: every item passes, in a terminal and in a notebook, and a bar is shown in each."""

from __future__ import annotations

import subprocess
import sys

import nbformat
from lessons import execute, outputs

from explorer.notebook.batch_size import with_progress

CODE = """
from explorer.notebook.batch_size import with_progress
print(list(with_progress(iter("abc"), 3, "letters")))
"""


def test_all_items_come_in_their_order():
    assert list(with_progress(iter([3, 1, 2]), 3, "numbers")) == [3, 1, 2]


def test_a_terminal_has_its_bar():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert "letters" in done.stdout
    assert "100%" in done.stdout
    assert "['a', 'b', 'c']" in done.stdout


def test_a_notebook_has_a_bar_that_needs_no_kernel():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)])
    shown = [output for output in outputs(execute(notebook)) if output.output_type == "display_data"]
    assert "<progress" in shown[0].data["text/html"]
    assert "value='3'" in shown[0].data["text/html"]
    assert not any("widget" in kind for output in shown for kind in output.data)
