"""The source that a lesson shows is that of the installed files, line for line."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

import explorer
from explorer.network import sigmoid
from explorer.network.activations import Sigmoid
from explorer.network.neural_network import NeuralNetwork
from explorer.notebook.source import source

PACKAGE = Path(explorer.__file__).parents[1]


def shown_lines(html):
    """(number, code, note) of each line."""
    found = re.findall(r"<span>(\d+)</span><pre>(.*?)</pre><em>(.*?)</em>", html, re.DOTALL)
    return [(int(n), unescape(re.sub(r"<.*?>", "", code)), unescape(note)) for n, code, note in found]


@pytest.mark.parametrize("thing", [Sigmoid.value, Sigmoid, sigmoid, NeuralNetwork.fit, NeuralNetwork])
def test_each_line_stands_in_its_file_under_its_number(thing):
    shown = source(thing)
    place = re.search(r"</b> (\S+), line (\d+)<", shown.html)
    lines = (PACKAGE / place[1]).read_text(encoding="utf-8").splitlines()
    found = shown_lines(shown.html)
    assert found[0][0] == int(place[2])
    assert len(found) >= 2
    for number, code, _ in found:
        assert lines[number - 1].strip() == code.strip()
        assert lines[number - 1].endswith(code)  # with its indentation, but for what all lines share


def test_no_docstring_is_shown():
    shown = source(NeuralNetwork)
    assert "Parameters\n" not in shown.text
    assert '"""' not in shown.text
    assert "def backward" in shown.text


def test_a_note_stands_beside_its_line():
    shown = source(Sigmoid.value, Sigmoid.slope, notes={"np.exp": "e⁻ᵃ < 1", "partial(": "first free line"})
    noted = {code.strip(): note for _, code, note in shown_lines(shown.html) if note}
    assert noted == {
        "partial(np.exp, out, out),": "e⁻ᵃ < 1",
        "partial(np.negative, a, out),": "first free line",
    }


def test_a_note_without_its_line_is_refused():
    with pytest.raises(ValueError, match=r"notes has “np\.sinh”; no line .* Sigmoid\.value"):
        source(Sigmoid.value, notes={"np.sinh": "?"})


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError):
        source(abs)


def test_code_from_elsewhere_is_named_by_its_file():
    assert "re/__init__" not in source(re.escape).html
    assert "__init__.py, line" in source(re.escape).html
