"""The parts of a study's form: a text field, and a button with a progress bar."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart
from explorer.widgets.rendered import Drawable, Element, button_element, element, icon_element
from explorer.widgets.run_bar import SQUARE, TRIANGLE

_FOLDER = Path(__file__).parent
_STUDY_WORDS = MappingProxyType(
    {
        "run": "Run the study",
        "go on": "Continue the study",
        "confirm": "Start anyway",
        "stop": "Stop the study",
    }
)


class StudyEntry(PagePart):
    """A native text field that keeps its text even if it is invalid."""

    _esm, _folder = script("study_entry", _FOLDER), _FOLDER

    label = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True, page=True)
    """Set by the user or the app."""
    hint = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    """A sentence of help, and what is wrong with the text; empty if it is valid."""


@dataclass(frozen=True)
class StudyProgress(Drawable):
    """A button, a progress bar, and a line of text, for a `Display`."""

    kind = "explorer-study"

    text: str = ""
    """For example ``"12 of 48 runs · 20 s left"``."""
    fraction: float = 0.0
    """Progress of the study, 0 to 1."""
    press: str = "run"
    """The button's action: ``"run"``, ``"go on"``, ``"confirm"`` or ``"stop"``; a press of another one was sent
    before the action changed."""
    waits: bool = False
    """Whether the button is disabled."""

    @property
    def running(self) -> bool:
        """Whether the study is running: the button then stops it."""
        return self.press == "stop"

    def elements(self) -> list[Element]:
        """Return the bar as elements."""
        icon = icon_element(SQUARE if self.running else TRIANGLE)
        looks = {"class_": "explorer-button", "data_primary": not self.running, "disabled": self.waits}
        run = button_element(self.press, icon, _STUDY_WORDS[self.press], **looks)
        shown = {"aria_label": "Progress of the study", "hidden": not self.running and self.fraction == 0}
        bar = element("progress", max=1, value=self.fraction, **shown)
        words = element("p", self.text, class_="explorer-muted explorer-small", role="status")
        return [element("div", run, element("div", bar, words), class_="explorer-study-progress")]
