"""What a cell of a teaching notebook shows: HTML for a page, and the same in plain text."""

from dataclasses import dataclass

__all__ = ["Shown"]


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """Something to look at.

    Parameters
    ----------
    html : str
        For JupyterLab, Voilà and static pages.
    text : str
        For a terminal.
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text
