"""Figures, images and tables as HTML, for a notebook and for the static page that is made from it.

They need no kernel, no widget state and no other host. The first cell loads Plotly once for all figures.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from html import escape
from importlib.resources import files

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from explorer.figures.digits import sprite
from explorer.figures.palette import PALETTES, RUN_COLOURS, Theme
from explorer.notebook.shown import Shown

__all__ = ["figure", "images", "prepare", "side_by_side", "table"]

_WAITING = "This figure appears once the first cell of the notebook has run."
_THEMES: tuple[Theme, ...] = ("light", "dark")


def prepare() -> Shown:
    """Return what the figures of a notebook need; to be shown once, in its first cell."""
    folder = files("explorer.notebook")
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("lesson.css", "lesson.js"))
    return Shown(
        f"<style>{style}</style><script>{get_plotlyjs()}</script>"
        f"<script>{script}drawLessonFigures({json.dumps(_dark_colours())});</script>",
        "Figures are ready.",
    )


def figure(drawn: go.Figure, words: str) -> Shown:
    """Return a figure with a caption.

    Parameters
    ----------
    drawn : plotly.graph_objects.Figure
        In light colours; on a dark page each becomes its dark counterpart.
    words : str
        The caption, which screen readers read in place of the figure.
    """
    text = json.dumps(drawn.to_json())  # Plotly writes < as \u003c: nothing in it ends the script
    return Shown(
        f'<figure class="lesson-figure"><div class="lesson-plot" role="img" aria-label="{escape(words)}" '
        f'style="height: {drawn.layout.height}px">{_WAITING}</div><figcaption>{escape(words)}</figcaption>'
        "<script>(window.explorerLesson ??= []).push("
        f'[document.currentScript.parentElement.querySelector(".lesson-plot"), {text}]);</script></figure>',
        words,
    )


def side_by_side(*parts: Shown) -> Shown:
    """Return several things side by side, or one below the other if the page is narrow."""
    html = "".join(part.html for part in parts)
    return Shown(f'<div class="lesson-row">{html}</div>', "\n".join(part.text for part in parts))


def images(pictures: NDArray[np.uint8], labels: Sequence[str], words: str, *, scale: int = 2) -> Shown:
    """Return images with a label below each.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Ink, 0 to 255.
    labels : sequence of str
        One for each image.
    words : str
        The caption.
    scale : int
        Pixels of the page for each pixel of an image.
    """
    tiles = [_inks(picture, label, scale) for picture, label in zip(pictures, labels, strict=True)]
    return _gallery(tiles, labels, words)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: str) -> Shown:
    """Return a table.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        The cells; text between backticks is set as code.
    words : str
        The caption.
    """
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return Shown(
        f'<div class="lesson-table"><table class="lesson-shapes"><caption>{escape(words)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>",
        _aligned([head, *rows]),
    )


@cache
def _dark_colours() -> dict[str, str]:
    """Return for each light colour the dark one of the same meaning, as hex and as the start of an rgba()."""
    light, dark = PALETTES["light"], PALETTES["dark"]
    pairs = [(getattr(light, f.name), getattr(dark, f.name)) for f in fields(light) if f.name != "on_accent"]
    pairs += zip(RUN_COLOURS["light"], RUN_COLOURS["dark"], strict=True)
    return dict(pairs) | {_rgba(old): _rgba(new) for old, new in pairs}


def _rgba(colour: str) -> str:
    return "rgba(" + ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))


def _inks(picture: NDArray[np.uint8], label: str, scale: int) -> str:
    height, width = ((side + 1) * scale for side in picture.shape)
    return "".join(
        f'<img class="lesson-{theme}" width="{width}" height="{height}" alt="{escape(label)}" '
        f'src="data:image/png;base64,{b64encode(sprite(picture[None], 1, theme=theme, scale=scale)).decode()}">'
        for theme in _THEMES
    )


def _gallery(tiles: Sequence[str], labels: Sequence[str], words: str) -> Shown:
    shown = "".join(f"<div>{tile}{escape(label)}</div>" for tile, label in zip(tiles, labels, strict=True))
    return Shown(
        f'<figure class="lesson-gallery"><figcaption>{escape(words)}</figcaption>'
        f'<div class="lesson-tiles">{shown}</div></figure>',
        f"{words} {', '.join(labels)}",
    )


def _cell(text: str) -> str:
    parts = text.split("`")
    return "".join(f"<code>{escape(part)}</code>" if i % 2 else escape(part) for i, part in enumerate(parts))


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
