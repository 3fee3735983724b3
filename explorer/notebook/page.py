"""Figures, images, tables and source code as HTML, for a notebook and the static page made from it.

They need no kernel, no widget state and no other host. The first cell loads Plotly once for all figures.
"""

import inspect
import json
from base64 import b64encode
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from IPython import get_ipython
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from explorer.checks.mistakes import plain_lines
from explorer.discovery import ExtensionError, offers
from explorer.exports.files import template_of
from explorer.figures.digits import sprite, weights_sprite
from explorer.figures.palette import PALETTES, RUN_COLORS, rgb
from explorer.training.process_settings import blas_threads, one_blas_thread
from explorer.widgets.highlighting import tokens

_SCALE = 2  # page pixels per image pixel
_FOLDER = Path(__file__).parent
_cell = ExitStack()  # closed when a cell ends


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """The output of a cell in a teaching notebook."""

    html: str
    """For JupyterLab, Voilà and static pages."""
    text: str
    """For a terminal."""

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


@cache
def _page() -> Any:
    return template_of(_FOLDER / "lesson.html.j2").module


def card(name: str, *values: Any, **options: Any) -> Shown:
    """Show what an extension offers to lessons by this name; raises `KeyError` if none does."""
    offer = {one.what.name: one for one in offers("lesson_cards")}[name]
    try:
        shown: Shown = offer.call(offer.what.show, *values, **options)
    except ExtensionError as error:
        return Shown(f"<p>{escape(str(error))}</p>", str(error))
    return shown


def lesson_html(kind: str, *values: object) -> str:
    """Render a macro of ``lesson.html.j2`` with its arguments, as a cell's HTML."""
    return str(getattr(_page(), kind)(*values))


def prepare() -> Shown:
    """Return the scripts and styles of a notebook's figures, for its first cell; its cells get one BLAS thread."""
    limit_blas_in_cells()
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("lesson.css", "lesson.js"))
    light, dark = PALETTES["light"], PALETTES["dark"]
    pairs = [(getattr(light, f.name), getattr(dark, f.name)) for f in fields(light) if f.name != "on_accent"]
    pairs += zip(RUN_COLORS["light"], RUN_COLORS["dark"], strict=True)
    colors = json.dumps(dict(pairs) | {_rgba(old): _rgba(new) for old, new in pairs})
    return Shown(lesson_html("prepare", style, get_plotlyjs(), script, colors), "Figures are ready.")


def limit_blas_in_cells() -> None:
    """Limit BLAS to one thread while a cell runs, from this one on; outside IPython do nothing.

    A cell's network may have any width. On busy cores, BLAS's own two threads mostly take 2 to 20 times as long;
    on idle ones they save a tenth with 32 hidden units, a third with 1024 in batches of 512. To use them, call
    `threadpoolctl.threadpool_limits` in a cell: a number that a cell sets stays.
    """
    if (shell := get_ipython()) is not None:
        shell.events.register("pre_run_cell", _limit_blas)  # registered twice, it is called once
        shell.events.register("post_run_cell", _restore_blas)
        _limit_blas()


def _limit_blas(*_: object) -> None:
    _cell.enter_context(one_blas_thread())


def _restore_blas(*_: object) -> None:
    if {*blas_threads()} - {1}:  # the cell has set another number
        get_ipython().events.unregister("pre_run_cell", _limit_blas)
        get_ipython().events.unregister("post_run_cell", _restore_blas)
    _cell.close()


def figure(drawn: go.Figure, words: str) -> Shown:
    """Return a figure with a caption, which screen readers read; a dark page replaces each of its light colors."""
    return Shown(lesson_html("figure", json.dumps(drawn.to_json()), drawn.layout.height, words), words)


def side_by_side(*parts: Shown) -> Shown:
    """Return several outputs side by side, or one below the other on a narrow page."""
    html = "".join(part.html for part in parts)
    return Shown(f'<div class="lesson-row">{html}</div>', "\n".join(part.text for part in parts))


def images(pictures: NDArray[Any], labels: Sequence[str], words: str) -> Shown:
    """Return images (n, height, width) with labels and a caption: ink, uint8, or weights, floats, in two hues."""
    height, width = ((side + 1) * _SCALE for side in pictures.shape[1:])
    limit = float(np.quantile(np.abs(pictures), 0.99))  # so that no outlier pales the other weights
    draw: Any = sprite if pictures.dtype == np.uint8 else partial(weights_sprite, limit=limit)
    tiles = []
    for picture, label in zip(pictures, labels, strict=True):
        inks = {theme: draw(picture[None], 1, theme=theme) for theme in PALETTES}
        tiles.append((label, {theme: b64encode(png).decode() for theme, png in inks.items()}))
    return Shown(lesson_html("images", tiles, width, height, words), f"{words} {', '.join(labels)}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: str) -> Shown:
    """Return a table with column names and a caption; text between backticks is formatted as code."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return Shown(lesson_html("table", head, rows, words), text)


def source(*things: Any) -> Shown:
    """Return the source of functions or classes, as on a blackboard; TypeError or OSError if there is none."""
    blocks, texts = list[str](), list[str]()
    for thing in map(inspect.unwrap, things):  # the undecorated function
        lines, html = plain_lines(thing), ""
        texts.append("\n".join(lines.values()))
        for kind, text in tokens(texts[-1]):
            parts = (escape(part, quote=False) for part in text.split("\n"))  # a span ends with its line
            html += "\n".join(f'<span class="{kind}">{part}</span>' if kind else part for part in parts)
        file, package = Path(inspect.getsourcefile(thing) or ""), _FOLDER.parents[1]
        place = file.relative_to(package).as_posix() if file.is_relative_to(package) else file.name
        numbered = [*zip(lines, html.split("\n"), strict=True)]
        blocks.append(lesson_html("source", thing.__qualname__, f"{place}, line {min(lines)}", numbered))
    return Shown("".join(blocks), "\n\n".join(texts))


def _rgba(color: str) -> str:
    return "rgba(" + ",".join(map(str, rgb(color)))
