"""The settings panel without a browser: what it takes from the page, what it refuses, what it hands on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.training.config import FIELDS, PRESETS, TrainingConfig
from explorer.training.fields import ConfigError
from explorer.widgets.control_panel import ControlPanel, stops

SCALES = ("hidden_sizes", "batch_size", "epochs", "learning_rate")


@pytest.fixture
def panel():
    return ControlPanel()


@pytest.fixture
def heard(panel):
    """The settings that were handed on, one for each call."""
    configs = []
    panel.on_config(configs.append)
    return configs


@pytest.mark.parametrize("name", SCALES)
def test_a_slider_stops_where_the_setting_begins_and_ends(name):
    field = FIELDS[name]
    assert (stops(name)[0], stops(name)[-1]) == (field.low, field.high)
    assert stops(name) == sorted(set(stops(name)))
    for stop in stops(name):
        field.check(stop)


@pytest.mark.parametrize(
    ("name", "widest"), [("hidden_sizes", 2), ("batch_size", 2), ("learning_rate", 1.34)]
)
def test_a_slider_is_about_even_on_a_log_scale(name, widest):
    ratios = [after / before for before, after in zip(stops(name), stops(name)[1:], strict=False)]
    assert min(ratios) > 1.1
    assert max(ratios) <= widest


def test_a_slider_stops_at_numbers_that_can_be_named():
    assert {1, 32, 48, 128, 1024} <= set(stops("hidden_sizes"))
    assert {1, 8, 512, 32768, 60000} <= set(stops("batch_size"))
    assert {1, 2, 3, 7, 10, 30, 100, 500} <= set(stops("epochs"))
    assert {1e-5, 0.003, 0.01, 0.3, 1.5, 100.0} <= set(stops("learning_rate"))
    assert all(float(f"{stop:.1e}") == stop for stop in stops("learning_rate"))
    assert all(isinstance(stop, int) for name in SCALES[:3] for stop in stops(name))


def test_every_setting_has_a_control_with_its_name_and_help(panel):
    shown = [control["name"] for control in panel.controls]
    assert set(shown) == set(FIELDS) - {"loss"}  # chosen together with the output
    for control in panel.controls:
        assert control["label"]
        assert control["help"].endswith(".")


def test_the_panel_begins_with_the_exercise(panel):
    assert panel.config == TrainingConfig()
    assert panel.preset == "The exercise"
    assert list(panel.presets) == list(PRESETS)


def test_a_change_is_handed_on_once(panel, heard, from_page):
    from_page.set(panel, values={**panel.values, "epochs": 12, "batch_size": 64})
    assert heard == [TrainingConfig(epochs=12, batch_size=64)]
    assert panel.config is heard[0]
    assert panel.preset == ""


def test_all_settings_are_read_at_once(panel, heard, from_page):
    from_page.set(panel, values=panel.presets["Modern"])
    assert heard == [PRESETS["Modern"]]
    assert panel.preset == "Modern"


def test_whole_numbers_that_come_as_floats_are_whole(panel, heard, from_page):
    from_page.set(panel, values={**panel.values, "epochs": 12.0, "seed": 3.0, "hidden_sizes": [64.0, 32.0]})
    assert heard == [TrainingConfig(epochs=12, seed=3, hidden_sizes=(64, 32))]
    assert [type(n) for n in (heard[0].epochs, heard[0].seed, *heard[0].hidden_sizes)] == [int] * 4


@pytest.mark.parametrize(
    ("typed", "sizes"),
    [("128, 64", (128, 64)), ("  8 ", (8,)), (48, (48,)), ([7.0], (7,)), ("1,2,3,4,5,6", (1, 2, 3, 4, 5, 6))],
)
def test_hidden_layers_can_be_typed(panel, heard, from_page, typed, sizes):
    from_page.set(panel, values={**panel.values, "hidden_sizes": typed})
    assert heard == [TrainingConfig(hidden_sizes=sizes)]
    assert panel.values["hidden_sizes"] == list(sizes)


@pytest.mark.parametrize(
    ("name", "bad", "allowed", "kept"),
    [
        ("epochs", 5000, "a whole number from 1 to 500", "10"),
        ("epochs", 2.5, "a whole number from 1 to 500", "10"),
        ("epochs", "many", "a whole number from 1 to 500", "10"),
        ("epochs", "", "a whole number from 1 to 500", "10"),
        ("batch_size", 0, "a whole number from 1 to 60\u202f000", "512"),
        ("learning_rate", -1, "a number from 0.00001 to 100", "0.01"),
        (
            "hidden_sizes",
            "128, ",
            "1 to 6 hidden layers, each a whole number of units from 1 to 1\u202f024",
            "32",
        ),
        (
            "hidden_sizes",
            "1,2,3,4,5,6,7",
            "1 to 6 hidden layers, each a whole number of units from 1 to 1\u202f024",
            "32",
        ),
        ("n_train", 5, "a whole number from 10 to 10\u202f000\u202f000", "all"),
        ("n_train", 60_001, "a whole number from 10 to 60\u202f000", "all"),
        ("loss", "hinge", "one of squared_error, cross_entropy", "squared_error"),
    ],
)
def test_a_bad_value_is_said_beside_its_control(panel, heard, from_page, name, bad, allowed, kept):
    before = panel.config
    from_page.set(panel, values={**panel.values, name: bad})
    assert panel.errors == {name: f"Allowed is {allowed}. {kept} stays in use."}
    assert panel.values[name] == bad
    assert heard == []
    assert panel.config is before


def test_nothing_is_handed_on_until_all_is_right_again(panel, heard, from_page):
    from_page.set(panel, values={**panel.values, "epochs": 5000})
    from_page.set(panel, values={**panel.values, "batch_size": 64})
    assert heard == []
    assert list(panel.errors) == ["epochs"]
    from_page.set(panel, values={**panel.values, "epochs": 20})
    assert heard == [TrainingConfig(epochs=20, batch_size=64)]
    assert panel.errors == {}


def test_the_way_back_to_the_last_right_value_is_no_change(panel, heard, from_page):
    from_page.set(panel, values={**panel.values, "epochs": 5000})
    from_page.set(panel, values={**panel.values, "epochs": 10})
    assert heard == []
    assert panel.errors == {}


def test_settings_from_the_app_call_nobody_and_are_one_message(sent):
    panel, heard = ControlPanel(), []
    panel.on_config(heard.append)
    panel.values = {**panel.values, "epochs": 5000}
    heard.clear()
    sent.clear()
    panel.set_config(PRESETS["Modern"])
    assert heard == []
    assert panel.config == PRESETS["Modern"]
    (message,) = sent
    assert set(message) == {"values", "errors", "preset"}
    assert message["values"]["hidden_sizes"] == [128]
    assert message["errors"] == {}


def test_what_the_data_refuse_is_said_beside_its_control(panel):
    panel.refuse(ConfigError("n_train", 70_000, "a whole number up to 60 000"))
    assert panel.errors == {"n_train": "Allowed is a whole number up to 60 000."}


def test_names_that_are_no_settings_are_dropped(panel, heard, from_page):
    from_page.set(panel, values={**panel.values, "__class__": 1, "epochs": 3})
    assert heard == [TrainingConfig(epochs=3)]
    assert set(panel.values) == set(FIELDS)


def test_a_setting_that_is_missing_keeps_its_value(panel, heard, from_page):
    from_page.set(panel, values={"epochs": 3})
    assert heard == [TrainingConfig(epochs=3)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "other"]), json_values, max_size=3))
def test_whatever_the_page_says_the_settings_stay_valid(changes):
    panel, heard = ControlPanel(), []
    panel.on_config(heard.append)
    panel.values = {**panel.values, **changes}
    assert len(heard) <= 1
    assert not (heard and panel.errors)
    assert math.isfinite(panel.config.learning_rate)
    assert panel.config == TrainingConfig(**{name: getattr(panel.config, name) for name in FIELDS})
    assert all(text.endswith("stays in use.") for text in panel.errors.values())
