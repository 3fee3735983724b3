"""Points in a plane: how many, of which classes, where, and the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer import DatasetError, TrainingConfig, load_dataset, load_plane, train
from explorer.datasets.plane import KINDS, PREFIX, Plane, dataset_of, plane_of
from explorer.training.presets import POINTS

SPLITS = ("train_images", "train_labels", "test_images", "test_labels")


@st.composite
def planes(draw):
    kind = draw(st.sampled_from([*KINDS]))
    points = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, KINDS[kind] - 1))
    return Plane(
        kind,
        draw(st.integers(2, 300)),
        draw(st.integers(0, 30)) / 100,
        draw(st.integers(10, 90)) / 100,
        draw(st.integers(0, 999)),
        "".join(bytes(point).hex() for point in draw(st.lists(points, max_size=5))),
    )


@given(planes())
def test_the_points_are_as_many_as_asked_of_all_classes_and_the_same_again(plane):
    data, n_classes, n_added = dataset_of(plane), KINDS[plane.kind], len(plane.added) // 6
    assert (data.n_inputs, data.n_classes, data.is_plane) == (2, n_classes, True)
    assert data.n_train + data.n_test == plane.n + n_added
    assert abs(data.n_train - n_added - plane.share * plane.n) <= 1
    n_drawn = data.n_train - n_added
    counts = np.bincount([*data.train_labels[:n_drawn], *data.test_labels], minlength=n_classes)
    assert np.ptp(counts) <= 1
    other = dataset_of(replace(plane, seed=(plane.seed + 1) % 1000))
    assert plane.n < 20 or not np.array_equal(other.test_images, data.test_images)
    dataset_of.cache_clear()
    again = dataset_of(plane)
    for name in SPLITS:
        np.testing.assert_array_equal(getattr(data, name), getattr(again, name))


@given(planes())
def test_as_text_it_is_the_same_plane_and_a_source_to_load(plane):
    assert Plane.parse(plane.text) == plane
    data = load_dataset(PREFIX + plane.text)
    assert data is dataset_of(plane)
    assert plane_of(data) == plane


@pytest.mark.parametrize("kind", KINDS)
def test_the_classes_are_where_the_formula_puts_them(kind):
    data = load_plane(kind, n=2000, noise=0)
    points = data.X_train.T - 0.5
    radius, label = np.hypot(*points.T), data.train_labels
    assert radius.max() <= 0.72 if kind == "quarters" else radius.max() <= 0.5
    if kind == "quarters":
        inner = (np.abs(points) > 0.01).all(axis=1)
        assert ((points[:, 0] * points[:, 1] < 0) == label)[inner].all()
    elif kind == "circles":
        assert ((radius > 0.25) == label).all()
    elif kind == "spirals":
        angle = np.arctan2(points[:, 1], points[:, 0]) - 3.5 * np.pi * radius / 0.45
        far = radius > 0.1  # nearer, a step of 1/255 is a large angle
        assert (np.cos(angle - np.pi * label)[far] > 0.9).all()
    elif kind == "moons":
        x, y = points.T / 0.28 + [[0.5], [0.25]]
        centers = np.where(label == 0, [[0.0], [0.0]], [[1.0], [0.5]])
        assert np.abs(np.hypot(x - centers[0], y - centers[1]) - 1).max() < 0.02
    else:
        assert np.abs([points[label == k].mean(axis=0) for k in range(3)]).max() < 0.27


def test_added_points_are_the_last_training_points_and_leave_the_test_points():
    plain, more = dataset_of(Plane()), dataset_of(Plane(added="010200ff0001"))
    assert more.train_images[-2:].ravel().tolist() == [1, 2, 255, 0]
    assert more.train_labels[-2:].tolist() == [0, 1]
    assert more.compares_with(plain)
    assert more.whole is not plain.whole


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rings,400,0,0.5,0", "kind 'rings'"),
        ("spirals,1,0,0.5,0", "n 1"),
        ("spirals,400,nan,0.5,0", "noise nan"),
        ("spirals,400,0,1,0", "share 1.0"),
        ("spirals,400,0,0.5,-1", "seed -1"),
        ("spirals,400,0,0.5,0,00ff02", "added points"),
        ("spirals,400,0,0.5,0,00f", "added points"),
        ("spirals,400", "'spirals,400'"),
        ("spirals,400,0,0.5,0," + 201 * "000000", "added points"),
    ],
)
def test_what_is_no_plane_is_refused_with_what_is_expected(text, found):
    with pytest.raises(DatasetError, match=rf"{found}.*expected"):
        load_dataset(PREFIX + text)


def test_two_spirals_are_learned_with_the_settings_for_points():
    *_, last = train(POINTS, load_plane("spirals"))
    assert last.test_accuracy >= 0.95


@pytest.mark.parametrize(
    "plane", [Plane(n=2), Plane("gaussians", 3, 0.3), Plane("moons", 2, 0, added=200 * "090900")]
)
def test_few_points_and_equal_ones_are_trained_like_any(plane):
    *_, last = train(TrainingConfig(hidden_sizes=2, epochs=2), dataset_of(plane))
    assert 0 <= last.test_accuracy <= 1


def test_points_are_not_distorted():
    data, plain = load_plane("moons"), POINTS.replace(epochs=2)
    (*_, a), (*_, b) = train(plain, data), train(plain.replace(shift=2.0), data)
    assert (a.test_loss, a.train_loss) == (b.test_loss, b.train_loss)
