"""What the menu of situations claims; all of them are trained by ``tests/benchmarks/accuracy.py``."""

import pytest

from explorer.app.panels.inside import SECTIONS
from explorer.training import PRESETS
from explorer.training.presets import SITUATIONS, preset_changes

TABS = {"data", "overview", "mistakes", "inside", "runs", "study"}


def test_no_two_are_the_same_and_none_is_a_preset():
    configs = [one.config for one in SITUATIONS.values()] + list(PRESETS.values())
    assert len({*configs}) == len(SITUATIONS) + len(PRESETS) >= 12
    assert not SITUATIONS.keys() & PRESETS.keys()


@pytest.mark.parametrize("one", SITUATIONS.values(), ids=SITUATIONS)
def test_each_asks_says_where_to_look_and_answers(one):
    assert one.question.endswith("?")
    assert one.tab in TABS
    assert (one.section in SECTIONS) if one.tab == "inside" else (one.section == "")
    assert one.reason.endswith(".")
    assert 8 <= one.reaches[0] < one.reaches[1] <= 100
    assert one.works == (one.reaches[0] > 90)


def test_a_preset_says_what_it_changes():
    assert preset_changes("Honest split") == (
        "Epochs 20, learning rate 0.001, optimizer Adam, validation images 10\u202f000, early stopping 3"
    )
    assert preset_changes("The exercise") == preset_changes("Modern") == ""
