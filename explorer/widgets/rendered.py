"""Shows text, tables and pictures that Python describes as elements: display-only parts need no own script.

An element is plain data, ``[tag, attributes, *children]``, and text is a string: text never becomes markup.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

Element = list[Any]

_PACE_MS = 2000  # training is faster than speech


def element(tag: str, *children: Element | str | None, **attributes: Any) -> Element:
    """Return an element; ``rendered.js`` lists the supported ones. Children that are None or empty are left out.

    In names of attributes, as ``class_`` or ``aria_label``, underscores become hyphens, a trailing one is removed.
    True makes an attribute without a value; None and False omit it; ARIA attributes get the words "true" and
    "false". ``data_help`` is a help text that the page shows on any focusable element. Three attributes are not
    HTML's: ``style`` is a dict of CSS properties, ``picture`` the index of the background picture, ``pace`` the
    minimum number of milliseconds between changes of content that is read out. An element gets the focus when its
    ``data_focus`` changes.
    """
    given: dict[str, Any] = {}
    for name, value in attributes.items():
        key = name.rstrip("_").replace("_", "-")
        value = word_of(value) if key.startswith("aria-") else value
        if value is not None and value is not False:
            given[key] = value
    return [tag, given, *filter(None, children)]


def button_element(press: str, *children: Element | str, **attributes: Any) -> Element:
    """Return a button whose clicks are reported to `Rendered.on_press` as `press`."""
    return element("button", *children, type="button", data_press=press, **attributes)


def icon_element(*paths: str) -> Element:
    """Return an icon of strokes, each an SVG path in a 16 × 16 box."""
    named = {"class_": "explorer-icon", "viewBox": "0 0 16 16", "aria_hidden": True}
    return element("svg", *(element("path", d=path) for path in paths), **named)


def word_of(flag: object) -> Any:
    """Return ``"true"`` or ``"false"`` for a bool; other values unchanged."""
    return str(flag).lower() if isinstance(flag, bool) else flag


class Rendered(PagePart):
    """Elements. Redrawing touches only what differs, so the focus stays and nothing is read out twice."""

    _esm = script("rendered")

    kind = traitlets.Unicode().tag(sync=True)
    """CSS class of the part: ``"explorer-tiles"``."""
    content: traitlets.List[Any] = traitlets.List().tag(sync=True)
    pictures: traitlets.List[bytes] = traitlets.List().tag(sync=True)
    on_press = PartEvent[[str]]("press")
    """Calls ``callback(press)`` when a `button_element` is pressed."""

    def __init__(self, kind: str, *content: Element | str, **traits: Any) -> None:
        # The class is set before the script loads, so that nothing changes its size.
        super().__init__(kind=kind, content=list(content), _dom_classes=(kind,), **traits)

    def draw(self, *content: Element | str, picture: bytes = b"") -> None:
        """Replace the elements, in one message; `picture` is a PNG, none if empty."""
        self.update(content=list(content), pictures=[picture] if picture else [])

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if isinstance(press := content.get("press"), str):
            self._emit("press", press)


class Drawable(ABC):
    """Data that can be drawn as elements by a `Display`."""

    __slots__ = ()
    kind = ""
    """CSS class of the part."""
    picture = b""
    """A PNG, for elements with ``picture=0``; none if empty."""

    @abstractmethod
    def elements(self) -> Sequence[Element]:
        """Return the data as elements."""


_Data = TypeVar("_Data", bound=Drawable)


class Display(Rendered, Generic[_Data]):
    """Shows drawable data: ``Display(Tiles(…))``."""

    shown: _Data

    def __init__(self, shown: _Data, **traits: Any) -> None:
        self.shown = shown
        pictures = [shown.picture] if shown.picture else []
        super().__init__(shown.kind, *shown.elements(), pictures=pictures, **traits)

    def show(self, shown: _Data) -> None:
        """Show other data, in one message."""
        self.shown = shown
        self.draw(*shown.elements(), picture=shown.picture)


class Caption(Rendered):
    """One line of text that is read out politely when it changes, but at most once in two seconds."""

    text = traitlets.Unicode()

    def __init__(self, text: str = "", **traits: Any) -> None:
        super().__init__("explorer-caption", text=text, **traits)

    @traitlets.observe("text")
    def _on_text(self, _change: object) -> None:
        live = {"class_": "explorer-unseen", "role": "status", "aria_live": "polite", "pace": _PACE_MS}
        seen = {"class_": "explorer-cut explorer-muted", "aria_hidden": True, "title": self.text}
        self.draw(element("p", self.text, **seen), element("p", self.text, **live))
