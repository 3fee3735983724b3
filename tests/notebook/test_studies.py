"""A study in a notebook: a bar with the time left, all runs whatever happens on the way, and what it shows."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from lessons import execute, figures_in, outputs
from made_trials import diverged, finished, swept

from explorer.network import accuracy
from explorer.notebook import studies
from explorer.notebook.studies import CompletedStudy, run_study, trained
from explorer.training import TrainingConfig, train
from explorer.training.studies import StudyError, Trial, grid
from explorer.training.studies.configs import Cost, measured_cost

SMALL = TrainingConfig(hidden_sizes=(8,), epochs=2)
TRIALS = [finished(0.9, seed=0, batch_size=8), finished(0.8, seed=0, batch_size=64), diverged(batch_size=512)]
COST = Cost({trial.config: 1 / 3 for trial in TRIALS}, 1, seconds=45.0)  # too much: they take 10 each

CODE = """
from concurrent.futures import ThreadPoolExecutor
from explorer.datasets import load_mnist
from explorer.notebook import run_study
from explorer.training import TrainingConfig
from explorer.training.studies import grid
configs = grid(TrainingConfig(hidden_sizes=4, epochs=1, n_train=100), seed=range(3))
with ThreadPoolExecutor(1) as thread:
    print(run_study(configs, load_mnist().head(100), executor=thread))
"""


def completed(trials, configs=()):
    return CompletedStudy((*configs, *(trial.config for trial in trials)), tuple(trials), 12.0)


@pytest.mark.long
def test_a_notebook_has_a_bar_that_needs_no_kernel():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)])
    shown = [output for output in outputs(execute(notebook)) if output.output_type == "display_data"]
    assert "<progress" in shown[0].data["text/html"]
    assert "value='3'" in shown[0].data["text/html"]
    assert shown[0].data["text/html"].endswith("3 of 3 runs")
    assert not any("widget" in kind for output in shown for kind in output.data)


def test_the_bar_says_how_long_the_others_take(monkeypatch, small_dataset):
    texts = []

    def display(html, display_id=None):
        texts.append(html.data)
        return SimpleNamespace(update=display)

    clock = iter([0.0, 0.0, 10.0, 20.0, 30.0, 30.0])
    monkeypatch.setattr(studies, "get_ipython", lambda: SimpleNamespace(kernel=None))
    monkeypatch.setattr(studies, "display", display)
    monkeypatch.setattr(studies, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(studies, "measured_cost", lambda *_: COST)
    monkeypatch.setattr(studies, "study", lambda *_, **__: iter(TRIALS))
    run_study([trial.config for trial in TRIALS], small_dataset)
    assert [text.partition("</progress> ")[2] for text in texts] == [
        "0 of 3 runs, 45 s left",
        "1 of 3 runs, 27 s left",
        "2 of 3 runs, 12 s left",
        "3 of 3 runs",
    ]


@pytest.fixture(scope="module")
def result(small_dataset):
    by_mean, varied = SMALL.replace(reduction="mean", learning_rate=3.0), {"batch_size": (600, 1, 20)}
    configs = [run for base in (SMALL, by_mean) for run in grid(base, **varied, seed=range(2))]
    with ThreadPoolExecutor(1) as thread:
        return run_study(configs, small_dataset, executor=thread)


def test_each_run_is_one_of_its_own(result, small_dataset):
    assert len(result.trials) == len(result.configs) == 12
    assert repr(result).startswith("12 of 12 runs in ")
    config = SMALL.replace(batch_size=20, reduction="mean", learning_rate=3.0, seed=1)
    *_, last = train(config, small_dataset)
    (trial,) = (trial for trial in result.trials if trial.config == config)
    assert trial.final.test_accuracy == last.test_accuracy


def test_the_figure_shows_bars(result):
    (drawn,) = figures_in(result.figure().html)
    assert drawn["layout"]["yaxis"]["title"]["text"] == "test accuracy (%)"
    assert [trace["name"] for trace in drawn["data"]][1:4:2] == ["sum", "mean"]
    assert "by batch size and batch gradient: the median over the seeds" in result.figure().text


def test_two_numbers_are_a_heat_map_and_a_choice_gets_curves():
    values = {"batch_size": [8, 64], "learning_rate": [0.1, 1.0], "loss": ["squared_error", "cross_entropy"]}
    maps, curves = [("batch_size", "learning_rate")], [("batch_size", "loss"), ("batch_size",)]
    for axes in maps + curves:
        kind = "heatmap" if axes in maps else "scatter"
        configs = grid(SMALL, **{name: values[name] for name in axes})
        study = completed([Trial(config, "diverged") for config in configs])
        (drawn,) = figures_in(study.figure().html)
        assert drawn["data"][0]["type"] == kind
        (named,) = figures_in(study.figure(*axes).html)
        assert named == drawn


def test_words_and_table_are_those_of_the_levels():
    study = completed(swept("batch_size", {8: (0.95, 0.951, 0.952), 64: (0.9, 0.901, 0.902)}))
    assert study.words.text.startswith("Best of 2: batch size 8, median test accuracy 95.1")
    (drawn,) = figures_in(study.words.html)
    assert drawn["layout"]["yaxis"]["ticktext"] == ["batch size 8", "batch size 64"]
    head, first, _ = study.table.text.splitlines()
    assert head.split() == ["batch", "size", "runs", "median", "lowest", "highest", "seconds", "diverged"]
    assert first.replace("\u00a0", "").split() == ["8", "3", "95.10%", "95.00%", "95.20%", "1.00", "0"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StudyError("It can't go on: why."), "stopped, finished runs are kept. It can't go on: why."),
        (KeyboardInterrupt(), "interrupted, finished runs are kept"),
    ],
)
def test_what_ended_before_the_study_had_to_stop_is_kept(small_dataset, monkeypatch, error, words):
    def stopping(configs, *_, **__):
        yield Trial(configs[0], "diverged")
        raise error

    monkeypatch.setattr(studies, "study", stopping)
    found = run_study(grid(SMALL, seed=range(3)), small_dataset)
    assert (len(found.trials), len(found.configs)) == (1, 3)
    assert repr(found).startswith("1 of 3 runs in ")
    assert repr(found).endswith(f"; {words}")


def test_it_goes_on_from_its_journal_and_counts_the_cost_of_the_rest(small_dataset, tmp_path, monkeypatch):
    timed = []

    def measured(configs, dataset):
        cost = measured_cost(configs, dataset)
        timed.append([config.seed for config in cost.shares])
        return cost

    monkeypatch.setattr("explorer.notebook.studies.measured_cost", measured)
    journal = tmp_path / "study.jsonl"
    with ThreadPoolExecutor(1) as thread:
        first = run_study([SMALL], small_dataset, executor=thread, journal=journal)
        more = run_study(grid(SMALL, seed=range(2)), small_dataset, executor=thread, journal=journal)
        assert run_study(more.configs, small_dataset, executor=thread, journal=journal).trials == more.trials
    assert timed == [[0], [1], []]
    assert {trial.config.seed: trial for trial in more.trials}[0] == first.trials[0]
    assert journal.read_text().count('"config"') == 2


def test_a_trained_network_is_that_of_train_and_says_how_good_it_is(small_dataset):
    result = trained(SMALL, small_dataset)
    assert result.history.epochs == tuple(train(SMALL, small_dataset))
    assert result.history.batches[-1].step == SMALL.steps_at_ends(600)[-1]
    predicted = result.network.predict(small_dataset.X_test)
    assert result.final.test_accuracy == accuracy(small_dataset.test_labels, predicted)
    np.testing.assert_array_equal(result.outputs.argmax(axis=0), predicted)
    on_train = accuracy(small_dataset.train_labels, result.network.predict(small_dataset.X_train))
    shares = f"train accuracy {100 * on_train:.2f} %, test accuracy {100 * result.final.test_accuracy:.2f} %"
    assert repr(result).endswith(f"after 2 epochs: {shares}")
