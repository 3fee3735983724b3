"""The network on the first screen: it moves, is lit by the pad, and tells of units and classes by keys alone."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from browser.page_object import MATRIX
from playwright.sync_api import expect

from explorer.inspection import contributions
from explorer.network import NeuralNetwork

SUM = ".explorer-network-sum"
LIT = """() => [...document.querySelectorAll('.explorer-network-unit')]
  .map((unit) => Number(unit.style.getPropertyValue('--level')))"""
INKED = """(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, i) => i % 4 === 3).reduce((sum, alpha) => sum + alpha, 0) / (255 * canvas.width ** 2);
}"""
LINKS = ".explorer-network-stage path"
OPENING = """(() => {
  globalThis.told = new Set();
  const look = () => {
    for (const one of document.querySelectorAll('.explorer-time output, .explorer-tiles'))
      told.add(one.textContent);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
})()"""
WATCH = f"""() => {{
  globalThis.seen = [];
  const look = () => {{
    const tiles = document.querySelector('.explorer-place-tiles');
    const n = (({MATRIX})() ?? []).flat().reduce((sum, count) => sum + count, 0);
    seen.push([tiles.innerText, document.querySelectorAll('.explorer-network-unit').length, n, tiles.ariaBusy]);
    requestAnimationFrame(look);
  }};
  look();
}}"""


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    found = open_shared_page(f"{app.url}?epochs=3")
    found.until_finished(3)
    return found


def classes(page):
    return page.get_by_role("listbox", name="Classes").get_by_role("option")


def units(page):
    return page.get_by_role("listbox", name=re.compile("units")).get_by_role("option")


def test_it_opens_in_motion(app, open_page):
    found = open_page(
        app.url, reduced_motion="no-preference", prepare=lambda page: page.add_init_script(OPENING)
    )
    for words in (r"epoch 0\.\d+$", r"sample of 1\s000"):  # a slow page may be past them before a test looks
        found.page.wait_for_function("(words) => [...told].some((one) => one.match(words))", arg=words)
    expect(found.page.locator(".explorer-time output")).to_have_text("epoch 10")
    found.assert_clean()


def test_a_released_slider_leaves_nothing_blank_and_the_first_epoch_is_shown_by_a_sample(app, open_page):
    found = open_page(f"{app.url}?epochs=2")
    found.until_finished(2)
    found.page.evaluate(WATCH)
    found.set(hidden_sizes=512)  # an epoch takes seconds
    expect(found.tiles).to_contain_text("sample of 1 000")
    expect(found.page.locator(".explorer-place-confusion")).to_contain_text("of 1 000 sampled images right")
    expect(found.page.locator("[aria-busy=true]")).to_have_count(0)
    found.until_finished(2)
    tiles, n_units, counts, busy = zip(*found.page.evaluate("seen"), strict=True)
    assert all(re.search(r"\d\d?\.\d\s%", text) for text in tiles)
    assert (min(n_units), {*counts}) == (32, {1000, 10_000})
    assert ("true" in busy, busy[-1]) == (True, "false")
    found.assert_clean()


def test_the_sum_is_that_of_the_weights_that_the_page_exports(shared, tmp_path, mnist):
    page = shared.page
    with np.load(shared.export("weights", tmp_path)) as file:
        network = NeuralNetwork(784, 32, 10, seed=0)
        network.set_weights([file[name] for name in ("W1", "b1", "W2", "b2")])
    found = contributions(network, mnist.X_test[:, 0])
    printed = page.locator(SUM).inner_text().replace("−", "-")
    assert printed.startswith(f"{found.unit}: {found.terms[found.largest(1)[0]]:+.1f}"[:5])
    assert f"= {found.total:.1f}"[:5] in printed
    assert page.locator(LINKS).count() == 12
    levels = page.evaluate(LIT)
    np.testing.assert_allclose(levels, network.h1[:, 0], atol=0.01)


def test_a_stroke_lights_it(shared):
    page = shared.page
    pad = page.get_by_role("application", name="Sketch pad")
    box, before = pad.bounding_box(), page.evaluate(LIT)
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 150, steps=6)
    page.mouse.up()
    expect(page.locator(".explorer-network-source")).to_contain_text("Your drawing, read as")
    assert page.evaluate(LIT) != before
    assert 0.04 < pad.evaluate(INKED) < 0.12  # the whole line, and nothing of the image
    page.get_by_role("button", name="A mistake").click()
    expect(page.locator(".explorer-network-source")).to_contain_text("Test image")
    expect(page.locator(".explorer-network-class[data-kind=bad]")).to_have_count(1)
    shared.assert_clean()


def press_keys(page, *keys):
    for key, times in zip(keys[::2], keys[1::2], strict=True):
        for _ in range(times):
            page.keyboard.press(key)


def test_a_seven_is_drawn_with_the_keys_kept_and_looked_into(shared):
    page = shared.page
    pad, source = page.get_by_role("application", name="Sketch pad"), page.locator(".explorer-network-source")
    page.get_by_role("button", name="Clear").click()
    expect(source).to_contain_text("Draw a digit here")
    expect(pad).to_have_accessible_description(re.compile("arrows move the brush, Space puts it down"))
    pad.focus()
    press_keys(page, "ArrowLeft", 27, "ArrowUp", 27)  # from wherever it is
    press_keys(page, "ArrowRight", 8, "ArrowDown", 6, " ", 1, "ArrowRight", 12)
    for _ in range(8):
        press_keys(page, "ArrowDown", 2, "ArrowLeft", 1)
    press_keys(page, " ", 1, "ArrowRight", 3)
    expect(source).to_contain_text("Your drawing, read as a 7")
    truth, strip = page.get_by_label("What did you draw?"), page.locator(".explorer-network-drawings")
    truth.select_option("7")
    expect(strip).to_contain_text("Your drawing, read correctly")
    expect(page.locator(".explorer-network-class[data-kind=good][data-true]")).to_have_text(re.compile("^7"))
    pad.press("Control+z")
    expect(truth).to_have_value("")
    page.get_by_role("button", name="A mistake").click()
    expect(truth).to_be_hidden()
    strip.get_by_role("button", name=re.compile("^true 7")).click()
    expect(truth).to_have_value("7")
    shared.tab("why")
    expect(page.get_by_role("img", name="Your drawing, true 7, read as 7")).to_be_visible()
    shared.tab("overview")
    truth.select_option("")
    expect(strip).to_be_hidden()
    page.get_by_role("button", name="A mistake").click()
    shared.assert_clean()


@pytest.mark.long
def test_a_finger_draws_and_does_not_scroll(app, open_page):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    found = open_page(app.url, **phone)
    found.until_finished(10)
    page, pad = found.page, found.page.get_by_role("application", name="Sketch pad")
    pad.scroll_into_view_if_needed()
    scrolled = "[...document.querySelectorAll('*')].map((e) => e.scrollTop).concat(scrollY).filter((y) => y)"
    before, box = page.evaluate(scrolled), pad.bounding_box()
    touch, points = page.context.new_cdp_session(page), [(0.5, 0.1), (0.5, 0.3), (0.5, 0.6), (0.5, 0.9)]
    for kind, (x, y) in zip(["touchStart", *["touchMove"] * 3], points, strict=True):
        place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".explorer-network-source")).to_contain_text("Your drawing, read as a 1")
    assert page.evaluate(scrolled) == before
    assert page.evaluate("document.documentElement.scrollHeight > innerHeight")  # it could have


def test_units_and_classes_are_chosen_by_keys_and_axe_finds_nothing(shared):
    page, press = shared.page, shared.page.keyboard.press
    page.get_by_role("listbox", name="Classes").focus()
    press("Home")
    press("ArrowDown")
    press("Enter")
    expect(classes(page).nth(1)).to_have_attribute("aria-selected", "true")
    expect(page.locator(SUM)).to_have_text(re.compile("^1:"))
    press("Enter")  # back to what it reads
    page.get_by_role("listbox", name=re.compile("units")).focus()
    press("End")
    press("Enter")
    card = page.locator(".explorer-network-card")
    expect(card.get_by_role("heading", name="Unit 31 of layer 1")).to_be_visible()
    assert shared.severe() == []
    card.get_by_role("button", name="Close").press("Enter")
    expect(card).to_be_hidden()
    expect(units(page)).to_have_count(32)
    shared.assert_clean()


def test_a_cell_of_the_matrix_lights_its_first_image(shared):
    page = shared.page
    shared.choose_cell(9, 4)
    expect(page.locator(".explorer-network-class[data-true]")).to_have_text(re.compile("^9"))
    expect(page.locator(".explorer-network-class[data-kind=bad]")).to_have_text(re.compile("^4"))


@pytest.mark.long
def test_light_follows_a_stroke(shared):
    """Measured on the page, and printed; the limit is loose, for a busy machine."""
    page = shared.page
    pad, waits = page.get_by_role("application", name="Sketch pad"), []
    box = pad.bounding_box()
    for k in range(20):
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".explorer-network-source")).to_contain_text("Draw a digit here")
        before = page.evaluate(f"JSON.stringify(({LIT})())")
        page.mouse.move(box["x"] + 40 + 5 * k, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 100, box["y"] + 140)
        begun = time.monotonic()
        page.wait_for_function(f"(before) => JSON.stringify(({LIT})()) !== before", arg=before)
        waits.append(time.monotonic() - begun)
        page.mouse.up()
    print(
        f"\nlight after a stroke: median {np.median(waits):.3f} s, 95 % within {np.quantile(waits, 0.95):.3f} s"
    )
    shared.assert_clean()
