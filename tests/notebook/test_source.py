"""The source that a notebook shows is that of the installed files, line for line, but for types."""

import inspect
import re
from html import unescape
from pathlib import Path

import pytest

import explorer
from explorer.checks.mistakes import plain_lines
from explorer.engine.passes import Pass
from explorer.network.activations import d_sigmoid, sigmoid
from explorer.network.methods import Dropout
from explorer.network.network import Network
from explorer.network.neural_network import NeuralNetwork
from explorer.notebook.page import source
from explorer.widgets.highlighting import tokens

PACKAGE = Path(explorer.__file__).parents[1]


def shown_lines(html):
    """(number, code) of each line."""
    found = re.findall(r"<span>(\d+)</span><pre>(.*?)</pre>", html, re.DOTALL)
    return [(int(n), unescape(re.sub(r"<.*?>", "", code))) for n, code in found]


@pytest.mark.parametrize("thing", [sigmoid, Network.forward, Dropout, NeuralNetwork, Pass.forward])
def test_the_lines_are_those_of_a_blackboard_with_file_and_numbers(thing):
    shown, lines = source(thing), plain_lines(thing)
    place = Path(inspect.getsourcefile(thing)).relative_to(PACKAGE)
    assert f"</b> {place}, line {min(lines)}<" in shown.html
    assert dict(shown_lines(shown.html)) == lines


def test_no_docstring_is_shown():
    shown = source(NeuralNetwork)
    assert "Parameters\n" not in shown.text
    assert '"""' not in shown.text
    assert "def backward" in shown.text


def test_several_are_shown_one_after_the_other():
    shown = source(sigmoid, d_sigmoid)
    assert shown.html.count('<figure class="lesson-source">') == 2
    assert "def sigmoid(a):\n    return 1 / (1 + np.exp(-a))\n\ndef d_sigmoid(a):\n" in shown.text
    assert shown.text.endswith("    h = sigmoid(a)\n    return h * (1 - h)")


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError):
        source(abs)


def test_code_from_elsewhere_is_named_by_its_file():
    assert "re/__init__" not in source(re.escape).html
    assert "__init__.py, line" in source(re.escape).html


def test_code_comes_in_pieces_each_after_its_kind():
    code = 'def f(x, n=1_0):  # why\n    """Two\n    lines."""\n    return None if not x else f"{x}é" + "a"'
    found = [*tokens(code)]
    assert "".join(text for _, text in found) == code
    said = {kind: [text for name, text in found if name == kind] for kind in dict(found)}
    assert said["keyword"] == ["def", "return", "None", "if", "not", "else"]
    assert (said["name"], said["number"], said["comment"]) == (["f"], ["1_0"], ["# why"])
    assert said["string"][0] == '"""Two\n    lines."""'
    assert "".join(said["string"]).endswith('"a"')
