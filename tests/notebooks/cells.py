"""Runs a code cell of a notebook, after those that make what it needs, and says what each of them raised.

    python cells.py NOTEBOOK

reads lines ``FOLDER<tab>ID`` from standard input. For each of them it runs the cell, after those that it needs, in
a process of its own, with the package in `FOLDER`. Of each cell that raised it prints a line: the folder, the
cell's id, the error's name, and the message.

What the package imports is loaded once, before the processes are forked; the package itself is forgotten. BLAS has
one thread, for other tests may run at the same time.
"""

import ast
import json
import os
import sys
from pathlib import Path

import anywidget  # noqa: F401
import plotly.graph_objects  # noqa: F401
from threadpoolctl import threadpool_limits

import explorer.notebook.studies  # noqa: F401
from explorer.checks import functions  # noqa: F401

for loaded in [name for name in sys.modules if name.partition(".")[0] == "explorer"]:
    del sys.modules[loaded]

NOTEBOOK = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
CELLS = {cell["id"]: "".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"}


def names(tree, kind):
    """The names that a piece of code reads (`ast.Load`) or makes (`ast.Store`), but for a comprehension's own."""
    inner = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.comprehension)
        for name in all_names(node.target, ast.Store)
    }
    found = all_names(tree, kind) - inner
    if kind is ast.Store:
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        found |= {(a.asname or a.name).partition(".")[0] for node in imports for a in node.names}
    return found


def all_names(tree, kind):
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, kind)}


def made_and_read(source):
    """The names that a cell makes, and those that it reads before it has made them itself."""
    made, read = set(), set()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AugAssign):
            read |= all_names(statement.target, ast.Store) - made
        read |= names(statement, ast.Load) - made
        made |= names(statement, ast.Store)
    return made, read


def needed(last):
    """The ids of the cells that `last` needs, and its own, in their order."""
    ids = list(CELLS)
    found, wanted = [last], made_and_read(CELLS[last])[1]
    for cell in reversed(ids[: ids.index(last)]):
        made, read = made_and_read(CELLS[cell])
        if wanted & made:
            wanted = (wanted - made) | read
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
