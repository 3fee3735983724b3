"""The buttons that drive a run, and how far it is.

Which buttons can be pressed follows from the run's status in one place: `actions`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart
from explorer.wording import duration

__all__ = ["ACTIONS", "STATUSES", "RunBar", "actions", "progress_text"]

STATUSES = ("idle", "running", "paused", "finished", "stopped", "failed")
"""What a run may be in. ``"idle"``: nothing is trained yet."""

ACTIONS = ("train", "pause", "resume", "step_batch", "step_epoch", "stop", "reset")
"""What a user may ask of a run."""

_ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "idle": frozenset({"train", "step_batch", "step_epoch"}),
        "running": frozenset({"pause", "stop", "reset"}),
        "paused": frozenset({"resume", "step_batch", "step_epoch", "stop", "reset"}),
        "finished": frozenset({"train", "reset"}),
        "stopped": frozenset({"train", "reset"}),
        "failed": frozenset({"train", "reset"}),
    }
)


def actions(status: str) -> dict[str, bool]:
    """Return which actions are possible.

    Parameters
    ----------
    status : str
        One of `STATUSES`.

    Returns
    -------
    dict of str to bool
        One entry for each of `ACTIONS`. Exactly one of train, pause and resume is possible: it is what the
        primary button does.

    Raises
    ------
    KeyError
        If `status` is none of `STATUSES`.
    """
    return {action: action in _ALLOWED[status] for action in ACTIONS}


def progress_text(status: str, epoch: float, epochs: int, seconds_left: float | None = None) -> str:
    """Return how far the run is, in words.

    Parameters
    ----------
    status : str
        One of `STATUSES`.
    epoch : float
        Epochs done, with the fraction of the present one.
    epochs : int
        Epochs asked for.
    seconds_left : float or None
        Estimate of the seconds until the end; None while it is not known.

    Returns
    -------
    str
        For example ``"epoch 3 of 10 · 12 s left"``; while it runs the epoch is the one under way.
    """
    if status == "idle":
        return "not trained yet"
    done = int(epoch)
    if status in ("running", "paused"):
        now = min(done + 1, epochs)
        left = "" if seconds_left is None or status == "paused" else f" · {duration(seconds_left)} left"
        return f"epoch {now} of {epochs}{left}" + (" · paused" if status == "paused" else "")
    return f"{status} · {done} of {epochs} epoch{'' if epochs == 1 else 's'}"


class RunBar(PagePart):
    """Train, pause, step, stop, reset, the auto-train switch, and the progress.

    Parameters
    ----------
    auto : bool
        Whether a changed setting starts training at once.

    Attributes
    ----------
    status : str
        One of `STATUSES`; set by the app.
    auto : bool
        The switch; set by the user, observed by the app.
    """

    _esm = script("run_bar")

    status = traitlets.Enum(STATUSES, default_value="idle").tag(sync=True)
    enabled = traitlets.Dict().tag(sync=True)
    auto = traitlets.Bool(True).tag(sync=True)
    fraction = traitlets.Float(0.0).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)

    def __init__(self, *, auto: bool = True, **traits: Any) -> None:
        begun = {"enabled": actions("idle"), "text": progress_text("idle", 0, 1)}
        super().__init__(auto=auto, **(begun | traits))

    def on_action(self, callback: Callable[[str], object]) -> None:
        """Call ``callback(name)`` for each action, one of `ACTIONS`, that the user asks for."""
        self._on("action", callback)

    def show(self, status: str, epoch: float, epochs: int, seconds_left: float | None = None) -> None:
        """Show where the run is, in one message to the page; parameters as in `progress_text`."""
        with self.hold_sync():
            self.status = status
            self.fraction = min(1.0, max(0.0, epoch / epochs))
            self.text = progress_text(status, epoch, epochs, seconds_left)

    @traitlets.observe("status")
    def _on_status(self, change: Mapping[str, Any]) -> None:
        self.enabled = actions(change["new"])

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        action = content.get("action")
        # A click may have been on its way while the run ended: what is not possible any more is dropped.
        if action in ACTIONS and actions(self.status)[action]:
            self._tell("action", action)
