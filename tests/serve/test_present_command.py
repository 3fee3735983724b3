"""The command that serves the talk: what it says, what it needs, what its page holds."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from explorer.serve import serve_command
from explorer.serve.command import main
from explorer.serve.serve_command import find_reveal
from explorer.talk.slides import SLIDES

ROOT = Path(__file__).parents[2]


def test_reveal_js_is_found_with_its_licence():
    folder = find_reveal()
    text = (folder / "dist" / "reveal.js").read_text(encoding="utf-8")
    assert re.search(r"reveal\.js 5\.", text[:200])
    assert "MIT licensed" in text[:200]
    assert (folder / "LICENSE").is_file()


def test_the_command_says_what_to_install_and_ends(monkeypatch, capsys):
    def missing():
        return find_reveal("no_such_package")

    monkeypatch.setattr(serve_command, "find_reveal", missing)
    assert main(["present", "--no-browser"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nn-explorer present: the talk needs reveal.js: install it with ")


@pytest.mark.long
def test_the_page_holds_every_slide_and_ends_quietly(start):
    command = start("present")
    assert re.fullmatch(rf"The talk is at {command.url} \(\d+ seats?; Ctrl-C ends it\)\n", command.line)
    page = command.page()
    assert re.findall(r'<article data-slide="(\w+)"', page) == [slide.name for slide in SLIDES]
    assert page.count("application/vnd.voila.cell-output+json") == len(SLIDES)
    assert "explorer-failed" not in page
    address = re.search(r'<script src="(/[^"]+/dist/reveal\.js)"', page).group(1)
    for ending, kind in ((".js", "text/javascript"), (".css", "text/css")):
        status, headers, _ = command.ask(address.replace(".js", ending))
        assert (status, "immutable" in headers["Cache-Control"]) == (200, True)
        assert headers["Content-Type"].startswith(kind)
    assert command.end(signal.SIGINT) == (0, "", "")
