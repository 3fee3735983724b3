"""Where each part stands on the screen. The places themselves are in the header's style sheet."""

from collections.abc import Mapping

from ipywidgets import Box, DOMWidget, Widget

__all__ = ["close_all", "overview", "screen"]


def screen(
    *,
    header: DOMWidget,
    controls: DOMWidget,
    run_bar: DOMWidget,
    messages: DOMWidget,
    tiles: DOMWidget,
    tab_bar: DOMWidget,
    panels: DOMWidget,
) -> Box:
    """Put the parts into one screen.

    It is a grid that follows the width of its place, not of the window: settings beside figures where there
    is room, one column on a phone. On the app's own page it fills the window, in a notebook cell it takes
    what it needs.

    Parameters
    ----------
    header, controls, run_bar, messages, tiles, tab_bar : DOMWidget
        The parts round the panels.
    panels : DOMWidget
        What the tabs switch between.

    Returns
    -------
    Box
        The screen; its class is ``explorer-app``.
    """
    side = _place("side", *(_place(*part) for part in (("settings", controls), ("run", run_bar))), messages)
    messages.add_class("explorer-place-messages")
    panels.add_class("explorer-place-panels")
    grid = Box([side, _place("tiles", tiles), _place("bar", tab_bar), panels])
    grid.add_class("explorer-screen")
    app = Box([_place("header", header), grid])
    app.add_class("explorer-app")
    return app


def close_all(widget: DOMWidget) -> None:
    """Close a widget, and all that stand in it; closing a box leaves what it holds alive."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    layout = getattr(widget, "layout", None)
    if isinstance(layout, Widget):  # that of a figure is Plotly's
        layout.close()
    widget.close()


def overview(
    figures: Mapping[str, DOMWidget], captions: Mapping[str, DOMWidget], tools: Mapping[str, DOMWidget]
) -> Box:
    """Put the four figures of the first tab into one box.

    Parameters
    ----------
    figures : mapping of str to DOMWidget
        ``"loss"``, ``"accuracy"``, ``"confusion"`` and ``"gallery"``; each fills its place.
    captions : mapping of str to DOMWidget
        A line under a figure, by the same names.
    tools : mapping of str to DOMWidget
        A control in a figure's upper right corner, by the same names.
    """
    for tool in tools.values():
        tool.add_class("explorer-figure-tool")
    box = Box(
        [
            _place(name, tools.get(name), figure, captions.get(name), kind="explorer-figure")
            for name, figure in figures.items()
        ]
    )
    box.add_class("explorer-overview")
    return box


def _place(name: str, *children: DOMWidget | None, kind: str = "explorer-place") -> Box:
    box = Box([child for child in children if child is not None])
    for css_class in (kind, f"explorer-place-{name}"):
        box.add_class(css_class)
    return box
