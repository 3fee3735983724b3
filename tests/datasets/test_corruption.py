"""Images made harder: what each amount does to them, and the same again."""

import numpy as np
import pytest

from explorer.datasets.corruption import CORRUPTIONS, corrupt

EACH = [(kind, amount) for kind, one in CORRUPTIONS.items() for amount in one.amounts]


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.test_images[:100]


def ink(images):
    return images.sum(axis=(1, 2), dtype=float)


@pytest.mark.parametrize(("kind", "amount"), EACH)
def test_each_amount_changes_the_images_and_0_does_not(images, kind, amount):
    before = images.copy()
    new = corrupt(images, kind, amount)
    assert (new.dtype, new.shape) == (np.uint8, images.shape)
    changed = (new != images).any(axis=(1, 2))
    assert changed.all() if amount else not changed.any()
    np.testing.assert_array_equal(images, before)
    assert not np.may_share_memory(new, images)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_an_image_is_changed_alike_whichever_come_after_it(images, kind):
    amount = CORRUPTIONS[kind].amounts[-1]
    np.testing.assert_array_equal(corrupt(images[:8], kind, amount), corrupt(images, kind, amount)[:8])


def test_it_turns_anticlockwise(images):
    quarter = corrupt(images, "rotation", 90).astype(int)
    assert np.abs(quarter - np.rot90(images, axes=(1, 2))).max() <= 2


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
