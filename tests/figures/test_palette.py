"""The colors hold what they promise: contrast by WCAG, and differences that color-blind eyes see."""

from itertools import combinations

import numpy as np
import pytest

from explorer.figures.layers import N_SYMBOLS
from explorer.figures.palette import CLASS_COLORS, PALETTES, rgb

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color vision
# deficiency", IEEE TVCG 15(6), severity 1.0; on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
# IEC 61966-2-1, and the white point D65.
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = RGB_TO_XYZ.sum(axis=1)


def linear(color: str) -> np.ndarray:
    """Return the linear RGB of ``#rrggbb``, shape (3,), each 0 to 1."""
    share = np.array(rgb(color)) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(color: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* of linear RGB."""
    t = RGB_TO_XYZ @ color / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, deficiency: str) -> float:
    """Return the CIE 1976 distance of two colors as an eye with `deficiency` sees them."""
    matrix = DEFICIENCIES[deficiency]
    seen = [lab(np.clip(matrix @ linear(color), 0, 1)) for color in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.2, 1 to 21."""
    light, dark = sorted((float(RGB_TO_XYZ[1] @ linear(c)) for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(weak: str, strong: str, share: float) -> str:
    """Return the color `share` of the way from `weak` to `strong`, as Plotly's scales mix: in sRGB."""
    parts = (1 - share) * np.array(rgb(weak)) + share * np.array(rgb(strong))
    return "#" + "".join(f"{round(part):02x}" for part in parts)


@pytest.fixture(params=["light", "dark"])
def palette(request):
    return PALETTES[request.param]


@pytest.mark.parametrize("deficiency", list(DEFICIENCIES))
def test_colors_that_mean_opposites_and_curves_stay_apart(palette, deficiency):
    assert distance(palette.train, palette.test, deficiency) > 40
    assert distance(palette.good, palette.error, deficiency) > 25
    for one, other in combinations((palette.train, palette.test, palette.earlier), 2):
        assert distance(one, other, deficiency) > 20


AXES = ["samples", "units", "classes", "pixels"]


@pytest.mark.parametrize("text", ["text", "muted", "accent", "good", "warning", "error", *AXES])
@pytest.mark.parametrize("ground", ["surface", "page", "raised"])
def test_text_is_legible(palette, text, ground):
    assert contrast(getattr(palette, text), getattr(palette, ground)) >= 4.5
    assert contrast(palette.on_accent, palette.accent) >= 4.5  # on the primary button


def test_curves_stand_out_from_the_surface(palette):
    for color in (palette.train, palette.test):
        assert contrast(color, palette.surface) >= 3  # WCAG 1.4.11, graphical objects
    assert contrast(palette.earlier, palette.surface) >= 2  # in the background on purpose


def test_every_cell_of_the_matrix_is_legible(palette):
    shares = np.linspace(0, 1, 101)
    assert min(contrast(palette.text, mixed(palette.surface, palette.heat, s)) for s in shares) >= 4.5
    assert contrast(palette.heat, palette.surface) >= 2.9  # and the scale is worth looking at


@pytest.mark.parametrize("deficiency", list(DEFICIENCIES))
def test_the_two_neutral_kinds_stay_apart(palette, deficiency):
    assert distance(palette.negative, palette.positive, deficiency) > 25
    for color in (palette.negative, palette.positive):
        assert distance(color, palette.raised, deficiency) > 30
        assert contrast(color, palette.surface) >= 3


@pytest.mark.parametrize("deficiency", list(DEFICIENCIES))
def test_the_axes_stay_apart(palette, deficiency):
    for one, other in combinations((getattr(palette, axis) for axis in AXES), 2):
        assert distance(one, other, deficiency) > 20
    assert palette.units == palette.accent  # in which a unit lights up


@pytest.mark.parametrize("deficiency", list(DEFICIENCIES))
def test_classes_stay_apart_by_color_or_symbol(palette, deficiency):
    for i, j in combinations(range(len(CLASS_COLORS)), 2):
        if i % N_SYMBOLS == j % N_SYMBOLS:
            assert distance(CLASS_COLORS[i], CLASS_COLORS[j], deficiency) > 20
    assert min(contrast(color, palette.surface) for color in CLASS_COLORS) >= 2.8
