"""Which runs a study has."""

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from explorer.training import FIELDS, ConfigError, TrainingConfig
from explorer.training.studies import grid
from explorer.training.studies.configs import parse_values

SMALL = TrainingConfig(hidden_sizes=(8,), epochs=2, n_train=100)

AXES = st.fixed_dictionaries(
    {},
    optional={
        "batch_size": st.lists(st.integers(1, 60_000), min_size=1, max_size=4, unique=True),
        "hidden_sizes": st.lists(
            st.lists(st.integers(1, 1024), min_size=1, max_size=6).map(tuple),
            min_size=1,
            max_size=4,
            unique=True,
        ),
        "learning_rate": st.lists(st.floats(1e-5, 100), min_size=1, max_size=4, unique=True),
        "seed": st.integers(1, 4).map(range),
    },
)


@given(axes=AXES)
def test_a_grid_has_each_combination_once_the_last_setting_fastest(axes):
    configs = grid(SMALL, **axes)
    assert len({*configs}) == len(configs) == math.prod(map(len, axes.values()))
    places = [
        tuple(list(axis).index(getattr(config, name)) for name, axis in axes.items()) for config in configs
    ]
    assert places == sorted(places)
    assert {config.replace(**{name: getattr(SMALL, name) for name in axes}) for config in configs} == {SMALL}


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        ({"batch_size": [0]}, "batch_size is 0; expected a whole number from 1 to 60.000"),
        ({"batch_size": []}, r"batch_size is \[\]; expected at least one value"),
        ({"batch_size": 8}, "batch_size is 8; expected a list of values, or a range"),
        ({"reduction": "sum"}, "reduction is 'sum'; expected a list of values, or a range"),
        ({"rate": [1]}, r"rate is \[1\]; expected one of the settings hidden_sizes, .*learning_rate"),
    ],
)
def test_a_grid_says_what_it_refuses(axes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        grid(SMALL, **axes)


@pytest.mark.parametrize(
    ("setting", "text", "values"),
    [
        ("batch_size", "8, 32; 128,", (8, 32, 128)),
        ("batch_size", "8, 8", (8,)),
        ("batch_size", "60 000", (60_000,)),
        ("batch_size", "1..100 ×3", (1, 10, 100)),
        ("batch_size", "1, 32..128 x 2", (1, 32, 128)),
        ("seed", "1..5", (1, 2, 3, 4, 5)),
        ("learning_rate", "1e-3..1 ×4", (0.001, 0.01, 0.1, 1.0)),
        ("learning_rate", "0.01 … 1 *3", (0.01, 0.1, 1.0)),
        ("learning_rate", "0.01..100", (0.01, 0.1, 1.0, 10.0, 100.0)),
        ("hidden_sizes", "32, 128-64", ((32,), (128, 64))),
        ("hidden_sizes", "4..64 ×3", ((4,), (16,), (64,))),
        ("loss", "squared_error, cross_entropy", ("squared_error", "cross_entropy")),
        ("n_train", "1000, all", (1000, None)),
    ],
)
def test_values_are_a_list_or_a_range(setting, text, values):
    assert parse_values(FIELDS[setting], text) == values


@pytest.mark.parametrize(
    ("setting", "text", "expected"),
    [
        ("batch_size", "  ", "at least one value"),
        ("batch_size", "8, many", "a whole number from 1 to"),
        ("batch_size", "0..8", "a whole number from 1 to"),
        ("learning_rate", "0.1..1 ×1", "2 to 1000 values in a range"),
        ("learning_rate", "0.1..1 ×999999999", "2 to 1000 values in a range"),
        ("batch_size", ",".join(map(str, range(1, 1002))), "at most 1000 values"),
        ("output", "sigmoid..softmax", "a list of values"),
        ("n_train", "1000..all", "a list of values"),
        ("learning_rate", "nan", "a number from"),
        ("hidden_sizes", "32..64-32", "a list of values"),
    ],
)
def test_what_no_setting_may_be_is_refused(setting, text, expected):
    with pytest.raises(ConfigError) as error:
        parse_values(FIELDS[setting], text)
    assert error.value.expected.startswith(expected)
