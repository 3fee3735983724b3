"""What every part of the page is: a widget that knows its names, looks as the others do, and hears its page."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
from ipywidgets import widget_serialization
from traitlets import Instance, default

from explorer.widgets.known_names import KnownNames
from explorer.widgets.look import Assets, look_of

__all__ = ["PagePart"]


class PagePart(KnownNames, anywidget.AnyWidget):
    """A part of the page, in a box of others or alone in a cell.

    ``_esm = script("…")`` names its script; the rules of the sheet of that name are on the page already. What
    `ipywidgets.DOMWidget` takes, such as `layout`, every part takes as well.
    """

    _look = Instance(Assets).tag(sync=True, **widget_serialization)
    """Brings sheets and scripts: a page that has the part has them too."""

    def __init__(self, **traits: Any) -> None:
        self._callbacks: dict[str, list[Callable[..., object]]] = {}
        super().__init__(**traits)
        self.on_msg(self._on_message)

    @default("_look")
    def _shared_look(self) -> Assets:
        return look_of(Path(__file__).parent)

    def _on(self, event: str, callback: Callable[..., object]) -> None:
        """Call `callback` with what `_tell` says of the event."""
        self._callbacks.setdefault(event, []).append(callback)

    def _tell(self, event: str, *arguments: Any) -> None:
        for callback in self._callbacks.get(event, ()):
            callback(*arguments)

    def _on_message(self, _widget: object, content: object, buffers: Sequence[Any]) -> None:
        if isinstance(content, dict):
            self._hear(content, buffers)

    def _hear(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Take a message of the page, which may hold anything."""
