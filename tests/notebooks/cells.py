"""Runs a code cell of a notebook, after those that make what it needs, and says what each of them raised.

    python cells.py NOTEBOOK

reads lines ``FOLDER<tab>ID`` from standard input. For each of them it runs the cell, after those that it needs, in
a process of its own, with the package in `FOLDER`. Of each cell that raised it prints a line: the folder, the
cell's id, the error's name, and the message.

What the package imports is loaded once, before the processes are forked. BLAS has one thread, for other tests may
run at the same time.
"""

import ast
import json
import os
import sys
from pathlib import Path

import anywidget  # noqa: F401
import IPython.display  # noqa: F401
import plotly.graph_objects  # noqa: F401
import rich  # noqa: F401
from threadpoolctl import threadpool_limits

NOTEBOOK = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
CELLS = {cell["id"]: "".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"}


def names(source, *, made):
    """The names that a cell makes, or those that it uses."""
    kinds = (ast.Store, ast.Del) if made else ast.Load
    found = {
        n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, kinds)
    }
    for node in ast.walk(ast.parse(source)):
        if made and isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found


def needed(last):
    """The ids of the cells that `last` needs, and its own, in their order."""
    ids = list(CELLS)
    wanted, found = names(CELLS[last], made=False), [last]
    for cell in reversed(ids[: ids.index(last)]):
        if wanted & names(CELLS[cell], made=True):
            wanted |= names(CELLS[cell], made=False)
            found.insert(0, cell)
    return found


def run(folder, last):
    """Run a cell and those that it needs."""
    shared = {}
    for cell in needed(last):
        try:
            exec(CELLS[cell], shared)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what is asked for
            print(folder, cell, type(error).__name__, error, sep="\t")


for line in sys.stdin.read().splitlines():
    folder, last = line.split("\t")
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        sys.path.insert(0, folder)
        with threadpool_limits(1):
            run(folder, last)
        sys.stdout.flush()
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"{folder}: the process ended before its cells")
