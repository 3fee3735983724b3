"""``nn-explorer present``: a talk as slides in the browser, checked, recorded, printed, or begun."""

import json
import os
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any

from explorer.datasets import Dataset
from explorer.extensions.talk.file import READY, TALK, TalkError, TalkFile, read_talk
from explorer.extensions.talk.recordings import RecordingError, needed, read_recording, record, recordings_of
from explorer.safe_write import check_destination, whole_file
from explorer.serve import run_options, serve_command
from explorer.serve.access import FAILED, PASSWORD, RefusedError, is_loopback
from explorer.serve.environment import DATASETS, SPEAKER
from explorer.wording import counted

OPTIONS: Mapping[str, Any] = MappingProxyType({"file": {"nargs": "?"}, "--from": {"choices": ["ready"]}})

_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "msedge", "chrome")
_WIDTH, _HEIGHT = 1280, 720
_PATIENCE, _MOST_LOOKS = 60_000, 40  # ms that a page may take; pictures of a slide until two are equal
_ON_SCREEN_ONLY = ".explorer-live-bar, .explorer-question button, .reveal { display: none !important }"
_IS_DRAWN = """() => {
  const slide = document.querySelector('article[data-present]');
  const figures = [...slide.querySelectorAll('.js-plotly-plot')];
  return slide.querySelector('h2') && figures.every((one) => one.querySelector('.main-svg'));
}"""
_STYLE = """
@page { size: A4; margin: 14mm 16mm }
body { font: 11pt/1.45 system-ui, sans-serif; color: #18202a; margin: 0 }
section { break-inside: avoid; margin-bottom: 9mm }
h2 { font-size: 12pt; margin: 0 0 2mm }
img { width: 86%; border: .3mm solid #cdd5de }
p { margin: 2mm 0 0; white-space: pre-line }
"""


def run(arguments: Namespace) -> int:
    """Run ``nn-explorer present``."""
    if getattr(arguments, "from") and not arguments.new:
        raise RefusedError("--from: expected together with --new FILE.")
    if arguments.dataset and not arguments.file:
        raise RefusedError("--dataset: expected together with FILE, a talk whose runs are of it.")
    if arguments.notes and not arguments.pdf:
        raise RefusedError("--notes: expected together with --pdf HANDOUT.")
    asked = [f"--{name}" for name in ("new", "record", "check", "pdf") if getattr(arguments, name)]
    if len(asked) > 1 or (arguments.new and arguments.file):
        both = " and ".join([*asked, *filter(None, [arguments.file])])
        raise RefusedError(f"{both}: expected one of them.")
    try:
        if arguments.new:
            return _begin(Path(arguments.new).expanduser(), READY if getattr(arguments, "from") else None)
        talk = read_talk(arguments.file or READY)
        if arguments.pdf:
            own = [f"--dataset={path}" for path in arguments.dataset]
            return _print(talk, own, check_destination(Path(arguments.pdf).expanduser()), arguments.notes)
        dataset, _ = run_options.data_of(arguments)
        if dataset.is_plane:
            raise RefusedError(f"a talk can't be of {dataset.name}; expected images.")
        if arguments.record:
            return _record(talk, dataset)
        return _check(talk, dataset) if arguments.check else _present(arguments, talk, dataset)
    except (TalkError, OSError) as error:
        raise RefusedError(re.sub(r"(?<![.?…])$", ".", str(error))) from error


def _begin(path: Path, ready: Path | None) -> int:
    """Write a talk to begin with; from the ready one, with its recordings."""
    if ready is not None and path.with_suffix(".recordings").exists():
        raise RefusedError(f"{path.with_suffix('.recordings')} is there already.")
    with whole_file(path) as stream:
        stream.write((ready or READY.with_name("start.toml")).read_bytes())
    if ready is not None:
        shutil.copytree(ready.with_suffix(".recordings"), path.with_suffix(".recordings"))
    then = "shows it" if ready else "--record trains its runs, once; without --record it is shown"
    print(f"Wrote {path}: nn-explorer present {path} {then}.")
    return 0


def _record(talk: TalkFile, dataset: Dataset) -> int:
    """Make the recordings that are missing or can't be used."""
    for fault in talk.faults:
        print(fault, file=sys.stderr)
    made = 0
    for name in needed(talk.slides):
        try:
            read_recording(talk, name, dataset)
        except RecordingError:
            print(f"Recording {name.removeprefix('demonstration.')} …", flush=True)
            record(talk, name, dataset)
            made += 1
    print(f"{counted(made, 'new recording')} in {talk.recordings}.")
    return FAILED if talk.faults else 0


def _print(talk: TalkFile, options: Sequence[str], path: Path, with_notes: bool) -> int:
    """Serve a talk and write its handout, a PDF file: each slide as the room sees it, with its answer."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise RefusedError('--pdf needs Playwright: pip install "nn-explorer[pdf]".') from error
    found = os.environ.get("EXPLORER_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    own = [str(talk.path), *options, "--no-browser", "--port", "0"]
    command = [sys.executable, "-m", "explorer", "present", *own]
    open_to_it = {name: value for name, value in os.environ.items() if name != PASSWORD}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=open_to_it) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"is at (http\S+)", server.stdout.readline())
            if address is None:
                raise RefusedError("the talk can't be shown.")
            with sync_playwright() as driver, driver.chromium.launch(executable_path=found) as browser:
                n_slides, printed = _printed(browser, address[1], with_notes)
        except Error as error:
            why = str(error).splitlines()[0]
            raise RefusedError(f"--pdf needs Chromium or Chrome to print the talk: {why}") from error
        finally:
            server.terminate()
    with whole_file(path) as stream:
        stream.write(printed)
    print(f"Wrote {path}: {counted(n_slides, 'slide')}.")
    return 0


def _printed(browser: Any, address: str, with_notes: bool) -> tuple[int, bytes]:
    """Return how many slides the talk at an address has, and its handout."""
    screen = {"width": _WIDTH, "height": _HEIGHT}
    page = browser.new_page(viewport=screen, device_scale_factor=2, reduced_motion="reduce")
    page.set_default_timeout(_PATIENCE)
    page.goto(address)
    page.wait_for_selector("main:not([aria-busy]) article[data-present]")
    n_slides = page.locator("article[data-slide]").count()
    slides = ""
    for number in range(1, n_slides + 1):
        title, picture, notes = _slide(page)
        source = f"data:image/png;base64,{b64encode(picture).decode()}"
        image = f'<img src="{source}" alt="{escape(title)}">'
        below = f"<p>{escape(notes)}</p>" if with_notes else ""
        slides += f"<section><h2>{number} · {escape(title)}</h2>{image}{below}</section>"
        print(f"Slide {number} of {n_slides}: {title}", flush=True)
    head = f"<head><meta charset=utf-8><title>Handout</title><style>{_STYLE}</style></head>"
    page = browser.new_page()
    page.set_content(f'<!doctype html><html lang="en">{head}<body>{slides}</body></html>')
    handout = page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)
    return n_slides, handout


def _slide(page: Any) -> tuple[str, bytes, str]:
    """Return the title, a picture and the notes of the slide that the talk is at; it goes on to the next."""
    slide = page.locator("article[data-present]")
    if slide.locator("[data-covered] .explorer-reveal").count():
        page.keyboard.press("r")
    page.wait_for_function(_IS_DRAWN)
    picture = b""
    for _ in range(_MOST_LOOKS):
        before, picture = picture, page.screenshot(style=_ON_SCREEN_ONLY)
        if picture == before:
            break
        page.wait_for_timeout(250)
    title, notes = (slide.locator(part).first.text_content() or "" for part in ("h2", "aside.notes"))
    page.keyboard.press("ArrowRight")
    return title, picture, notes


def _check(talk: TalkFile, dataset: Dataset) -> int:
    _, faults = recordings_of(talk, dataset)
    for fault in faults:
        print(fault)
    if not faults:
        print(f"{talk.path.name}: {counted(len(talk.slides), 'slide')}, no fault.")
    return FAILED if faults else 0


def _present(arguments: Namespace, talk: TalkFile, dataset: Dataset) -> int:
    reveal = find_reveal()
    if reveal is None:
        raise RefusedError('the talk needs reveal.js: install it with pip install "sphinx-revealjs>=3.2,<4".')
    recorded, faults = recordings_of(talk, dataset)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not any(needed((slide,)).keys() <= recorded.keys() for slide in talk.slides):
        raise RefusedError("no slide can be shown.")
    notebook = serve_command.find_notebook("presentation.ipynb", Path(__file__).parent)
    variables = {TALK: str(talk.path.resolve())}
    if arguments.dataset:
        variables[DATASETS] = json.dumps({dataset.name: dataset.source})
    if not is_loopback(arguments.ip):  # then others see it, too
        variables[SPEAKER] = token_urlsafe(12)
    look: Any = {"template": "explorer-talk", "reveal": reveal, "kernel_variables": variables}
    shares = [Path(__file__).parent / "share"]
    return serve_command.serve(arguments, "The talk", notebook, shares=shares, **look)


def find_reveal(package: str = "sphinx_revealjs") -> Path | None:
    """Return the folder of reveal.js in a package, without importing it; None if it isn't installed."""
    spec = find_spec(package)
    places = [] if spec is None else spec.submodule_search_locations or []
    folders = (Path(place) / "_static" / "revealjs" for place in places)
    return next((folder for folder in folders if (folder / "dist" / "reveal.js").is_file()), None)
