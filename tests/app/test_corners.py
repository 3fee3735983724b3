"""What stands in the corners of the page: the answers that wait, and the words of unusual runs."""

from __future__ import annotations

import pytest
from app_steps import PATIENCE, messages, say

from explorer import TrainingConfig
from explorer.training import PRESETS
from explorer.training.presets import EXPERIMENTS, SITUATIONS
from explorer.widgets.settings_panel import SettingsPanel

CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=50)


def part(app, name):
    return next(child for child in app.settings.children if getattr(child, "part", "") == name)


def advised(app):
    return [message["id"] for message in messages(app).values() if message["action"]]


def test_the_advice_waits_until_the_answer_is_opened(app):
    app.config = SITUATIONS["Too few units"].config.replace(epochs=9)  # about which nobody asks
    assert app.wait(PATIENCE)
    assert advised(app)
    say(part(app, "presets"), {"preset": "Too few units"})
    assert app.wait(PATIENCE)
    assert app.config == SITUATIONS["Too few units"].config
    assert not advised(app)
    say(part(app, "question"), {"answer": True})
    assert advised(app)


def test_every_experiment_asks_something():
    assert {*PRESETS} - {*EXPERIMENTS} == {"Start", "The exercise"}
    panel = SettingsPanel()
    for name, one in EXPERIMENTS.items():
        panel.show(one.config)
        assert part_of(panel, "question").situation["question"].endswith("?"), name


def part_of(panel, name):
    return next(child for child in panel.children if getattr(child, "part", "") == name)


@pytest.mark.parametrize(
    ("config", "note"),
    [
        (PRESETS["Start"], ""),
        (PRESETS["The exercise"].replace(epochs=3), ""),
        (SITUATIONS["Uniform weights"].config, "1 changed: uniform U[0, 1)"),
        (PRESETS["Cosine"], "4 changed: relu, He, Adam, cosine"),
        (PRESETS["Start"].replace(dropout=0.2), "1 changed: dropout 0.2"),
    ],
)
def test_the_closed_fold_says_what_is_changed_in_it(config, note):
    panel = SettingsPanel()
    panel.show(config)
    assert part_of(panel, "more").note == note
