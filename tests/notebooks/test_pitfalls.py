"""The notebook of the pitfalls: every mistake in its order, quiet to the end, and whole as a static page."""

import re
from pathlib import Path

import pytest
from lessons import complaints, execute, read, sections, shown
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


def test_the_positive_weights_come_first_and_the_others_follow():
    heads = [section.splitlines()[0] for section in sections(PITFALLS)]
    assert heads == [f"## {number} {name}" for number, name in enumerate(MISTAKES, 1)]
    assert sections(PITFALLS)[0].index("pictures.histograms(") < sections(PITFALLS)[0].index("run(")


@pytest.mark.parametrize("number", range(1, 9))
def test_each_mistake_has_all_it_needs(number):
    section = sections(PITFALLS)[number - 1]
    words = ["**The mistake.**", "**What you see.**", "**Why.**", "**The fix.** ", "**How to notice.**"]
    places = [section.index(word) for word in words]
    assert places == sorted(places)
    assert re.search(r"^source\(", section, re.MULTILINE)
    assert "attempt(checks." in section or ", nonsense, score=pitfalls.on_train" in section
    assert "contrast" in section or "stacked(*(attempt(" in section


@pytest.fixture(scope="module")
def executed():
    return execute(read(PITFALLS))


@pytest.mark.sweep
def test_every_cell_is_quiet(executed):
    assert complaints(executed) == []


@pytest.mark.sweep
def test_loud_mistakes_show_their_messages(executed):
    words = "\n".join(shown(executed, "text/plain"))
    assert "ValueError: matmul" in words
    assert "samples are columns, so pass X.T" in words
    assert "labels must be one-hot columns" in words
    assert "RuntimeWarning: overflow encountered in exp" in words
    assert "no error, no warning; returns" in words


@pytest.mark.sweep
def test_a_static_page_holds_every_figure_and_loads_nothing(executed):
    text, _ = HTMLExporter().from_notebook_node(executed)
    htmls = shown(executed)
    drawn = sum(html.count('class="lesson-plot"') for html in htmls)
    assert text.count("explorerLesson ??= []).push(") == drawn == 18
    assert text.count("plotly.js v") == 1  # the library is there, once
    assert "application/vnd.jupyter.widget-view+json" not in text
    for html in htmls:
        bare = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
        assert not re.search(r"(src|href)=\"(?!data:)", bare)
