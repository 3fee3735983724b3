"""A Plotly figure that is updated in place, many times a second, without sending Plotly again.

Plotly's own `FigureWidget` sends 5 MB of JavaScript with every figure, and four messages with every update. Here
all figures of a page share one copy, and an update is one message with only the changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import anywidget
import ipywidgets
import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import BasePlotlyType, Undefined
from traitlets import Bool, Instance, Integer, List, Unicode, default

from explorer.figures.data_table import data_tables
from explorer.figures.palette import Theme
from explorer.figures.template import template
from explorer.widgets.assets import Assets, look_of, script
from explorer.widgets.page_part import KnownNames
from explorer.widgets.plotly_module import PAGE_HAS_PLOTLY, PLOTLY_KEY, PLOTLY_MODULE

PRIVATE_NAMES = (
    "_widget_data",
    "_widget_layout",
    "_config",
    "_py2js_update",
    "_last_trace_edit_id",
    "_last_layout_edit_id",
    "_send_update_msg",
    "_send_restyle_msg",
    "_send_relayout_msg",
    "_normalize_trace_indexes",
)
"""The undocumented names of Plotly's `FigureWidget` that a live figure depends on."""

_PAGE_CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtonsToRemove": [
            *("select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"),
            "sendChartToCloud",  # nothing is uploaded, and offline nothing could be
        ],
    }
)


def missing_private_names(figure_class: type = go.FigureWidget) -> tuple[str, ...]:
    """Return the private names of Plotly that `figure_class` lacks: empty if live figures work.

    Parameters
    ----------
    figure_class
        Plotly's widget class, or a substitute for a later version of it.
    """
    missing = [name for name in PRIVATE_NAMES if not hasattr(figure_class, name)]
    missing += [name for name in ("_data", "_layout") if name not in vars(go.Figure())]
    missing += [] if PLOTLY_MODULE.is_file() else [PLOTLY_MODULE.name]
    return tuple(missing)


_LEAN = not missing_private_names()


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a point of a figure."""

    trace: int
    """Index of the trace."""
    index: tuple[int, ...]
    """Index into the trace's data: (row, column) in a heat map, (i,) in a curve."""
    x: Any
    """The point's x value, or the column's label."""
    y: Any
    """The point's y value, or the row's label."""


class PlotlyCarrier(anywidget.AnyWidget):
    """Sends Plotly's JavaScript to the page, once for all figures of a kernel. It is never displayed."""

    _esm = "export default {};"
    source = Unicode().tag(sync=True)
    """The module's source; if the page loads it over HTTP, empty until a page requests it."""

    _current: ClassVar[PlotlyCarrier | None] = None

    def __init__(self) -> None:
        source = "" if os.environ.get(PAGE_HAS_PLOTLY) else PLOTLY_MODULE.read_text(encoding="utf-8")
        super().__init__(source=source)
        self.on_msg(self._answer)

    @classmethod
    def shared(cls) -> PlotlyCarrier:
        """Return the kernel's only carrier, a new one if the last was closed."""
        if cls._current is None or cls._current.comm is None:
            cls._current = cls()
        return cls._current

    def _answer(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("kind") == "source":
            self.source = PLOTLY_MODULE.read_text(encoding="utf-8")


class LiveFigure(KnownNames, go.FigureWidget):
    """A figure on the page whose traces are updated in place.

    Parameters
    ----------
    figure
        All its traces, including later ones (``visible=False``), and its layout.
    fills
        Whether it takes the height of its container instead of its own.
    theme
        The theme that it is drawn in.
    style
        Returns the properties of all traces that depend on the theme, for `set_theme`.
    name
        Its name, used in its menu, above its data table and as the file name of a picture.
    summary
        One-line description of the figure for screen readers.
    on_click
        Called with a `Click` for each click on a point, on whichever thread the kernel handles messages.
    on_hover
        Called in the same way for each point under the pointer.
    on_key
        Callbacks by key name (``"ArrowUp"``), called without arguments when the key is pressed on the figure, also
        on whichever thread. With any callback, the figure is focusable.
    """

    _esm = script("live_figure") if _LEAN else PLOTLY_MODULE
    _lean: ClassVar[bool] = _LEAN

    _last_trace_edit_id: int  # Plotly's own

    name = Unicode().tag(sync=True)
    summary = Unicode().tag(sync=True)
    _clicks = Bool(False).tag(sync=True)
    _hovers = Bool(False).tag(sync=True)
    _keys = List(Unicode()).tag(sync=True)
    _look = Instance(Assets, allow_none=True).tag(sync=True, **ipywidgets.widget_serialization)
    _carrier = Instance(PlotlyCarrier, allow_none=True).tag(sync=True, **ipywidgets.widget_serialization)
    _plotly_key = Unicode(PLOTLY_KEY).tag(sync=True)
    _reported_edit = Integer(0).tag(sync=True)
    """The last update in the reported data; a page sends it once it has drawn them."""

    def __init__(
        self,
        figure: go.Figure,
        *,
        fills: bool = False,
        theme: Theme = "light",
        style: Callable[[Theme], Sequence[Mapping[str, Any]]] = lambda _theme: (),
        name: str = "Figure",
        summary: str = "",
        on_click: Callable[[Click], None] | None = None,
        on_hover: Callable[[Click], None] | None = None,
        on_key: Mapping[str, Callable[[], None]] = MappingProxyType({}),
    ) -> None:
        super().__init__(figure.update_layout(height=None, autosize=True) if fills else figure)
        self._theme, self._style = theme, style
        self._keys = list(on_key)
        self._on_key = dict(on_key)
        self._config = dict(_PAGE_CONFIG)
        self.name, self.summary = name, summary
        self._clicks = on_click is not None
        self._hovers = on_hover is not None
        self._on_point = {"click": on_click, "hover": on_hover}
        self.on_msg(self._hear)
        if on_click is not None and not self._lean:
            for trace in self.data:
                trace.on_click(self._hear_plotly)

    @default("_look")
    def _shared_look(self) -> Assets | None:
        return look_of(Path(__file__).parent) if self._lean else None

    @default("_carrier")
    def _shared_carrier(self) -> PlotlyCarrier | None:
        return PlotlyCarrier.shared() if self._lean else None

    def show(
        self,
        traces: Sequence[Mapping[str, Any] | BasePlotlyType],
        layout: Mapping[str, Any] | BasePlotlyType | None = None,
        summary: str | None = None,
    ) -> None:
        """Set properties of the traces and of the layout, and send the changes, in one message.

        Parameters
        ----------
        traces
            For each trace, starting with the first, the properties to set, such as
            ``{"x": array, "marker": {"color": "#0072b2"}}``. Unnamed properties stay unchanged, as do traces with
            ``{}`` and those after the last one given. Arrays are copied; one-dimensional float32 and int32 arrays
            are sent as binary.
        layout
            Properties of the layout to set.
        summary
            The new description of the figure; None keeps the current one.

        Raises
        ------
        ValueError
            If there are more traces than the figure has, or Plotly doesn't know a property.
        """
        if len(traces) > len(self._data):
            raise ValueError(f"the figure has {len(self._data)} traces, got {len(traces)} to show")
        changes = [dict(_changes(new, shown)) for new, shown in zip(traces, self._data, strict=False)]
        changed = [index for index, change in enumerate(changes) if change]
        paths = {path: None for index in changed for path in changes[index]}
        restyle = {path: [changes[index].get(path, Undefined) for index in changed] for path in paths}
        relayout = dict(_changes(layout or {}, self._layout))
        with self.hold_sync():
            if summary is not None:
                self.summary = summary
            if restyle or relayout:
                self.plotly_update(restyle, relayout, changed)

    @property
    def theme(self) -> Theme:
        """The theme that it is drawn in."""
        return self._theme

    def set_theme(self, theme: Theme, layout: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Draw in a theme; if it has changed, `layout` is applied too, for whatever else depends on it."""
        if theme != self._theme:
            self._theme = theme
            self.show(self._style(theme), {"template": template(theme), **layout})

    def get_state(
        self, key: str | Iterable[str] | None = None, drop_defaults: bool = False
    ) -> dict[str, Any]:
        """Return the widget's state, with the current traces and layout.

        Plotly sets its synced traits only at construction, so a page that loads later, or reloads, would show the
        original figure. The traits themselves are left alone: if they were set here, a later assignment would
        compare equal and never be sent.
        """
        # Read before the data: an update from another thread in between then counts as missing from them.
        reported = self._last_trace_edit_id
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if not self._lean or "_layout" not in vars(self) or not ("_widget_data" in state or key is None):
            return state
        to_json = self.trait_metadata("_widget_data", "to_json")
        state["_widget_data"] = to_json(self._data, self)
        state["_widget_layout"] = to_json(self._layout, self)
        state["_reported_edit"] = reported
        if key is None:
            state["_py2js_update"] = None
        return state

    def _send_update_msg(
        self,
        restyle_data: Mapping[str, Any],
        relayout_data: Mapping[str, Any],
        trace_indexes: int | Sequence[int] | None = None,
        source_view_id: str | None = None,
    ) -> None:
        """Send one message; Plotly sends the edit's number, the edit and its withdrawal separately."""
        if not self._lean:
            super()._send_update_msg(restyle_data, relayout_data, trace_indexes, source_view_id)
            return
        edit: int = self._last_trace_edit_id + 1
        with self.hold_sync():
            self._last_trace_edit_id = edit
            self._py2js_update = {
                "trace_edit_id": edit,  # first: comparing two messages ends here, not in the arrays
                "layout_edit_id": edit,
                "style_data": restyle_data,
                "layout_data": relayout_data,
                "style_traces": self._normalize_trace_indexes(trace_indexes),
                "source_view_id": source_view_id,
            }

    def _send_restyle_msg(
        self,
        restyle_data: Mapping[str, Any],
        trace_indexes: int | Sequence[int] | None = None,
        source_view_id: str | None = None,
    ) -> None:
        if self._lean:
            self._send_update_msg(restyle_data, {}, trace_indexes, source_view_id)
        else:
            super()._send_restyle_msg(restyle_data, trace_indexes, source_view_id)

    def _send_relayout_msg(self, layout_data: Mapping[str, Any], source_view_id: str | None = None) -> None:
        if self._lean:
            self._send_update_msg({}, layout_data, [], source_view_id)
        else:
            super()._send_relayout_msg(layout_data, source_view_id)

    def _hear(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        """Handle a message of the page: a click, a key, or a request for the state or for the data tables."""
        if content.get("kind") == "state":
            if content.get("edit") == self._last_trace_edit_id:
                return  # the page has drawn the newest
            self.send_state(["_widget_data", "_widget_layout", "_reported_edit"])
        elif content.get("kind") == "table":
            self.send({"tables": [asdict(table) for table in data_tables(self)]})
        elif content.get("kind") == "key" and content.get("key") in self._on_key:
            self._on_key[content["key"]]()
        elif (tell := self._on_point.get(str(content.get("kind")))) is not None:
            points = content["points"]
            index = points["point_indexes"][0]
            place = tuple(index) if isinstance(index, list) else (index,)
            tell(Click(points["trace_indexes"][0], place, points["xs"][0], points["ys"][0]))

    def _hear_plotly(self, _trace: object, points: Any, _state: object) -> None:
        """Forward a click from Plotly's own widget."""
        if points.point_inds and (tell := self._on_point["click"]) is not None:
            index = points.point_inds[0]
            place = tuple(index) if isinstance(index, list | tuple) else (index,)
            tell(Click(points.trace_index, place, points.xs[0], points.ys[0]))


def _changes(new: Any, shown: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path (``marker.color``) and value of each property of `new` that differs from `shown`."""
    for name, value in _properties(new).items():
        path = f"{prefix}{name}"
        current = shown.get(name)
        if isinstance(value, Mapping | BasePlotlyType) and path != "template":
            yield from _changes(value, current or {}, f"{path}.")
        elif not _equal(value := _plain(value), current):
            yield path, value


def _properties(value: Any) -> Mapping[str, Any]:
    """Return the properties that a mapping or a Plotly object sets itself."""
    if isinstance(value, BasePlotlyType):
        plain: Mapping[str, Any] = value.to_plotly_json()
        return plain
    return dict(value)


def _plain(value: Any) -> Any:
    """Return a C-contiguous copy of an array, as binary messages require; a Plotly object as a dict."""
    if isinstance(value, np.ndarray):
        return np.array(value, order="C")
    return value.to_plotly_json() if isinstance(value, BasePlotlyType) else value


def _equal(one: Any, other: Any) -> bool:
    """Return whether two values of a property are equal, arrays including their dtype; NaN equals NaN."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, list) and isinstance(other, list):
        with suppress(ValueError):  # the lists contain arrays
            return one == other
    return bool(BasePlotlyType._vals_equal(one, other))
