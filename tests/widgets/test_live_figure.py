"""The live figure without a browser: what it sends, what it reports, and what the page tells it."""

import comm
import numpy as np
import plotly
import plotly.graph_objects as go
import pytest
from comm.base_comm import BaseComm
from plotly.offline import get_plotlyjs

from explorer.figures.palette import PALETTES
from explorer.figures.template import template
from explorer.widgets.live_figure import LiveFigure, PlotlyCarrier
from explorer.widgets.plotly_module import PAGE_HAS_PLOTLY, PLOTLY_KEY, plotly_script


@pytest.fixture
def wire(monkeypatch):
    """What widgets send, in order: (state or content, buffers)."""
    sent = []

    class Wire(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            told = data or {}
            sent.append((told.get("content", {}).get("update") or told.get("state") or told, buffers or []))

    monkeypatch.setattr(comm, "create_comm", Wire)
    monkeypatch.setattr(PlotlyCarrier, "_current", None)
    return sent


def curves(n_traces=3, n=400, **options):
    """A figure with `n_traces` curves of `n` points."""
    x = np.arange(n, dtype=np.float32)
    traces = [go.Scatter(x=x, y=np.zeros(n, np.float32), name=f"run {k}") for k in range(n_traces)]
    return LiveFigure(go.Figure(traces, go.Layout(height=250)), **options)


def shown(figure):
    """The figure of a page that asks for it."""
    return figure.get_state()["_figure"]


def test_an_update_of_everything_is_one_message(wire):
    figure = curves()
    wire.clear()
    figure.show(
        [{"x": np.arange(5, dtype=np.float32), "y": np.full(5, k, np.float32)} for k in (1, 2, 3)],
        {"title": {"text": "epoch 5"}, "xaxis": {"range": [0, 5]}},
        "loss rises",
    )
    ((update, buffers),) = wire
    changed = [(index, {*change}) for index, change in update["traces"]]
    assert changed == [(index, {"x", "y"}) for index in range(3)]
    assert update["layout"] == {"title.text": "epoch 5", "xaxis.range": [0, 5]}
    assert (update["edit"], update["summary"], figure.summary) == (1, "loss rises", "loss rises")
    assert len(buffers) == 6


def test_only_what_differs_is_sent(wire):
    figure = curves()
    wire.clear()
    same, ones = np.arange(400, dtype=np.float32), np.ones(400, np.float32)
    figure.show([{}, {"y": ones, "name": "run 1"}, {"x": same}])
    ((update, _),) = wire
    assert [(index, [*change]) for index, change in update["traces"]] == [(1, ["y"])]
    assert np.array_equal(figure.plot.data[1].y, np.ones(400))


@pytest.mark.parametrize(
    ("rows", "others"),
    [
        ([["a", ""], ["", "b"]], [["a", ""], ["c", "b"]]),
        ([[1, None], [None, 2]], [[1, None], [3, 2]]),
        ([np.array([1.0, 2.0]), np.array([3.0, 4.0])], [np.array([1.0, 2.0]), np.array([5.0, 4.0])]),
    ],
    ids=["texts", "numbers", "arrays"],
)
def test_a_table_is_sent_only_if_it_differs(wire, rows, others):
    figure = LiveFigure(go.Figure(go.Heatmap(customdata=rows)))
    wire.clear()
    figure.show([{"customdata": [row.copy() for row in rows]}])
    assert wire == []
    figure.show([{"customdata": others}])
    assert [[*update["traces"][0][1]] for update, _ in wire] == [["customdata"]]
    assert np.array_equal(np.array(list(figure.plot.data[0].customdata), object), np.array(others, object))


def test_nothing_new_sends_nothing(wire):
    figure = curves()
    traces = [{"y": np.array([0.5, np.nan], np.float32)}] * 3
    layout = {"title": {"text": "a"}, "shapes": [{"type": "line", "x0": 1}]}
    figure.show(traces, layout, "a")
    wire.clear()
    figure.show(traces, layout, "a")
    figure.show([])
    assert wire == []


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_arrays_are_sent_as_binary(wire, dtype):
    figure = curves(1)
    wire.clear()
    values = np.arange(20, dtype=dtype)[::2]  # not contiguous, as a column of a table is
    figure.show([{"y": values}])
    ((update, (buffer,)),) = wire
    assert np.array_equal(np.frombuffer(buffer, dtype), values)
    assert update["traces"] == [[0, {"y": {"dtype": dtype, "buffer": 0}}]]


def test_an_array_changed_later_by_its_owner_is_still_seen_as_a_change(wire):
    figure = curves(1)
    values = np.zeros(3, np.float32)
    figure.show([{"y": values}])
    wire.clear()
    values[:] = 7
    figure.show([{"y": values}])
    assert len(wire) == 1


@pytest.mark.parametrize(
    ("traces", "words"), [([{}] * 4, "3 traces, got 4"), ([{"line": {"colour": "red"}}], "colour")]
)
def test_what_the_figure_does_not_have_is_refused(traces, words):
    with pytest.raises(ValueError, match=words):
        curves(3).show(traces)


def test_a_page_that_opens_later_gets_the_figure_as_it_is_now():
    figure = curves(2)
    figure.show([{"y": np.array([1, 2], np.float32), "visible": False}], {"title": {"text": "now"}})
    state = shown(figure)
    trace = state["data"][0]
    assert np.array_equal(np.frombuffer(state["buffers"][trace["y"]["buffer"]], np.float32), [1, 2])
    assert (trace["visible"], state["layout"]["title"]["text"], state["edit"]) == (False, "now", 1)


def test_only_a_page_that_has_not_drawn_the_newest_is_sent_the_figure(wire, from_page):
    figure = curves(1)
    figure.show([{"y": np.array([1, 2], np.float32)}])
    wire.clear()
    from_page.send(figure, {"kind": "state", "edit": 1})
    assert wire == []
    from_page.send(figure, {"kind": "state", "edit": 0})
    ((state, buffers),) = wire
    assert [*state] == ["_figure"]
    assert bytes(buffers[-1]) == np.array([1, 2], np.float32).tobytes()


def test_a_theme_is_one_message_and_keeps_the_data(wire):
    figure = curves(2, style=lambda theme: [{"line": {"color": PALETTES[theme].text}}])
    wire.clear()
    figure.set_theme("light")
    assert wire == []
    figure.set_theme("dark", {"title": {"text": "dark"}})
    figure.set_theme("dark", {"title": {"text": "dark"}})
    assert len(wire) == 1
    assert (figure.theme, figure.plot.layout.title.text) == ("dark", "dark")
    assert figure.plot.layout.template.layout.paper_bgcolor == template("dark").layout.paper_bgcolor
    assert figure.plot.data[0].line.color == PALETTES["dark"].text
    assert len(figure.plot.data[0].x) == 400


def test_a_click_on_a_point_is_reported(from_page):
    points = []
    figure = LiveFigure(go.Figure(go.Heatmap(z=np.eye(3))), on_click=lambda *point: points.append(point))
    for kind, trace, index in (("click", 0, [2, 1]), ("hover", 0, [0, 0]), ("click", 1, [4])):
        from_page.send(figure, {"kind": kind, "trace": trace, "index": index})
    assert points == [(0, (2, 1)), (1, (4,))]


def test_a_key_calls_its_callback(from_page):
    pressed = []
    figure = curves(on_key={"ArrowUp": lambda: pressed.append("up")})
    for key in ("ArrowUp", "ArrowDown", None):
        from_page.send(figure, {"kind": "key", "key": key})
    assert pressed == ["up"]


@pytest.mark.parametrize(
    "content", [None, {}, {"kind": "click"}, {"kind": "click", "trace": "0", "index": 1}]
)
def test_a_message_that_makes_no_sense_is_ignored(from_page, content):
    from_page.send(LiveFigure(go.Figure(), on_click=pytest.fail), content)


def test_a_page_that_asks_gets_the_numbers(wire, from_page):
    figure = curves(1, name="Loss")
    figure.show([{"x": np.arange(2, dtype=np.float32), "y": np.array([1, 2.5], np.float32)}])
    wire.clear()
    from_page.send(figure, {"kind": "table"})
    (((content, _)),) = wire
    (table,) = content["content"]["tables"]
    assert [[*row] for row in table["rows"]] == [["0", "1"], ["1", "2.5"]]


def test_figures_share_one_carrier_of_plotly(wire):
    figures = [curves(1) for _ in range(4)]
    big = [told for told, _ in wire if len(str(told.get("source", ""))) > 1_000_000]
    assert len(big) == 1
    assert get_plotlyjs() in big[0]["source"]
    (carrier,) = {figure.get_state()["_carrier"] for figure in figures}
    PlotlyCarrier.shared().close()
    assert curves(1).get_state()["_carrier"] != carrier


def test_a_page_that_fetches_plotly_itself_gets_an_empty_carrier_until_it_asks(wire, monkeypatch, from_page):
    monkeypatch.setenv(PAGE_HAS_PLOTLY, "1")
    carrier = PlotlyCarrier.shared()
    assert carrier.source == ""
    from_page.send(carrier, {"kind": "source"})
    assert carrier.source == plotly_script().decode()


def test_the_shared_name_holds_plotlys_version():
    assert f"explorer.plotly.{plotly.__version__}" == PLOTLY_KEY
    assert PLOTLY_KEY in plotly_script().decode()[:100]


def test_what_is_reset_is_gone_and_can_be_set_again(wire):
    figure = LiveFigure(go.Figure(go.Scatter(y=[1], line={"color": "red"})))
    figure.show([{"line": None}])
    assert wire[-1][0]["traces"] == [[0, {"line": None}]]
    assert shown(figure)["data"] == [{"type": "scatter", "y": [1]}]
    figure.show([{"line": {"color": "red"}}])
    assert wire[-1][0]["traces"] == [[0, {"line.color": "red"}]]
