"""Two runs next to each other: a sentence that decides, then the figures and settings that it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.widgets.rendered import Element, Rendered, element, table_element

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


class SideBySide(Rendered):
    """A verdict, remarks, and a table of two columns. Without a verdict it takes no room."""

    heads: tuple[tuple[str, str], ...] = ()
    """Words and colour of A and of B: ``("A · run 1", "#332288")``."""
    verdict = ""
    """What the comparison comes to."""
    remarks: Sequence[str] = ()
    """What else there is to know."""
    lines: tuple[Line, ...] = ()
    """The properties."""

    def __init__(self, **traits: Any) -> None:
        super().__init__("explorer-side-by-side", **traits)

    def show(
        self,
        heads: Sequence[tuple[str, str]] = (),
        verdict: str = "",
        remarks: Sequence[str] = (),
        lines: Sequence[Line] = (),
    ) -> None:
        """Show a comparison, or none, in one message; `heads` are words and colour of A and of B."""
        self.heads, self.verdict, self.remarks, self.lines = tuple(heads), verdict, remarks, tuple(lines)
        self.draw(
            element("p", verdict, class_="explorer-verdict", role="status", aria_live="polite"),
            element("div", *(element("p", remark) for remark in remarks), class_="explorer-remarks"),
            table_element(
                "Two runs side by side",
                [element("td"), *(_heading(*head) for head in heads)],
                map(_row, lines),
                hidden=not lines,
            ),
        )


def _heading(words: str, colour: str) -> Element:
    swatch = element("span", class_="explorer-swatch", aria_hidden="true", style={"background": colour})
    return element("th", swatch, words, scope="col")


def _row(line: Line) -> Element:
    cells = element("td", line.a), element("td", line.b)
    return element("tr", element("th", line.label, scope="row"), *cells)
