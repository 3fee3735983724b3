"""Figures, images and tables as HTML, for a notebook and for the static page that is made from it.

They need no kernel, no widget state and no other host. The first cell loads Plotly once for all figures.
"""

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, fields
from html import escape
from importlib.resources import files

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from explorer.figures.digits import sprite
from explorer.figures.palette import PALETTES, RUN_COLOURS

__all__ = ["Shown", "figure", "images", "prepare", "side_by_side", "table"]

_SCALE = 2  # pixels of the page for each pixel of an image
_WAITING = "This figure appears once the first cell of the notebook has run."


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """What a cell of a teaching notebook shows.

    Parameters
    ----------
    html : str
        For JupyterLab, Voilà and static pages.
    text : str
        For a terminal.
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


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


def images(pictures: NDArray[np.uint8], labels: Sequence[str], words: str) -> Shown:
    """Return images with a label below each.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width)
        Ink, 0 to 255.
    labels : sequence of str
        One for each image.
    words : str
        The caption.
    """
    tiles = "".join(
        f"<div>{_inks(picture, label)}{escape(label)}</div>"
        for picture, label in zip(pictures, labels, strict=True)
    )
    return Shown(
        f'<figure class="lesson-gallery"><figcaption>{escape(words)}</figcaption>'
        f'<div class="lesson-tiles">{tiles}</div></figure>',
        f"{words} {', '.join(labels)}",
    )


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


def _dark_colours() -> dict[str, str]:
    """Return for each light colour the dark one of the same meaning, as hex and as the start of an rgba()."""
    light, dark = PALETTES["light"], PALETTES["dark"]
    pairs = [(getattr(light, f.name), getattr(dark, f.name)) for f in fields(light) if f.name != "on_accent"]
    pairs += zip(RUN_COLOURS["light"], RUN_COLOURS["dark"], strict=True)
    return dict(pairs) | {_rgba(old): _rgba(new) for old, new in pairs}


def _rgba(colour: str) -> str:
    return "rgba(" + ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))


def _inks(picture: NDArray[np.uint8], label: str) -> str:
    height, width = ((side + 1) * _SCALE for side in picture.shape)
    return "".join(
        f'<img class="lesson-{theme}" width="{width}" height="{height}" alt="{escape(label)}" '
        f'src="data:image/png;base64,{b64encode(sprite(picture[None], 1, theme=theme, scale=_SCALE)).decode()}">'
        for theme in PALETTES
    )


def _cell(text: str) -> str:
    return re.sub("`(.*?)`", r"<code>\1</code>", escape(text))


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
