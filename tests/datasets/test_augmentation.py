"""Distorted and corrupted images: what moves where, how much, and the same again from the same generator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.datasets.augmentation import CORRUPTIONS, Augmentation, corrupt, distort, look_up, transform

ALL = Augmentation(shift=2, rotation=15, scale=0.15, elastic=1.4)
EACH = [Augmentation(**{name: getattr(ALL, name)}) for name in ALL.__slots__]


@pytest.fixture(scope="module")
def images():
    """200 images of noise up to their edges: nothing that moves them goes unseen."""
    return np.random.default_rng(1).integers(0, 256, (200, 28, 28), dtype=np.uint8)


def distorted(images, augmentation, seed=0):
    return distort(images, augmentation, np.random.default_rng(seed))


@pytest.mark.parametrize("augmentation", EACH)
def test_each_kind_by_itself_changes_every_image(images, augmentation):
    before = images.copy()
    assert augmentation.is_on
    assert (distorted(images, augmentation) != images).any(axis=(1, 2)).mean() > 0.95  # a turn may be tiny
    np.testing.assert_array_equal(images, before)


@given(right=st.integers(-30, 30), down=st.integers(-30, 30))
def test_whole_pixels_shift_exactly_and_what_comes_in_is_0(images, right, down):
    padded = np.pad(images[:3], ((0, 0), (30, 30), (30, 30)))
    expected = padded[:, 30 - down : 58 - down, 30 - right : 58 - right]
    np.testing.assert_array_equal(transform(images[:3], right, down), expected)


@pytest.mark.parametrize("degrees", [-30, 10, 45])
def test_a_turn_back_and_a_shift_after_it(mnist, degrees):
    """Turned, then shifted, as the amounts say: the center of mass tells the order."""
    images = mnist.train_images.reshape(-1, 28, 28)[:50]
    moved = transform(images, 3, -2, degrees, 0.8)
    x, y = centers(images)
    angle = np.deg2rad(degrees)
    expected_x = 0.8 * (np.cos(angle) * x + np.sin(angle) * y) + 3
    expected_y = 0.8 * (np.cos(angle) * y - np.sin(angle) * x) - 2
    np.testing.assert_allclose(centers(moved), (expected_x, expected_y), atol=0.15)


def centers(images):
    """The centers of mass of the ink, from the center of the image: columns, rows."""
    row, column = np.indices((28, 28)) - 13.5
    ink = images.sum(axis=(1, 2), dtype=float)
    return (images * column).sum(axis=(1, 2)) / ink, (images * row).sum(axis=(1, 2)) / ink


def test_amounts_are_uniform_up_to_their_limits(mnist):
    image = np.zeros((4000, 28, 28), np.uint8)
    image[:, 13:15, 13:15] = 255  # a spot at the center
    x, y = centers(distorted(image, Augmentation(shift=3)))
    for amounts in (x, y):
        assert 2.9 < np.abs(amounts).max() < 3.01
        np.testing.assert_allclose([amounts.mean(), amounts.std()], [0, 3 / 3**0.5], atol=0.06)
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.05
    image = np.zeros((4000, 28, 28), np.uint8)
    image[:, 13:15, 23:25] = 255  # one at the right
    x, y = centers(distorted(image, Augmentation(rotation=20)))
    degrees = np.rad2deg(np.arctan2(-y, x))
    assert 19.5 < np.abs(degrees).max() < 20.3
    np.testing.assert_allclose([degrees.mean(), degrees.std()], [0, 20 / 3**0.5], atol=0.5)
    factors = np.hypot(*centers(distorted(image, Augmentation(scale=0.1)))) / 10
    np.testing.assert_allclose([factors.min(), factors.mean(), factors.max()], [0.9, 1, 1.1], atol=0.01)


RAMP = np.broadcast_to((np.arange(28) * 9).astype(np.uint8), (4000, 28, 28))
INSIDE = slice(6, 22)  # four standard deviations from the edge, past which a ramp of gray falls to 0


def displacements(elastic):
    """How far right of itself each pixel looks: the gray of a ramp tells."""
    return (distorted(RAMP, Augmentation(elastic=elastic)) / 9 - np.arange(28))[:, INSIDE, INSIDE]


@pytest.mark.parametrize("elastic", [0.5, 1.4])
def test_elastic_is_the_standard_deviation_of_the_displacement_at_every_pixel(elastic):
    moved = displacements(elastic)
    np.testing.assert_allclose(moved.std(axis=0), elastic, rtol=0.06)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=0.1)


def test_the_displacements_are_those_of_a_gaussian_of_4_pixels():
    """White noise smoothed by σ has the autocorrelation exp(-d² / 4σ²)."""
    moved = displacements(1)
    for distance in (2, 4, 8, 12):
        expected = np.exp(-(distance**2) / 64)
        for start in (0, 3):
            down = np.corrcoef(moved[:, start, 7], moved[:, start + distance, 7])[0, 1]
            along = np.corrcoef(moved[:, 7, start], moved[:, 7, start + distance])[0, 1]
            np.testing.assert_allclose([down, along], expected, atol=0.06)


def test_places_are_looked_up_between_four_pixels(images):
    places = np.random.default_rng(3).uniform(-3, 31, (2, len(images), 784)).astype(np.float32)
    padded = np.pad(images, ((0, 0), (5, 5), (5, 5))).astype(float)
    column, row = (np.floor(place).astype(int) for place in places)
    right, below = places[0] - column, places[1] - row
    number = np.arange(len(images))[:, None]
    expected = sum(
        padded[number, row + 5 + down, column + 5 + across]
        * (below if down else 1 - below)
        * (right if across else 1 - right)
        for down in (0, 1)
        for across in (0, 1)
    )
    found = look_up(images, places).reshape(expected.shape)
    assert np.abs(found - expected).max() < 2  # a place is exact to 1/512 pixel, a gray level to ½
    assert abs(np.mean(found - expected)) < 0.01


def test_the_same_generator_gives_the_same_and_another_one_others(images):
    np.testing.assert_array_equal(distorted(images, ALL), distorted(images, ALL))
    assert (distorted(images, ALL) != distorted(images, ALL, seed=1)).any(axis=(1, 2)).all()


AMOUNTS = [(kind, amount) for kind, one in CORRUPTIONS.items() for amount in one.amounts]


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.test_images[:100]


def ink(images):
    return images.sum(axis=(1, 2), dtype=float)


@pytest.mark.parametrize(("kind", "amount"), AMOUNTS)
def test_each_amount_changes_the_images_and_0_does_not(digits, kind, amount):
    images, before = digits, digits.copy()
    new = corrupt(images, kind, amount)
    assert (new.dtype, new.shape) == (np.uint8, images.shape)
    changed = (new != images).any(axis=(1, 2))
    assert changed.all() if amount else not changed.any()
    np.testing.assert_array_equal(images, before)
    assert not np.may_share_memory(new, images)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_an_image_is_changed_alike_whichever_come_after_it(digits, kind):
    amount = CORRUPTIONS[kind].amounts[-1]
    np.testing.assert_array_equal(corrupt(digits[:8], kind, amount), corrupt(digits, kind, amount)[:8])


def test_it_turns_anticlockwise(digits):
    quarter = corrupt(digits, "rotation", 90).astype(int)
    assert np.abs(quarter - np.rot90(digits, axes=(1, 2))).max() <= 2


def test_a_shift_is_as_far_as_the_amount_says():
    image = np.zeros((500, 28, 28), np.uint8)
    image[:, 13:15, 13:15] = 255
    row, column = np.indices((28, 28)) - 13.5
    moved = corrupt(image, "shift", 5)
    x, y = ((moved * axis).sum(axis=(1, 2)) / ink(moved) for axis in (column, row))
    np.testing.assert_allclose(np.hypot(x, y), 5, atol=0.05)
    assert abs(np.exp(1j * np.arctan2(y, x)).mean()) < 0.15  # in all directions


def test_noise_has_the_standard_deviation_that_the_amount_says():
    gray = np.full((50, 28, 28), 128, np.uint8)
    assert abs(corrupt(gray, "noise", 10).std() - 25.5) < 0.3
    assert corrupt(gray, "noise", 80).min() == 0
    assert corrupt(gray, "noise", 80).max() == 255


@pytest.mark.parametrize("sigma", [0.5, 1.5, 3])
def test_blur_is_a_gaussian(sigma):
    point = np.zeros((1, 28, 28), np.uint8)
    point[0, 14, 14] = 255
    distances = (np.indices((28, 28)) - 14.0) ** 2
    expected = np.exp(-distances.sum(axis=0) / (2 * sigma**2))
    np.testing.assert_allclose(corrupt(point, "blur", sigma)[0], 255 * expected / expected.sum(), atol=1)


def test_strokes_are_wider_by_the_amount():
    line = np.zeros((1, 28, 28), np.uint8)
    line[0, :, 10:15] = 255
    for pixels in (-2, -1, 0.5, 1, 2):
        rows = corrupt(line, "stroke", pixels)[0, 5:20]
        np.testing.assert_allclose(rows.sum(axis=1) / 255, 5 + pixels, atol=0.02)


@pytest.mark.parametrize("side", [2, 5, 16, 33, 64])
def test_images_of_any_size_turn_about_their_own_center(side):
    images = np.random.default_rng(side).integers(0, 256, (40, side, side)).astype(np.uint8)
    np.testing.assert_array_equal(transform(images, degrees=90.0), np.rot90(images, axes=(1, 2)))
    np.testing.assert_array_equal(transform(images, right=1.0)[:, :, 1:], images[:, :, :-1])
    for kind, corruption in CORRUPTIONS.items():
        assert corrupt(images, kind, corruption.amounts[-1]).shape == images.shape
