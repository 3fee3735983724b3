"""The command that serves the talk: what it says, what it needs, what its page holds."""

import re
import signal
from pathlib import Path

import pytest
from visitor import Visitor, client_for

from explorer.extensions.talk import present_command
from explorer.extensions.talk.file import READY, read_talk
from explorer.extensions.talk.present_command import find_reveal
from explorer.serve.command import main

SLIDES = read_talk(READY).slides
ROOT = Path(__file__).parents[3]


def test_reveal_js_is_found_with_its_licence():
    folder = find_reveal()
    text = (folder / "dist" / "reveal.js").read_text(encoding="utf-8")
    assert re.search(r"reveal\.js 5\.", text[:200])
    assert "MIT licensed" in text[:200]
    assert (folder / "LICENSE").is_file()


def test_the_command_says_what_to_install_and_ends(monkeypatch, capsys):
    def missing():
        return find_reveal("no_such_package")

    monkeypatch.setattr(present_command, "find_reveal", missing)
    assert main(["present", "--no-browser"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nn-explorer present: the talk needs reveal.js: install it with ")


@pytest.mark.long
def test_the_page_holds_every_slide_and_ends_quietly(start):
    command = start("present")
    assert re.fullmatch(rf"The talk is at {command.url} \(\d+ seats?; Ctrl-C ends it\)\n", command.line)
    page = command.page()
    assert re.findall(r'<article data-slide="([\w-]+)"', page) == [slide.name for slide in SLIDES]
    assert page.count("application/vnd.voila.cell-output+json") == len(SLIDES)
    assert "explorer-failed" not in page
    address = re.search(r'<script src="(/[^"]+/dist/reveal\.js)"', page).group(1)
    for ending, kind in ((".js", "text/javascript"), (".css", "text/css")):
        status, headers, _ = command.ask(address.replace(".js", ending))
        assert (status, "immutable" in headers["Cache-Control"]) == (200, True)
        assert headers["Content-Type"].startswith(kind)
    assert command.end(signal.SIGINT) == (0, "", "")


@pytest.mark.long
async def test_where_others_see_it_only_the_speakers_page_has_the_notes(start, tmp_path):
    talk = tmp_path / "talk.toml"
    talk.write_text(TALK.replace("[[slides]]", "[[slides]]\nnotes = 'Ask first.'"))
    assert main(["present", str(talk), "--record"]) == 0
    command = start("present", str(talk), "--ip", "0.0.0.0", "--open")
    with_notes = re.search(r"notes it is at \S+/(\?speaker=\S+)", command.process.stdout.readline())[1]
    for query, notes in (("", ""), ("?speaker=me", ""), (with_notes, "Ask first.")):
        visitor = Visitor(client_for(1), command.url)
        await visitor.open(query)
        assert visitor.states["explorer.extensions.talk.slide_parts.LiveBar"]["notes"] == notes
        await visitor.close()


TALK = """\
[runs.small]
settings = "hidden=4&epochs=1&n=500"
[[slides]]
title = "It"
pictures = ["loss"]
run = "small"
"""


def test_a_talk_is_begun_recorded_and_checked(tmp_path, capsys, folder):
    path = tmp_path / "mine.toml"
    assert main(["present", "--new", str(path)]) == 0
    assert main(["present", "--new", str(path)]) == 2  # it is there already
    assert "is there already" in capsys.readouterr().err
    begun = read_talk(path)
    assert (len(begun.slides), begun.faults) == (5, ())
    path.write_text(TALK + '[[slides]]\ntitel = "No"\n')
    assert main(["present", str(path), "--check"]) == 1
    unknown, missing = sorted(capsys.readouterr().out.splitlines(), reverse=True)
    assert missing.startswith("mine.toml, line 3: the recording of small can't be used (there is no file")
    assert missing.endswith("present it with --record.")
    assert unknown == "mine.toml, line 8: slide 2: there is no “titel”; did you mean 'title'?"
    assert main(["present", str(path), "--no-browser"]) == 2
    assert capsys.readouterr().err.endswith("nn-explorer present: no slide can be shown.\n")
    path.write_text(TALK)
    own = ["present", str(path), "--dataset", str(folder)]
    for recorded in ("Recording small …\n1 new recording in ", "0 new recordings in "):
        assert main([*own, "--record"]) == 0
        assert capsys.readouterr().out.startswith(recorded)
    assert (main([*own, "--check"]), main(["present", str(path), "--check"])) == (0, 1)
    assert re.match("mine.toml: 1 slide, no fault.\n.* expected runs on MNIST", capsys.readouterr().out)


def test_a_copy_of_the_ready_talk_has_its_recordings(tmp_path, capsys):
    assert main(["present", "--new", str(tmp_path / "mine.toml"), "--from", "ready"]) == 0
    assert main(["present", str(tmp_path / "mine.toml"), "--check"]) == 0
    assert main(["present", "--from", "ready"]) == main(["present", "--dataset", "it"]) == 2
    assert main(["present", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: found “no such file or directory”, expected a talk." in capsys.readouterr().err
