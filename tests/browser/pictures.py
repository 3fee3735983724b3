"""Makes README's film and pictures, and those that the notebooks begin with: ``.ci/record [NAME …]``.

Each is a test only so that it has the fixtures of this folder. Look at what it has made: nothing else does.
"""

import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from exercise_answers import ANSWERS, answered
from lessons import read
from PIL import Image
from playwright.sync_api import expect

from explorer.training import FIELDS

ROOT = Path(__file__).parents[2]
FOLDER, NOTEBOOKS = ROOT / ".github", ROOT / "notebooks"
POINTER = """addEventListener('DOMContentLoaded', () => {
  const pointer = Object.assign(document.createElement('div'), { popover: 'manual' });
  pointer.style.cssText = `inset: auto; margin: 0; width: 16px; height: 22px; border: 0; background: #171c23;
    pointer-events: none; clip-path: polygon(0 0, 0 82%, 28% 64%, 46% 100%, 64% 92%, 46% 58%, 88% 58%)`;
  document.body.append(pointer);
  const move = ({ clientX, clientY }) => {
    pointer.hidePopover();
    pointer.showPopover(); // above all other popovers
    Object.assign(pointer.style, { left: `${clientX}px`, top: `${clientY}px` });
  };
  for (const name of ['pointermove', 'pointerdown']) addEventListener(name, move, true);
});"""
"""Screenshots have no pointer of their own."""
RAN = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .every(({ model }) => model.type !== 'code' || model.executionCount)"""
SHOW = """async ([id, top]) => {
  const { content } = window.jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.findIndex(({ model }) => model.id === id);
  await content.scrollToItem(content.activeCellIndex, 'start');
  const panel = document.querySelector('.jp-WindowedPanel-outer');
  const [cell, outer] = [content.activeCell.node, panel].map((one) => one.getBoundingClientRect().top);
  panel.scrollBy(0, cell - outer - top);
}"""
THREE = (
    (0.32, 0.28), (0.42, 0.2), (0.56, 0.19), (0.66, 0.28), (0.62, 0.4), (0.5, 0.47),
    (0.62, 0.53), (0.68, 0.65), (0.62, 0.78), (0.5, 0.83), (0.38, 0.8), (0.31, 0.71),
)  # fmt: skip
"""A 3, in shares of the pad."""


def shot(page):
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def still(page):
    """A picture of the page, once two in a row are equal."""
    found, now = None, shot(page)
    while found is None or np.any(np.asarray(found) != np.asarray(now)):
        found, now = now, shot(page)
    return now


def palette_of(picture, n=254):
    """So many colors: half are the most frequent, so that surfaces and thin lines stay as they are."""
    common = [color for _, color in sorted(picture.getcolors(2**24), reverse=True)[: n // 2]]
    found = Image.new("P", (1, 1))
    found.putpalette([*np.ravel(common).tolist(), *picture.quantize(n // 2).getpalette()[: 3 * (n // 2)]])
    return found


def save(picture, name):
    reduced = picture.quantize(palette=palette_of(picture), dither=Image.Dither.NONE)
    reduced.save(FOLDER / f"{name}.png", optimize=True)


class Film:
    """Frames with the time that each is shown, in ms."""

    def __init__(self, page):
        self._page, self._frames, self._times = page, [], []

    def keep(self, milliseconds, picture=None):
        picture = picture or shot(self._page)
        self._frames.append(picture.resize((864, 540), Image.Resampling.LANCZOS))
        self._times.append(milliseconds)

    def hold(self, milliseconds):
        self.keep(milliseconds, still(self._page))

    def move(self, points, milliseconds=120):
        for point in points:
            self._page.mouse.move(*point)
            self.keep(milliseconds)

    def until(self, is_done, *arguments):
        """Keep what is seen until something is so, but for every second picture."""
        while not is_done(*arguments):
            self.keep(250)
            shot(self._page)

    def save(self, path):
        sample = Image.new("RGB", (864, 540 * 6))
        for i, k in enumerate(np.linspace(0, len(self._frames) - 1, 6).astype(int)):
            sample.paste(self._frames[k], (0, 540 * i))
        palette = palette_of(sample, 128)
        first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self._frames)
        first.save(path, save_all=True, append_images=others, duration=self._times, loop=0, optimize=True)


def drag(film, page, name, to):
    """Drag a setting's slider to a share of its length."""
    slider = page.get_by_role("slider", name=FIELDS[name].label)
    box, now = slider.bounding_box(), slider.evaluate("(s) => (s.value - s.min) / (s.max - s.min)")
    inside, y = box["width"] - 18, box["y"] + box["height"] / 2
    begin, end = (box["x"] + 9 + inside * share for share in (now, to))
    page.mouse.move(begin, y)
    page.mouse.down()
    film.move([(x, y) for x in np.linspace(begin, end, 4)])
    page.mouse.up()


def test_overview(app, open_page):
    visit = open_page(app.url, is_newcomer=True)
    visit.until_drawn()
    visit.until_finished(10)
    save(still(visit.page), "overview")
    visit.assert_clean()


def test_film(app, open_page):
    visit = open_page(app.url, is_newcomer=True, prepare=lambda page: page.add_init_script(POINTER))
    page = visit.page
    visit.until_drawn()
    visit.until_finished(10)
    film = Film(page)
    film.hold(900)
    for name, to in (("hidden_sizes", 0.43), ("batch_size", 0.6)):
        before = visit.tiles.text_content()
        drag(film, page, name, to)
        film.until(
            lambda was: visit.tiles.text_content() != was and "finished" in visit.bar.text_content(), before
        )
        film.hold(3000)
    box = page.get_by_role("application", name="Sketch pad").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in THREE]
    page.mouse.move(*points[0])
    page.mouse.down()
    film.move(points, 150)
    page.mouse.up()
    film.hold(1700)
    for k in (1, 9):
        page.get_by_role("option", name=f"Unit {k}:").hover()
        film.hold(1300)
    visit.button("Play a step").click()
    for _ in range(5):
        film.hold(1900)
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Data set").click()
    film.hold(900)
    page.get_by_role("button", name="Spirals", exact=True).click()
    expect(page.get_by_role("application", name=re.compile("^Plane"))).to_be_visible()
    film.until(lambda: "finished · 300" in visit.bar.text_content())
    film.hold(5000)
    film.save(FOLDER / "film.gif")
    assert 3e5 < (FOLDER / "film.gif").stat().st_size < 1.3e6
    assert visit.page_errors == visit.foreign == []


def test_talk(start_server, open_page):
    server = start_server(["-m", "explorer", "present", "--no-browser", "--port", "0"])
    visit = open_page(server.url, viewport={"width": 1280, "height": 720})
    slide = visit.page.locator(".explorer-slides > article[data-present]")
    expect(slide).to_have_attribute("data-slide", "title")
    while slide.get_attribute("data-slide") != "summed":
        visit.page.keyboard.press("ArrowRight")
    expect(slide.locator(".main-svg").first).to_be_visible()
    save(still(visit.page), "talk")


LESSONS = {  # the cell at the top of the picture, its distance from it, and the last one that is run
    "tutorial": ("init-words", 10, "init-source"),
    "exercise": ("part-1", 0, "sigmoid"),
    "pitfalls": ("uniform-sight", 0, "uniform-histogram"),
    "studies": ("batch-figure", 190, "batch-words"),
    "demonstrations": ("fgsm", 110, "fgsm"),
    "explorer": ("app", 110, "assign"),
    "compose": ("compose", 60, "compose"),
}


@pytest.mark.parametrize("name", LESSONS)
def test_lesson(name, jupyterlab, open_page):
    top, distance, last = LESSONS[name]
    lesson = read(NOTEBOOKS / f"{name}.ipynb")
    if name == "exercise":
        lesson = answered(lesson, answers=ANSWERS | {"sigmoid": "return 1 / (1 + np.exp(a))"})
    end = next(number for number, cell in enumerate(lesson.cells) if cell.id == last)
    lesson.cells = lesson.cells[: end + 1]
    nbformat.write(lesson, jupyterlab.root / f"{name}.ipynb")
    size = {"width": 1440, "height": 980 if name in ("explorer", "compose") else 780}
    visit = open_page(f"{jupyterlab.url}lab/tree/{name}.ipynb?reset", viewport=size)
    visit.until_idle()
    visit.command("application:toggle-left-area")
    visit.run_all()
    visit.page.wait_for_function(RAN, timeout=300_000)
    visit.page.add_style_tag(content=".Toastify { display: none }")  # whether one wants news
    for hint in ("Hint 1", "Hint 2") if name == "exercise" else ():
        visit.button(hint).first.click()
    visit.page.mouse.move(0, 0)
    for _ in range(2):  # the cells above get their height when they are first seen
        visit.page.evaluate(SHOW, [top, distance])
        still(visit.page)
    save(still(visit.page), name)
    assert visit.page_errors == []
