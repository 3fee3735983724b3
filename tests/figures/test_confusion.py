"""The confusion matrix and the difference of two: numbers say who has more, colors who is better."""

import json

import numpy as np
import pytest

from explorer.figures.confusion import confusion_data, confusion_figure, difference_data, difference_summary
from explorer.figures.data_table import data_tables

MISTAKES = 0
NAMES = ("a", "b")
A, B = np.array([[8, 2], [5, 5]]), np.array([[9, 1], [7, 3]])


def test_each_cell_belongs_to_one_trace(counts, digits):
    mistakes, right, _ = confusion_data(counts, digits)[0]
    for i in range(10):
        for j in range(10):
            shown, other = (right, mistakes) if i == j else (mistakes, right)
            assert shown["z"][i][j] == counts[i, j]
            assert other["z"][i][j] is None
            assert other["text"][i][j] == other["hovertext"][i][j] == ""


def test_row_shares_are_percent_of_the_true_class(counts, digits):
    mistakes, right, _ = confusion_data(counts, digits, normalize="row")[0]
    assert mistakes["z"][9][4] == pytest.approx(100 * 28 / 1009)
    assert (mistakes["text"][9][4], mistakes["text"][9][7], right["text"][9][9]) == ("2.8", "0.2", "97.0")
    shares = np.where(np.eye(10), np.array(right["z"], float), np.array(mistakes["z"], float))
    np.testing.assert_allclose(shares.sum(axis=1), 100)


def test_the_last_few_mistakes_do_not_look_like_many(digits):
    counts = np.diag(np.full(10, 1000))
    counts[2, 2:4] = 998, 2
    most = confusion_data(counts, digits)[0][MISTAKES]["zmax"]
    assert most == pytest.approx(10.0)  # 1 % of the largest class
    assert confusion_data(counts, digits, normalize="row")[0][MISTAKES]["zmax"] == 1.0


def test_the_diagonal_is_full_where_all_of_the_largest_class_are_right(counts, digits):
    right = confusion_data(counts, digits)[0][1]
    assert right["zmax"] == counts.sum(axis=1).max()
    assert confusion_data(counts, digits, normalize="row")[0][1]["zmax"] == 100


def test_the_traces_are_plain_json(counts, digits):
    for shown in (counts, None):
        json.dumps(confusion_data(shown, digits)[0], allow_nan=False)


def test_a_mistake_less_and_a_right_decision_more_are_both_better():
    (trace,) = difference_data(A, B, NAMES)[0]
    assert trace["z"] == [[1, 1], [-2, -2]]
    assert trace["text"] == [["+1", "−1"], ["+2", "−2"]]
    assert (trace["zmin"], trace["zmax"]) == (-2, 2)
    assert trace["hovertext"][1][0] == "true b<br>→ predicted a<br>A 5, B 7"


def test_the_summary_names_the_largest_difference():
    assert difference_summary(A, B, NAMES).endswith("Largest difference: b read as a, A 5 times, B 7 times.")
    assert "equally often" in difference_summary(A, A, NAMES)


@pytest.mark.parametrize(("n", "named"), [(25, 25), (26, 7), (100, 7)])
def test_of_many_classes_every_few_are_named_and_no_cell_has_a_number(n, named):
    names = [f"Species <b>with a long name</b> {k}" for k in range(n)]
    figure = confusion_figure(np.full((n, n), 7), names)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert len(axis.tickvals) == named
        assert [*axis.ticktext] == ["Species &lt;b&gt;with a long …"] * named
    assert figure.data[0].texttemplate == ("" if n > named else "%{text}")
    assert names[-1] in figure.data[0].hovertext[-1][0]
    assert data_tables(figure)[0].head[1:] == tuple(names)
