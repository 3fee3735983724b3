"""A name that a part doesn't know is refused: a typo must not do nothing."""

import plotly.graph_objects as go
import pytest

from explorer.widgets.controls import Dropdown
from explorer.widgets.header import Header
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.page_part import Heartbeat
from explorer.widgets.rendered import Caption
from explorer.widgets.run_bar import RunBar


def chart(**options):
    return LiveFigure(go.Figure(go.Scatter(y=[1, 2])), **options)


@pytest.mark.parametrize(("make", "name", "nearest"), [
    (RunBar, "statsu", "status"),
    (RunBar, "autos", "auto"),
    (Caption, "txt", "text"),
    (Header, "exprots", "exports"),
    (lambda **options: Dropdown("of", {"": "none"}, **options), "vlaue", "value"),
    (chart, "sumary", "summary"),
    (RunBar, "lay_out", "layout"),
])  # fmt: skip
def test_an_unknown_keyword_is_refused_and_the_nearest_is_named(make, name, nearest):
    with pytest.raises(TypeError, match=f"no option '{name}'") as refused:
        make(**{name: 1})
    assert str(refused.value).endswith(f"; did you mean '{nearest}'?")


@pytest.mark.parametrize("make", [RunBar, Caption, chart])
def test_an_unknown_attribute_is_refused_and_nothing_is_changed(make):
    widget = make()
    before = dict(vars(widget))
    with pytest.raises(AttributeError, match=r"no attribute 'sumary'"):
        widget.sumary = "all well"
    assert vars(widget) == before


def test_what_is_known_is_taken():
    bar = RunBar(auto=False, tooltip="drives a run", layout={"width": "50%"})
    assert (bar.auto, bar.tooltip, bar.layout.width) == (False, "drives a run", "50%")
    bar.text = "epoch 3 of 10"
    bar._noted = "its own"
    assert chart(summary="two points").summary == "two points"


def test_a_heartbeat_answers_each_question_with_its_number(said):
    heart = Heartbeat()
    said.clear()  # the first part of a process sends the page its scripts
    heart._handle_custom_msg({"ping": 17}, [])
    heart._handle_custom_msg({"other": 1}, [])
    assert said == [{"pong": 17}]
