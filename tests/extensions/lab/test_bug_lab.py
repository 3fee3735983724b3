"""The bug lab: what it says of a guess is what the figures of the level show."""

import re
from dataclasses import replace

import numpy as np
import pytest
from app_steps import PATIENCE, is_hidden, messages, send

from explorer import EpochRecord, TrainingConfig
from explorer.checks import MISTAKES
from explorer.extensions.lab import EXTENSION
from explorer.extensions.lab.bug_lab import GUESSES, LEVELS, BugLab, step_rows
from explorer.network.gradient_check import check_gradient, choose_weights
from explorer.training import TrainingRun
from explorer.training.own_network import OwnClass, steps_of_fit
from explorer.training.process_settings import one_blas_thread

CONFIG = TrainingConfig(hidden_sizes=6, epochs=1, batch_size=64)
NAMES = [level.mistake for level in LEVELS]


@pytest.fixture
def lab(monkeypatch):
    """A lab whose networks are trained for an epoch only."""
    quick = [replace(level, settings={**level.settings, "epochs": 1}) for level in LEVELS]
    monkeypatch.setattr("explorer.extensions.lab.bug_lab.LEVELS", quick)
    made = BugLab()
    yield made.panel
    made.close()


def press(panel, words):
    send(panel.question, {"press": words})


def guess(panel, mistake):
    press(panel, f"guess {[guess.mistake for guess in GUESSES].index(mistake)}")


def gradients(own, dataset):
    """Return the ratio of analytic and numeric gradient, by parameter; NaN where both are as good as 0."""
    network = own.network(TrainingConfig(), dataset)
    X, d = dataset.X_test[:, :32], dataset.Y_test[:, :32]
    checked = check_gradient(network, X, d, choose_weights(network, X, np.random.default_rng(0), 40))
    ratios = {}
    for weight in checked:
        ratio = 1.0 if weight.agrees else weight.analytic / weight.numeric
        ratios.setdefault(weight.place.parameter, []).append(ratio)
    return {name: np.array(found) for name, found in ratios.items()}


def seen(mistake, dataset):
    """Return what the figures of a network with a mistake show, by the kind of guess that it speaks for."""
    own, config = OwnClass(MISTAKES[mistake].network), TrainingConfig(batch_size=64, epochs=1)
    if mistake == "last-batch-dropped":
        config = config.replace(batch_size=70)
    network = own.network(config, dataset)
    network.forward(dataset.X_test)
    W, h = network.W1, np.asarray(network.h1)
    steps = steps_of_fit(own, config, dataset)
    run = TrainingRun(config, dataset, own=own)
    record = next(event for event in run if isinstance(event, EpochRecord))
    return {
        "gradient": not all((ratios == 1).all() for ratios in gradients(own, dataset).values()),
        "weights": W.min() >= 0 or W.max() <= 0 or np.ptp(W, axis=0).max() == 0,
        "forward": h.min() < 0 or h.max() > 1,
        "step": any(row[-1] != "1 ×" for row in step_rows(own, config, dataset)),
        "data": sum(
            k % 10 == target for step in steps for k, target in zip(step.samples, step.targets, strict=True)
        )
        < 5 * config.batch_size // 2,
        "loss": not 1 / 3 < record.train_loss / record.test_loss < 3,
    }


@pytest.mark.parametrize("mistake", [guess.mistake for guess in GUESSES])
def test_each_mistake_shows_where_it_is_said_to_and_nowhere_else(mistake, small_dataset):
    guessed = next(guess for guess in GUESSES if guess.mistake == mistake)
    with one_blas_thread():
        found = {kind for kind, shows in seen(mistake, small_dataset).items() if shows}
    assert guessed.kind in found
    level = next((level for level in LEVELS if level.mistake == mistake), None)
    if level is not None:  # what is said of all levels must hold, unless the level says something else
        common = LEVELS[NAMES.index("slope-forgotten-hidden")].here
        own = {kind for kind, said in level.here.items() if kind != "gradient" and said != common[kind]}
        if level.mistake not in ("gradient-mean", "slope-forgotten-hidden", "slope-of-activation"):
            assert "gradient" not in found
        assert found - {"gradient"} <= own


@pytest.mark.parametrize(("mistake", "low", "high", "names"), [
    ("gradient-sign", -1, -1, "W1 b1 W2 b2"),
    ("gradient-mean", 1 / 32, 1 / 32, "W1 b1 W2 b2"),
    ("slope-forgotten-hidden", 4, 6, "W1 b1"),
    ("slope-of-activation", 0.9, 1.33, "W1 b1"),
])  # fmt: skip
def test_the_gradient_check_is_off_by_the_factor_that_is_named(mistake, low, high, names, mnist):
    with one_blas_thread():
        found = gradients(OwnClass(MISTAKES[mistake].network), mnist)
    for name, ratios in found.items():
        expected = (low, high) if name in names.split() else (1, 1)
        assert expected[0] - 1e-4 <= ratios.min()
        assert np.quantile(ratios, 0.75) <= expected[1] + 1e-4


def test_a_level_is_solved_wrong_then_right(lab):
    guess(lab, "gradient-sign")
    shown = lab.question.shown
    assert shown.response.startswith("No. A gradient of the wrong sign differs in the gradient check")
    assert "backpropagation is right" in shown.response
    assert (shown.is_right, shown.source, shown.solved) == (False, "", set())
    guess(lab, "step-uphill")
    shown = lab.question.shown
    assert shown.response.startswith("Yes: plus for minus in the step. The loss rises")
    assert shown.solved == {1}
    assert "theta += lr * d_theta  # WRONG" in shown.source
    press(lab, "level 2")
    shown = lab.question.shown
    assert (shown.number, shown.is_right, shown.source, shown.guessed) == (2, None, "", ())
    assert shown.solved == {1}


def test_each_section_shows_the_levels_network_next_to_the_textbooks(lab):
    assert lab.views.session.wait(PATIENCE)
    (textbook,) = lab.views.state.comparable
    assert textbook.config == lab.views.state.run.config
    sections = {name: lab.evidence[name] for name in ("curves", "weights", "histograms", "check", "step")}
    for name, section in sections.items():
        lab.evidence.choice.value = name
        assert [other for other in sections.values() if not is_hidden(other.view)] == [section]
    step = lab.evidence["step"]
    assert [row[3] for row in step.steps.shown.rows] == 4 * ["−1 ×"]
    assert [row[3] for row in step.batches.shown.rows] == ["100 of 100", "100 of 100", "50 of 50"]
    assert lab.evidence["check"].table.shown.agrees
    press(lab, "level 3")
    assert lab.views.session.wait(PATIENCE)
    lab.evidence.choice.value = "check"
    assert lab.evidence["check"].table.shown.agrees is False


@pytest.mark.parametrize("level", [0, 11, "3"])
def test_there_is_no_other_level(level):
    with pytest.raises(ValueError, match="expected 1 to 10"):
        BugLab(level)


def test_a_link_opens_a_level_and_names_it_alone(app):
    assert EXTENSION.tabs[0].levels == len(LEVELS)
    for level in (2, 3):  # it is open already when the second comes
        app.open_link(f"?bug={level}")
        assert (app.panels.tab_bar.selected, app.panels["lab"].level) == ("lab", level)
    assert re.search(r"\bbug=3\b", app.header.query)
    assert "mean" not in app.header.query
    press(app.panels["lab"], "level 4")
    assert re.search(r"\bbug=4\b", app.header.query)
    app.panels.tab_bar.selected = "overview"
    assert "bug" not in app.header.query
    app.open_link("?bug=12")
    assert "There is no level “12”; the page has levels 1 to 10." in str(messages(app))
