"""Shows text, tables and pictures that Python puts into elements: what only shows needs no script of its own.

An element is plain data, ``[tag, attributes, *children]``, and text is a string: no text ever becomes markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["Display", "Element", "Rendered", "button_element", "element", "table_element", "term_element"]

Element = list[Any]


def element(tag: str, *children: Element | str | None, **attributes: Any) -> Element:
    """Return an element; which there are says ``rendered.js``.

    Parameters
    ----------
    tag : str
        Its name.
    *children : Element or str or None
        What stands in it. None and empty strings are left out.
    **attributes : str, float or bool
        ``class_``, ``role``, ``aria_label``, ``data_kind``, …: an underscore stands for a hyphen, the last one for
        nothing. True makes an attribute without a value; None and False leave it out. ``data_help`` is a sentence
        that the page shows as help on whatever can have the focus. Three are not HTML's:
        ``style`` is a dict of CSS properties, ``picture`` the index of the picture that is the background,
        ``pace`` the fewest milliseconds between two changes of what stands in it, where that is read out.
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    given = {name: value for name, value in named.items() if value is not None and value is not False}
    return [tag, given, *filter(None, children)]


def button_element(
    press: str, *children: Element | str, class_: str | None = None, **attributes: Any
) -> Element:
    """Return a button, whose click `Rendered.on_press` tells by the name `press`."""
    return element("button", *children, type="button", data_press=press, class_=class_, **attributes)


def term_element(words: str, meaning: str) -> Element | str:
    """Return a word that explains itself on hover, focus and click; without a meaning, the plain word."""
    if not meaning:
        return words
    return element("button", words, type="button", class_="explorer-term", data_help=meaning)


def table_element(
    caption: str, head: Iterable[Element], rows: Iterable[Element], **attributes: Any
) -> Element:
    """Return a table of cells in a head and of rows, with a caption that only screen readers read."""
    words = element("caption", caption, class_="explorer-unseen")
    parts = element("thead", element("tr", *head)), element("tbody", *rows)
    return element("table", words, *parts, **attributes)


class Rendered(PagePart):
    """Elements. Of a new drawing only what differs is touched, so the focus stays and nothing is read out twice.

    Parameters
    ----------
    kind : str
        CSS class of the part: ``"explorer-tiles"``.
    *content : Element or str
        What it shows first.
    """

    _esm = script("rendered")

    kind = traitlets.Unicode().tag(sync=True)
    content: traitlets.List[Any] = traitlets.List().tag(sync=True)
    pictures: traitlets.List[bytes] = traitlets.List().tag(sync=True)

    def __init__(self, kind: str, *content: Element | str, **traits: Any) -> None:
        super().__init__(kind=kind, content=list(content), **traits)

    def draw(self, *content: Element | str, pictures: Sequence[bytes] = ()) -> None:
        """Show elements in place of those before, in one message; `pictures` are PNGs, empty ones none."""
        with self.hold_sync():
            self.content, self.pictures = list(content), list(filter(None, pictures))

    def on_press(self, callback: Callable[[str], object]) -> None:
        """Call ``callback(press)`` when a `button_element` is pressed."""
        self._on("press", callback)

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        press = content.get("press")
        if isinstance(press, str):
            self._tell("press", press)


class _Drawable(Protocol):
    """Data that says how it looks."""

    @property
    def kind(self) -> str: ...

    @property
    def pictures(self) -> Sequence[bytes]: ...

    def elements(self) -> Sequence[Element]: ...


_Data = TypeVar("_Data", bound=_Drawable)


class Display(Rendered, Generic[_Data]):
    """Shows data that says how it looks: ``Display(Tiles(…))``."""

    def __init__(self, shown: _Data, **traits: Any) -> None:
        self._shown = shown
        pictures = [*filter(None, shown.pictures)]
        super().__init__(shown.kind, *shown.elements(), pictures=pictures, **traits)

    @property
    def shown(self) -> _Data:
        """What it shows."""
        return self._shown

    def show(self, shown: _Data) -> None:
        """Show other data, in one message."""
        self._shown = shown
        self.draw(*shown.elements(), pictures=shown.pictures)
