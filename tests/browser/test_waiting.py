"""Visitors who wait, for a seat or for their turn to train: they are told, and who has gone holds up nobody."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from browser.page_object import SURFACE
from playwright.sync_api import Error, expect

from explorer.extensions.classroom.share import share_variables
from explorer.serve.serve_command import find_notebook

pytestmark = pytest.mark.long
FIGURE = ".js-plotly-plot .main-svg"
TEXT = ".explorer-progress-text"
REMEMBER = """(text) => {
  window.said = [text.textContent];
  const changes = { characterData: true, childList: true, subtree: true };
  new MutationObserver(() => said.push(text.textContent)).observe(text, changes);
}"""
"""Keeps what a text said, however short: two who take turns wait a second at a time."""


def test_a_seated_page_is_reloaded_in_its_seat_and_the_next_in_line_comes_by_itself(start_server, open_page):
    server = start_server(["-m", "explorer", "--no-browser", "--port", "0", "--seats", "1"])
    seated = open_page(server.url).page
    seated.wait_for_selector(FIGURE)
    next_one = open_page(server.url)
    waiting = next_one.page
    expect(waiting.locator("#place")).to_have_text("You are next in line.")
    for theme, color in SURFACE.items():
        waiting.emulate_media(color_scheme=theme)
        expect(waiting.locator("main")).to_have_css("background-color", color)
        for width in (1440, 390):
            waiting.set_viewport_size({"width": width, "height": 844})
            waiting.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        assert next_one.severe() == []
    last = open_page(server.url).page
    expect(last.locator("#place")).to_have_text("You are 2nd in line.")
    seated.reload(wait_until="commit")
    seated.wait_for_selector(FIGURE)
    seated.close(run_before_unload=True)
    waiting.wait_for_selector(FIGURE)
    expect(last.locator("#place")).to_have_text("You are next in line.")


def test_who_waits_is_told_and_a_crashed_page_holds_up_nobody(start_server, tmp_path, open_page, wait_for):
    """Two visitors share one core."""
    pages, line = tmp_path / "pages", tmp_path / "line"
    for folder in (pages, line):
        folder.mkdir()
    share = share_variables(tmp_path, cores=1, hold_seconds=0.5)
    command = [Path(__file__).with_name("serve_page.py"), find_notebook()]
    server = start_server(command, **share)
    first = open_page(f"{server.url}?epochs=500&batch=1").page
    expect(first.locator(TEXT).first).to_contain_text(re.compile("epoch . of 500"))
    second = open_page(f"{server.url}?epochs=20")
    status = second.page.locator(TEXT).first
    status.evaluate(REMEMBER)
    second.page.wait_for_function("() => said.some((text) => text.includes('waiting for a turn: 1st'))")
    expect(status).to_contain_text("finished · 20 of 20 epochs", timeout=120_000)
    wait_for(lambda: len([*line.iterdir()]) == 1)  # the kernel for the next visitor trains too
    assert len([*pages.iterdir()]) == 2
    with suppress(Error):
        first.goto("chrome://crash")
    wait_for(lambda: (len([*pages.iterdir()]), [*line.iterdir()]) == (1, []))
    second.assert_clean()
