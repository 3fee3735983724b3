"""The style sheets: both themes' colours from the palette, and no colour from anywhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from explorer.figures.palette import PALETTES
from explorer.widgets import look
from explorer.widgets.look import script, stylesheet

FOLDER = Path(look.__file__).parent
SHEETS = sorted(FOLDER.glob("*.css"))
SCRIPTS = sorted(FOLDER.glob("*.js"))


def test_a_sheet_carries_the_colours_of_both_themes():
    text = stylesheet("tiles")
    assert all(palette.css() in text for palette in PALETTES.values())
    assert text.index(PALETTES["light"].css()) < text.index(':root[data-explorer-theme="dark"]')


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_colours_come_from_the_palette_alone(path):
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9a-f]{3,8}\b(?![^{]*\{)", text)
    assert set(re.findall(r"\b(?:rgb|hsl|oklch)a?\([^)]*\)", text)) <= {"rgb(0 0 0 / 16%)"}  # the one shadow


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_every_colour_that_is_asked_for_exists(path):
    defined = set(re.findall(r"(--explorer-[\w-]+):", stylesheet(path.stem)))
    assert set(re.findall(r"var\((--explorer-[\w-]+)", path.read_text(encoding="utf-8"))) <= defined


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_text_never_enters_as_markup_and_nothing_is_fetched(path):
    text = path.read_text(encoding="utf-8")
    for name in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "fetch(",
        "http://",
        "https://",
    ):
        assert name not in text.replace("http://www.w3.org/2000/svg", "")


def contrast(one, other):
    """Ratio of the luminances of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lights = []
    for colour in (one, other):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize("theme", PALETTES)
def test_text_stands_out_wherever_the_parts_put_it(theme):
    palette = PALETTES[theme]
    for ground in (palette.page, palette.surface, palette.raised):
        assert contrast(palette.text, ground) >= 7
        assert contrast(palette.muted, ground) >= 4.5
    assert contrast(palette.on_accent, palette.accent) >= 4.5
    assert contrast(palette.error, palette.page) >= 4.5
    assert contrast(palette.accent, palette.page) >= 3  # the focus ring, the slider


def test_a_script_is_one_module():
    for name in ("control_panel", "run_bar", "tiles", "messages", "header", "caption"):
        assert script(name).count("export default") == 1
