"""The progress of a run, and of a study, with their buttons."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent
from explorer.wording import counted, duration, grouped, queue_text

STATUSES = ("idle", "running", "paused", "finished", "stopped", "failed")
"""The states of a run. ``"idle"``: nothing is trained yet."""

_ENDED = ("finished", "stopped", "failed")

ACTIONS = ("train", "pause", "resume", "step_batch", "step_epoch", "stop", "reset")
"""The actions that a user can request."""

_STEPS = frozenset({"step_batch", "step_epoch"})
_ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "idle": _STEPS | {"train"},
        "running": frozenset({"pause", "stop", "reset"}),
        "paused": _STEPS | {"train", "resume", "stop", "reset"},
        **dict.fromkeys(_ENDED, frozenset({"train", "reset"})),
    }
)

SQUARE, TRIANGLE = "M4 4h8v8H4z", "M5 3.5v9l7.5-4.5z"


def actions(status: str, *, goes_on: bool = False) -> dict[str, bool]:
    """Return which of `ACTIONS` are possible in a status; `goes_on` tells whether an ended run can be continued.

    The primary button is the first possible one of pause, resume and train.
    """
    possible = _ALLOWED[status] | ({"resume"} if goes_on and status in _ENDED else set())
    return {action: action in possible for action in ACTIONS}


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run's progress."""

    status: str
    """One of `STATUSES`."""
    epoch: float
    epochs: int
    """Epochs done, including the fraction of the current one, and epochs planned."""
    seconds_left: float | None = None
    position: tuple[int, int, int] | None = None
    """For a paused run: the current epoch, 1 for the first, its mini-batches done, and the mini-batches per epoch.
    Without it, only the epoch is shown."""
    queue_position: int = 0
    """For a running run: its queue position for a core, 1 for the next; 0 while it has one."""
    is_early: bool = False
    """Whether early stopping has ended it before its last epoch."""
    restored: bool = False
    """Whether it has ended with the weights of its best epoch, not of its last."""

    @property
    def text(self) -> str:
        """The progress in words: ``"epoch 3 of 10 · 12 s left"``; during a run the epoch is the current one."""
        done, epochs = int(self.epoch), self.epochs
        under_way = f"epoch {min(done + 1, epochs)} of {epochs}"
        if self.status == "idle":
            return "not trained yet"
        if self.status == "paused":
            if self.position is None:
                return f"{under_way} · paused"
            now, step, steps = map(grouped, self.position)
            return f"epoch {now} of {epochs} · step {step} of {steps} · paused"
        if self.status == "running":
            left = "" if self.seconds_left is None else f" · {duration(self.seconds_left)} left"
            return under_way + (f" · {queue_text(self.queue_position)}" if self.queue_position else left)
        if self.restored:
            return f"{'stopped early' if self.is_early else self.status} · weights of epoch {done}"
        return f"{self.status} · {done} of {counted(epochs, 'epoch')}"


class RunBar(PagePart):
    """Train, pause, step, stop, reset, the auto-train switch, and the progress."""

    _esm = script("run_bar")

    status = traitlets.Enum(STATUSES, default_value="idle").tag(sync=True)
    enabled = traitlets.Dict().tag(sync=True)
    auto = traitlets.Bool(True).tag(sync=True, page=True)
    """The switch: whether changing a setting starts training at once. Set by the user, observed by the app."""
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    guess = traitlets.Unicode().tag(sync=True, page=True)
    """What the user expects of the next run: ``"95 %, 4 → 9"``. Asked for, with the `classes`, while the switch is
    off."""
    fraction = traitlets.Float(0.0).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    resumes = traitlets.Unicode().tag(sync=True)
    trains = traitlets.Unicode("Train").tag(sync=True)
    """Labels of the buttons that continue an ended run, empty if that is impossible, and start one."""
    note = traitlets.Unicode().tag(sync=True)
    """The result of the last step, or of a guess; empty if there is none."""
    on_action = PartEvent[[str]]("action")
    """Calls ``callback(name)`` for each action, one of `ACTIONS`, that the user requests."""

    def __init__(self, *, auto: bool = True, **traits: Any) -> None:
        begun = {"enabled": actions("idle"), "text": RunProgress("idle", 0, 1).text}
        super().__init__(auto=auto, **(begun | traits))

    def show(self, run: RunProgress, **words: str | list[str]) -> None:
        """Show the run's progress, in one message to the page.

        The `words` are `resumes`, `trains`, `note` and `classes`; those not given stay unchanged.
        """
        fraction = min(1.0, max(0.0, run.epoch / run.epochs))
        self.update(status=run.status, fraction=fraction, text=run.text, **words)

    @traitlets.observe("status", "resumes")
    def _on_status(self, _change: object) -> None:
        self.enabled = actions(self.status, goes_on=bool(self.resumes))

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        action = content.get("action")
        # A click may arrive after the run has ended: actions that are no longer possible are dropped.
        if action in ACTIONS and self.enabled[action]:
            self._emit("action", action)
