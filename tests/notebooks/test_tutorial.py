"""The tutorial: its checks go red when a formula of the package is broken, and it stays whole as a static page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "notebooks" / "tutorial.ipynb"

# A formula, how it is broken, and the cell whose check must notice.
BROKEN = {
    "σ(a) becomes σ(−a)": (
        "network/activations.py",
        "partial(np.negative, a, out),",
        "partial(np.positive, a, out),",
        "sigmoid-check",
    ),
    "σ′ becomes (1 − h) + h": (
        "network/activations.py",
        "h, out), partial(np.multiply, out, h, out)",
        "h, out), partial(np.add, out, h, out)",
        "sigmoid-slope-check",
    ),
    "the loss loses its half": (
        "network/losses.py",
        "return 0.5 * float(",
        "return 1.0 * float(",
        "loss-check",
    ),
    "∂L/∂y becomes d − y": (
        "network/losses.py",
        "return np.subtract(y, d)",
        "return np.subtract(d, y)",
        "loss-slope-check",
    ),
    "first weights are never negative": (
        "network/initializers.py",
        "rng.uniform(-limit, limit,",
        "rng.uniform(0.0, limit,",
        "init-check",
    ),
    "b2 is subtracted": (
        "network/passes.py",
        "partial(np.add, following.a, following.b, following.a)",
        "partial(np.subtract, following.a, following.b, following.a)",
        "forward-check",
    ),
    "the smallest output decides": (
        "network/neural_network.py",
        "outputs.argmax(axis=1)",
        "outputs.argmin(axis=1)",
        "decision-check",
    ),
    "delta1 loses the slope": (
        "network/passes.py",
        "partial(np.multiply, before_delta, before.scratch, before_delta),",
        "",
        "backward-check",
    ),
    "delta2 loses the slope": (
        "network/losses.py",
        "partial(np.subtract, y, d, out),\n        partial(np.multiply, out, scratch, out),",
        "partial(np.subtract, y, d, out),",
        "backward-check",
    ),
    "a step goes uphill": (
        "network/passes.py",
        "partial(np.subtract, self.parameters.flat, self.steps.flat,",
        "partial(np.add, self.parameters.flat, self.steps.flat,",
        "step-check",
    ),
    "the last batch is left out": (
        "network/neural_network.py",
        "range(0, len(rows), batch_size)",
        "range(0, len(rows) - batch_size + 1, batch_size)",
        "fit-check",
    ),
    "by mean the step grows with the batch": (
        "network/neural_network.py",
        "else lr / len(batch)",
        "else lr * len(batch)",
        "fit-check",
    ),
    "no shuffling": (
        "network/neural_network.py",
        "self.rng.permutation(len(rows))",
        "np.arange(len(rows))",
        "fit-check",
    ),
    "images are transposed": (
        "datasets/dataset.py",
        "pixels = images.reshape(",
        "pixels = images.swapaxes(1, 2).reshape(",
        "pixels-check",
    ),
    "labels are one off": ("datasets/dataset.py", "[labels].T)", "[labels - 1].T)", "one-hot-check"),
    "rows and columns change places": (
        "network/metrics.py",
        "true * n_classes + predicted",
        "predicted * n_classes + true",
        "confusion-check",
    ),
    "softmax overflows": (
        "network/activations.py",
        "partial(np.subtract, a, largest, out),",
        "partial(np.copyto, out, a),",
        "softmax-check",
    ),
    "cross-entropy takes another logarithm": (
        "network/losses.py",
        "return 0.0 - float((d * np.log(",
        "return 0.0 - float((d * np.log2(",
        "cross-entropy-check",
    ),
    "∂L/∂y of the cross-entropy has the wrong sign": (
        "network/losses.py",
        "np.divide(-d, ",
        "np.divide(d, ",
        "cross-entropy-slope-check",
    ),
    "y − d becomes d − y": (
        "network/losses.py",
        "return (partial(np.subtract, y, d, out),)",
        "return (partial(np.subtract, d, y, out),)",
        "delta-check",
    ),
    "relu keeps what is below 0": (
        "network/activations.py",
        "partial(np.maximum, a, self.zero, out=out)",
        "partial(np.minimum, a, self.zero, out=out)",
        "relu-check",
    ),
    "relu's slope is its value": (
        "network/activations.py",
        "partial(np.sign, h, out)",
        "partial(np.positive, h, out)",
        "relu-slope-check",
    ),
}


def code_cells():
    return [cell for cell in nbformat.read(TUTORIAL, as_version=4).cells if cell.cell_type == "code"]


def raised(folder, cell, **environment):
    """What the cells up to `cell` raise with the package in `folder`: {id: (error, message)}."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("cells.py"), TUTORIAL, cell],
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 2]
    return {name: (error, message) for name, error, message in found}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_formula_turns_its_check_red(name, tmp_path):
    file, right, wrong, cell = BROKEN[name]
    data = Path("datasets", "data")
    shutil.copytree(
        ROOT / "explorer",
        tmp_path / "explorer",
        ignore=shutil.ignore_patterns("data", "__pycache__", "serve", "app"),
    )
    (tmp_path / "explorer" / data).symlink_to(ROOT / "explorer" / data)
    path = tmp_path / "explorer" / file
    source = path.read_text(encoding="utf-8")
    assert source.count(right) == 1
    path.write_text(source.replace(right, wrong), encoding="utf-8")
    error, message = raised(tmp_path, cell)[cell]
    assert error == "CheckError"
    assert message


def test_nothing_is_red_as_it_is_even_without_a_writable_home(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    nowhere = str(tmp_path / "file" / "home")
    assert raised(ROOT, code_cells()[-1].id, HOME=nowhere, XDG_CACHE_HOME=nowhere) == {}


def test_every_check_is_broken_by_something():
    checks = {cell.id for cell in code_cells() if re.search(r"^checks\.", cell.source, re.MULTILINE)}
    assert {cell for *_, cell in BROKEN.values()} == checks - {
        "deep-check"
    }  # that is part 5's, on another network


def test_the_nine_parts_come_in_order():
    cells = nbformat.read(TUTORIAL, as_version=4).cells
    heads = [line for cell in cells for line in cell.source.splitlines() if line.startswith("## ")]
    assert [head[3] for head in heads[:9]] == list("123456789")


def test_each_part_has_a_formula_a_source_a_picture_and_a_check():
    cells, parts = nbformat.read(TUTORIAL, as_version=4).cells, []
    for cell in cells:
        if re.match(r"## \d", cell.source):
            parts.append("")
        if parts:
            parts[-1] += cell.source + "\n"
    assert len(parts) == 9
    for part in parts:
        assert "$$" in part
        assert re.search(r"^source\(", part, re.MULTILINE)
        assert re.search(r"pictures\.\w|show_plane\(", part)
        assert re.search(r"^checks\.", part, re.MULTILINE)


def test_text_states_no_number_that_a_cell_has_not_computed():
    """Words may count parts and name 0 and 1; results, sizes and settings come from live values."""
    for cell in nbformat.read(TUTORIAL, as_version=4).cells:
        if cell.cell_type == "markdown":
            words = re.sub(r"\$\$.*?\$\$|\$.*?\$|`.*?`|\b(19|20)\d\d\b", "", cell.source, flags=re.DOTALL)
            assert not re.findall(r"\d[\d.,]*\d|\d\s*%", words), cell.source


# ---------------------------------------------------------------- as a page


class Page(HTMLParser):
    """What a static page holds: figures, images, and the addresses that it would load."""

    def __init__(self):
        super().__init__()
        self.figures, self.images, self.errors = 0, 0, 0

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        names = (attributes.get("class") or "").split()
        self.figures += "lesson-plot" in names
        self.images += tag == "img" and (attributes.get("src") or "").startswith("data:image/png;base64,")
        self.errors += attributes.get("data-mime-type") == "application/vnd.jupyter.stderr"


@pytest.fixture(scope="module")
def executed():
    """The tutorial after it ran, top to bottom."""
    notebook = nbformat.read(TUTORIAL, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the kernel's client warns of unencrypted sockets within this computer
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return notebook


def test_a_static_page_holds_every_figure(executed):
    from nbconvert import HTMLExporter

    text, _ = HTMLExporter().from_notebook_node(executed)
    page = Page()
    page.feed(text)
    drawn = sum(output.data["text/html"].count('class="lesson-plot"') for output in results(executed))
    assert page.figures == drawn >= 15
    assert page.images >= 2 * 12
    assert page.errors == 0
    assert text.count("plotly.js v") == 1  # the library is there, once
    assert text.count("explorerLesson ??= []).push(") == drawn
    assert "metadata.widgets" not in text
    assert "application/vnd.jupyter.widget-view+json" not in text


def test_what_a_lesson_shows_loads_nothing(executed):
    for output in results(executed):
        html = re.sub(r"<script>.*?</script>", "", output.data["text/html"], flags=re.DOTALL)
        assert not re.search(r"(src|href)=\"(?!data:)", html)
        assert "url(" not in html


def test_every_cell_is_quiet(executed):
    outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
    assert not [
        output for output in outputs if output.get("name") == "stderr" or output.output_type == "error"
    ]


def results(notebook):
    return [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type in ("execute_result", "display_data") and "text/html" in output.data
    ]
