"""Runs are called by what sets them apart: short, and the same in every session that begins alike."""

import pytest

from explorer.session.run_names import entry_labels, fork_label, run_label
from explorer.training import FIELDS, PRESETS
from explorer.training.fields import Change

EXERCISE, MODERN = PRESETS["The exercise"], PRESETS["Modern"]
CHANGED = {
    "hidden_sizes": ((64, 16), "64-16 units"),
    "hidden_activation": ("tanh", "tanh"),
    "output": ("softmax", "softmax output"),
    "loss": ("cross_entropy", "cross-entropy"),
    "initializer": ("uniform", "uniform weights"),
    "batch_size": (8192, "batch 8\u202f192"),
    "learning_rate": (0.003, "lr 0.003"),
    "optimizer": ("adam", "Adam"),
    "reduction": ("mean", "by mean"),
    "seed": (7, "seed 7"),
    "n_train": (1000, "1\u202f000 images"),
    "schedule": ("cosine", "cosine schedule"),
    "warmup": (3, "warm-up 3"),
    "l2": (1e-4, "L2 0.0001"),
    "l1": (1e-5, "L1 0.00001"),
    "dropout": (0.2, "dropout 0.2"),
    "input_dropout": (0.1, "input dropout 0.1"),
    "max_norm": (2.0, "max-norm 2"),
    "shift": (2.0, "shift 2"),
    "rotation": (15.0, "rotation 15"),
    "scale": (0.1, "scale 0.1"),
    "elastic": (1.5, "elastic distortion 1.5"),
    "n_validation": (10_000, "10\u202f000 validation images"),
    "patience": (3, "early stopping 3"),
    "changes": ((Change(117, 0.001, 64),), "1 change in mid-run"),
}


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "epochs"])
def test_every_setting_has_its_words(name):
    value, words = CHANGED[name]
    assert run_label(EXERCISE.replace(**{name: value})) == words


@pytest.mark.parametrize(
    ("config", "first", "words"),
    [
        (EXERCISE, None, "the exercise"),
        (EXERCISE, MODERN, "the exercise"),
        (MODERN, None, "Modern"),
        (MODERN, EXERCISE, "Modern"),
        (MODERN.replace(hidden_sizes=64), EXERCISE, "Modern, 64 units"),
        (EXERCISE.replace(hidden_sizes=1), EXERCISE, "1 unit"),
        (EXERCISE.replace(batch_size=64, learning_rate=0.1), EXERCISE, "batch 64, lr 0.1"),
        # compared with the session's first run, whatever that is
        (EXERCISE.replace(seed=3, batch_size=64), EXERCISE.replace(seed=3), "batch 64"),
        (EXERCISE.replace(seed=3), EXERCISE.replace(seed=3), "seed 3"),
        (EXERCISE.replace(batch_size=64), EXERCISE.replace(seed=3), "the exercise, batch 64"),
        # more epochs continue a run, which keeps its name
        (EXERCISE.replace(epochs=50), EXERCISE, "the exercise"),
        (
            EXERCISE.replace(
                hidden_sizes=9, hidden_activation="tanh", seed=7, learning_rate=0.1, batch_size=8
            ),
            None,
            "9 units, tanh, batch 8, 2 more",
        ),
        (EXERCISE.replace(epochs=50, batch_size=64), EXERCISE.replace(batch_size=64), "batch 64"),
    ],
)
def test_a_run_is_called_by_what_differs(config, first, words):
    assert run_label(config, first) == words


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ([{}, {"optimizer": "adam", "learning_rate": 0.003}], ["plain SGD, lr 0.01", "Adam, lr 0.003"]),
        ([{}, {"batch_size": 64}], ["batch 512", "batch 64"]),
        ([{}, {"dropout": 0.2}, {"l2": 1e-4}], ["without", "dropout 0.2", "L2 0.0001"]),
    ],
)
def test_the_entries_of_a_race_are_called_by_what_is_raced(changes, labels):
    assert entry_labels([EXERCISE.replace(**change) for change in changes]) == labels


def test_a_fork_names_its_parent_and_what_it_changed():
    slower = EXERCISE.replace(learning_rate=0.003, epochs=20)
    assert fork_label(slower, EXERCISE, 12, 4.0) == "branch of run 12 at epoch 4, lr 0.003"
