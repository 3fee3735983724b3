"""Several visitors on one core: who waits is told, and who has gone holds up nobody."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect

from explorer.serve.serve_command import find_notebook
from explorer.training.share import TRAINING_SHARE


@pytest.fixture
def folder(tmp_path):
    """What the kernels share."""
    for name in ("line", "pages"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def server(start_server, folder):
    share = json.dumps({"folder": str(folder), "cores": 1, "hold_seconds": 0.5})
    return start_server(
        [Path(__file__).with_name("serve_page.py"), find_notebook()], **{TRAINING_SHARE: share}
    )


TEXT = ".explorer-progress-text"
REMEMBER = """(text) => {
  window.said = [text.textContent];
  const changes = { characterData: true, childList: true, subtree: true };
  new MutationObserver(() => said.push(text.textContent)).observe(text, changes);
}"""
"""Keeps what a text said, however short: two who take turns wait a second at a time."""


@pytest.mark.long
def test_who_waits_is_told_and_a_page_that_has_crashed_holds_up_nobody(server, folder, open_page, wait_for):
    first = open_page(f"{server.url}?epochs=500&batch=1").page
    expect(first.locator(TEXT).first).to_contain_text(re.compile("epoch . of 500"))
    second = open_page(f"{server.url}?epochs=20")
    status = second.page.locator(TEXT).first
    status.evaluate(REMEMBER)
    second.page.wait_for_function("() => said.some((text) => text.includes('waiting for a turn: 1st'))")
    expect(status).to_contain_text("finished · 20 of 20 epochs", timeout=120_000)
    pages, line = folder / "pages", folder / "line"
    wait_for(lambda: len([*line.iterdir()]) == 1)  # the kernel for the next visitor trains too
    assert len([*pages.iterdir()]) == 2
    with suppress(Error):
        first.goto("chrome://crash")
    wait_for(lambda: (len([*pages.iterdir()]), [*line.iterdir()]) == (1, []))
    second.assert_clean()
