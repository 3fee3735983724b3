import dataclasses
import itertools
import pickle
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.app.panels.inside import SECTIONS
from explorer.network import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from explorer.training import FIELDS, PRESETS, ConfigError, TrainingConfig
from explorer.training.config import fields_of
from explorer.training.fields import Change, Real, Whole
from explorer.training.presets import SITUATIONS, START, preset_changes
from explorer.training.query import NAMED, read_query, write_query

NO_NAMES = ["swish", "", " sigmoid", "Sigmoid", None, 3, True, ["sigmoid"], ("sum",), b"sum"]
BAD = {
    "hidden_sizes": [
        0, -1, 1025, (), (1,) * 7, (32, 0), (32, 1025), True, (True,), 2.5, (2.5,), "32", b"32", None, object(),
        float("nan"), [[32]], {}, {32, 16}, {32: 16}, iter([32]), itertools.count(1), range(10**30), [32] * 10**6,
        np.array(32), np.array([32.0]), np.array([True]), np.array([[32]]), np.array([0]), np.ones(10**6, int),
        10**5000, (10**5000,), bytearray(b"8"), np.timedelta64(8, "s"), [np.timedelta64(8, "s")],
    ],
    "hidden_activation": NO_NAMES,
    "output": NO_NAMES,
    "loss": NO_NAMES,
    "initializer": NO_NAMES,
    "optimizer": NO_NAMES,
    "reduction": NO_NAMES,
    "batch_size": [
        0, -1, 60_001, 2.5, 512.0, True, "512", None, float("nan"), (512,), np.timedelta64(8, "s"), np.array(8),
    ],
    "epochs": [0, -1, 501, 2.5, True, "10", None, 10**30, 10**5000, -(10**5000)],
    "learning_rate": [
        0, -1.0, 9e-6, 100.1, float("inf"), float("-inf"), float("nan"), True, "0.1", None, 1j, 10**400, 10**5000,
        np.timedelta64(1, "s"), np.array(0.1),
    ],
    "seed": [-1, 2**32, 0.5, True, None, "0"],
    "n_train": [9, 0, -1, 10_000_001, 2.5, True, "all", float("inf")],
    "schedule": NO_NAMES,
    "warmup": [-1, 101, 0.5, True, None],
    "l2": [-1e-9, 1.1, float("nan"), True, "0"],
    "l1": [-1e-9, 1.1, float("nan"), True, "0"],
    "dropout": [-0.1, 0.91, 1, float("nan"), None],
    "input_dropout": [-0.1, 0.91, 1, float("nan"), None],
    "max_norm": [-1, 101, float("inf")],
    "shift": [-1, 10.1, None],
    "rotation": [-1, 181, float("nan")],
    "scale": [-0.1, 0.6, 1],
    "elastic": [-0.1, 5.1, "1"],
    "n_validation": [-1, 10_000_001, 0.5, True, None, "all"],
    "patience": [-1, 501, 2.5, None],
    "changes": [
        None, 3, {}, set(), iter([]), b"", np.array(8), np.array([[]]),
        "1:0.1:8", (1,), [{}], ("1:0.1:8",), itertools.repeat(Change(1, 0.1, 8)),
        (Change(2, 0.1, 8),) * 2, (Change(2, 0.1, 8), Change(1, 0.1, 8)), (Change(-1, 0.1, 8),),
        (Change(True, 0.1, 8),), (Change(1.0, 0.1, 8),), (Change(10**5000, 0.1, 8),), (Change(1, 0, 8),),
        (Change(1, 0.1, 0),), (Change(1, "0.1", 8),), tuple(Change(step, 0.1, 8) for step in range(51)),
        [{"step": 1, "learning_rate": 0.1}],
    ],
}  # fmt: skip
CHOICES = {
    "hidden_activation": ACTIVATIONS, "output": OUTPUTS, "loss": LOSSES, "initializer": INITIALIZERS,
    "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "reduction": ("sum", "mean"),
}  # fmt: skip
WHOLE, REAL = ({name for name, field in FIELDS.items() if isinstance(field, kind)} for kind in (Whole, Real))
GOOD = {
    **{name: [FIELDS[name].low, FIELDS[name].high] for name in WHOLE | REAL},
    **{name: [*choices] for name, choices in CHOICES.items()},
    "hidden_sizes": [(1,), (1024,), (3, 2, 1), (1,) * 6],
    "n_train": [10, None, 10_000_000],
    "changes": [(), (Change(0, 1e-5, 60_000), Change(10**12, 100.0, 1))],
}

configs = st.builds(
    TrainingConfig,
    hidden_sizes=st.lists(st.integers(1, 1024), min_size=1, max_size=6).map(tuple),
    n_train=st.none() | st.integers(10, 10_000_000),
    **{name: st.integers(*GOOD[name]) for name in WHOLE - {"n_train"}},
    **{name: st.floats(*GOOD[name]) for name in REAL},
    changes=st.lists(
        st.builds(Change, st.integers(0, 10**12), st.floats(1e-5, 100), st.integers(1, 60_000)),
        max_size=50,
        unique_by=lambda change: change.step,
    ).map(lambda changes: tuple(sorted(changes, key=lambda change: change.step))),
    **{name: st.sampled_from(GOOD[name]) for name in CHOICES},
)


def cases(table):
    named = [(name, value) for name in sorted(table) for value in table[name]]
    return [pytest.param(name, value, id=f"{name}-{_id(value)}") for name, value in named]


def _id(value):
    try:
        return f"{value!r:.20}"
    except ValueError:  # Python writes no number as long as that
        return type(value).__name__


def test_every_setting_is_tried():
    assert [field.name for field in dataclasses.fields(TrainingConfig)] == [*FIELDS]
    assert set(FIELDS) == set(BAD) == set(GOOD)
    assert len({field.key for field in FIELDS.values()}) == len(FIELDS)
    assert all(FIELDS[name].choices == (*names,) for name, names in CHOICES.items())


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_a_bad_value_is_refused_with_field_value_and_what_is_allowed(name, value):
    with pytest.raises(ConfigError) as refused:
        TrainingConfig(**{name: value})
    error = refused.value
    assert isinstance(error, ValueError)
    assert error.value is value
    assert (error.field, error.expected) == (name, FIELDS[name].expected)
    assert name in str(error)
    assert error.expected in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_the_ends_of_each_range_are_allowed_and_read_back_as_they_are_written(name, value):
    field = FIELDS[name]
    assert getattr(TrainingConfig(**{name: value}), name) == field.check(value) == value
    assert field.parse(field.format(value)) == value


def test_values_take_their_canonical_type():
    sizes = np.array([64, 32])
    config = TrainingConfig(hidden_sizes=sizes, batch_size=np.int32(8), learning_rate=1, seed=np.uint32(7))
    plain = TrainingConfig(hidden_sizes=(64, 32), batch_size=8, learning_rate=1.0, seed=7)
    assert repr(config) == repr(plain)
    for value, sizes in ((48, (48,)), ([48, 9], (48, 9)), (range(8, 5, -1), (8, 7, 6)), (deque([9]), (9,))):
        assert TrainingConfig(hidden_sizes=value).hidden_sizes == sizes


def test_a_config_and_its_error_cross_to_another_process():
    """A study's workers send back what they could not do."""
    config = TrainingConfig(hidden_sizes=(8, 4), n_train=100)
    assert pickle.loads(pickle.dumps(config)) == config
    error = ConfigError("epochs", 0, "a whole number from 1 to 500")
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.field, copied.value, copied.expected) == (error.field, error.value, error.expected)
    assert str(copied) == str(error)


@given(config=configs)
def test_a_link_brings_the_same_config_back(config):
    query = write_query(config)
    assert read_query(query) == (config, ())
    assert read_query("?" + query) == (config, ())
    assert query.isascii()
    assert not set(query) & set(" <>\"'#\n")


def test_a_link_says_only_what_differs():
    assert write_query(START) == ""
    config = START.replace(hidden_sizes=(128, 64), learning_rate=0.1)
    assert write_query(config) == "hidden=128,64&lr=0.1"
    assert read_query("hidden=128%2C64&lr=1e-1")[0] == config


def test_presets_and_experiments_have_names():
    assert write_query(TrainingConfig()) == "preset=exercise"
    assert write_query(TrainingConfig(hidden_sizes=77)) == "preset=exercise&hidden=77"
    assert [read_query(f"preset={name}") for name in NAMED] == [(config, ()) for config in NAMED.values()]
    assert read_query("preset=exercise&hidden=64")[0] == TrainingConfig(hidden_sizes=64)
    assert [*NAMED.values()] == [*PRESETS.values(), *(one.config for one in SITUATIONS.values())]


@given(query=st.text(max_size=200))
def test_any_text_gives_a_valid_config(query):
    config, notices = read_query(query)
    assert config.replace() == config
    assert all(isinstance(notice, str) for notice in notices)


LONG = [f"lr={'0' * 10_000}1", f"hidden={'1,' * 5_000}", f"hidden={'9' * 5_000}", f"epochs={'9' * 10_000}"]
HOSTILE = ["lr=<script>alert(1)</script>", "<script>=1", "lr=nan", "lr=1e400", "epochs=%00", "batch=%ff%fe"]
MANY = "&".join(f"a{i}=1" for i in range(2_000))


@pytest.mark.parametrize("query", [*HOSTILE, *LONG, "x" * 10_000, MANY], ids=lambda query: query[:20])
def test_a_hostile_link_gives_the_defaults_and_short_notices(query):
    config, notices = read_query(query)
    assert config == START
    assert notices or "=" not in query
    assert len(notices) <= 9
    assert all(len(notice) < 300 for notice in notices)


@pytest.mark.parametrize(("query", "changes", "notice"), [
    ("color=red&epochs=3&utm=mail", {"epochs": 3}, "“color” and “utm” are not settings and are ignored."),
    ("color=red", {}, "“color” is not a setting and is ignored."),
    ("hidden_size=64", {}, "“hidden_size” is not a setting and is ignored; did you mean 'hidden'?"),
    ("&".join(f"k{i}=1" for i in range(98)), {}, "“k0”, “k1”, “k2” and 95 more are not settings and are ignored."),
    ("lr=1&batch=8&lr=2", {"learning_rate": 2, "batch_size": 8}, "“lr” stands more than once: the last is used."),
    ("lr=1&lr=0.5&tab=a&tab=b&tab=c", {}, "“lr” and “tab” stand more than once: the last of each is used."),
    ("preset=exersise", {}, "There is no preset “exersise”; did you mean 'exercise'?"),
    ("lr=1e-9", {"learning_rate": 1e-5},
     "Learning rate can't be “1e-9”: expected a number from 0.00001 to 100. 0.00001 is used."),
])  # fmt: skip
def test_what_is_ignored_or_replaced_is_named(query, changes, notice):
    assert read_query(query) == (START.replace(**changes), (notice,))


def test_keys_of_the_view_are_no_settings():
    view = "tab=inside&section=histograms&theme=dark&controls=hidden,lr&voila-theme=dark&bug=3&lr=0.5"
    assert read_query(view) == (START, ())


def test_of_a_long_link_whole_parts_are_read_as_far_as_it_goes():
    told = "The link is too long: only its first 10\u202f000 characters are read."
    for n, config in ((9_983, START.replace(learning_rate=0.5)), (9_982, START.replace(learning_rate=0.125))):
        found, notices = read_query("lr=0.5&x=" + "1" * n + "&lr=0.125&epochs=3")
        assert (found, told in notices) == (config, True), "and no piece of a number"


def test_of_many_bad_values_the_first_are_told_in_full_and_the_others_named():
    query = "&".join(f"{field.key}=?" for field in FIELDS.values())
    config, notices = read_query(query)
    assert config == START
    assert len(notices) == 6
    assert notices[-1] == (f"Replaced as well: {', '.join(field.label for field in [*FIELDS.values()][5:])}.")


def test_a_link_holds_out_no_more_than_9_of_10_images_in_use():
    config, notices = read_query("n=100&validation=500", fields_of(600, 10))
    assert (config.n_train, config.n_validation) == (100, 90)
    assert notices == ("Only 90 of these training images can be held out, not 500.",)
    config, notices = read_query("validation=540", fields_of(600, 10))
    assert (config.n_validation, notices) == (540, ())


@pytest.mark.parametrize(("query", "expected"), [
    ("batch=100000", {"batch_size": 60_000}), ("epochs=0", {"epochs": 1}),
    ("lr=1000", {"learning_rate": 100.0}), ("lr=0", {"learning_rate": 1e-5}),
    ("hidden=5000", {"hidden_sizes": (1024,)}), ("hidden=784-32-5000-10", {"hidden_sizes": (32, 1024)}),
    ("n=20000000", {}), ("dropout=1", {"dropout": 0.9}), ("l2=-1", {"l2": 0.0}),
    ("validation=20000000", {"n_validation": 10_000_000}), ("warmup=1000", {"warmup": 100}),
    ("rotation=360", {"rotation": 180.0}),
])  # fmt: skip
def test_a_number_out_of_range_is_clamped_with_a_notice(query, expected):
    config, notices = read_query(query)
    assert config == START.replace(**expected)
    assert len(notices) == 1


@pytest.mark.parametrize(("text", "sizes"), [
    *((text, (32, 16)) for text in ("32, 16", "32;16", " 32 16 ", "32-16", "32 – 16", "784-32-16-10")),
    ("784,32,10", (784, 32, 10)), ("10", (10,)), ("784-784-10", (784,)),
])  # fmt: skip
def test_hidden_layers_are_read_as_people_write_them(text, sizes):
    assert FIELDS["hidden_sizes"].parse(text) == sizes


@pytest.mark.parametrize(
    ("text", "alone", "whole"),
    [("784-32-16", "32-16", "784-32-16-10"), ("100-32-10", "100-32", "784-100-32-10")],
)
def test_inputs_without_the_outputs_are_refused_with_both_ways_to_write_them(text, alone, whole):
    with pytest.raises(ConfigError) as refused:
        FIELDS["hidden_sizes"].parse(text)
    expected = "the hidden layers alone, {}, or all layers, from 784 inputs to 10 outputs, {}"
    assert refused.value.expected == expected.format(alone, whole)


def test_the_outputs_are_the_classes_of_the_data():
    field = fields_of(600, 3)["hidden_sizes"]
    assert field.parse("784-32-3") == (32,)
    assert field.parse("32-10") == (32, 10)
    with pytest.raises(ConfigError, match="to 3 outputs, 784-32-10-3"):
        field.parse("784-32-10")


@pytest.mark.parametrize(
    "text", ["784-10", "784-2000-10", "32--16", "-32", "32-", "32-16, 8", "a-b", "", "32,,16"]
)
def test_what_is_no_row_of_layers_is_refused(text):
    with pytest.raises(ConfigError) as refused:
        FIELDS["hidden_sizes"].parse(text)
    assert refused.value.expected == FIELDS["hidden_sizes"].expected


def test_a_small_number_is_written_out():
    """As its control shows it: an exponent is no number that a slider stops at."""
    assert FIELDS["learning_rate"].expected == "a number from 0.00001 to 100"
    assert FIELDS["learning_rate"].format(1.5e-5) == "0.000015"
    assert write_query(START.replace(learning_rate=1e-5)) == "lr=0.00001"
    assert read_query("lr=1e-5") == (START.replace(learning_rate=1e-5), ())


def test_no_two_situations_are_the_same_and_none_is_a_preset():
    configs = [one.config for one in SITUATIONS.values()] + list(PRESETS.values())
    assert len({*configs}) == len(SITUATIONS) + len(PRESETS) >= 12
    assert not SITUATIONS.keys() & PRESETS.keys()


@pytest.mark.parametrize("one", SITUATIONS.values(), ids=SITUATIONS)
def test_each_situation_asks_says_where_to_look_and_answers(one):
    assert one.question.endswith("?")
    assert one.tab in {"data", "overview", "mistakes", "inside", "runs", "study"}
    assert (one.section in SECTIONS) if one.tab == "inside" else (one.section == "")
    assert one.reason.endswith(".")
    assert 8 <= one.reaches[0] < one.reaches[1] <= 100
    assert one.works == (one.reaches[0] > 90)


def test_a_preset_says_what_it_changes():
    assert preset_changes("Honest split") == (
        "Epochs 20, learning rate 0.001, optimizer Adam, validation images 10\u202f000, early stopping 3"
    )
    assert preset_changes("The exercise") == preset_changes("Modern") == ""
