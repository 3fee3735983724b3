"""Notebooks: run to their end, and what they show and say."""

import ast
import json
import re
import warnings
from pathlib import Path

import nbclient
import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config


def execute_here(notebook):
    """Run every cell in this process, without waiting for a kernel; return the notebook with its outputs."""
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    hook = shell.displayhook
    hook.write_output_prompt, hook.write_format_data = (lambda: None), (lambda *_: None)
    try:
        for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
            with capture_output() as captured:
                done = shell.run_cell(cell.source)
            done.raise_error()
            kinds = [output.data for output in captured.outputs]
            kinds += [shell.display_formatter.format(done.result)[0]] if done.result is not None else []
            cell.outputs = [nbformat.v4.new_output("display_data", data) for data in kinds]
            for name, text in (("stdout", captured.stdout), ("stderr", captured.stderr)):
                if text.strip():
                    cell.outputs.append(nbformat.v4.new_output("stream", name=name, text=text))
    finally:
        shell.restore_sys_module_state()  # which was the main module
        InteractiveShell.clear_instance()
    return notebook


def execute(notebook, **options):
    """Run every cell in a kernel; return the notebook with its outputs."""
    with warnings.catch_warnings():
        # The kernel's client warns of unencrypted sockets within this computer.
        warnings.simplefilter("ignore")
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", **options).execute()
    return notebook


def read(path):
    return nbformat.read(path, as_version=4)


def tutorial_before(*, part):
    """The tutorial's cells up to the heading of a part, without the study of batch sizes."""
    notebook = read(Path(__file__).parents[1] / "notebooks" / "tutorial.ipynb")
    end = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith(f"## {part} "))
    notebook.cells = [c for c in notebook.cells[:end] if "slow" not in c.metadata.get("tags", ())]
    return notebook


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def sources(path):
    """What the cells show that show source code, by their ids; what they need is imported or made in the cell."""
    names, found = {}, {}
    trees = {cell.id: ast.parse(cell.source) for cell in code_cells(path)}
    nodes = [node for tree in trees.values() for node in tree.body]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(imports, []), path, "exec"), names)
    for cell, tree in trees.items():
        *before, last = tree.body
        if ast.unparse(last).startswith("source("):
            exec(compile(ast.Module(before, []), path, "exec"), names)
            found[cell] = eval(ast.unparse(last), names)
    return found


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def complaints(notebook):
    """The outputs that are errors, warnings or other words on stderr."""
    return [o for o in outputs(notebook) if o.output_type == "error" or o.get("name") == "stderr"]


def shown(notebook, kind="text/html"):
    """What its cells show, of one kind."""
    return [output.data[kind] for output in outputs(notebook) if kind in output.get("data", ())]


def said_by(notebook):
    """What each cell says in plain text, by its id."""
    return {
        cell.id: "\n".join(output.get("text") or output.data["text/plain"] for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def figures_in(html):
    """The Plotly figures that its scripts are given, as plain dicts."""
    texts = re.findall(r"\.push\(\[.*?, (\".*?\")\]\);</script>", html, re.DOTALL)
    return [json.loads(json.loads(text)) for text in texts]


def sections(path):
    """The source of each numbered section."""
    found = []
    for cell in read(path).cells:
        if re.match(r"## \d", cell.source):
            found.append("")
        if found:
            found[-1] += cell.source + "\n"
    return found
