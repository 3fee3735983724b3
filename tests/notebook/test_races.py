"""A race in a notebook: its table while it runs, and its curves."""

from __future__ import annotations

from base64 import b64decode

import nbformat
import numpy as np
import pytest
from lessons import execute, figures_in, outputs
from reference_runs import diverging

from explorer import TrainingConfig, train
from explorer.notebook import studies
from explorer.notebook.studies import run_race
from explorer.training import RaceError

CONFIG = TrainingConfig(hidden_sizes=6, epochs=2, batch_size=16, learning_rate=0.05)
DIVERGING = diverging(CONFIG)


@pytest.fixture
def raced(small_dataset):
    return run_race("Activations", small_dataset, config=CONFIG)


def numbers(array):
    """The numbers of an array as Plotly writes them."""
    return np.frombuffer(b64decode(array["bdata"]), array["dtype"]).tolist()


def test_a_race_by_name_has_the_records_of_its_entries(raced, small_dataset):
    assert [history.config.hidden_activation for history in raced.histories] == ["sigmoid", "relu", "tanh"]
    for history in raced.histories:
        assert list(history) == list(train(history.config, small_dataset))
        assert history.end.status == "finished"


def test_the_table_has_what_each_has_reached(raced):
    _, *rows = raced.table.text.splitlines()
    for row, history in zip(rows, raced.histories, strict=True):
        assert history.config.hidden_activation in row
        assert f"{100 * history.end.final.test_accuracy:.2f}" in row
    assert repr(raced) == raced.table.text
    assert "<table" in raced._repr_html_()


def test_the_figure_has_a_curve_for_each(raced):
    for metric, factor in (("accuracy", 100), ("loss", 1)):
        (drawn,) = figures_in(raced.figure(metric, "steps").html)
        curves = [trace for trace in drawn["data"] if trace["visible"]]
        assert [curve["name"] for curve in curves] == raced.labels
        for curve, history in zip(curves, raced.histories, strict=True):
            values = [factor * getattr(record, f"test_{metric}") for record in history]
            assert numbers(curve["y"]) == pytest.approx(values, rel=1e-6)
            assert numbers(curve["x"]) == [38, 76]


def test_one_that_diverges_says_so(small_dataset):
    result = run_race([DIVERGING.replace(learning_rate=0.001), DIVERGING], small_dataset)
    assert "failed" in result.table.text.splitlines()[2]


def test_an_interruption_keeps_what_was_done(small_dataset, monkeypatch):
    def interrupted(entries, dataset):
        yield from [history for history, _ in zip(real(entries, dataset), range(3), strict=False)]
        raise KeyboardInterrupt

    real = studies.race
    monkeypatch.setattr(studies, "race", interrupted)
    assert sum(map(len, run_race("Activations", small_dataset, config=CONFIG).histories)) == 3


def test_what_is_no_race_is_refused(small_dataset):
    with pytest.raises(RaceError):
        run_race([CONFIG], small_dataset)
    with pytest.raises(KeyError, match="Horses"):
        run_race("Horses", small_dataset)


def test_in_a_notebook_the_table_follows_the_race():
    code = """
from explorer import TrainingConfig
from explorer.notebook import run_race
config = TrainingConfig(hidden_sizes=6, epochs=2, n_train=500)
raced = run_race("Activations", config=config)
print(len(raced.histories))
"""
    shown = outputs(execute(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])))
    (table,) = (found for found in shown if found.output_type == "display_data")
    assert table.data["text/html"].count("<tr") == 4
    assert "–" not in table.data["text/html"]  # the last update stays
