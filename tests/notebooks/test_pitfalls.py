"""The notebook of the pitfalls: every mistake in its order, quiet to the end, and whole as a static page."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbconvert import HTMLExporter

PITFALLS = Path(__file__).parents[2] / "notebooks" / "pitfalls.ipynb"
MISTAKES = [
    "Positive initial weights",
    "The sigmoid overflows",
    "Samples as rows",
    "A batch that isn't one",
    "The loss of an epoch",
    "One batch too many",
    "Train accuracy reported as test accuracy",
    "Labels instead of one-hot targets",
]


def sections():
    """The source of each numbered section."""
    found = []
    for cell in nbformat.read(PITFALLS, as_version=4).cells:
        if re.match(r"## \d", cell.source):
            found.append("")
        if found:
            found[-1] += cell.source + "\n"
    return found


def test_the_positive_weights_come_first_and_the_others_follow():
    heads = [section.splitlines()[0] for section in sections()]
    assert heads == [f"## {number} {name}" for number, name in enumerate(MISTAKES, 1)]
    assert sections()[0].index("pictures.histograms(") < sections()[0].index("run(")


@pytest.mark.parametrize("number", range(1, 9))
def test_each_mistake_has_all_it_needs(number):
    section = sections()[number - 1]
    words = ["**The mistake.**", "**What you see.**", "**Why.**", "**The fix.** ", "**How to notice.**"]
    places = [section.index(word) for word in words]
    assert places == sorted(places)
    assert re.search(r"^source\(", section, re.MULTILINE)
    assert "attempt(checks." in section or ", nonsense, score=scores.on_train" in section
    assert "contrast" in section or "stacked(*(attempt(" in section


def test_text_states_no_number_that_a_cell_has_not_computed():
    for cell in nbformat.read(PITFALLS, as_version=4).cells:
        if cell.cell_type == "markdown":
            words = re.sub(r"\$\$.*?\$\$|\$.*?\$|`.*?`|\b(19|20)\d\d\b", "", cell.source, flags=re.DOTALL)
            words = words.replace("float32", "")  # a name
            assert not re.findall(r"\d[\d.,]*\d|\d\s*%", words), cell.source


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.read(PITFALLS, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the kernel's client warns of unencrypted sockets within this computer
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return notebook


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def test_every_cell_is_quiet(executed):
    assert not [o for o in outputs(executed) if o.output_type == "error" or o.get("name") == "stderr"]


def test_loud_mistakes_show_their_messages(executed):
    shown = "\n".join(o.data["text/plain"] for o in outputs(executed) if "data" in o)
    assert "ValueError: matmul" in shown
    assert "samples are columns, so pass X.T" in shown
    assert "labels must be one-hot columns" in shown
    assert "RuntimeWarning: overflow encountered in exp" in shown
    assert "no error, no warning; returns" in shown


def test_a_static_page_holds_every_figure_and_loads_nothing(executed):
    text, _ = HTMLExporter().from_notebook_node(executed)
    htmls = [o.data["text/html"] for o in outputs(executed) if "text/html" in o.get("data", ())]
    drawn = sum(html.count('class="lesson-plot"') for html in htmls)
    assert text.count("explorerLesson ??= []).push(") == drawn == 18
    assert text.count("plotly.js v") == 1  # the library is there, once
    assert "application/vnd.jupyter.widget-view+json" not in text
    for html in htmls:
        bare = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
        assert not re.search(r"(src|href)=\"(?!data:)", bare)
