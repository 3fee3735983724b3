"""The button of a study and its progress, without a page."""

from __future__ import annotations

import pytest

from explorer.widgets.study_progress import StudyProgress


@pytest.mark.parametrize("running", [False, True])
def test_the_button_tells_what_it_stands_for(running):
    ((_, _, (_, button, *_), _),) = StudyProgress("", 0.5, running).elements()
    assert button["data-press"] == ("stop" if running else "run")


@pytest.mark.parametrize(
    ("fraction", "running", "hidden"), [(0, False, True), (0, True, False), (1, False, False)]
)
def test_the_bar_is_there_once_a_study_has_begun(fraction, running, hidden):
    ((_, _, _, (_, _, (tag, bar), (_, _, text))),) = StudyProgress(
        "3 of 48 runs", fraction, running
    ).elements()
    assert (tag, bar["value"], bar.get("hidden", False), text) == (
        "progress",
        fraction,
        hidden,
        "3 of 48 runs",
    )
