"""Figures on a projector are the app's, enlarged."""

import plotly.graph_objects as go

from explorer.extensions.talk.pictures import Look
from explorer.figures.template import template


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
    for theme in ("light", "dark"):
        figure = go.Figure(layout={"template": Look(theme, 1.75).template})
        assert figure.layout.template.layout.font.size == 21
