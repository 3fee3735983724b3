"""A talk as a handout: each slide as the room sees it, with its answer, and perhaps notes, in a PDF file."""

import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from explorer.safe_write import whole_file
from explorer.serve.access import PASSWORD, RefusedError

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


def print_handout(talk: Path, path: Path, log: Callable[[str], object], *, with_notes: bool) -> int:
    """Serve a talk and write its handout; return the number of slides, and `log` each as it is done.

    Notes are the speaker's: a handout for students is without them.

    Raises `RefusedError` if the talk can't be shown, or there is no browser that prints it.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise RefusedError('--pdf needs Playwright: pip install "nn-explorer[pdf]".') from error
    found = os.environ.get("EXPLORER_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    command = [sys.executable, "-m", "explorer", "present", str(talk), "--no-browser", "--port", "0"]
    open_to_it = {name: value for name, value in os.environ.items() if name != PASSWORD}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=open_to_it) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"is at (http\S+)", server.stdout.readline())
            if address is None:
                raise RefusedError("the talk can't be shown.")
            with sync_playwright() as driver, driver.chromium.launch(executable_path=found) as browser:
                sections, printed = _printed(browser, address[1], log, with_notes)
        except Error as error:
            why = str(error).splitlines()[0]
            raise RefusedError(f"--pdf needs Chromium or Chrome to print the talk: {why}") from error
        finally:
            server.terminate()
    with whole_file(path) as stream:
        stream.write(printed)
    return sections


def _printed(browser: Any, address: str, log: Callable[[str], object], with_notes: bool) -> tuple[int, bytes]:
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
        image, below = f'<img src="{source}" alt="{escape(title)}">', f"<p>{escape(notes)}</p>" * with_notes
        slides += f"<section><h2>{number} · {escape(title)}</h2>{image}{below}</section>"
        log(f"Slide {number} of {n_slides}: {title}")
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
