"""A table of gradients found in two ways, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.widgets.rendered import Element, Rendered, button_element, element, table_element

__all__ = ["CheckedRow", "CheckedWeights"]

_AGAIN = "again"
_HEADINGS = ("weight", "analytic ∂L/∂w", "numeric ∂L/∂w", "relative difference")


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


class CheckedWeights(Rendered):
    """The table, and a button to check other weights."""

    verdict = ""
    how = ""
    rows: tuple[CheckedRow, ...] = ()
    agrees: bool | None = None

    def __init__(self, **traits: Any) -> None:
        super().__init__("explorer-checked-weights", **traits)

    def on_again(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when other weights are to be checked."""
        self.on_press(lambda press: callback() if press == _AGAIN else None)

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
        self.verdict, self.how, self.rows, self.agrees = verdict, how, tuple(rows), agrees
        again = button_element(_AGAIN, "Check other weights", class_="explorer-button", hidden=not rows)
        said = element("p", verdict, class_="explorer-verdict", role="status", data_agrees=_word(agrees))
        head = [element("th", words, scope="col") for words in _HEADINGS]
        unseen = element("th", element("span", "verdict", class_="explorer-unseen"), scope="col")
        gradients = table_element("Gradients", [*head, unseen], map(_row, rows))
        scroll = {"role": "group", "aria_label": "Gradients", "tabindex": 0, "hidden": not rows}
        parts = (
            element("header", said, again),
            element("div", gradients, class_="explorer-table-scroll", **scroll),
            element("p", how, class_="explorer-muted explorer-small"),
        )
        self.draw(element("section", *parts, aria_label="Gradient check"))


def _row(row: CheckedRow) -> Element:
    cells = (element("td", text) for text in (row.analytic, row.numeric, row.difference, row.verdict))
    return element("tr", element("th", row.weight, scope="row"), *cells, data_agrees=_word(row.agrees))


def _word(agrees: bool | None) -> str | None:
    return None if agrees is None else "true" if agrees else "false"
