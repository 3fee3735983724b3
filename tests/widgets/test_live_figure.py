"""The live figure without a browser: what it sends, what it reports, and what of Plotly it stands on."""

from __future__ import annotations

from pathlib import Path

import comm
import numpy as np
import plotly
import plotly.graph_objects as go
import pytest
from comm.base_comm import BaseComm

from explorer.figures.palette import PALETTES
from explorer.figures.template import template
from explorer.widgets import live_figure
from explorer.widgets.live_figure import (
    PRIVATE_NAMES,
    Click,
    LiveFigure,
    PlotlyCarrier,
    missing_private_names,
)
from explorer.widgets.plotly_module import PAGE_HAS_PLOTLY, PLOTLY_KEY, PLOTLY_MODULE


@pytest.fixture
def wire(monkeypatch):
    """Everything that widgets send, in order: (widget's comm id, content, buffers)."""
    sent = []

    class Wire(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            sent.append((self.comm_id, data or {}, buffers or []))

    monkeypatch.setattr(comm, "create_comm", Wire)
    monkeypatch.setattr(PlotlyCarrier, "_current", None)
    return sent


def curves(n_traces=3, n=400, **options):
    """A figure with `n_traces` curves of `n` points."""
    x = np.arange(n, dtype=np.float32)
    traces = [go.Scatter(x=x, y=np.zeros(n, np.float32), name=f"run {k}") for k in range(n_traces)]
    return LiveFigure(go.Figure(traces, go.Layout(height=250)), **options)


def test_an_update_of_everything_is_one_message(wire):
    figure = curves()
    wire.clear()
    figure.show(
        [{"x": np.arange(5, dtype=np.float32), "y": np.full(5, k, np.float32)} for k in (1, 2, 3)],
        {"title": {"text": "epoch 5"}, "xaxis": {"range": [0, 5]}},
    )
    assert len(wire) == 1
    state = wire[0][1]["state"]
    edit = state["_py2js_update"]
    assert set(state) == {"_py2js_update", "_last_trace_edit_id"}
    assert set(edit["style_data"]) == {"x", "y"}
    assert edit["layout_data"] == {"title.text": "epoch 5", "xaxis.range": [0, 5]}
    assert edit["style_traces"] == [0, 1, 2]


def test_only_what_differs_is_sent(wire):
    figure = curves()
    wire.clear()
    figure.show(
        [{}, {"y": np.ones(400, np.float32), "name": "run 1"}, {"x": np.arange(400, dtype=np.float32)}]
    )
    edit = wire[0][1]["state"]["_py2js_update"]
    assert edit["style_traces"] == [1]
    assert list(edit["style_data"]) == ["y"]


@pytest.mark.parametrize(
    ("rows", "others"),
    [
        ([["a", ""], ["", "b"]], [["a", ""], ["c", "b"]]),
        ([[1, None], [None, 2]], [[1, None], [3, 2]]),
        ([np.array([1.0, 2.0]), np.array([3.0, 4.0])], [np.array([1.0, 2.0]), np.array([5.0, 4.0])]),
    ],
    ids=["texts", "numbers", "arrays"],
)
def test_of_a_table_only_one_that_differs_is_sent(wire, rows, others):
    figure = LiveFigure(go.Figure(go.Heatmap(customdata=rows)))
    wire.clear()
    figure.show([{"customdata": [row.copy() for row in rows]}])
    assert wire == []
    figure.show([{"customdata": others}])
    assert [list(content["state"]["_py2js_update"]["style_data"]) for _, content, _ in wire] == [
        ["customdata"]
    ]
    assert np.array_equal(np.array(list(figure.data[0].customdata), object), np.array(others, object))


def test_a_property_of_some_traces_leaves_the_others_alone(wire):
    figure = curves()
    wire.clear()
    figure.show([{"y": np.ones(2, np.float32)}, {"line": {"color": "#d55e00"}}])
    style = wire[0][1]["state"]["_py2js_update"]["style_data"]
    assert style["line.color"] == ["_undefined_", "#d55e00"]
    assert style["y"][1] == "_undefined_"
    assert figure.data[0].line.color is None
    assert figure.data[1].line.color == "#d55e00"


def test_nothing_new_sends_nothing(wire):
    figure = curves()
    shown = [{"y": np.array([0.5, np.nan], np.float32)}] * 3
    figure.show(shown, {"title": {"text": "a"}})
    wire.clear()
    figure.show(shown, {"title": {"text": "a"}})
    figure.show([])
    assert wire == []


def test_assigning_as_in_plotly_is_one_message_as_well(wire):
    figure = curves()
    wire.clear()
    figure.data[0].y = [1, 2, 3]
    figure.layout.title.text = "assigned"
    with figure.batch_update():
        figure.data[1].y = [4, 5]
        figure.layout.title.text = "both"
    assert len(wire) == 3


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_arrays_travel_as_binary(wire, dtype):
    figure = curves(1)
    wire.clear()
    values = np.arange(20, dtype=dtype)[::2]  # not contiguous, as a column of a table is
    figure.show([{"y": values}])
    (sent,) = wire[0][2]
    assert np.array_equal(np.frombuffer(sent, dtype), values)
    assert wire[0][1]["state"]["_py2js_update"]["style_data"]["y"][0] == {"dtype": dtype, "shape": (10,)}


def test_an_array_changed_later_by_its_owner_is_still_seen_as_a_change(wire):
    figure = curves(1)
    values = np.zeros(3, np.float32)
    figure.show([{"y": values}])
    wire.clear()
    values[:] = 7
    figure.show([{"y": values}])
    assert len(wire) == 1


def test_more_traces_than_the_figure_has_are_refused():
    with pytest.raises(ValueError, match="3 traces, got 4"):
        curves(3).show([{}] * 4)


def test_a_property_that_plotly_does_not_know_is_refused():
    with pytest.raises(ValueError, match="colour"):
        curves(1).show([{"line": {"colour": "red"}}])


def test_objects_of_plotly_are_shown_like_their_properties(wire):
    figure = curves(2)
    wire.clear()
    figure.show([go.Scatter(y=[1, 2], line={"width": 3})], go.Layout(title="made elsewhere"))
    edit = wire[0][1]["state"]["_py2js_update"]
    assert edit["style_data"] == {"line.width": [3], "y": [[1, 2]]}
    assert edit["layout_data"]["title.text"] == "made elsewhere"


def test_the_whole_state_holds_the_figure_as_it_is_now():
    figure = curves(2)
    figure.show([{"y": np.array([1, 2], np.float32), "visible": False}], {"title": {"text": "now"}})
    state = figure.get_state()
    assert np.array_equal(np.frombuffer(state["_widget_data"][0]["y"]["buffer"], np.float32), [1, 2])
    assert state["_widget_data"][0]["visible"] is False
    assert state["_widget_layout"]["title"]["text"] == "now"
    assert state["_reported_edit"] == state["_last_trace_edit_id"]
    assert state["_py2js_update"] is None
    assert figure._widget_layout.get("title") is None  # reported, not written


def test_a_page_that_missed_updates_is_told_the_state(wire):
    figure = curves(1)
    figure.show([{"y": np.array([1, 2], np.float32)}])
    wire.clear()
    figure._handle_custom_msg({"kind": "state"}, [])
    assert len(wire) == 1
    state = wire[0][1]["state"]
    assert set(state) == {"_widget_data", "_widget_layout", "_reported_edit"}
    assert state["_reported_edit"] == figure._last_trace_edit_id
    assert [bytes(buffer) for buffer in wire[0][2]][-1] == np.array([1, 2], np.float32).tobytes()


def test_only_a_page_that_has_not_drawn_the_newest_is_told_the_state(wire):
    figure = curves(1)
    figure.show([{"y": np.array([1, 2], np.float32)}])
    wire.clear()
    figure._handle_custom_msg({"kind": "state", "edit": figure._last_trace_edit_id}, [])
    assert wire == []
    figure._handle_custom_msg({"kind": "state", "edit": figure._last_trace_edit_id - 1}, [])
    assert len(wire) == 1


def test_a_theme_is_one_message_and_keeps_the_data(wire):
    figure = curves(2, style=lambda theme: [{"line": {"color": PALETTES[theme].text}}])
    wire.clear()
    figure.set_theme("light")
    assert wire == []
    figure.set_theme("dark", {"title": {"text": "dark"}})
    figure.set_theme("dark", {"title": {"text": "dark"}})
    assert len(wire) == 1
    assert figure.theme == "dark"
    assert figure.layout.template.layout.paper_bgcolor == template("dark").layout.paper_bgcolor
    assert figure.data[0].line.color == PALETTES["dark"].text
    assert figure.layout.title.text == "dark"
    assert len(figure.data[0].x) == 400


def test_a_click_names_trace_place_and_values():
    clicks = []
    figure = LiveFigure(go.Figure(go.Heatmap(z=np.eye(3))), on_click=clicks.append)
    points = {"trace_indexes": [0], "point_indexes": [[2, 1]], "xs": ["one"], "ys": ["two"]}
    figure._handle_custom_msg({"kind": "click", "points": points}, [])
    points = {"trace_indexes": [0], "point_indexes": [4], "xs": [4.0], "ys": [0.5]}
    figure._handle_custom_msg({"kind": "click", "points": points}, [])
    assert clicks == [Click(0, (2, 1), "one", "two"), Click(0, (4,), 4.0, 0.5)]


def test_what_the_pointer_comes_to_is_told_only_where_it_is_asked_for():
    points = {"trace_indexes": [0], "point_indexes": [4], "xs": [4.0], "ys": [0.5]}
    heard = []
    for figure in (LiveFigure(go.Figure()), LiveFigure(go.Figure(), on_hover=heard.append)):
        figure._handle_custom_msg({"kind": "hover", "points": points}, [])
        figure._handle_custom_msg({"kind": "click", "points": points}, [])
    assert heard == [Click(0, (4,), 4.0, 0.5)]
    assert figure._hovers


def test_a_page_that_asks_is_told_the_numbers(wire):
    figure = curves(1, name="Loss")
    figure.show([{"x": np.arange(2, dtype=np.float32), "y": np.array([1, 2.5], np.float32)}])
    wire.clear()
    figure._handle_custom_msg({"kind": "table"}, [])
    ((_, content, _),) = wire
    (table,) = content["content"]["tables"]
    assert [[*row] for row in table["rows"]] == [["0", "1"], ["1", "2.5"]]
    assert figure.name == "Loss"


def test_a_summary_is_synced(wire):
    figure = curves(1, summary="loss falls")
    wire.clear()
    figure.summary = "loss rises"
    assert [content["state"] for _, content, _ in wire] == [{"summary": "loss rises"}]


def test_figures_share_one_carrier_of_plotly(wire):
    figures = [curves(1) for _ in range(4)]
    assert len({figure._carrier.comm.comm_id for figure in figures}) == 1
    big = [content for _, content, _ in wire if len(str(content.get("state", ""))) > 1_000_000]
    assert len(big) == 1
    figures[0]._carrier.close()
    assert curves(1)._carrier.comm is not None


def test_a_page_that_fetches_plotly_itself_gets_an_empty_carrier_until_it_asks(wire, monkeypatch):
    monkeypatch.setenv(PAGE_HAS_PLOTLY, "1")
    carrier = curves(1)._carrier
    assert carrier.source == ""
    carrier._handle_custom_msg({"kind": "source"}, [])
    assert carrier.source == PLOTLY_MODULE.read_text(encoding="utf-8")


def test_the_shared_name_holds_plotlys_version():
    assert f"explorer.plotly.{plotly.__version__}" == PLOTLY_KEY
    assert curves(1)._plotly_key == PLOTLY_KEY


def test_plotly_has_every_private_name():
    assert missing_private_names() == ()
    assert LiveFigure._lean


@pytest.mark.parametrize("name", PRIVATE_NAMES)
def test_each_private_name_is_missed_when_it_is_gone(name):
    kept = {other: None for other in PRIVATE_NAMES if other != name}
    assert missing_private_names(type("LaterFigureWidget", (), kept)) == (name,)


def test_the_script_finds_in_plotly_what_it_leans_on():
    bundle = PLOTLY_MODULE.read_text(encoding="utf-8")
    for name in (
        "FigureView",
        "_sendTraceDeltas",
        "_sendLayoutDelta",
        "_responsiveChartHandler",
        "as default",
        "sendChartToCloud",
        "_py2js_update",
        "_widget_data",
        "do_update(){",
        "_rangeInitial0",
        "toImageButtonOptions",
        'name:"toImage"',
        'name:"resetScale2d"',
        '"data-val"',
        "_calcInverseTransform",
    ):
        assert name in bundle
    script = Path(live_figure.__file__).with_suffix(".js").read_text(encoding="utf-8")
    for name in ("_js2py_pointsCallback", "_widget_layout"):
        assert name in bundle
        assert name in script


class PlainFigure(LiveFigure):
    """What a live figure becomes with a Plotly that lacks one of the names."""

    _esm = PLOTLY_MODULE
    _lean = False


def test_without_the_private_names_the_figure_is_plotlys_own(wire):
    clicks = []
    figure = PlainFigure(go.Figure(go.Scatter(y=[1, 2, 3])), on_click=clicks.append)
    figure.show([{"y": np.array([4, 5], np.float32)}], {"title": {"text": "plain"}})
    assert figure._carrier is None
    assert list(figure.data[0].y) == [4, 5]
    assert figure.layout.title.text == "plain"
    assert figure._py2js_update is None  # Plotly's own way: set and withdrawn
    figure._js2py_pointsCallback = {
        "event_type": "plotly_click",
        "points": {"xs": [1], "ys": [5.0], "point_indexes": [1], "trace_indexes": [0]},
        "device_state": None,
        "selector": None,
    }
    assert clicks == [Click(0, (1,), 1, 5.0)]
