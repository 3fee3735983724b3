"""Two runs next to each other: a sentence that decides, then the figures and settings that it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from explorer.widgets.rendered import Element, element, table_element

__all__ = ["SideBySide"]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A verdict, remarks, and a table of two columns, for a `Display`. Without a verdict it takes no room."""

    kind: ClassVar[str] = "explorer-side-by-side"
    pictures: ClassVar[tuple[bytes, ...]] = ()

    heads: Sequence[tuple[str, str]] = ()
    """Words and colour of A and of B: ``("A · run 1", "#332288")``."""
    verdict: str = ""
    """What the comparison comes to."""
    remarks: Sequence[str | Sequence[Element | str]] = ()
    """What else there is to know; a remark may come in pieces, of which some are words that explain themselves."""
    lines: Sequence[tuple[str, str, str]] = ()
    """Properties: the name, and what it is in A and in B."""

    def elements(self) -> list[Element]:
        """Return the comparison as it is drawn."""
        heads = [element("td"), *(_heading(*head) for head in self.heads)]
        return [
            element("p", self.verdict, class_="explorer-verdict", role="status", aria_live="polite"),
            element("div", *(_remark(remark) for remark in self.remarks), class_="explorer-remarks"),
            table_element("Two runs side by side", heads, map(_row, self.lines), hidden=not self.lines),
        ]


def _remark(remark: str | Sequence[Element | str]) -> Element:
    return element("p", *((remark,) if isinstance(remark, str) else remark))


def _heading(words: str, colour: str) -> Element:
    swatch = element("span", class_="explorer-swatch", aria_hidden="true", style={"background": colour})
    return element("th", swatch, words, scope="col")


def _row(line: tuple[str, str, str]) -> Element:
    label, *cells = line
    return element("tr", element("th", label, scope="row"), *(element("td", text) for text in cells))
