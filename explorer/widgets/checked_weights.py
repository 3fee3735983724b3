"""A table of gradients found in two ways, and the verdict."""

from dataclasses import dataclass
from typing import ClassVar

from explorer.widgets.rendered import Element, button_element, element, table_element

__all__ = ["CheckedRow", "CheckedWeights"]

_HEADINGS = ("weight", "analytic ∂L/∂w", "numeric ∂L/∂w", "relative difference")


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One weight as it is written."""

    weight: str
    """Its name: ``"W1[3, 402]"``."""
    analytic: str
    numeric: str
    """The gradient in two ways."""
    difference: str
    """How far they lie apart."""
    verdict: str
    """``"agree"``, or what else is to say."""
    agrees: bool | None
    """Whether all is well with it; None where that can't be judged."""


@dataclass(frozen=True, slots=True)
class CheckedWeights:
    """Checked weights, for a `Display`, with a button to check others; it is heard as ``"again"``."""

    kind: ClassVar[str] = "explorer-checked-weights"
    pictures: ClassVar[tuple[bytes, ...]] = ()

    verdict: str = ""
    """What they say together."""
    how: str = ""
    """How the numbers were found."""
    rows: tuple[CheckedRow, ...] = ()
    """The weights; without any there is nothing to check again either."""
    agrees: bool | None = None
    """Whether the verdict is good; None where there is none."""

    def elements(self) -> list[Element]:
        """Return the table as it is drawn."""
        rows = self.rows
        again = button_element("again", "Check other weights", class_="explorer-button", hidden=not rows)
        agrees = _word(self.agrees)
        said = element("p", self.verdict, class_="explorer-verdict", role="status", data_agrees=agrees)
        head = [element("th", words, scope="col") for words in _HEADINGS]
        unseen = element("th", element("span", "verdict", class_="explorer-unseen"), scope="col")
        gradients = table_element("Gradients", [*head, unseen], map(_row, rows))
        scroll = {"role": "group", "aria_label": "Gradients", "tabindex": 0, "hidden": not rows}
        parts = (
            element("header", said, again),
            element("div", gradients, class_="explorer-table-scroll", **scroll),
            element("p", self.how, class_="explorer-muted explorer-small"),
        )
        return [element("section", *parts, aria_label="Gradient check")]


def _row(row: CheckedRow) -> Element:
    cells = (element("td", text) for text in (row.analytic, row.numeric, row.difference, row.verdict))
    return element("tr", element("th", row.weight, scope="row"), *cells, data_agrees=_word(row.agrees))


def _word(agrees: bool | None) -> str | None:
    return None if agrees is None else "true" if agrees else "false"
