"""The numbers of each figure as tables."""

import numpy as np
import plotly.graph_objects as go
from made_trials import swept

from explorer.figures.confusion import confusion_data, confusion_figure, confusion_style
from explorer.figures.curves import RunCurve, curves_figure, runs_figure
from explorer.figures.data_table import data_tables
from explorer.figures.layers import histograms_figure
from explorer.figures.reliability import reliability, reliability_figure
from explorer.figures.studies import StudyView, study_figure
from explorer.figures.template import drawn_data


def test_the_matrix_is_read_with_its_zeros(counts, digits):
    (table,) = data_tables(confusion_figure(counts, digits))
    assert table.caption == "Confusion matrix · test"
    assert table.head == ("true digit ↓ predicted digit →", *digits)
    assert [row[0] for row in table.rows] == [*digits]
    assert [[int(text) for text in row[1:]] for row in table.rows] == counts.tolist()


def test_percentages_and_a_matrix_without_numbers(counts, digits):
    cells, layout = confusion_data(counts, digits, normalize="row")
    figure = drawn_data(confusion_style(digits), (cells, layout), "light")
    (table,) = data_tables(figure)
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose([[float(x) for x in row[1:]] for row in table.rows], shares, atol=0.0501)
    (empty,) = data_tables(confusion_figure(None, digits))
    assert {text for row in empty.rows for text in row[1:]} == {""}


def test_curves_share_a_table_and_mini_batches_have_their_own(make_history):
    history = make_history(10)
    epochs, *others = data_tables(curves_figure(history, [make_history(4)], metric="accuracy"))
    assert epochs.caption == "accuracy by epoch"
    assert epochs.head == ("epoch", "train", "test", "earlier run")
    assert [row[2] for row in epochs.rows] == [f"{100 * record.test_accuracy:.2f} %" for record in history]
    assert [row[3] != "" for row in epochs.rows] == [True] * 4 + [False] * 6
    assert [len(table.rows) for table in others] == [len(history.batches)]


def test_what_is_not_a_number_is_said_and_a_curve_without_positions_counts_its_points(make_history):
    figure = curves_figure(make_history(2), metric="loss")
    figure.data[-1].y = np.array([0.25, np.nan], np.float32)
    assert data_tables(curves_figure(make_history(0), metric="loss")) == ()  # but for its legend
    table = data_tables(figure)[0]
    assert [row[2] for row in table.rows] == ["0.2500", "not a number"]
    (table,) = data_tables(go.Figure(go.Scatter(y=[3, 4.5], name="a")))
    assert table.rows == (("0", "3"), ("1", "4.5"))


def test_histograms_are_read_as_shares_of_each_layer():
    layers = [np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0])]
    (table,) = data_tables(histograms_figure(layers, layers, names=["layer 1", "output"]))
    assert table.head[1:] == ("layer 1, at the start", "layer 1, now", "output, at the start", "output, now")
    assert [row[2] for row in table.rows if row[2] != "0.00 %"] == ["50.00 %", "50.00 %"]
    (alone,) = data_tables(histograms_figure(layers[:1], names=["layer 1"]))
    assert alone.head[1:] == ("now",)


def test_calibration_is_read_without_its_diagonal():
    outputs = np.array([[0.9, 0.6, 0.2], [0.1, 0.4, 0.8]])
    (table,) = data_tables(reliability_figure(reliability(outputs, np.array([0, 0, 0]))))
    assert table.head == ("confidence (%)", "test")
    assert table.rows[-1][1] == "confidence 80–90 %, 90.0 % on average: 1 of 1 right (100.0 %)"


def test_runs_by_their_names_as_text(make_history):
    runs = [RunCurve(1, "<b>one</b> & two", tuple(make_history(3)), range(4), {"squared error": 1.0})]
    (table,) = data_tables(runs_figure(runs, "loss"))
    assert table.head == ("epoch", "<b>one</b> & two")
    assert len(table.rows) == 3


def test_a_heat_map_has_its_medians_crosses_and_blanks():
    trials = [
        *swept("batch_size", {8: (0.9, 0.92), 64: (None,)}, learning_rate=0.1),
        *swept("batch_size", {8: (0.95, None)}, learning_rate=1.0),
    ]
    (table,) = data_tables(study_figure(StudyView(trials, ("batch_size", "learning_rate"))))
    assert table.head == ("learning rate ↓ batch size (images) →", "8", "64")
    assert table.rows == (("0.1", "91.0", "×"), ("1", "95.0 ×", ""))


def test_runs_at_one_place_share_a_cell():
    trials = swept("batch_size", {64: (0.9, 0.96, 0.93)}, reduction="sum")
    (table, *_) = data_tables(study_figure(StudyView(trials, ("batch_size",))))
    (cell,) = [text for name, text in zip(table.head, table.rows[0], strict=True) if name == "single runs"]
    assert [accuracy in cell for accuracy in ("90.00", "96.00", "93.00")] == [True] * 3
