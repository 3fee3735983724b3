"""From ink to an image as MNIST has them, compared with MNIST's own images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.datasets.preprocessing import BOX, CENTER, center, crop, frame, preprocess, scale

strokes = (
    st.tuples(st.integers(1, 56), st.integers(1, 56))
    .flatmap(lambda shape: arrays(np.bool_, shape, elements=st.booleans()))
    .filter(np.any)
    .map(lambda drawn: np.where(drawn, 255, 0).astype(np.uint8))
)


def enlarged(image, by):
    return np.kron(image, np.ones((by, by), np.uint8))


def test_mnist_images_come_back_as_they_are(mnist):
    for image in mnist.test_images[:300]:
        np.testing.assert_array_equal(preprocess(image), image)
        pad = np.zeros((200, 190), np.uint8)
        pad[3:143, 41:181] = enlarged(image, 5)
        np.testing.assert_array_equal(preprocess(pad), image)


@pytest.mark.parametrize("value", [1, 255])
@pytest.mark.parametrize("place", [(0, 0), (139, 139), (70, 3)])
def test_a_single_dot_fills_the_box(place, value):
    ink = np.zeros((140, 140), np.uint8)
    ink[place] = value
    image = preprocess(ink)
    assert image[4:24, 4:24].min() == value
    assert np.count_nonzero(image) == 400


def test_no_ink_is_a_blank_image():
    assert preprocess(np.zeros((140, 140), np.uint8)).shape == (28, 28)


def test_scaling_by_hand():
    """30 × 15 pixels of ink in the left third: 20 × 10, of which columns 0 to 2 are full and column 3 a third."""
    ink = np.zeros((30, 15), np.uint8)
    ink[:, :5] = 240
    expected = np.zeros((20, 10))
    expected[:, :3], expected[:, 3] = 240, 80
    np.testing.assert_array_equal(scale(ink), expected)


def test_faint_ink_in_a_large_area_is_still_somewhere():
    ink = np.zeros((140, 140), np.uint8)
    ink[0, 0] = ink[139, 139] = ink[60, 60] = 1
    assert preprocess(ink).any()


@settings(max_examples=30)
@given(strokes)
def test_the_longest_side_is_20_and_the_mass_in_the_center(ink):
    image, scaled = preprocess(ink), scale(crop(ink))
    assert max(scaled.shape) == max(crop(image).shape) == BOX
    sides = np.array(crop(ink).shape) * BOX / max(crop(ink).shape)
    assert np.abs(np.maximum(sides, 1) - scaled.shape).max() <= 0.5
    assert image.sum() == scaled.sum()
    places_of_ink = np.nonzero(image)
    for places in places_of_ink:
        mass = np.average(places, weights=image[places_of_ink])
        at_an_edge = places.min() == 0 or places.max() == 27
        assert abs(mass - CENTER) <= 0.5 + 1e-9 or at_an_edge


@settings(max_examples=30)
@given(strokes, st.integers(60, 140), st.integers(0, 3), st.integers(0, 3))
def test_the_image_lies_on_the_drawing_where_its_frame_says(ink, side, top, left):
    drawing = np.zeros((side, side), np.uint8)
    drawing[top : top + len(ink), left : left + ink.shape[1]] = ink
    x, y, size = frame(drawing)
    image = preprocess(drawing)
    for places, start, drawn in zip(np.nonzero(image), (y, x), np.nonzero(drawing), strict=True):
        ends = side * (start + size * np.array([places.min(), places.max() + 1]) / 28)
        pixel = side * size / 28
        assert np.abs(ends - [drawn.min(), drawn.max() + 1]).max() <= pixel  # to a pixel of the image


@settings(max_examples=30)
@given(strokes, st.tuples(*[st.integers(0, 9)] * 4), st.integers(1, 3))
def test_place_and_size_do_not_matter(ink, margins, by):
    top, bottom, left, right = margins
    elsewhere = np.pad(enlarged(ink, by), ((top, bottom), (left, right)))
    difference = scale(crop(elsewhere)).astype(int) - scale(crop(ink))
    assert np.abs(difference).max() <= 1  # a half may round either way


@settings(max_examples=25)
@given(arrays(np.uint8, (20, 20)).filter(np.any))
def test_no_ink_leaves_the_image(ink):
    np.testing.assert_array_equal(crop(center(ink)), crop(ink))
