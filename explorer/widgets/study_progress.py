"""A button that starts or stops a study, and its progress."""

from dataclasses import dataclass
from types import MappingProxyType

from explorer.widgets.rendered import Drawable, Element, button_element, element, icon_element

_SQUARE, _TRIANGLE = "M4 4h8v8H4z", "M5 3.5v9l7.5-4.5z"
_WORDS = MappingProxyType(
    {
        "run": "Run the study",
        "go on": "Continue the study",
        "confirm": "Start anyway",
        "stop": "Stop the study",
    }
)


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
        icon = icon_element(_SQUARE if self.running else _TRIANGLE)
        looks = {"class_": "explorer-button", "data_primary": not self.running, "disabled": self.waits}
        run = button_element(self.press, icon, _WORDS[self.press], **looks)
        shown = {"aria_label": "Progress of the study", "hidden": not self.running and self.fraction == 0}
        bar = element("progress", max=1, value=self.fraction, **shown)
        words = element("p", self.text, class_="explorer-muted explorer-small", role="status")
        return [element("div", run, element("div", bar, words), class_="explorer-study-progress")]
