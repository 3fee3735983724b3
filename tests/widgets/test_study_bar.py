"""The bar of a study, without a page."""

from __future__ import annotations

import pytest

from explorer.widgets.study_bar import StudyBar


@pytest.fixture
def pressed():
    return []


@pytest.fixture
def bar(pressed):
    bar = StudyBar()
    bar.on_press(lambda: pressed.append(bar.running))
    return bar


def press(bar, content):
    bar._on_message(bar, content, [])


@pytest.mark.parametrize("running", [False, True])
def test_a_press_is_heard(bar, pressed, running):
    bar.show(running=running, fraction=0.5, text="")
    press(bar, {"press": "stop" if running else "run"})
    assert pressed == [running]


@pytest.mark.parametrize("content", [{"press": "run"}, {}, "stop", None])
def test_a_press_of_what_the_button_no_longer_stands_for_is_dropped(bar, pressed, content):
    bar.show(running=True, fraction=0, text="")
    press(bar, content)
    assert pressed == []


@pytest.mark.parametrize(("fraction", "shown"), [(-1, 0), (0.25, 0.25), (7, 1)])
def test_the_progress_stays_on_the_bar(bar, fraction, shown):
    bar.show(running=True, fraction=fraction, text="3 of 48 runs")
    assert (bar.running, bar.fraction, bar.text) == (True, shown, "3 of 48 runs")
