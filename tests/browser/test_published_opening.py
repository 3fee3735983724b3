"""How a published page opens: its first epoch replayed, the picture first on a phone, one epoch at its place."""

import re
from dataclasses import replace

import pytest
from browser.static_files import served
from extensions.publish.test_opening import start
from playwright.sync_api import expect

from explorer.datasets import load_mnist
from explorer.extensions.publish.site import publish

KNOB = "(slider) => (slider.value - slider.min) / (slider.max - slider.min)"
PRESS = """(slider) => {
  slider.dispatchEvent(new KeyboardEvent("keydown", { key: "Shift", bubbles: true }));
  return location.hash;
}"""
SEEN = """(() => {
  const seen = (globalThis.seen = new Set());
  const read = () => document.querySelector("#site-image")?.textContent.match(/step [0-9]+$|read as [0-9]$/)?.[0];
  new MutationObserver(() => seen.add(read())).observe(document, { subtree: true, childList: true });
})()"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page of the recorded run of Start, and of another with one epoch."""
    (one, last), folder = (start(), 10), tmp_path_factory.mktemp("opening") / "site"
    config = one.config.replace(batch_size=64)
    other = replace(one, config=config, weights={last: one.weights[last]}, early={})
    publish([one, other], load_mnist(), folder, title="Start")
    with served(folder) as address:
        yield address


def test_it_opens_on_the_untrained_network_and_replays_its_first_steps(open_page, site):
    watched = {"prepare": lambda page: page.add_init_script(SEEN), "reduced_motion": "no-preference"}
    page = (found := open_page(site, **watched)).page
    expect(page).to_have_url(re.compile("epoch=10$"))
    expect(page.locator(".explorer-value").first).to_have_text("95.9\u00a0%")
    steps = [one for one in page.evaluate("() => [...seen]") if one]
    assert steps[:-1] == [f"step {step}" for step in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)]
    found.assert_clean()


@pytest.mark.long
def test_a_press_ends_the_replay_and_less_motion_has_none(open_page, site):
    page = open_page(site, reduced_motion="no-preference").page
    expect(page.locator(".explorer-time-note")).to_have_text("Replay")
    assert page.get_by_label("Epoch shown").evaluate(PRESS).endswith("epoch=10")
    page = open_page(site).page
    expect(page).to_have_url(re.compile("epoch=10$"))
    page.get_by_label("Epoch shown").press("Home")
    expect(page).to_have_url(re.compile("epoch=0$"))
    page.reload()
    expect(page.locator("#site-image")).to_have_text(re.compile(" at step 0$"))


def test_the_picture_is_first_on_a_phone_and_the_knob_of_one_epoch_at_the_end(open_page, site):
    page = open_page(f"{site}#batch=64", viewport={"width": 390, "height": 844}).page
    expect(page.locator(".explorer-time output")).to_have_text("epoch 10")
    parts = ("#site-drawing_pad canvas", ".explorer-network")
    tops = [page.locator(part).bounding_box()["y"] for part in parts]
    assert tops[0] < 200
    assert tops[1] < 844 / 2
    assert page.get_by_label("Epoch shown").evaluate(KNOB) == 1
