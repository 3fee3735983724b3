"""The look that all figures share."""

from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects as go
import plotly.io as pio
import pytest

import explorer.figures
from explorer.figures.palette import PALETTES
from explorer.figures.template import template


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colors_are_those_of_the_theme(theme):
    layout, palette = template(theme).layout, PALETTES[theme]
    assert layout.paper_bgcolor == layout.plot_bgcolor == palette.surface
    assert layout.font.color == palette.text
    assert layout.xaxis.gridcolor == layout.yaxis.gridcolor == palette.grid
    assert layout.xaxis.linecolor == palette.hairline
    assert layout.hoverlabel.font.color == palette.text
    assert layout.colorway[:2] == (palette.train, palette.test)


def test_a_reader_keeps_the_zoom():
    assert template("light").layout.uirevision == template("dark").layout.uirevision == "keep"


def test_nothing_is_cut_off():
    layout = template().layout
    assert layout.xaxis.automargin is True
    assert layout.yaxis.automargin is True


def test_figures_do_not_change_the_template_that_they_share():
    before = template().to_plotly_json()
    go.Figure(layout={"template": template()}).layout.template.layout.font.size = 99
    assert template().to_plotly_json() == before


def test_nothing_is_set_for_other_figures_of_the_process():
    assert pio.templates.default == "plotly"
    assert not [name for name in pio.templates if "explorer" in name]


def test_colors_come_from_the_palette_alone():
    for path in Path(explorer.figures.__file__).parent.glob("*.py"):
        if path.name != "palette.py":
            assert not re.search(r"#[0-9a-fA-F]{6}", path.read_text(encoding="utf-8")), path.name
