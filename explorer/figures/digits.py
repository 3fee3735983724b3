"""Many small images as one PNG, digits or weights: heat maps would be sent as JSON, number by number."""

import math
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import IMAGE_SHAPE, PLANE_SHAPE
from explorer.figures.palette import PALETTES, Theme, rgb

GAP = 1
"""Transparent pixels right of and below each image, before scaling."""

_MOST_IMAGES, _IMAGES_IN_A_ROW, _MOST_CELLS = 32, 8, (64, 90)  # of an array's picture
_DOT = 0.09  # radius of a point, in sides of the plane
_CLEAR = 255  # index of the transparent color; images use the colors 0 to 254


def sprite(images: NDArray[np.uint8], columns: int, *, theme: Theme = "light", scale: int = 1) -> bytes:
    """Return images side by side, `columns` to a row, as a PNG; image i is at row ``i // columns``.

    `images` are ink, uint8 of shape (n, height, width): 0 in the color of raised surfaces, 255 in that of text.
    Points, (n, 1, 2), are drawn as dots. The PNG has ``columns · (width + GAP) · scale`` by
    ``rows · (height + GAP) · scale`` pixels; squares become a multiple of 28: pages place all pictures alike.
    """
    if images.shape[1:] == PLANE_SHAPE:
        away = _plane()[:, None] - images.reshape(-1, 2).T[:, :, None, None] / 255  # (2, n, 28, 28)
        images = np.where(np.hypot(*away) < _DOT, np.uint8(255), np.uint8(0))
    colors = _scale_colors(PALETTES[theme].raised, PALETTES[theme].text)
    return _png(_grid(np.minimum(images, _CLEAR - 1), columns, scale), colors)


def as_images(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return numbers for each input, (n, n_inputs), as images; two as what they add at each place of a plane."""
    if values.shape[-1] != len(_plane()):
        return values.reshape(-1, *[round(values.shape[-1] ** 0.5)] * 2)
    return np.asarray(np.tensordot(values.reshape(-1, 2), 2 * _plane() - 1, 1))  # 0 in the middle


def _plane() -> NDArray[np.float64]:
    """Return x and y at the pixels of a picture of the plane, (2, 28, 28), y from 1 at the top to 0."""
    across = np.linspace(0, 1, IMAGE_SHAPE[0])
    return np.stack(np.meshgrid(across, across[::-1]))


def weights_sprite(
    weights: NDArray[np.floating], columns: int, *, theme: Theme = "light", limit: float | None = None
) -> bytes:
    """Return the weights of each unit as images on a two-hue scale, in a PNG laid out like that of `sprite`.

    `weights` have shape (n_units, height, width); infinite values and NaN count as 0. The full tones,
    `Palette.negative` and `Palette.positive`, are weights of `limit`, by default the largest of all units, so that
    they can be compared; 0 has the color of raised surfaces.
    """
    finite = np.where(np.isfinite(weights), weights, 0.0)
    full = float(np.abs(finite).max(initial=0.0)) if limit is None else limit
    middle = (_CLEAR - 1) // 2
    share = np.clip(finite / (full or 1.0), -1.0, 1.0)
    palette = PALETTES[theme]
    low = _scale_colors(palette.negative, palette.raised, middle + 1)
    high = _scale_colors(palette.raised, palette.positive, middle + 1)
    indices = np.rint(middle + middle * share).astype(np.uint8)
    return _png(_grid(indices, columns), np.concatenate([low, high[1:]]))


def array_picture(values: NDArray[Any], theme: Theme = "light") -> tuple[bytes, str, str]:
    """Return an array of at most two axes as a PNG, as what it is drawn, and if not all of it, what.

    It is ``"images"`` if an axis has their pixels, ``"bars"`` or ``"cells"``; parts are ``"32 of 512 images"``.
    Images without a negative number are ink; all else has two hues.
    """
    values = np.atleast_2d(np.nan_to_num(np.asarray(values, float), posinf=0.0, neginf=0.0))
    n_pixels, (most_rows, most_columns) = math.prod(IMAGE_SHAPE), _MOST_CELLS
    if n_pixels in values.shape:
        kind, images = "images", as_images(values if values.shape[1] == n_pixels else values.T)
        tiles = images[:_MOST_IMAGES]
        part = f"{len(tiles)} of {len(images)} images" if len(tiles) < len(images) else ""
    elif 1 in values.shape:
        kind, bars = "bars", values.reshape(1, 1, -1)[..., :most_columns]
        levels = np.linspace(max(0.0, bars.max()), min(0.0, bars.min()), 48)[None, :, None]
        tiles = np.where((levels * bars > 0) & (abs(levels) <= abs(bars)), np.sign(bars), 0.0)
        part = f"the first {bars.size}" if bars.size < values.size else ""
    else:
        kind, tiles = "cells", values[None, :most_rows, :most_columns]
        part = f"the first {tiles.shape[1]} × {tiles.shape[2]}" if tiles.size < values.size else ""
    columns = min(len(tiles), _IMAGES_IN_A_ROW)
    if kind == "images" and tiles.min() >= 0:
        return sprite((255 / (tiles.max() or 1.0) * tiles).astype(np.uint8), columns, theme=theme), kind, part
    return weights_sprite(tiles, columns, theme=theme), kind, part


def _grid(tiles: NDArray[np.uint8], columns: int, scale: int = 1) -> NDArray[np.uint8]:
    """Arrange tiles (n, height, width) in one image (rows, columns), each enlarged and followed by a gap."""
    gap, (n, height, width) = GAP, tiles.shape
    if height == width != IMAGE_SHAPE[0]:
        gap *= -(-2 * width // IMAGE_SHAPE[0])
        at = np.arange(gap * IMAGE_SHAPE[0]) * width // (gap * IMAGE_SHAPE[0])
        tiles, height, width = tiles[:, at][:, :, at], len(at), len(at)
    rows = max(1, -(-n // columns))
    grid = np.full((rows * columns, height + gap, width + gap), _CLEAR, np.uint8)
    grid[:n, :height, :width] = tiles
    grid = grid.reshape(rows, columns, height + gap, width + gap).swapaxes(1, 2)
    flat = grid.reshape(rows * (height + gap), columns * (width + gap))
    return flat.repeat(scale, axis=0).repeat(scale, axis=1)


def _scale_colors(weak: str, strong: str, steps: int = _CLEAR) -> NDArray[np.uint8]:
    """Return a scale between two colors ``#rrggbb``, shape (steps, 3)."""
    colors: NDArray[np.uint8] = np.rint(np.linspace(rgb(weak), rgb(strong), steps)).astype(np.uint8)
    return colors


def _png(indices: NDArray[np.uint8], colors: NDArray[np.uint8]) -> bytes:
    """Return a PNG with a palette of 255 colors and a transparent one (W3C, Portable Network Graphics, 2003)."""
    height, width = indices.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each line starts with its filter: none
    lines[:, 1:] = indices
    png = b"\x89PNG\r\n\x1a\n"
    for kind, content in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),  # 8 bits, indexed
        (b"PLTE", colors.tobytes() + b"\0\0\0"),
        (b"tRNS", b"\xff" * _CLEAR + b"\0"),
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    ):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        png += struct.pack(">I", len(content)) + kind + content + checksum
    return png
