"""Records the README's film from a running page: ``python tests/pictures.py``."""

from __future__ import annotations

import argparse
import io
import itertools
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from explorer.training import FIELDS

FOLDER = Path(__file__).parents[1] / ".github"
FRAME = 0.125  # s
WIDTH, HEIGHT = 1440, 900
SMALLER = 0.625
THUMB = 18  # px
MOVES = ("hidden_sizes", 0.1), ("hidden_sizes", 0.7), ("learning_rate", 0.95)


@contextmanager
def served():
    """Give the address of an explorer."""
    command = [sys.executable, "-m", "explorer", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield next(found[1] for line in server.stdout if (found := re.search(r"at (http://\S+)", line)))
        finally:
            server.terminate()


def shot(page):
    """A frame, and when it was taken, in s."""
    return time.monotonic(), Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def watch(page, frames, seconds):
    """Add a frame for each eighth of a second."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        frames.append(shot(page))
        time.sleep(max(0.0, FRAME - (time.monotonic() - begun)))


def drag(page, frames, name, to):
    """Move a slider to a share of its length, as a hand does, and watch what follows."""
    slider = page.get_by_role("slider", name=FIELDS[name].label)
    box, now = slider.bounding_box(), slider.evaluate("s => (s.value - s.min) / (s.max - s.min)")
    begin, end = (box["x"] + THUMB / 2 + (box["width"] - THUMB) * share for share in (now, to))
    y = box["y"] + box["height"] / 2
    page.mouse.move(begin, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(begin + (end - begin) * step / 8, y)
        frames.append(shot(page))
    page.mouse.up()
    watch(page, frames, 5)


def film(page, url):
    """Write film.gif: sliders are moved, and everything answers."""
    page.goto(url)
    page.locator(".explorer-run").get_by_text("finished").wait_for(timeout=60_000)
    page.get_by_role("button", name="No, thanks").click()
    page.get_by_text("Modern", exact=True).click()
    page.get_by_text("784-128-10").wait_for()
    page.locator(".explorer-run").get_by_text("10 of 10").wait_for(timeout=60_000)
    frames = []
    watch(page, frames, 1)
    for name, to in MOVES:
        drag(page, frames, name, to)
    size = round(WIDTH * SMALLER), round(HEIGHT * SMALLER)
    times, pictures = zip(*frames, strict=True)
    durations = [round(1000 * (end - begin)) for begin, end in itertools.pairwise(times)] + [1500]
    small = [picture.resize(size, Image.Resampling.LANCZOS) for picture in pictures]
    sheet = Image.new("RGB", (size[0], size[1] * len(small[::10])))
    for row, picture in enumerate(small[::10]):
        sheet.paste(picture, (0, row * size[1]))
    palette = sheet.quantize(255, method=Image.Quantize.MAXCOVERAGE)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in small]
    first, *others = drawn
    first.save(FOLDER / "film.gif", save_all=True, append_images=others, duration=durations, loop=0)


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        film(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}), url)


if __name__ == "__main__":
    main()
