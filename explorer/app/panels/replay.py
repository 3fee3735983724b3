"""How the page opens: the run that is there already is shown once from its initial weights on."""

from collections.abc import Callable

from explorer.app.views import Views, ViewState
from explorer.training import Moment, SampleRecord

_SECONDS = 3.0


class Replay:
    """Calls ``draw(state)`` for each moment of a run that has ended, one after the other, in three seconds."""

    def __init__(self, views: Views, draw: Callable[[ViewState], object]) -> None:
        self._views, self._draw = views, draw
        self._left: list[Moment | SampleRecord | None] = []
        self._run: tuple[int, int] | None = None  # the one that is replayed
        self._seconds = 0.0

    @property
    def is_on(self) -> bool:
        """Whether moments are left to show."""
        return bool(self._left)

    def begin(self) -> None:
        """Replay the current run; one that trains is in motion already."""
        run, loop = self._views.state.run, self._views.loop
        if (
            run is None
            or loop.loop is None
            or run.status != "finished"
            or self.is_on
            or self._views.opens_still
        ):
            return
        self._left, self._run = [*(run.early or (None,)), *run.timeline.moments], run.key
        self._seconds = _SECONDS / len(self._left)
        self._step()

    def stop(self) -> None:
        """Leave the rest out."""
        self._left = []

    def _step(self) -> None:
        state = self._views.state
        if state.run is None or state.run.key != self._run:
            self.stop()
        if self._left:
            self._draw(state.showing(self._left.pop(0)))
            self._views.loop.call_later(self._seconds, self._views.loop.guarded, self._step)
