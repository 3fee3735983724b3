"""How large a published page is, and how fast in Chromium: ``python tests/benchmarks/static_page.py FOLDER``.

FOLDER is what ``nn-explorer publish`` has written. Times are medians, from a server on this machine.
"""

import argparse
import gzip
import sys
from pathlib import Path
from statistics import median

from page import QUIET, chromium_path
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from browser.static_files import served

TURN = """async (sliders) => {
  const times = [];
  for (const by of [-1, 1, -1, 1, -1, 1]) for (const slider of sliders) {
    const before = location.hash;
    const began = performance.now();
    slider.value = String(Number(slider.value) + by);
    slider.dispatchEvent(new Event("input"));
    slider.dispatchEvent(new Event("change"));
    while (location.hash === before && performance.now() - began < 1000) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    if (location.hash !== before) times.push(performance.now() - began);
  }
  return times;
}"""
PICTURE = "() => document.querySelectorAll('.explorer-network-unit').length > 0"
PLOTS = "() => document.querySelectorAll('.js-plotly-plot:has(.main-svg)').length === 3"
STROKE = """async (canvas) => {
  const box = canvas.getBoundingClientRect();
  const at = (type, x, y) => {
    const [clientX, clientY] = [box.left + x * box.width, box.top + y * box.height];
    canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1, buttons: 1, clientX, clientY, bubbles: true }));
  };
  canvas.setPointerCapture = () => {};
  at("pointerdown", 0.5, 0.2);
  at("pointermove", 0.5, 0.8);
  const began = performance.now();
  at("pointerup", 0.5, 0.8);
  return performance.now() - began;
}"""


def sizes(folder):
    """Yield what there is to load, and its bytes on the disk and compressed."""
    files = {path.name: path.read_bytes() for path in folder.rglob("*.*")}
    runs = [name for name in files if name.startswith("run-")]
    groups = {
        "page with styles and scripts": ["index.html"],
        "test images": [name for name in files if name.startswith("images.")],
        "Plotly": [name for name in files if name.startswith("plotly.")],
        f"{len(runs)} runs": runs,
        "all": [*files],
    }
    for name, group in groups.items():
        contents = [files[one] for one in group]
        yield name, sum(map(len, contents)), sum(len(gzip.compress(content)) for content in contents)


def times(folder):
    """Yield what takes time in the browser, and the milliseconds."""
    with served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        first, plots = [], []
        for _ in range(3):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(address)
            page.wait_for_function(PICTURE)
            first.append(page.evaluate("() => performance.now()"))
            page.wait_for_function(PLOTS)
            plots.append(page.evaluate("() => performance.now()"))
        yield "first picture", median(first)
        yield "all figures", median(plots)
        turns = page.locator(".explorer-control input[type=range]").evaluate_all(TURN)
        yield f"a slider to another run, first visits included; at most {max(turns):.0f}", median(turns)
        yield "a drawing read", median(page.locator("canvas").first.evaluate(STROKE) for _ in range(5))
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    place = parser.parse_args().folder
    print("| | MB on disk | MB compressed |\n|---|---|---|")
    for name, raw, packed in sizes(place):
        print(f"| {name} | {raw / 1e6:.2f} | {packed / 1e6:.2f} |")
    print("\n| | ms |\n|---|---|")
    for name, milliseconds in times(place):
        print(f"| {name} | {milliseconds:.0f} |")
