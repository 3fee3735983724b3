"""The button that starts a study of many runs or ends it, and how far it is."""

from collections.abc import Callable
from typing import Any

import traitlets

from explorer.widgets.rendered import Rendered, button_element, element

__all__ = ["StudyBar"]

_SQUARE, _TRIANGLE = "M4 4h8v8H4z", "M5 3.5v9l7.5-4.5z"


class StudyBar(Rendered):
    """Run and Stop, a bar of progress, and a line of text.

    Attributes
    ----------
    running : bool
        Whether a study is under way: the button then stops it.
    fraction : float
        How far it is, 0 to 1.
    text : str
        For example ``"12 of 48 runs · 20 s left"``.
    """

    running = traitlets.Bool(False)
    fraction = traitlets.Float(0.0)
    text = traitlets.Unicode()

    def __init__(self, text: str = "", **traits: Any) -> None:
        super().__init__("explorer-study", text=text, **traits)

    def on_press(self, callback: Callable[..., object]) -> None:
        """Call ``callback()`` when the button is pressed."""
        # A press may have been on its way while the study ended: it says what the button stood for.
        super().on_press(lambda press: callback() if press == self._press else None)

    def show(self, *, running: bool, fraction: float, text: str) -> None:
        """Show where the study is, in one message to the page."""
        with self.hold_sync():
            self.running, self.fraction, self.text = running, min(1.0, max(0.0, fraction)), text

    @property
    def _press(self) -> str:
        return "stop" if self.running else "run"

    @traitlets.observe("running", "fraction", "text")
    def _on_change(self, _change: object) -> None:
        words, path = ("Stop the study", _SQUARE) if self.running else ("Run the study", _TRIANGLE)
        named = {"class_": "explorer-icon", "viewBox": "0 0 16 16", "aria_hidden": "true"}
        icon = element("svg", element("path", d=path), **named)
        is_primary = not self.running
        run = button_element(self._press, icon, words, class_="explorer-button", data_primary=is_primary)
        is_hidden = not self.running and self.fraction == 0
        shown = {"aria_label": "Progress of the study", "hidden": is_hidden}
        bar = element("progress", max=1, value=self.fraction, **shown)
        progress = element("div", bar, element("p", self.text, role="status"))
        self.draw(element("div", run, progress, class_="explorer-study-bar"))
