"""The scripts that a page starts with: which they are, and that joining them changes nothing."""

import re
from pathlib import Path

import pytest
from voila.paths import collect_static_paths

from explorer.serve.environment import SHARE
from explorer.serve.pages import joined, page_scripts
from explorer.serve.server import JOINED_EXTENSIONS, TEMPLATE
from explorer.widgets.plotly_module import plotly_script

PUSHED = re.compile(rb"\.push\(\[\[[\"']?(\d+)")
"""How a part of a program says which it is."""


@pytest.fixture
def real(monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(SHARE))
    return page_scripts(TEMPLATE, JOINED_EXTENSIONS)


def test_voilas_parts_are_all_that_its_script_can_ask_for_as_it_starts(real):
    folders = map(Path, collect_static_paths(["voila", "nbconvert"], TEMPLATE))
    folder = next(path for path in folders if (path / "voila.js").exists())
    asked = set(re.findall(r"\.e\((\d+)\)", (folder / "voila.js").read_text(encoding="utf-8")))
    expected = {number for number in asked if (folder / f"{number}.voila.js").exists()}
    found = {number.decode() for one in real for number in PUSHED.findall(one.content)}
    assert len(expected) > 40
    assert found >= expected


def test_the_extensions_parts_are_found(real):
    text = b"".join(one.content for one in real[1:])
    programs = set(re.findall(rb"(?:web|rs)packChunk\w+", text))
    assert len(programs) == 1 + len(JOINED_EXTENSIONS) == 3
    assert len(PUSHED.findall(text)) > 10


def test_all_have_their_own_address_and_plotly_comes_with_a_hint_in_front(real):
    assert len({one.address for one in real}) == 3
    assert real[0].content == b"//# allFunctionsCalledOnLoad\n" + plotly_script()


def test_an_extension_that_is_not_there_has_no_parts(monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(SHARE))
    assert page_scripts(TEMPLATE, ["no such extension"]) == page_scripts(TEMPLATE, [])


def test_strict_scripts_are_joined_among_themselves(tmp_path):
    texts = {
        "1.strict.js": b'"use strict";one()',
        "2.notice.js": b"/*! MIT\n */\n// and\n'use strict';two() // end",
        "3.sloppy.js": b'three("use strict")',
        "4.sloppy.js": b"four()\n//# sourceMappingURL=4.js.map",
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    strict, sloppy = joined(sorted(tmp_path.iterdir()))
    assert strict.content == b'"use strict"\n;"use strict";one()\n;' + texts["2.notice.js"]
    assert sloppy.content == b"\n;" + texts["3.sloppy.js"] + b"\n;" + texts["4.sloppy.js"]
    assert joined([]) == []
    before = strict.address
    (tmp_path / "1.strict.js").write_bytes(b'"use strict";other()')
    assert joined(sorted(tmp_path.iterdir()))[0].address != before
