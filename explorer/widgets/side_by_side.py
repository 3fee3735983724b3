"""Two runs beside each other: a sentence that decides, and the figures and settings behind it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["Line", "SideBySide"]


@dataclass(frozen=True, slots=True)
class Line:
    """One property of both.

    Parameters
    ----------
    label : str
        Its name.
    a, b : str
        What it is in each.
    """

    label: str
    a: str
    b: str


class SideBySide(anywidget.AnyWidget):
    """A verdict, remarks, and a table of two columns. Without a verdict it takes no room.

    Attributes
    ----------
    heads : list of dict
        Words and colour of A and of B: ``{"words": "A · run 1", "colour": "#332288"}``.
    verdict : str
        What the comparison comes to.
    remarks : list of str
        What else there is to know.
    lines : list of dict
        The properties, as `Line` holds them.
    """

    _esm = script("side_by_side")
    _css = stylesheet("side_by_side")

    heads: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    verdict = traitlets.Unicode().tag(sync=True)
    remarks: traitlets.List[str] = traitlets.List().tag(sync=True)
    lines: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def show(
        self,
        heads: Sequence[tuple[str, str]] = (),
        verdict: str = "",
        remarks: Sequence[str] = (),
        lines: Sequence[Line] = (),
    ) -> None:
        """Show a comparison, or none, in one message; `heads` are words and colour of A and of B."""
        with self.hold_sync():
            self.heads = [{"words": words, "colour": colour} for words, colour in heads]
            self.verdict = verdict
            self.remarks = list(remarks)
            self.lines = [asdict(line) for line in lines]
