"""A Plotly figure that is updated in place, many times a second, by messages with only the changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, ClassVar

import anywidget
import ipywidgets
import numpy as np
import plotly.graph_objects as go
from traitlets import Any as AnyTrait
from traitlets import Bool, Instance, List, Unicode, default

from explorer.figures.data_table import data_tables
from explorer.figures.palette import Theme
from explorer.figures.template import template
from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart
from explorer.widgets.plotly_module import PAGE_HAS_PLOTLY, PLOTLY_KEY, plotly_script

_BINARY = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
"""The types of arrays that JavaScript has, too."""


class PlotlyCarrier(anywidget.AnyWidget):
    """Sends Plotly's JavaScript to the page, once for all figures of a kernel. It is never displayed."""

    _esm = "export default {};"
    source = Unicode().tag(sync=True)
    """The script; if the page loads it over HTTP, empty until a page requests it."""

    _current: ClassVar[PlotlyCarrier | None] = None

    def __init__(self) -> None:
        super().__init__(source="" if os.environ.get(PAGE_HAS_PLOTLY) else plotly_script().decode())
        self.on_msg(self._answer)

    @classmethod
    def shared(cls) -> PlotlyCarrier:
        """Return the kernel's only carrier, a new one if the last was closed."""
        if cls._current is None or cls._current.comm is None:
            cls._current = cls()
        return cls._current

    def _answer(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("kind") == "source":
            self.source = plotly_script().decode()


class LiveFigure(PagePart):
    """A figure on the page whose traces are updated in place.

    The `figure`, which the widget changes, has all traces, including later ones (``visible=False``). It `fills`
    the height of its container, or has its own; `style` returns the properties of all traces that depend on the
    theme. Its `name` is used in its menu, above its data table and as the file name of a picture.

    `on_click` is called for each click on a point, on whichever thread the kernel handles messages, with a trace's
    index, and the index into its data: (row, column) in a heat map, (i,) in a curve; so are the callbacks in
    `on_key`, by key name (``"ArrowUp"``). With any, the figure is focusable.
    """

    _esm = script("live_figure")

    plot: go.Figure
    """The figure as it is shown; to change it, call `show`."""
    theme: Theme
    name = Unicode().tag(sync=True)
    _figure = AnyTrait().tag(sync=True, to_json=lambda _, live: live._state())
    """The number of the last update, and the figure with it, whenever a page asks."""
    _clicks = Bool(False).tag(sync=True)
    _keys = List(Unicode()).tag(sync=True)
    _carrier = Instance(PlotlyCarrier).tag(sync=True, **ipywidgets.widget_serialization)
    _plotly_key = Unicode(PLOTLY_KEY).tag(sync=True)

    def __init__(
        self,
        figure: go.Figure,
        *,
        fills: bool = False,
        theme: Theme = "light",
        style: Callable[[Theme], Sequence[Mapping[str, Any]]] = lambda _theme: (),
        name: str = "Figure",
        summary: str = "",
        on_click: Callable[[int, tuple[int, ...]], object] | None = None,
        on_key: Mapping[str, Callable[[], None]] = MappingProxyType({}),
        **traits: Any,
    ) -> None:
        self.plot = figure.update_layout(height=None) if fills else figure
        self._shown = [trace.to_plotly_json() for trace in self.plot.data]
        self._layout = self.plot.layout.to_plotly_json()
        self.theme, self._style, self._summary, self._edit = theme, style, summary, 0
        self._on_key, self._on_click = dict(on_key), on_click
        events = {"_clicks": on_click is not None, "_keys": list(on_key)}
        height = self.plot.layout.height
        own = {"height": f"{height}px" if height else "100%"}
        super().__init__(name=name, **events, **{"layout": own, **traits})

    @default("_carrier")
    def _shared_carrier(self) -> PlotlyCarrier:
        return PlotlyCarrier.shared()

    @property
    def summary(self) -> str:
        """One-line description of the figure for screen readers."""
        return self._summary

    @summary.setter
    def summary(self, summary: str) -> None:
        self.show([], summary=summary)

    def show(
        self,
        traces: Sequence[Mapping[str, Any]],
        layout: Mapping[str, Any] = MappingProxyType({}),
        summary: str | None = None,
    ) -> None:
        """Set properties of the traces and of the layout, and the summary, and send the changes, in one message.

        For each trace, starting with the first, `traces` has the properties to set, such as
        ``{"x": array, "line": {"color": "#0072b2"}}``. Unnamed properties stay unchanged, as do traces with ``{}``
        or none. Arrays are copied; one-dimensional ones are sent as binary. Raises `ValueError` if there are more
        traces than the figure has, or Plotly doesn't know a property.
        """
        if len(traces) > len(self._shown):
            raise ValueError(f"the figure has {len(self._shown)} traces, got {len(traces)} to show")
        update: dict[str, Any] = {"traces": [], "layout": {}}
        buffers: list[Any] = []
        for index, new in enumerate(traces):
            shown, changes = _merged(self._shown[index], new)
            if changes:
                self.plot.plotly_restyle({path: [value] for path, value in changes.items()}, [index])
                self._shown[index] = shown
                update["traces"].append([index, _plain(changes, buffers)])
        shown, changes = _merged(self._layout, layout)
        if changes:
            self.plot.plotly_relayout(changes)
            self._layout, update["layout"] = shown, _plain(changes, buffers)
        if summary is not None and summary != self._summary:
            self._summary = update["summary"] = summary
        if any(update.values()):
            self._edit += 1
            self.send({"update": {"edit": self._edit, **update}}, buffers)

    def set_theme(self, theme: Theme, layout: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Draw in a theme; if it has changed, `layout` is applied too, for whatever else depends on it."""
        if theme != self.theme:
            self.theme = theme
            self.show(self._style(theme), {"template": template(theme), **layout})

    def _state(self) -> dict[str, Any]:
        buffers: list[Any] = []
        # Read before the data: an update from another thread in between then counts as missing from them.
        edit = self._edit
        state = {"data": self._shown, "layout": self._layout, "summary": self._summary}
        return {"edit": edit, **_plain(state, buffers), "buffers": buffers}

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        """Handle a message of the page: a click, a key, or a request for the state or for the data tables."""
        match content:
            case {"kind": "state", "edit": edit} if edit != self._edit:
                self.send_state("_figure")
            case {"kind": "table"}:
                self.send({"tables": [asdict(table) for table in data_tables(self.plot)]})
            case {"kind": "key", "key": str(key)} if key in self._on_key:
                self._on_key[key]()
            case {"kind": "click", "trace": int(trace), "index": [*index]} if self._on_click:
                self._on_click(trace, tuple(index))


def _merged(
    shown: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the properties `shown`, overridden by those of `new`, and copies of those that differ, by path.

    A path is like ``marker.color``; a property that is reset is None there.
    """
    result, changes = {**shown}, dict[str, Any]()
    for name, value in new.items():
        path, current = f"{prefix}{name}", shown.get(name)
        if hasattr(value, "to_plotly_json"):
            value = value.to_plotly_json()
        if isinstance(value, Mapping) and path != "template":
            result[name], inner = _merged(current or {}, value, f"{path}.")
            changes |= inner
        elif value is not current and not _equal(value, current):
            result[name] = changes[path] = deepcopy(value)
    return {name: value for name, value in result.items() if value is not None}, changes


def _equal(one: Any, other: Any) -> bool:
    """Return whether two values of a property are equal, arrays including their dtype; NaN equals NaN."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        same = getattr(one, "dtype", None) == getattr(other, "dtype", None)
        return same and bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        with suppress(ValueError):  # they contain arrays
            return list(one) == list(other)
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


def _plain(value: Any, buffers: list[Any]) -> Any:
    """Return a value as JSON; one-dimensional arrays go to `buffers`."""
    if isinstance(value, np.ndarray):
        if value.ndim != 1 or value.dtype.name not in _BINARY:
            return value.tolist()
        buffers.append(np.ascontiguousarray(value).data)
        return {"dtype": value.dtype.name, "buffer": len(buffers) - 1}
    if isinstance(value, list | tuple):
        return [_plain(one, buffers) for one in value]
    if isinstance(value, Mapping):
        return {name: _plain(one, buffers) for name, one in value.items()}
    return value.item() if isinstance(value, np.generic) else value
