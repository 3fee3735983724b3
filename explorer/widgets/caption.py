"""The line under a figure that says what the figure shows: for everybody, and for a screen reader."""

from typing import Any

import traitlets

from explorer.widgets.rendered import Rendered, element

__all__ = ["Caption"]

_PACE_MS = 2000  # training is faster than a voice


class Caption(Rendered):
    """One line of text that is read out politely when it changes, but at most once in two seconds.

    Parameters
    ----------
    text : str
        For example ``"epoch 5 of 10, test accuracy 93.2 %, most confused 9 read as 4"``.
    """

    text = traitlets.Unicode()

    def __init__(self, text: str = "", **traits: Any) -> None:
        super().__init__("explorer-caption", text=text, **traits)

    @traitlets.observe("text")
    def _on_text(self, _change: object) -> None:
        heard = {"class_": "explorer-unseen", "role": "status", "aria_live": "polite", "pace": _PACE_MS}
        self.draw(
            element("p", self.text, aria_hidden="true", title=self.text), element("p", self.text, **heard)
        )
