"""The difference of two confusion matrices: numbers say who has more, colours who is better."""

from __future__ import annotations

import numpy as np

from explorer.figures.confusion_difference import (
    difference_figure,
    difference_layout,
    difference_summary,
    difference_traces,
)

NAMES = ("a", "b")
A, B = np.array([[8, 2], [5, 5]]), np.array([[9, 1], [7, 3]])


def test_a_mistake_less_and_a_right_decision_more_are_both_better():
    (trace,) = difference_traces(A, B, NAMES)
    assert trace["z"] == [[1, 1], [-2, -2]]
    assert trace["text"] == [["+1", "−1"], ["+2", "−2"]]
    assert (trace["zmin"], trace["zmax"]) == (-2, 2)
    assert trace["hovertext"][1][0] == "true b → predicted a: A 5, B 7"


def test_the_summary_names_the_largest_difference():
    assert difference_summary(A, B, NAMES).endswith("Largest difference: b read as a, A 5 times, B 7 times.")
    assert "equally often" in difference_summary(A, A, NAMES)


def test_without_matrices_the_cells_are_empty():
    assert [list(row) for row in difference_figure(None, None, NAMES).data[0].z] == [[None, None]] * 2


def test_names_are_text():
    called = ("<b>old</b>", "new")
    (trace,) = difference_traces(A, B, NAMES, called)
    assert trace["hovertext"][1][0] == "true b → predicted a: &lt;b&gt;old&lt;/b&gt; 5, new 7"
    assert (
        difference_layout(NAMES, called)["title"]["text"]
        == "Confusion matrix · new minus &lt;b&gt;old&lt;/b&gt;"
    )
    assert "<b>old</b> 5 times, new 7 times" in difference_summary(
        A, B, NAMES, called
    )  # no markup is read there
