"""The confusion matrix in the second tab: alone, or held against that of another run."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ipywidgets import Box, DOMWidget

from explorer.app.panels.matrix import Difference, Matrix, OnCell
from explorer.app.scene import OnLoop, Scene
from explorer.figures.palette import Theme
from explorer.widgets.caption import Caption
from explorer.widgets.choice import Choice

__all__ = ["ComparedMatrix"]

_NOTHING: Mapping[str, str] = MappingProxyType({"": "no other run"})


class ComparedMatrix:
    """The confusion matrix, or its difference to that of another run where one is chosen.

    Parameters
    ----------
    class_names : sequence of str
        Name of each class.
    theme : {"light", "dark"}
        Colours to begin with.
    on_loop : callable
        As in `explorer.app.scene`.
    on_cell : callable
        Called with row and column of each cell that is clicked.
    """

    def __init__(self, class_names: Sequence[str], theme: Theme, on_loop: OnLoop, on_cell: OnCell) -> None:
        self.matrix = Matrix(class_names, theme, on_loop, on_cell)
        self.difference = Difference(class_names, theme, on_loop, on_cell)
        self.other = Choice("compared with", _NOTHING)
        self.other.observe(on_loop(self._on_other), "value")
        self.caption = Caption()
        self._scene: Scene | None = None
        self._alone = Box([self.matrix.counted]), _box("figure", self.matrix.figure)
        self._together = _box("figure", self.difference.figure)
        tools = _box("tools", self.other, self._alone[0])
        self.view = _box("compared", tools, self._alone[1], self._together, self.caption)

    def show(self, scene: Scene) -> None:
        """Show the matrix of the present moment; any other run can be held against it, even a hidden one."""
        self._scene = scene
        known = {str(run.number): run.title for run in reversed(scene.others) if run.newest is not None}
        self.other.offer({**_NOTHING, **known})
        self._draw()

    def mark(self, cell: tuple[int, int] | None) -> None:
        """Put the frame round a cell (row, column), or round none."""
        for part in (self.matrix, self.difference):
            part.mark(cell)

    def _draw(self) -> None:
        scene = self._scene
        if scene is None:
            return
        counts = None if scene.moment is None else scene.moment.confusion
        other = next((run for run in scene.others if str(run.number) == self.other.value), None)
        if other is None:
            self.matrix.show(counts, scene.theme)
            self.caption.text = scene.nothing or self.matrix.text
        else:
            before = None if other.newest is None else other.newest.confusion
            self.difference.show(before, counts, scene.theme, (other.title, "this run"))
            self.caption.text = self.difference.text
        _set_hidden(other is not None, *self._alone)
        _set_hidden(other is None, self._together)

    def _on_other(self, _change: object) -> None:
        self._draw()


def _box(name: str, *children: DOMWidget) -> Box:
    box = Box(children)
    box.add_class(f"explorer-mistakes-{name}")
    return box


def _set_hidden(hidden: bool, *boxes: Box) -> None:
    """Hide boxes or show them; a part of its own doesn't hear of a class that comes later."""
    for box in boxes:
        if hidden:
            box.add_class("explorer-hidden")
        else:
            box.remove_class("explorer-hidden")
