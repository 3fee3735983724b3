"""How the page opens: the run that is there already is shown once from its initial weights on."""

from explorer.app.views import Views
from explorer.training import Moment, SampleRecord

_SECONDS = 3.0


class Replay:
    """Shows every second moment of the first epoch of a run that has ended, in all views, in three seconds."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._left: list[Moment | SampleRecord] = []
        self._run: tuple[int, int] | None = None  # the one that is replayed
        self._seconds = 0.0

    def begin(self) -> None:
        """Replay the current run; one that trains is in motion already."""
        run, loop = self._views.state.run, self._views.loop
        if run is None or run.status != "finished" or loop.loop is None:
            return
        if self._left or self._views.opens_still:
            return
        self._left = [one for one in run.moments if one.epoch <= 1][::2]  # later on, less changes
        self._run = run.key
        self._seconds = _SECONDS / max(1, len(self._left))
        self._step()

    def stop(self) -> None:
        """Leave the rest out."""
        if self._left or self._views.replayed is not None:
            self._left, self._views.replayed = [], None
            self._views.refresh()

    def _step(self) -> None:
        run = self._views.state.run
        if not self._left or run is None or run.key != self._run:
            self.stop()
        else:
            self._views.replayed = self._left.pop(0)
            self._views.refresh()
            self._views.loop.call_later(self._seconds, self._views.loop.guarded, self._step)
