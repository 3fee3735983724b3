"""Many small images as one PNG, digits or weights: heat maps would be sent as JSON, number by number."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import IMAGE_SHAPE, PLANE_SHAPE
from explorer.figures.palette import PALETTES, Theme, rgb

GAP = 1
"""Transparent pixels right of and below each image, before scaling."""

_DOT = 0.09  # radius of a point, in sides of the plane
_CLEAR = 255  # index of the transparent color; images use the colors 0 to 254


def sprite(images: NDArray[np.uint8], columns: int, *, theme: Theme = "light", scale: int = 1) -> bytes:
    """Return images side by side, `columns` to a row, as a PNG; image i is at row ``i // columns``.

    `images` are ink, uint8 of shape (n, height, width): 0 in the color of raised surfaces, 255 in that of text.
    Points, (n, 1, 2), are drawn as dots. The PNG has ``columns · (width + GAP) · scale`` by
    ``rows · (height + GAP) · scale`` pixels.
    """
    if images.shape[1:] == PLANE_SHAPE:
        away = _plane()[:, None] - images.reshape(-1, 2).T[:, :, None, None] / 255  # (2, n, 28, 28)
        images = np.where(np.hypot(*away) < _DOT, np.uint8(255), np.uint8(0))
    colors = _scale_colors(PALETTES[theme].raised, PALETTES[theme].text)
    return _png(_grid(np.minimum(images, _CLEAR - 1), columns, scale), colors)


def as_images(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return numbers for each input, (n, n_inputs), as images; two as what they add at each place of a plane."""
    if values.shape[-1] != len(_plane()):
        return values.reshape(-1, *IMAGE_SHAPE)
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


def _grid(tiles: NDArray[np.uint8], columns: int, scale: int = 1) -> NDArray[np.uint8]:
    """Arrange tiles (n, height, width) in one image (rows, columns), each enlarged and followed by a gap."""
    n, height, width = tiles.shape
    rows = max(1, -(-n // columns))
    grid = np.full((rows * columns, height + GAP, width + GAP), _CLEAR, np.uint8)
    grid[:n, :height, :width] = tiles
    grid = grid.reshape(rows, columns, height + GAP, width + GAP).swapaxes(1, 2)
    flat = grid.reshape(rows * (height + GAP), columns * (width + GAP))
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
