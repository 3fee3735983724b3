"""The tab to draw in, in a real Chromium: mouse, keys and touch, on a network that has learned all of MNIST."""

from __future__ import annotations

import re

import pytest
from browser.page_object import number
from playwright.sync_api import expect

SEVEN = [[(80, 60), (200, 60)], [(200, 60), (120, 220)]]
INK = """() => {
  const canvas = document.querySelector('.explorer-draw .explorer-drawing-ground canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, i) => i % 4 === 3).reduce((sum, alpha) => sum + alpha, 0) / (255 * canvas.width ** 2);
}"""
"""Share of the pad that is inked."""


def opened(visit, app, **options):
    found = visit(f"{app.url}?tab=draw", **options)
    found.until_finished()
    expect(pad(found.page)).to_be_visible()
    expect(sentence(found.page)).to_have_text("Draw a digit")
    return found


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    return opened(open_shared_page, app)


@pytest.fixture
def page(shared):
    """The shared page with a blank pad, nothing to undo, and the last of ten epochs."""
    page = shared.page
    page.emulate_media(color_scheme="light")
    shared.tab("draw")
    newest, eraser = (
        page.get_by_role("button", name="Latest epoch"),
        page.get_by_role("button", name="Eraser"),
    )
    if newest.is_enabled():
        newest.click()
    if eraser.get_attribute("aria-pressed") == "true":
        eraser.click()
    if number(page, "epochs").input_value() != "10":
        shared.set(epochs=10)
    undo = page.get_by_role("button", name="Undo")
    while undo.is_enabled():
        undo.click()
    shared.until_finished(10)
    expect(sentence(page)).to_have_text("Draw a digit")
    expect_empty(bars(page))
    return page


def pad(page):
    return page.get_by_role("application", name="Sketch pad")


def sentence(page):
    return page.locator(".explorer-draw-sentence p").first


def bars(page):
    # Not by its role: empty ones have none.
    return page.locator(".explorer-draw-bars .explorer-bars ul")


def expect_empty(bars):
    """The place of those to come: names without a number, which nobody reads out."""
    expect(bars).to_have_text("0123456789")
    expect(bars).to_have_attribute("aria-hidden", "true")


def on_screen(page, strokes):
    box = pad(page).bounding_box()
    scale = box["width"] / 280
    return [[(box["x"] + scale * x, box["y"] + scale * y) for x, y in points] for points in strokes]


def draw(page, strokes):
    for first, *others in on_screen(page, strokes):
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point, steps=8)
        page.mouse.up()


def test_a_seven_drawn_with_the_mouse_is_a_seven(shared, page):
    draw(page, SEVEN)
    expect(sentence(page)).to_have_text(re.compile(r"^It reads a 7 \(\d+ %\), then \d \(\d+ %\)\.$"))
    expect(page.get_by_role("list", name="Share of each class")).to_be_visible()
    highlighted = bars(page).locator('[data-kind="chosen"]')
    expect(highlighted).to_have_count(1)
    expect(highlighted).to_have_text(re.compile(r"^7\d+\s%\s*$"))
    expect(page.get_by_text("shares of the sum").first).to_be_visible()
    expect(page.get_by_role("img", name="the drawing on the pad")).to_be_visible()
    shared.assert_clean()


def test_clear_and_strokes_can_be_undone_and_erased(page):
    draw(page, SEVEN[:1])
    one = page.evaluate(INK)
    draw(page, SEVEN[1:])
    both = page.evaluate(INK)
    page.get_by_role("button", name="Clear").click()
    expect(sentence(page)).to_have_text("Draw a digit")
    expect_empty(bars(page))
    assert page.evaluate(INK) == 0
    pad(page).press("Control+z")
    assert page.evaluate(INK) == pytest.approx(both)
    expect(sentence(page)).to_contain_text("It reads a 7")
    page.get_by_role("button", name="Undo").click()
    assert page.evaluate(INK) == pytest.approx(one)
    eraser = page.get_by_role("button", name="Eraser")
    eraser.click()
    expect(eraser).to_have_attribute("aria-pressed", "true")
    draw(page, SEVEN[:1])
    assert page.evaluate(INK) < 0.01 * one + 1e-3
    assert both > one > 0.02


def test_a_seven_is_drawn_with_the_keys_and_nothing_trains(page):
    expect(pad(page)).to_have_accessible_description(re.compile("arrows move the brush, Space puts it down"))
    pad(page).focus()
    press(page, "ArrowLeft", 27, "ArrowUp", 27)  # from wherever it is
    press(page, "ArrowRight", 8, "ArrowDown", 6, " ", 1, "ArrowRight", 12)
    for _ in range(8):
        press(page, "ArrowDown", 2, "ArrowLeft", 1)
    press(page, " ", 1, "ArrowRight", 3)
    expect(sentence(page)).to_contain_text("It reads a 7")
    expect(page.locator(".explorer-draw .explorer-drawing-cursor")).to_be_visible()
    expect(page.locator(".explorer-run")).to_contain_text("finished · 10 of 10 epochs")
    inked = page.evaluate(INK)
    press(page, "ArrowRight", 3)
    assert page.evaluate(INK) == inked
    press(page, "Delete", 1)
    expect(sentence(page)).to_have_text("Draw a digit")


def press(page, *keys):
    for key, times in zip(keys[::2], keys[1::2], strict=True):
        for _ in range(times):
            page.keyboard.press(key)


@pytest.mark.long
def test_a_finger_draws_and_does_not_scroll(app, open_page):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = opened(open_page, app, **phone).page
    pad(page).scroll_into_view_if_needed()
    scrolled = "[...document.querySelectorAll('*')].map((e) => e.scrollTop).concat(scrollY).filter((y) => y)"
    before = page.evaluate(scrolled)
    touch = page.context.new_cdp_session(page)
    for points in on_screen(page, [[(200, 60), (80, 60)], [(200, 60), (120, 220)]]):
        (x, y), (end_x, end_y) = points
        steps = [(x + (end_x - x) * i / 12, y + (end_y - y) * i / 12) for i in range(13)]
        for kind, at in zip(["touchStart", *["touchMove"] * 12], steps, strict=True):
            place = {"x": at[0], "y": at[1]}
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(sentence(page)).to_contain_text("It reads a 7")
    assert page.evaluate(scrolled) == before
    assert page.evaluate("document.documentElement.scrollHeight > innerHeight")  # it could have


@pytest.mark.long
def test_what_was_drawn_is_said_kept_and_looked_into(shared, page):
    draw(page, SEVEN)
    expect(sentence(page)).to_contain_text("It reads a 7")
    seven = page.get_by_role("button", name="This is a 7")
    seven.click()
    expect(seven).to_have_attribute("aria-pressed", "true")
    gallery = page.locator(".explorer-draw-kept")
    expect(gallery).to_contain_text("The network reads your drawing correctly")
    page.get_by_role("button", name="Clear").click()
    expect(seven).to_be_hidden()
    draw(page, SEVEN[:1])
    page.get_by_role("button", name="This is a 3").click()
    expect(gallery).to_contain_text(re.compile(r"The network reads 1 of your 2 drawings correctly \(50 %\)"))
    gallery.get_by_role("button", name=re.compile("^true 7")).click()
    expect(seven).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="See its way through the network").click()
    expect(page.locator(".explorer-sample-picker p")).to_have_text("your drawing of 7, read as 7")
    expect(page.locator(".explorer-sample-picker p")).to_be_focused()
    shared.tab("draw")
    seven.click()
    expect(gallery.locator("li")).to_have_count(1)
    shared.assert_clean()
