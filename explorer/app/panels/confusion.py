"""The confusion matrix, and the images in its cells."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.app.views import ANY, Pace, Views, ViewState
from explorer.figures import confusion as figures
from explorer.figures.confusion import confusion_summary
from explorer.figures.digits import sprite
from explorer.network.metrics import probabilities
from explorer.training import TrainingConfig
from explorer.widgets.controls import Segmented
from explorer.widgets.gallery import Gallery, GalleryImage
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption
from explorer.wording import counted, grouped, with_noun

OPENS = "Press to see its way through the network"

_CHOOSE = "Click a cell for its images."
ORDERS = MappingProxyType({"loss": "worst first", "confidence": "surest first"})
_SECONDS = 0.35  # between two matrices: every second tick, and so mostly not together with the images
_SECONDS_BETWEEN = 1.0


class Matrix:
    """Counts or row percentages over the held-out images, with a frame around the selected cell."""

    def __init__(self, views: Views) -> None:
        self._class_names = class_names = views.dataset.class_names
        self._on_cell, theme, on_loop = views.toggle, views.theme, views.on_loop
        self._cell: tuple[int, int] | None = None
        # The whole step runs on the loop: if keys are processed on another thread, as in JupyterLab, a second
        # one would otherwise start from the cell that the first has yet to leave, and one would be lost.
        move, leave = on_loop(self._move), on_loop(self._leave)
        steps = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
        keys = {name: partial(move, *step) for name, step in steps.items()} | {"Escape": leave}
        empty, style = figures.confusion_figure(None, class_names, theme=theme), figures.confusion_style
        look: Any = {"theme": theme, "style": partial(style, class_names), "name": "Confusion matrix"}
        look |= {"fills": True, "summary": confusion_summary(None, class_names)}
        click = on_loop(lambda _, cell: views.toggle(*cell))
        self.figure = LiveFigure(empty, **look, on_click=click, on_key=keys)
        self.counted = Segmented("Cells of the confusion matrix", {"count": "count", "row": "row %"})
        self.counted.observe(on_loop(lambda _: self._draw()), "value")
        self.caption = Caption()
        self._pace = Pace(_SECONDS)
        self._counts: NDArray[np.integer] | None = None
        self._held_out, self._noun = "test", "image"

    def show(self, state: ViewState) -> None:
        """Show a state's counts and its cell; they have 200 texts, so during training not every time."""
        is_new = state.theme != self.figure.theme or state.cell != self._cell
        if not self._pace.is_due(state, state.figured, at_once=is_new or state.looks_back_to is not None):
            return
        self.mark(state.cell)
        self.figure.set_theme(state.theme, figures.confusion_mark(self._cell, state.theme))
        counts = None if state.pictured is None else state.pictured.confusion
        if counts is not self._counts:  # unchanged within an epoch
            self._counts, self._held_out, self._noun = counts, state.scored_kind, state.dataset.noun
            self._draw()
        is_news = state.is_training or state.cell is not None or state.early is not None
        self.caption.text = (state.early is None and state.nothing) or (
            str(self.figure.summary) if is_news else with_noun(_CHOOSE, self._noun)
        )

    def mark(self, cell: tuple[int, int] | None) -> None:
        """Frame a cell (row, column), or none."""
        if cell != self._cell:
            self._cell = cell
            self.figure.show([], figures.confusion_mark(cell, self.figure.theme))

    def _move(self, down: int, right: int) -> None:
        last, cell = len(self._class_names) - 1, self._cell
        row, column = 0, 0
        if cell is not None:
            row, column = (min(max(at + by, 0), last) for at, by in zip(cell, (down, right), strict=True))
        if (row, column) != cell:
            self.mark((row, column))  # the next key starts from here, even before the rest is drawn
            self._on_cell(row, column)

    def _leave(self) -> None:
        if (cell := self._cell) is not None:
            self.mark(None)
            self._on_cell(*cell)

    def _draw(self) -> None:
        normalize: figures.Normalize = "row" if self.counted.value == "row" else "count"
        counts, names, held_out = self._counts, self._class_names, self._held_out
        data = figures.confusion_data(counts, names, normalize=normalize, held_out=held_out)
        self.figure.show(*data, confusion_summary(counts, names, f"{held_out} {self._noun}"))


class ChosenImages:
    """A gallery of held-out images of the chosen classes, worst first; `on_open` is called with an index."""

    def __init__(
        self, views: Views, *, on_open: Callable[[int], object] | None = None, per_page: int = 24
    ) -> None:
        self.gallery = Gallery(views.dataset.class_names, "not trained yet")
        self.view: DOMWidget = self.gallery
        self._views, self._dataset, self._per_page = views, views.dataset, per_page
        self._chosen, self._page, self._order = (ANY, ANY), 0, "loss"
        self._pace = Pace(_SECONDS_BETWEEN)
        self.gallery.on_page(views.on_loop(self._turn))
        self.gallery.on_filter(views.on_loop(views.choose))
        if on_open is not None:
            self._on_open = on_open
            self.gallery.on_open(OPENS, views.on_loop(self._open))

    def show(self, state: ViewState) -> None:
        is_new = state.chosen != self._chosen
        if is_new:
            self._chosen, self._page = state.chosen, 0
        self._draw(state, at_once=is_new)

    def sort_by(self, order: str) -> None:
        """Sort by one of `ORDERS`: by loss or by confidence, highest first."""
        self._order = order
        self._turn(0)

    def _turn(self, page: int) -> None:
        self._page = page
        self._draw(self._views.state, at_once=True)

    def _open(self, index: int) -> None:
        if 0 <= index < len(self._views.state.scored_on.test_labels):
            self._on_open(index)

    def _draw(self, state: ViewState, *, at_once: bool) -> None:
        shown = state.chosen, self._page, self._order, state.theme, state.nothing
        if not self._pace.is_due(state, state.pictured and state.pictured.snapshot, *shown, at_once=at_once):
            return
        self._dataset = data = state.scored_on
        chosen = dict(zip(("true", "predicted"), self._chosen, strict=True))
        if state.pictured is None or state.run is None:  # no images yet, but the classes apply to later ones
            what = self._what or f"{data.noun.capitalize()}s"
            self.gallery.show(what, [], b"", columns=1, n_pages=0, empty=state.nothing, **chosen)
            return
        wanted = {name: k for name, k in chosen.items() if k != ANY}
        indices, columns_of = state.select(**wanted, mistakes_only=state.cell is None, order=self._order)
        n_pages = max(1, -(-len(indices) // self._per_page))
        self._page = min(self._page, n_pages - 1)
        shown_ones = slice(self._page * self._per_page, (self._page + 1) * self._per_page)
        page, outputs = indices[shown_ones], state.pictured.snapshot.test_outputs[:, columns_of[shown_ones]]
        columns = max(1, len(page))
        sources = {index: f"{data.held_out_noun} {grouped(index)}" for index in page.tolist()}
        self.gallery.show(
            self._heading(len(indices)) + (" (in a sample)" if state.scored_kind == "sampled" else ""),
            read_images(outputs, data.test_labels[page], state.run.config, data.class_names, sources),
            sprite(data.test_images[page], columns, theme=state.shade) if len(page) else b"",
            columns=columns,
            page=self._page,
            n_pages=n_pages,
            empty=f"No such {data.noun}.",
            **chosen,
        )

    def _heading(self, n: int) -> str:
        """Return which images these are, how many and in which order, the only text for screen readers."""
        true, predicted = self._chosen
        count = counted(n, self._dataset.noun if true == predicted != ANY else "mistake")
        what = f"{self._what}: {count}" if self._what else count
        return f"{what}, {ORDERS[self._order]}" if n > 1 else what

    @property
    def _what(self) -> str:
        """The chosen classes in words: ``"9 read as 4"``; empty if all mistakes are shown."""
        names, (true, predicted) = self._dataset.class_names, self._chosen
        if ANY not in self._chosen:
            words = "classified correctly" if true == predicted else f"read as {names[predicted]}"
            return f"{names[true]} {words}"
        if true != ANY:
            return f"{names[true]} misclassified"
        return "" if predicted == ANY else f"misclassified as {names[predicted]}"


def read_images(
    outputs: NDArray[Any],
    labels: Iterable[int],
    config: TrainingConfig,
    names: Sequence[str],
    sources: Mapping[int, str],
) -> list[GalleryImage]:
    """Return gallery entries that describe a network's `outputs` (n_classes, n) for images.

    `sources` has key and source of each image: ``{17: "test image 17"}``.
    """
    called = "probabilities" if config.output == "softmax" else "shares of the outputs' sum"
    images = []
    for true, shares, (key, source) in zip(labels, probabilities(outputs).T, sources.items(), strict=True):
        decided, is_known = int(shares.argmax()), bool(np.isfinite(shares).all())
        first = np.argsort(-shares, kind="stable")[:3]
        best = ", ".join(f"{names[k]} {100 * shares[k]:.0f} %" for k in first)
        title = f"true {names[true]}, read as {names[decided]}"
        image = GalleryImage(
            caption=f"{names[true]} → {names[decided]}",
            note=f"{100 * shares[decided]:.0f} % sure" if is_known else "not a number",
            detail=f"{title}; {called} {best}",
            right=bool(true == decided),
            key=key,
            title=title,
            about=f"{source}, {called}",
            shares=tuple(shares.round(4).tolist()) if is_known else (),
        )
        images.append(image)
    return images
