"""The look that all figures share."""

import re
from pathlib import Path

import plotly.graph_objects as go
import plotly.io as pio

import explorer.figures
from explorer.figures.template import template


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
