"""The arrangement of the app's parts; the grid itself is in this folder's style sheets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ipywidgets import Box, DOMWidget, Layout, VBox, Widget

from explorer.widgets.assets import look_of, plain_layout
from explorer.widgets.page_part import KnownNames


class AppBox(KnownNames, VBox):
    """A box for a cell or another box; closing it also closes its children."""

    def __init__(
        self, children: Sequence[DOMWidget] = (), *, layout: Layout | Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(children, layout=layout or Layout())
        self.add_class("explorer-surface")

    def close(self) -> None:
        """Close the widgets."""
        for child in self.children:
            close_all(child)
        self.layout.close()
        super().close()


def screen(
    header: Sequence[DOMWidget], messages: DOMWidget, panels: DOMWidget, **parts: DOMWidget
) -> tuple[Box, Box]:
    """Arrange the parts, by their grid areas, on one screen; return the page's header, and everything else."""
    look_of(Path(__file__).parent)
    for widget, name, area in ((messages, "messages", "messages"), (panels, "panels", "panel")):
        widget.add_class(f"explorer-place-{name}").layout = {"grid_area": area}
    places = {name: _place(name, part) for name, part in parts.items()}
    row = box("explorer-transport", *map(places.pop, ("run", "time", "tiles")))  # one, where there is room
    grid = box("explorer-screen", *places.values(), row, messages, panels)
    return _place("header", *header), grid


def close_all(widget: DOMWidget) -> None:
    """Close a widget and its descendants; closing a box alone leaves its children alive."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    layout = getattr(widget, "layout", None)
    if isinstance(layout, Widget) and layout is not plain_layout():  # a figure's layout is Plotly's
        layout.close()
    widget.close()


def framed(
    name: str, figure: DOMWidget, caption: DOMWidget | None = None, *, tool: DOMWidget | None = None
) -> Box:
    """Return a figure with a caption, and a control in its corner, in the grid area ``explorer-place-name``."""
    if tool is not None:
        tool.add_class("explorer-figure-tool")
    return _place(name, tool, figure, caption, kind="explorer-figure")


def box(classes: str, *children: DOMWidget, area: str | None = None) -> Box:
    """Return the parts in a box with these CSS classes and, optionally, a grid area."""
    made = Box(children, layout={"grid_area": area} if area else plain_layout())
    for name in classes.split():
        made.add_class(name)
    return made


def _place(name: str, *children: DOMWidget | None, kind: str = "explorer-place") -> Box:
    return box(f"{kind} explorer-place-{name}", *filter(None, children), area=name)
