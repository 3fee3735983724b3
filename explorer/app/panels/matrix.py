"""The confusion matrix with selectable cells, alone or compared with another run's."""

from collections.abc import Callable, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box, set_hidden
from explorer.app.views import OnLoop, Views, ViewState
from explorer.figures import confusion as figures
from explorer.figures.confusion import (
    difference_data,
    difference_figure,
    difference_style,
    difference_summary,
)
from explorer.figures.palette import Theme
from explorer.figures.summaries import confusion_summary
from explorer.widgets.controls import Dropdown, Segmented
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption

Counts = NDArray[np.integer]
OnCell = Callable[[int, int], None]

_CHOOSE = "Click a cell to see its images."

_STEPS = MappingProxyType(
    {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
)


class _Cells:
    """A figure with selectable cells: a click or the arrow keys select one, Escape clears the selection."""

    def __init__(
        self,
        name: str,
        figure: Any,
        style: Callable[..., Any],
        class_names: Sequence[str],
        theme: Theme,
        on_loop: OnLoop | None,
        on_cell: OnCell | None,
    ) -> None:
        self._class_names = class_names
        self._cell: tuple[int, int] | None = None
        options: Any = {"fills": True, "theme": theme, "style": partial(style, class_names), "name": name}
        if on_loop is None or on_cell is None:
            self.figure = LiveFigure(figure, **options)
            return
        self._on_cell = on_cell
        # The whole step runs on the loop: if keys are processed on another thread, as in JupyterLab, a second one
        # would otherwise start from the cell that the first has yet to leave, and one of the two would be lost.
        move, leave, click = on_loop(self._move), on_loop(self._leave), on_loop(lambda it: on_cell(*it.index))
        keys = {name: partial(move, *step) for name, step in _STEPS.items()} | {"Escape": leave}
        self.figure = LiveFigure(figure, on_click=click, on_key=keys, **options)

    def caption(self, state: ViewState) -> str:
        """Return the caption; while nothing trains and no cell is selected, a hint that cells can be."""
        is_news = state.is_training or state.cell is not None
        return state.nothing or (str(self.figure.summary) if is_news else _CHOOSE)

    def mark(self, cell: tuple[int, int] | None) -> None:
        """Frame a cell (row, column), or none."""
        if cell != self._cell:
            self._cell = cell
            self.figure.show([], figures.confusion_mark(cell, self.figure.theme))

    def _move(self, down: int, right: int) -> None:
        """Select the next cell, or the first if none is selected."""
        last, cell = len(self._class_names) - 1, self._cell
        row, column = 0, 0
        if cell is not None:
            row, column = (min(max(at + by, 0), last) for at, by in zip(cell, (down, right), strict=True))
        if (row, column) != cell:
            self.mark((row, column))  # the next key starts from here, even before the rest is drawn
            self._on_cell(row, column)

    def _leave(self) -> None:
        cell = self._cell
        if cell is not None:
            self.mark(None)
            self._on_cell(*cell)


class Matrix(_Cells):
    """Counts or row percentages over the held-out images, with a frame around the selected cell.

    Parameters
    ----------
    on_cell : callable
        Called with row and column of each cell that the user selects, or deselects.
    """

    def __init__(self, class_names: Sequence[str], theme: Theme, on_loop: OnLoop, on_cell: OnCell) -> None:
        figure = figures.confusion_figure(None, class_names, theme=theme)
        super().__init__(
            "Confusion matrix", figure, figures.confusion_style, class_names, theme, on_loop, on_cell
        )
        self.counted = Segmented("Cells of the confusion matrix", {"count": "count", "row": "row %"})
        self.counted.observe(on_loop(lambda _: self._draw()), "value")
        self._counts: Counts | None = None
        self._held_out = "test"
        self.figure.summary = confusion_summary(None, class_names)

    def show(self, counts: Counts | None, theme: Theme, held_out: str = "test") -> None:
        """Show a matrix: rows are the true class, columns the predicted; None before the end of the first epoch.

        `held_out` is the kind of images: ``"validation"`` or ``"test"``.
        """
        self.figure.set_theme(theme, figures.confusion_mark(self._cell, theme))
        if counts is not self._counts:  # unchanged within an epoch
            self._counts, self._held_out = counts, held_out
            self._draw()

    def _draw(self) -> None:
        normalize: figures.Normalize = "row" if self.counted.value == "row" else "count"
        counts, names, held_out = self._counts, self._class_names, self._held_out
        data = figures.confusion_data(counts, names, normalize=normalize, held_out=held_out)
        self.figure.show(*data, confusion_summary(counts, names, held_out))


class Difference(_Cells):
    """The confusion matrix of B minus that of A, over the same images.

    Without `on_cell`, no cell can be selected.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        theme: Theme,
        on_loop: OnLoop | None = None,
        on_cell: OnCell | None = None,
    ) -> None:
        figure = difference_figure(None, None, class_names, theme=theme)
        name = "Difference of two confusion matrices"
        super().__init__(name, figure, difference_style, class_names, theme, on_loop, on_cell)

    def show(
        self, a: Counts | None, b: Counts | None, theme: Theme, called: tuple[str, str] = ("A", "B")
    ) -> None:
        """Show the difference of two matrices, labeled with their names."""
        self.figure.set_theme(theme, figures.confusion_mark(self._cell, theme))
        names = self._class_names
        self.figure.show(*difference_data(a, b, names, called), difference_summary(a, b, names, called))


def other_runs(state: ViewState | None = None) -> dict[str, str]:
    """Return the runs that can be compared with the current one, for a `Dropdown`; "" means none."""
    runs = () if state is None else reversed(state.comparable)
    known = {str(run.number): run.title for run in runs if run.newest is not None}
    return {"": "no other run", **known}


class ComparedMatrix:
    """The confusion matrix, or its difference from that of a chosen run."""

    def __init__(self, views: Views) -> None:
        names, theme = views.dataset.class_names, views.theme
        self.matrix = Matrix(names, theme, views.on_loop, views.toggle)
        self.difference = Difference(names, theme, views.on_loop, views.toggle)
        self.other = Dropdown("compared with", other_runs())
        self.other.observe(views.on_loop(lambda _: self._draw(views.state)), "value")
        self.caption = Caption()
        self._alone = box("", self.matrix.counted), box("explorer-panel-figure", self.matrix.figure)
        self._together = box("explorer-panel-figure", self.difference.figure)
        tools = box("explorer-tools", self.other, self._alone[0])
        self.view = box(
            "explorer-mistakes-compared explorer-words", tools, self._alone[1], self._together, self.caption
        )

    def show(self, state: ViewState) -> None:
        """Show the matrix of the selected epoch; any run on these images can be compared, even a hidden one."""
        for part in (self.matrix, self.difference):
            part.mark(state.cell)
        self.other.offer(other_runs(state))
        self._draw(state)

    def _draw(self, state: ViewState) -> None:
        counts = None if state.moment is None else state.moment.confusion
        other = next((run for run in state.comparable if str(run.number) == self.other.value), None)
        if other is None:
            self.matrix.show(counts, state.theme, state.scored_on.held_out)
            self.caption.text = self.matrix.caption(state)
        else:
            before = None if other.newest is None else other.newest.confusion
            called = other.short_title  # the menu above the figure shows the rest
            self.difference.show(before, counts, state.theme, (called, "this run"))
            self.caption.text = self.difference.figure.summary
        # The boxes are hidden, not the parts: a part doesn't notice a class that is added later.
        for alone in self._alone:
            set_hidden(alone, other is not None)
        set_hidden(self._together, other is None)
