"""The command that serves the talk: what it says, what it needs, what its page holds."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from explorer.serve import serve_command
from explorer.serve.command import main
from explorer.serve.serve_command import find_notebook, find_reveal
from explorer.talk.slides import RUNS, SLIDES

ROOT = Path(__file__).parents[2]


def test_reveal_js_is_found_with_its_licence():
    folder = find_reveal()
    text = (folder / "dist" / "reveal.js").read_text(encoding="utf-8")
    assert re.search(r"reveal\.js 5\.", text[:200])
    assert "MIT licensed" in text[:200]
    assert (folder / "LICENSE").is_file()


@pytest.mark.parametrize("package", ["no_such_package", "json"])
def test_where_it_is_missing_nothing_is_found(package):
    assert find_reveal(package) is None


def test_the_command_says_what_to_install_and_ends(monkeypatch, capsys):
    def missing():
        return find_reveal("no_such_package")

    monkeypatch.setattr(serve_command, "find_reveal", missing)
    assert main(["present", "--no-browser"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err
        == 'nn-explorer: the talk needs reveal.js: install it with pip install "sphinx-revealjs>=3.2,<4".\n'
    )


def test_the_help_names_the_keys_and_the_licences(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["present", "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("--port", "--record", "speaker", "MIT", "Apache-2.0"))
    assert "--dataset" not in said


def test_the_extra_is_declared():
    assert 'present = [\n    "sphinx-revealjs>=3.2,<4"' in (ROOT / "pyproject.toml").read_text(
        encoding="utf-8"
    )


def test_a_checkout_serves_its_own_notebook():
    assert find_notebook(serve_command.PRESENTATION) == ROOT / "notebooks" / "presentation.ipynb"


def test_recordings_that_cannot_be_written_are_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("explorer.talk.slides.RECORDINGS", Path("/dev/null/recordings"))
    assert main(["present", "--record"]) == 2
    assert re.fullmatch(r"nn-explorer: the recordings can't be written: .+\n", capsys.readouterr().err)


def test_recording_trains_every_run(monkeypatch, capsys, tmp_path):
    quick = {"summed": replace(RUNS["summed"], config=RUNS["summed"].config.replace(epochs=1, n_train=1000))}
    monkeypatch.setattr("explorer.talk.slides.RECORDINGS", tmp_path)
    monkeypatch.setattr("explorer.talk.slides.RUNS", quick)
    assert main(["present", "--record"]) == 0
    assert {path.stem for path in tmp_path.glob("*.npz")} == set(quick)
    assert "summed" in capsys.readouterr().err


@pytest.mark.long
def test_the_page_holds_every_slide_and_ends_quietly():
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    start += (
        "from explorer.serve.command import main; sys.exit(main(['present', '--no-browser', '--port', '0']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", start],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env=dict(os.environ),
    )
    line = process.stdout.readline()
    try:
        url = re.fullmatch(r"The talk is at (http://\S+) \(\d+ seats?; Ctrl-C ends it\)\n", line).group(1)
        with urlopen(url, timeout=120) as answer:
            page = answer.read().decode()
        assert re.findall(r'<article data-slide="(\w+)"', page) == [slide.name for slide in SLIDES]
        assert page.count("application/vnd.voila.cell-output+json") == len(SLIDES)
        assert "explorer-failed" not in page
        address = re.search(r'<script src="/([^"]+/dist/reveal\.js)"', page).group(1)
        with urlopen(url + address) as answer:
            assert answer.headers["Content-Type"].startswith("text/javascript")
            assert "immutable" in answer.headers["Cache-Control"]
        with urlopen(url + address.replace("reveal.js", "reveal.css")) as answer:
            assert answer.headers["Content-Type"].startswith("text/css")
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
