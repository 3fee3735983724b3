"""How a published page opens: its first epoch replayed, the picture first on a phone, one epoch at its place."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from browser.static_files import served
from playwright.sync_api import expect

from explorer.datasets import load_mnist
from explorer.publish.recordings import PublishedRun
from explorer.publish.site import publish
from explorer.session.recorded_start import recorded_start

MOVES = {"reduced_motion": "no-preference"}
KNOB = "(slider) => (slider.value - slider.min) / (slider.max - slider.min)"
SEEN = """() => {
  const seen = (globalThis.seen = new Set());
  const read = () => document.querySelector("#site-image")?.textContent.match(/step [0-9]+$|read as [0-9]$/)?.[0];
  const look = () => seen.add(read());
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page of the recorded run of Start, and of another with one epoch."""
    run = recorded_start(load_mnist())
    weights = {int(moment.epoch): moment.weights for moment in run.timeline.moments}
    start = PublishedRun(run.config, run.history, weights, {round(one.epoch, 5): one for one in run.early})
    other = replace(start, config=run.config.replace(batch_size=64), weights={10: weights[10]}, early={})
    folder = tmp_path_factory.mktemp("opening") / "site"
    publish([start, other], load_mnist(), folder, title="Start")
    with served(folder) as address:
        yield address


def test_it_opens_on_the_untrained_network_and_replays_its_first_steps(open_page, site):
    page = (found := open_page(site, prepare=lambda page: page.add_init_script(f"({SEEN})()"), **MOVES)).page
    expect(page).to_have_url(re.compile("epoch=10$"))
    expect(page.locator(".explorer-value").first).to_have_text("95.9\u00a0%")
    expect(page.locator(".explorer-time-note")).to_be_empty()
    steps = [one for one in page.evaluate("() => [...seen]") if one]
    assert steps[:-1] == [f"step {step}" for step in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)]
    found.assert_clean()


def test_a_press_ends_the_replay_and_less_motion_has_none(open_page, site):
    page = open_page(site, **MOVES).page
    expect(page.locator(".explorer-time-note")).to_have_text("Replay")
    page.get_by_label("Epoch shown").press("Shift")
    expect(page).to_have_url(re.compile("epoch=10$"), timeout=1000)
    page = open_page(site).page
    expect(page).to_have_url(re.compile("epoch=10$"))
    page.get_by_label("Epoch shown").press("Home")
    expect(page.locator("#site-image")).to_have_text(re.compile(" at step 0$"))
    expect(page).to_have_url(re.compile("epoch=0$"))
    page.reload()
    expect(page.locator("#site-image")).to_have_text(re.compile(" at step 0$"))


def test_the_picture_is_first_on_a_phone(open_page, site):
    page = open_page(site, viewport={"width": 390, "height": 844}).page
    page.wait_for_selector(".explorer-network-unit")
    tops = [
        page.locator(name).bounding_box()["y"] for name in ("#site-drawing_pad canvas", ".explorer-network")
    ]
    assert tops[0] < 200
    assert tops[1] < 422
    assert page.locator(".explorer-site-settings").bounding_box()["y"] > 844


def test_the_knob_of_one_recorded_epoch_stands_at_the_end(open_page, site):
    page = open_page(f"{site}#batch=64").page
    expect(page.locator(".explorer-time output")).to_have_text("epoch 10")
    assert page.get_by_label("Epoch shown").evaluate(KNOB) == 1
