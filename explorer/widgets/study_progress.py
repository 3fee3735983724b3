"""The button that starts a study of many runs or ends it, and how far the study is."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from explorer.widgets.rendered import Element, button_element, element

__all__ = ["StudyProgress"]

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
class StudyProgress:
    """A button, a bar of progress, and a line of text, for a `Display`."""

    kind: ClassVar[str] = "explorer-study"
    pictures: ClassVar[tuple[bytes, ...]] = ()

    text: str = ""
    """For example ``"12 of 48 runs · 20 s left"``."""
    fraction: float = 0.0
    """How far the study is, 0 to 1."""
    press: str = "run"
    """What the button stands for: ``"run"``, ``"go on"``, ``"confirm"`` or ``"stop"``; a press of another was on
    its way when that changed."""
    waits: bool = False
    """Whether the button can't be pressed."""

    @property
    def running(self) -> bool:
        """Whether the study is under way: the button then stops it."""
        return self.press == "stop"

    def elements(self) -> list[Element]:
        """Return the bar as elements."""
        path = _SQUARE if self.running else _TRIANGLE
        named = {"class_": "explorer-icon", "viewBox": "0 0 16 16", "aria_hidden": "true"}
        icon = element("svg", element("path", d=path), **named)
        is_primary, text = not self.running, _WORDS[self.press]
        run = button_element(
            self.press, icon, text, class_="explorer-button", data_primary=is_primary, disabled=self.waits
        )
        is_hidden = not self.running and self.fraction == 0
        shown = {"aria_label": "Progress of the study", "hidden": is_hidden}
        bar = element("progress", max=1, value=self.fraction, **shown)
        progress = element("div", bar, element("p", self.text, role="status"))
        return [element("div", run, progress, class_="explorer-study-progress")]
