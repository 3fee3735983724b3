"""How fast the drawn network answers, measured in a real Chromium: to the pen, while it trains, and when broken.

    python tests/benchmarks/drawing.py

takes about a minute. Nothing else should run. The exit code is 0 if every target is met.
"""

import statistics
import sys
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from page import QUIET, chromium_path, opened
from playwright.sync_api import Page, sync_playwright
from report import Result, command, exit_code, machine, say
from served import Served, explorer, wait_until_warm

from explorer.datasets import load_mnist
from explorer.extensions.robustness.damage import ablate
from explorer.network import NeuralNetwork, accuracy

LONGEST_SECONDS = 5.0
WATCH = """() => {
  const sum = document.querySelector('.explorer-network-sum');
  window.seen = { moved: 0, strokes: [], redraws: 0 };
  addEventListener('pointermove', () => (window.seen.moved = performance.now()), true);
  new MutationObserver(() => {
    window.seen.redraws += 1;
    if (window.seen.moved) window.seen.strokes.push(performance.now() - window.seen.moved);
    window.seen.moved = 0;
  }).observe(sum, { childList: true, characterData: true, subtree: true });
}"""


def strokes(page: Page, rounds: int) -> list[float]:
    """Return the milliseconds from a movement of the pen to the sum that the page prints for it."""
    box = page.locator(".explorer-network-source canvas").first.bounding_box()
    assert box is not None
    x, y, side = box["x"], box["y"], box["width"]
    page.mouse.move(x + 0.3 * side, y + 0.2 * side)
    page.mouse.down()
    for number in range(rounds):
        if number % 20 == 0:  # where there is ink, more changes nothing
            page.mouse.up()
            page.get_by_role("button", name="Clear").click()
            page.wait_for_timeout(500)
            page.mouse.move(x + 0.3 * side, y + 0.2 * side)
            page.mouse.down()
            page.evaluate("window.seen.moved = 0")
        before = page.evaluate("window.seen.strokes.length")
        turn = (number % 20 + 1) / 20
        page.mouse.move(x + (0.3 + 0.4 * turn) * side, y + (0.2 + 0.6 * (number % 3) / 3) * side)
        page.wait_for_function("n => seen.strokes.length > n", arg=before, timeout=1000 * LONGEST_SECONDS)
        page.wait_for_timeout(120)
    page.mouse.up()
    return page.evaluate("window.seen.strokes")


def while_training(page: Page, frames: list[bytes], seconds: float) -> tuple[float, float]:
    """Return the redraws a second of the drawing during training, and the bytes of its largest update."""
    page.evaluate("window.seen.moved = 0")
    page.locator(".explorer-controls").get_by_label("Epochs", exact=True).last.fill("500")
    page.keyboard.press("Enter")
    page.locator(".explorer-run").get_by_role("button", name="Stop").wait_for()
    page.wait_for_timeout(1500)
    before, first = page.evaluate("window.seen.redraws"), len(frames)
    page.wait_for_timeout(1000 * seconds)
    redraws = (page.evaluate("window.seen.redraws") - before) / seconds
    sizes = [len(frame) for frame in frames[first:] if b'"signal"' in frame]
    page.locator(".explorer-run").get_by_role("button", name="Stop").click()
    return redraws, max(sizes)


def milliseconds_of_a_change(rounds: int) -> float:
    """Return the median milliseconds of a unit switched off, with the whole test set read again, at 784-128-10."""
    dataset, network = load_mnist(), NeuralNetwork(784, 128, 10, seed=0)
    found = []
    for unit in range(rounds):
        started = perf_counter()
        accuracy(dataset.test_labels, ablate(network, unit).predict(dataset.X_test))
        found.append(1000 * (perf_counter() - started))
    return statistics.median(found)


def measure(server: Served, rounds: int) -> list[Result]:
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=chromium_path(), args=QUIET)
        say(machine("playwright") | {"Chromium": chromium.version})
        with opened(chromium, server) as (page, frames):
            wait_until_warm(server)
            page.wait_for_timeout(5000)  # the opening motion
            page.evaluate(WATCH)
            late = strokes(page, rounds)
            redraws, largest = while_training(page, frames, 5.0)
        chromium.close()
    return [
        Result("stroke to light, median", "ms", statistics.median(late), 50, at_least=False),
        Result("stroke to light, 95 % within", "ms", float(np.quantile(late, 0.95)), 100, at_least=False),
        Result("redraws while it trains", "a second", redraws, 5.5, at_least=False),
        Result("largest update, 784-32-10", "kB", largest / 1000, 15, at_least=False),
        Result("a unit off, all test images read", "ms", milliseconds_of_a_change(20), 100, at_least=False),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    options = command(__doc__, quick="fewer strokes").parse_args(arguments)
    with explorer() as server:
        found = measure(server, 20 if options.quick else 60)
    print("\n".join(result.line() for result in found))
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
