"""Sprites: a PNG reader of someone else finds every pixel where it should be."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from explorer.figures.digits import GAP, array_picture, as_images, sprite, weights_sprite
from explorer.figures.palette import PALETTES, rgb


def pixels(png: bytes) -> np.ndarray:
    """Return the PNG's RGBA values, shape (height, width, 4)."""
    with Image.open(io.BytesIO(png)) as image:
        image.load()  # checks every chunk's sum
        assert image.format == "PNG"
        return np.asarray(image.convert("RGBA"))


@pytest.fixture
def images() -> np.ndarray:
    """Return five images of 4 × 3 pixels; image i has full ink at row 1, column 2 and ink 50·i elsewhere."""
    images = np.zeros((5, 4, 3), np.uint8) + (50 * np.arange(5, dtype=np.uint8))[:, None, None]
    images[:, 1, 2] = 255
    return images


@pytest.mark.parametrize("scale", [1, 3])
def test_each_image_stands_in_its_place(images, scale):
    shown = pixels(sprite(images, 2, scale=scale))
    assert shown.shape == (3 * (4 + GAP) * scale, 2 * (3 + GAP) * scale, 4)
    for i in range(5):
        top, left = (i // 2) * (4 + GAP) * scale, (i % 2) * (3 + GAP) * scale
        tile = shown[top : top + 4 * scale, left : left + 3 * scale]
        assert (tile[..., 3] == 255).all()
        ink = tile[scale : 2 * scale, 2 * scale :]
        assert (ink[..., :3] == rgb(PALETTES["light"].text)).all()
        assert len(np.unique(tile[:scale].reshape(-1, 4), axis=0)) == 1


def test_gaps_and_missing_images_are_transparent(images):
    alpha = pixels(sprite(images, 2))[..., 3]
    assert (alpha[4::5] == 0).all()
    assert (alpha[:, 3::4] == 0).all()
    assert (alpha[10:, 4:] == 0).all()
    assert np.count_nonzero(alpha) == 5 * 4 * 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ink_goes_from_the_raised_surface_to_text(theme):
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 8, 32)
    shown = pixels(sprite(ramp, 1, theme=theme))[:8, :32, :3].reshape(-1, 3).astype(int)
    assert tuple(shown[0]) == rgb(PALETTES[theme].raised)
    assert tuple(shown[-1]) == rgb(PALETTES[theme].text)
    brightness = shown.sum(axis=1)
    steps = np.diff(brightness if theme == "dark" else -brightness)
    assert (steps >= 0).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_weights_are_symmetric_about_zero(theme):
    weights = np.array([[[-2.0, 0.0, 2.0, 1.0, -1.0]]])
    palette = PALETTES[theme]
    shown = pixels(weights_sprite(weights, 1, theme=theme))[0, :5, :3].astype(int)
    assert tuple(shown[0]) == rgb(palette.negative)
    assert tuple(shown[1]) == rgb(palette.raised)
    assert tuple(shown[2]) == rgb(palette.positive)
    limited = pixels(weights_sprite(weights, 1, theme=theme, limit=1.0))[0, 3, :3]
    assert tuple(limited) == rgb(palette.positive)
    for half, end in ((shown[3], palette.positive), (shown[4], palette.negative)):
        np.testing.assert_allclose(half, (np.array(rgb(end)) + rgb(palette.raised)) / 2, atol=1.5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0])
def test_diverged_and_zero_weights_are_drawn_as_zero(bad):
    shown = pixels(weights_sprite(np.full((1, 2, 2), bad), 1))
    assert (shown[:2, :2, :3] == rgb(PALETTES["light"].raised)).all()


def test_a_point_is_a_dot_where_it_is_and_two_weights_what_they_add_at_each_place_of_the_plane():
    points = np.array([[[0, 255]], [[255, 0]]], np.uint8)
    shown = pixels(sprite(points, 2))
    ink = (shown[..., :3] == rgb(PALETTES["light"].text)).all(axis=-1)
    assert (ink[0, 0], ink[27, 28 + GAP + 27], ink.sum() > 2) == (True, True, True)
    assert not ink[14:, :14].any()
    assert not ink[:14, 14:28].any()
    right, up = as_images(np.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(right, np.tile(np.linspace(-1, 1, 28), (28, 1)), atol=1e-12)
    np.testing.assert_allclose(up, right.T[::-1], atol=1e-12)


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("columns", [False, True])
def test_an_array_with_the_pixels_of_images_is_images_of_one_scale(theme, columns):
    values = np.linspace(0, 0.5, 10 * 784).reshape(10, 784)
    png, kind, part = array_picture(values.T if columns else values, theme)
    assert (pixels(png).shape[:2], kind, part) == ((2 * 29, 8 * 29), "images", "")
    assert png == array_picture(values, theme)[0]
    assert tuple(pixels(png)[28, 0, :3]) != rgb(PALETTES[theme].text)
    assert tuple(pixels(png)[29 + 27, 29 + 27, :3]) == rgb(PALETTES[theme].text)  # the largest, of the tenth
    *_, part = array_picture(np.ones((40, 784)))
    assert part == "32 of 40 images"
    negative = pixels(array_picture(-values, theme)[0])[29 + 27, 29 + 27, :3]
    assert tuple(negative) == rgb(PALETTES[theme].negative)


def test_a_vector_is_bars_from_zero_and_a_matrix_is_cells():
    palette, bars = PALETTES["light"], array_picture(np.array([1.0, -0.5, np.nan]))
    shown = [[tuple(one[:3]) for one in column] for column in pixels(bars[0]).transpose(1, 0, 2)]
    assert 30 <= shown[0].count(rgb(palette.positive)) <= 33  # of 48
    assert 14 <= shown[1].count(rgb(palette.negative)) <= 17
    assert {*shown[2][:48]} == {rgb(palette.raised)}
    assert bars[1:] == ("bars", "")
    cells = array_picture(np.array([[2.0, -2.0], [0.0, np.inf], [0.0, 0.0]]))
    assert pixels(cells[0]).shape == (3 + GAP, 2 + GAP, 4)
    assert tuple(pixels(cells[0])[0, 1, :3]) == rgb(palette.negative)
    assert cells[1:] == ("cells", "")
    assert array_picture(np.ones((100, 200)))[2] == "the first 64 × 90"
    assert array_picture(np.ones(200))[2] == "the first 90"


def test_neither_pillow_nor_plotly_is_needed():
    code = "import sys; import explorer.figures.digits; print({'PIL', 'plotly'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("side", [2, 8, 16, 32, 33, 64])
def test_squares_of_any_size_lie_where_those_of_28_pixels_do(side):
    images = np.random.default_rng(1).integers(0, 255, (3, side, side)).astype(np.uint8)
    shown = pixels(sprite(images, 2))
    larger = len(shown) // (2 * 29)
    assert (shown.shape[:2], larger * 28 >= side) == ((2 * 29 * larger, 2 * 29 * larger), True)
    is_drawn = shown[..., 3] > 0
    assert is_drawn[: 28 * larger, 29 * larger : 57 * larger].all()
    assert not is_drawn[:, 28 * larger : 29 * larger].any()
    alone = pixels(sprite(images[1:2, :1, :1], 1))[0, 0]
    np.testing.assert_array_equal(shown[0, 29 * larger], alone)
