"""The button of a study and its progress, without a page."""

from __future__ import annotations

import pytest

from explorer.widgets.study_parts import StudyProgress


@pytest.mark.parametrize(
    ("press", "words"),
    [
        ("run", "Run the study"),
        ("stop", "Stop the study"),
        ("go on", "Continue the study"),
        ("confirm", "Start anyway"),
    ],
)
def test_the_button_tells_what_it_stands_for(press, words):
    ((_, _, (_, button, *_, shown), _),) = StudyProgress("", 0.5, press).elements()
    assert (button["data-press"], shown) == (press, words)


@pytest.mark.parametrize(
    ("fraction", "press", "hidden"), [(0, "run", True), (0, "stop", False), (1, "run", False)]
)
def test_the_bar_is_there_once_a_study_has_begun(fraction, press, hidden):
    ((_, _, _, (_, _, (tag, bar), (_, _, text))),) = StudyProgress("3 of 48 runs", fraction, press).elements()
    assert (tag, bar["value"], bar.get("hidden", False), text) == (
        "progress",
        fraction,
        hidden,
        "3 of 48 runs",
    )
