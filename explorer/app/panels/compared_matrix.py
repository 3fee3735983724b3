"""The confusion matrix in the second tab: alone, or compared with that of another run."""

from explorer.app.layout import box, set_hidden
from explorer.app.panels.matrix import Difference, Matrix
from explorer.app.view_state import ViewState
from explorer.app.views import Views
from explorer.widgets.caption import Caption
from explorer.widgets.dropdown import Dropdown

__all__ = ["ComparedMatrix", "other_runs"]


def other_runs(state: ViewState | None = None) -> dict[str, str]:
    """Return the runs that the present one can be compared with, for a `Dropdown`; "" stands for none."""
    runs = () if state is None else reversed(state.comparable)
    known = {str(run.number): run.title for run in runs if run.newest is not None}
    return {"": "no other run", **known}


class ComparedMatrix:
    """The confusion matrix, or its difference to that of another run where one is chosen."""

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
            called = other.short_title  # the choice over the figure says the rest
            self.difference.show(before, counts, state.theme, (called, "this run"))
            self.caption.text = self.difference.text
        # The boxes are hidden, not the parts: a part doesn't hear of a class that comes later.
        for alone in self._alone:
            set_hidden(alone, other is not None)
        set_hidden(self._together, other is None)
