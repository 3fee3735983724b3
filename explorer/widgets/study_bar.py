"""The button that starts a study of many runs or ends it, and how far it is."""

from collections.abc import Callable

import anywidget
import traitlets

from explorer.widgets.look import script, stylesheet

__all__ = ["StudyBar"]


class StudyBar(anywidget.AnyWidget):
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

    _esm = script("study_bar")
    _css = stylesheet("study_bar")

    running = traitlets.Bool(False).tag(sync=True)
    fraction = traitlets.Float(0.0).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)

    def __init__(self, text: str = "") -> None:
        self._callbacks: list[Callable[[], object]] = []
        super().__init__(text=text)
        self.on_msg(self._on_message)

    def on_press(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the button is pressed."""
        self._callbacks.append(callback)

    def show(self, *, running: bool, fraction: float, text: str) -> None:
        """Show where the study is, in one message to the page."""
        with self.hold_sync():
            self.running, self.fraction, self.text = running, min(1.0, max(0.0, fraction)), text

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        # A press may have been on its way while the study ended: it says what the button stood for.
        if isinstance(content, dict) and content.get("running") is self.running:
            for callback in self._callbacks:
                callback()
