"""Figures on a projector are the app's, enlarged."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from explorer.figures.confusion import confusion_style
from explorer.figures.template import template
from explorer.talk.pictures import Look


def test_every_length_is_enlarged_and_nothing_else():
    before = template("dark").to_plotly_json()["layout"]
    after = Look("dark", 2.0).template["layout"]
    assert after["font"]["size"] == 2 * before["font"]["size"]
    assert after["font"]["color"] == before["font"]["color"]
    assert after["margin"]["t"] == 2 * before["margin"]["t"]
    assert after["xaxis"]["tickfont"]["size"] == 2 * before["xaxis"]["tickfont"]["size"]
    assert after["xaxis"]["nticks"] == before["xaxis"]["nticks"]
    assert after["xaxis"]["automargin"] is True
    assert after["title"]["y"] == before["title"]["y"]


def test_a_list_of_shapes_is_enlarged():
    look = Look(scale=1.5)
    shapes = look.enlarged({"shapes": [{"x0": 2, "line": {"width": 2}}]})
    assert shapes == {"shapes": [{"x0": 2, "line": {"width": 3.0}}]}


def test_traces_are_enlarged_without_touching_their_data():
    style = confusion_style("0123456789")
    cells, larger = style[0], Look(scale=2.0).enlarged(style[0])
    assert larger["textfont"]["size"] == 2 * cells["textfont"]["size"]
    assert larger["x"] == cells["x"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_takes_the_template(theme):
    figure = go.Figure(layout={"template": Look(theme, 1.75).template})
    assert figure.layout.template.layout.font.size == 21


def test_at_the_apps_size_it_is_the_apps_template():
    assert Look("light", 1.0).template == template("light").to_plotly_json()
