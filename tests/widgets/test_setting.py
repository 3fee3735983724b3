"""One setting without a browser: what it takes from program and page, what it refuses, what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets import IntSlider, interactive, interactive_output
from traitlets import link

from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError
from explorer.widgets.setting import SETTINGS, Setting, stops

SCALES = ("hidden_sizes", "batch_size", "epochs", "learning_rate")
CONTROLS = [*((name, None) for name in SETTINGS), ("hidden_sizes", "layers"), ("output", "pair")]
UNITS = "a whole number from 1 to 1\u202f024"
LAYERS = "1 to 6 hidden layers, each a whole number of units from 1 to 1\u202f024"


OFF_AT_0 = ("warmup", "l2", "l1", "dropout", "max_norm", "shift", "rotation", "scale", "elastic", "patience")


@pytest.mark.parametrize("name", [*SCALES, *OFF_AT_0, "input_dropout", "n_validation"])
def test_a_slider_stops_where_the_setting_begins_and_ends(name):
    field = FIELDS[name]
    assert (stops(name)[0], stops(name)[-1]) == (field.low, field.high)
    assert stops(name) == sorted(set(stops(name)))
    for stop in stops(name):
        field.check(stop)


def test_a_slider_ends_with_what_the_data_have():
    setting = Setting("n_validation")
    setting.fit_to(600, 10)
    assert setting.get_state("_control")["_control"]["stops"] == [0, 100, 200, 500, 540]


def test_the_value_in_a_run_is_changed_by_a_factor(from_page):
    rate, size, wanted = Setting("learning_rate"), Setting("batch_size"), []
    for setting in (rate, size):
        setting.on_change_now(wanted.append)
        from_page.send(setting, {"factor": 0.5})  # nothing trains
    rate.now, size.now = 0.003, 513
    for setting, factor in ((rate, 0.1), (rate, 1e-9), (size, 0.5), (size, 1000), (rate, "a"), (rate, -1)):
        from_page.send(setting, {"factor": factor})
    assert wanted == [0.0003, 1e-5, 256, 60_000]
    assert (rate.value, size.value) == (0.01, 512)
    assert [type(value) for value in wanted] == [float, float, int, int]


def test_its_options_are_those_of_a_stock_widget():
    words = {"description": "Images", "tooltip": "At once.", "disabled": True}
    setting = Setting("batch_size", value=np.int64(64), layout={"width": "200px"}, **words)
    assert (setting.value, type(setting.value), setting.layout.width) == (64, int, "200px")
    assert {name: getattr(setting, name) for name in words} == words


@pytest.mark.parametrize(("name", "given", "error", "words"), [
    ("batch_size", {"valeu": 64}, TypeError, "Setting has no option 'valeu'; did you mean 'value'?"),
    ("batchsize", {}, ValueError, "no setting 'batchsize'; did you mean 'batch_size'?"),
    ("epochs", {"kind": "layers"}, ValueError, "epochs cannot be 'layers'; expected one of scale"),
    ("epochs", {"value": 0}, ConfigError, "epochs is 0"),
])  # fmt: skip
def test_what_it_is_made_of_is_checked(name, given, error, words):
    with pytest.raises(error) as caught:
        Setting(name, **given)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "bad"), [("batch_size", "64"), ("learning_rate", float("nan")), ("hidden_sizes", [8, 0])]
)
def test_an_invalid_value_is_refused_and_nothing_changes(name, bad):
    setting = Setting(name)
    before, heard = setting.value, []
    setting.observe(heard.append)
    with pytest.raises(ConfigError) as caught:
        setting.value = bad
    assert (setting.value, setting.error, heard) == (before, "", [])
    assert str(caught.value).startswith(f"{name} is {bad!r}; ")
    assert FIELDS[name].expected in str(caught.value)


def test_a_pair_is_output_and_loss():
    setting = Setting("output", kind="pair")
    setting.value = ["softmax", "cross_entropy"]
    assert setting.value == ("softmax", "cross_entropy")
    assert setting.settings == {"output": "softmax", "loss": "cross_entropy"}
    for bad in ("softmax", ("softmax",), ("softmax", "hinge"), None):
        with pytest.raises(ConfigError):
            setting.value = bad
    assert setting.value == ("softmax", "cross_entropy")


def test_what_is_assigned_is_sent_once_and_what_is_equal_not_at_all(sent):
    setting = Setting("hidden_sizes")
    sent.clear()
    setting.value = 64
    setting.value = [64]
    assert sent == [{"value": (64,)}]


def type_in(from_page, setting, text):
    from_page.send(setting, {"typed": text})


@pytest.fixture
def heard():
    return []


@pytest.mark.parametrize(("name", "typed", "value"), [
    ("batch_size", 64, 64),
    ("batch_size", 64.0, 64),
    ("learning_rate", 1, 1.0),
    ("hidden_sizes", [64.0, 32.0], (64, 32)),
    ("hidden_sizes", "128, 64", (128, 64)),
    ("hidden_sizes", 48, (48,)),
    ("hidden_activation", "relu", "relu"),
    ("seed", 3.0, 3),
    ("n_train", None, None),
])  # fmt: skip
def test_what_is_typed_becomes_the_value_as_python_has_it(from_page, heard, name, typed, value):
    setting = Setting(name, value=20 if name == "n_train" else getattr(TrainingConfig(), name))
    setting.observe(heard.append, "value")
    type_in(from_page, setting, typed)
    assert [change["new"] for change in heard] == [value]
    assert (setting.value, type(setting.value), setting.error) == (value, type(value), "")
    assert not isinstance(setting.value, tuple) or {type(size) for size in setting.value} == {int}


@pytest.mark.parametrize(("name", "typed", "expected", "kept"), [
    ("hidden_sizes", [5000], UNITS, "32"),
    ("epochs", 5000, "a whole number from 1 to 500", "10"),
    ("epochs", 2.5, "a whole number from 1 to 500", "10"),
    ("epochs", "", "a whole number from 1 to 500", "10"),
    ("learning_rate", -1, "a number from 0.00001 to 100", "0.01"),
    ("n_train", 5, "a whole number from 10 to 60\u202f000", "All"),
    ("n_train", "few", "a whole number from 10 to 60\u202f000", "All"),
    ("loss", "hinge", "one of squared_error, cross_entropy", "squared error"),
])  # fmt: skip
def test_what_is_wrong_with_a_text_is_said_and_the_value_stays(from_page, heard, name, typed, expected, kept):
    setting = Setting(name)
    setting.observe(heard.append, "value")
    type_in(from_page, setting, typed)
    assert setting.error == f"Expected {expected}. {kept} stay{'s' * (kept != 'All')} in use."
    assert heard == []


def test_layers_are_typed_as_the_page_writes_them_or_it_says_what_they_may_be(from_page):
    for typed in ("784-32-16-10", "32-16", "32 16", "32; 16", [32, 16]):
        setting = Setting("hidden_sizes", kind="layers")
        type_in(from_page, setting, typed)
        assert (setting.error, setting.value) == ("", (32, 16))
    for typed in ("128, ", "1,2,3,4,5,6,7", [0], "784-10", "32-16-"):
        setting = Setting("hidden_sizes", kind="layers")
        type_in(from_page, setting, typed)
        assert (setting.error, setting.value) == (f"Expected {LAYERS}. 32 stays in use.", (32,))


def test_layers_with_other_inputs_or_outputs_are_refused(from_page):
    setting = Setting("hidden_sizes", kind="layers")
    setting.fit_to(60_000, 3)
    assert "784-128-64-3" in setting.tooltip
    type_in(from_page, setting, "784-32-10")
    assert "from 784 inputs to 3 outputs, 784-32-10-3. 32 stays in use." in setting.error


def test_the_next_valid_value_clears_the_error_also_the_old_one_and_the_programs(from_page):
    setting = Setting("epochs")
    for value in (10, 20):
        type_in(from_page, setting, 5000)
        assert setting.error
        type_in(from_page, setting, value)
        assert (setting.value, setting.error) == (value, "")
    type_in(from_page, setting, 5000)
    setting.value = 30
    assert setting.error == ""


def test_a_setting_that_is_refused_leaves_what_was_typed_alone(from_page, sent):
    setting = Setting("epochs")
    sent.clear()
    type_in(from_page, setting, 5000)
    assert sent == [{"error": setting.error}]


def test_a_value_that_another_widget_of_the_page_sets_is_checked_and_answered(from_page, sent):
    """As `jslink` does; the page then has a value that Python has not."""
    setting = Setting("hidden_sizes")
    sent.clear()
    from_page.set(setting, value=64)
    assert setting.value == (64,)
    assert {"value": (64,)} in sent
    from_page.set(setting, value=5000)
    assert (setting.value, bool(setting.error)) == ((64,), True)
    assert sent[-1] == {"value": (64,)}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(CONTROLS), json_values)
def test_whatever_the_page_says_the_value_stays_valid(control, typed):
    name, kind = control
    setting = Setting(name, kind=kind)
    before = setting.value
    setting.set_state({"value": typed})
    assert TrainingConfig(**setting.settings)
    assert not setting.error or setting.value == before
    assert setting.error == "" or setting.error.endswith((" stays in use.", "All stay in use."))


def test_a_stock_slider_linked_to_it_follows_and_leads(from_page):
    setting, slider = Setting("batch_size"), IntSlider(512, min=1, max=1000)
    link((slider, "value"), (setting, "value"))
    type_in(from_page, setting, 64)
    assert slider.value == 64
    slider.value = 100
    assert setting.value == 100
    with pytest.raises(ConfigError, match="batch_size is 0"):
        slider.min = slider.value = 0
    assert setting.value == 100


def test_interact_takes_it_as_a_stock_widget(from_page, heard):
    setting = Setting("epochs")
    box = interactive(lambda epochs: heard.append(epochs), epochs=setting)
    assert setting in box.children
    interactive_output(lambda epochs: heard.append(-epochs), {"epochs": setting})
    type_in(from_page, setting, 3)
    type_in(from_page, setting, 3)
    assert heard == [10, -10, 3, -3]


def test_each_change_of_the_page_is_answered_by_its_number(from_page):
    setting = Setting("batch_size")
    for typed, number in ((64, "a"), (64, "b"), (0, "c")):
        from_page.send(setting, {"typed": typed, "number": number})
        assert setting.get_state()["_answered"] == number
    assert (setting.value, bool(setting.error)) == (64, True)
