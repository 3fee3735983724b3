"""A table of gradients found in two ways, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["CheckedRow", "CheckedWeights"]


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One weight as it is written.

    Parameters
    ----------
    weight : str
        Its name: ``"W1[3, 402]"``.
    analytic, numeric : str
        The gradient in two ways.
    difference : str
        How far they lie apart.
    verdict : str
        ``"agree"``, or what else is to say.
    agrees : bool or None
        Whether all is well with it; None where that can't be judged.
    """

    weight: str
    analytic: str
    numeric: str
    difference: str
    verdict: str
    agrees: bool | None


class CheckedWeights(anywidget.AnyWidget):
    """The table, and a button to check other weights."""

    _esm = script("checked_weights")
    _css = stylesheet("checked_weights")

    content: traitlets.Dict[str, object] = traitlets.Dict().tag(sync=True)
    """All that `show` was given: in one trait, so that the page draws once."""

    def __init__(self) -> None:
        self._on_again: list[Callable[[], object]] = []
        super().__init__()
        self.show("", "", [])
        self.on_msg(self._on_message)

    def on_again(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when other weights are to be checked."""
        self._on_again.append(callback)

    def show(self, verdict: str, how: str, rows: Sequence[CheckedRow], *, agrees: bool | None = True) -> None:
        """Show checked weights, in one message.

        Parameters
        ----------
        verdict : str
            What they say together.
        how : str
            How the numbers were found.
        rows : sequence of CheckedRow
            The weights; without any there is nothing to check again either.
        agrees : bool or None
            Whether the verdict is good; None where there is none.
        """
        self.content = {
            "verdict": verdict,
            "how": how,
            "rows": [asdict(row) for row in rows],
            "agrees": agrees,
        }

    def _on_message(self, _widget: object, message: object, _buffers: object) -> None:
        if isinstance(message, dict) and message.get("again"):
            for callback in self._on_again:
                callback()
