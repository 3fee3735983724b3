"""The confusion matrix, and the images in its cells."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.app.views import ANY, OnLoop, Pace, ViewState
from explorer.datasets import Dataset
from explorer.figures import confusion as figures
from explorer.figures.digits import sprite
from explorer.figures.palette import Theme
from explorer.figures.summaries import confusion_summary
from explorer.network.metrics import probabilities
from explorer.training import TrainingConfig
from explorer.widgets.controls import Segmented
from explorer.widgets.gallery import Gallery, GalleryImage
from explorer.widgets.live_figure import LiveFigure
from explorer.wording import counted, grouped

Counts = NDArray[np.integer]
OnCell = Callable[[int, int], None]

OPENS = "Press to see its way through the network"

_CHOOSE = "Click a cell to see its images."
_RIGHT = "classified correctly"
ORDERS = MappingProxyType({"loss": "worst first", "confidence": "surest first"})
_SECONDS_BETWEEN = 1.0
_STEPS = MappingProxyType(
    {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
)


class Matrix:
    """Counts or row percentages over the held-out images, with a frame around the selected cell.

    Cells are selected with `on_cell`: by a click or the arrow keys; Escape leaves them.
    """

    def __init__(self, class_names: Sequence[str], theme: Theme, on_loop: OnLoop, on_cell: OnCell) -> None:
        self._class_names, self._on_cell = class_names, on_cell
        self._cell: tuple[int, int] | None = None
        # The whole step runs on the loop: if keys are processed on another thread, as in JupyterLab, a second
        # one would otherwise start from the cell that the first has yet to leave, and one would be lost.
        move, leave = on_loop(self._move), on_loop(self._leave)
        keys = {name: partial(move, *step) for name, step in _STEPS.items()} | {"Escape": leave}
        empty, style = figures.confusion_figure(None, class_names, theme=theme), figures.confusion_style
        look: Any = {"theme": theme, "style": partial(style, class_names), "name": "Confusion matrix"}
        look |= {"fills": True, "summary": confusion_summary(None, class_names)}
        self.figure = LiveFigure(empty, **look, on_click=on_loop(lambda it: on_cell(*it.index)), on_key=keys)
        self.counted = Segmented("Cells of the confusion matrix", {"count": "count", "row": "row %"})
        self.counted.observe(on_loop(lambda _: self._draw()), "value")
        self._counts: Counts | None = None
        self._held_out = "test"

    def show(self, counts: Counts | None, theme: Theme, held_out: str = "test") -> None:
        """Show a matrix, rows by true class, columns by predicted; None before the end of the first epoch."""
        self.figure.set_theme(theme, figures.confusion_mark(self._cell, theme))
        if counts is not self._counts:  # unchanged within an epoch
            self._counts, self._held_out = counts, held_out
            self._draw()

    def caption(self, state: ViewState) -> str:
        """Return the caption; while nothing trains and no cell is selected, a hint that cells can be."""
        is_news = state.is_training or state.cell is not None
        if state.early is not None:
            return str(self.figure.summary)
        return state.nothing or (str(self.figure.summary) if is_news else _CHOOSE)

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
        self.figure.show(*data, confusion_summary(counts, names, held_out))


class ChosenImages:
    """A gallery of held-out images of the chosen classes, the worst first.

    It calls `on_choose` with the true and the predicted class that the user chooses, `ANY` for any, and `on_open`
    with the index of an image that the user opens; `now` returns the current state.
    """

    def __init__(
        self,
        dataset: Dataset,
        on_loop: OnLoop,
        on_choose: Callable[[int, int], object],
        now: Callable[[], ViewState],
        *,
        on_open: Callable[[int], object] | None = None,
        per_page: int = 24,
    ) -> None:
        self.gallery = Gallery(dataset.class_names, "not trained yet")
        self.view: DOMWidget = self.gallery
        self._dataset, self._now, self._per_page = dataset, now, per_page
        self._true, self._predicted, self._page = ANY, ANY, 0
        self._order: Literal["loss", "confidence"] = "loss"
        self._pace = Pace(_SECONDS_BETWEEN)
        self.gallery.on_page(on_loop(self._turn))
        self.gallery.on_filter(on_loop(on_choose))
        if on_open is not None:
            self._on_open = on_open
            self.gallery.on_open(OPENS, on_loop(self._open))

    def show(self, state: ViewState) -> None:
        """Show the chosen images with the network's predictions; during training, once a second."""
        is_new = state.chosen != (self._true, self._predicted)
        self._true, self._predicted = state.chosen
        self._page = 0 if is_new else self._page
        self._draw(state, at_once=is_new)

    def sort_by(self, order: Literal["loss", "confidence"]) -> None:
        """Sort by loss or by confidence, highest first."""
        self._order, self._page = order, 0
        self._draw(self._now(), at_once=True)

    def _turn(self, page: int) -> None:
        self._page = page
        self._draw(self._now(), at_once=True)

    def _open(self, index: int) -> None:
        if 0 <= index < len(self._now().scored_on.test_labels):
            self._on_open(index)

    def _draw(self, state: ViewState, *, at_once: bool) -> None:
        shown = state.chosen, self._page, self._order, state.theme, state.nothing
        if not self._pace.is_due(state, state.pictured and state.pictured.snapshot, *shown, at_once=at_once):
            return
        self._dataset = data = state.scored_on
        chosen = {"true": self._true, "predicted": self._predicted}
        if (
            state.pictured is None or state.run is None
        ):  # no images, but the chosen classes apply to later ones
            what = self._what or "Images"
            self.gallery.show(what, [], b"", columns=1, n_pages=0, empty=state.nothing, **chosen)
            return
        indices, columns_of = state.select(
            true=None if self._true == ANY else self._true,
            predicted=None if self._predicted == ANY else self._predicted,
            mistakes_only=state.cell is None,
            order=self._order,
        )
        n_pages = max(1, -(-len(indices) // self._per_page))
        self._page = min(self._page, n_pages - 1)
        shown_ones = slice(self._page * self._per_page, (self._page + 1) * self._per_page)
        page, outputs = indices[shown_ones], state.pictured.snapshot.test_outputs[:, columns_of[shown_ones]]
        columns = max(1, len(page))
        sources = {index: f"{data.held_out} image {grouped(index)}" for index in page.tolist()}
        self.gallery.show(
            self._heading(len(indices)) + " (in a sample)" * (state.scored_kind == "sampled"),
            read_images(outputs, data.test_labels[page], state.run.config, data.class_names, sources),
            sprite(data.test_images[page], columns, theme=state.theme) if len(page) else b"",
            columns=columns,
            page=self._page,
            n_pages=n_pages,
            empty=self._nothing(),
            **chosen,
        )

    def _heading(self, n: int) -> str:
        """Return which images these are, how many and in which order, the only text for screen readers."""
        is_right = self._true == self._predicted != ANY
        count = counted(n, "image" if is_right else "mistake")
        what = f"{self._what}: {count}" if self._what else count
        return f"{what}, {ORDERS[self._order]}" if n > 1 else what

    @property
    def _what(self) -> str:
        """The chosen classes in words: ``"9 read as 4"``; empty if all mistakes are shown."""
        names = self._dataset.class_names
        if ANY not in (self._true, self._predicted):
            is_right = self._true == self._predicted
            return f"{names[self._true]} " + (_RIGHT if is_right else f"read as {names[self._predicted]}")
        if self._true != ANY:
            return f"{names[self._true]} misclassified"
        return "" if self._predicted == ANY else f"misclassified as {names[self._predicted]}"

    def _nothing(self) -> str:
        names = self._dataset.class_names
        true = "image" if self._true == ANY else names[self._true]
        if self._predicted == ANY:
            return f"No {true} is misclassified."
        if self._true == self._predicted:
            return f"No {true} is {_RIGHT}."
        return f"No {true} is {'misclassified' if self._true == ANY else 'read'} as {names[self._predicted]}."


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
    images = zip(labels, probabilities(outputs).T, sources.items(), strict=True)
    return [_image(int(true), shares, called, names, *source) for true, shares, source in images]


def _image(
    true: int, shares: NDArray[np.float64], called: str, names: Sequence[str], key: int, source: str
) -> GalleryImage:
    decided, is_known = int(shares.argmax()), bool(np.isfinite(shares).all())
    best = ", ".join(f"{names[k]} {100 * shares[k]:.0f} %" for k in np.argsort(-shares, kind="stable")[:3])
    title = f"true {names[true]}, read as {names[decided]}"
    return GalleryImage(
        caption=f"{names[true]} → {names[decided]}",
        note=f"{100 * shares[decided]:.0f} % sure" if is_known else "not a number",
        detail=f"{title}; {called} {best}",
        right=true == decided,
        key=key,
        title=title,
        about=f"{source}, {called}",
        shares=tuple(shares.round(4).tolist()) if is_known else (),
    )
