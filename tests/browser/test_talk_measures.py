"""What a slide shows is whole: measured in the sizes of rooms, from a small projector to a large screen."""

import re

import pytest
from browser.test_presentation import DRAWN, NAMES, alone, assert_at, forward, go_to, present
from playwright.sync_api import expect
from thinned import swept

from explorer.extensions.talk.file import READY, read_talk

pytestmark = pytest.mark.long
SIZES = [(1280, 720), *swept((1440, 900), (1920, 1080), (3840, 2160))]
SLIDES = {slide.name: slide for slide in read_talk(READY).slides}
WHOLE = """([names, inside]) => {
  const slide = document.querySelector('article[data-present]');
  const frame = (inside ? slide.querySelector(inside) : slide).getBoundingClientRect();
  return names.map((name) => {
    const { left, top, right, bottom, width, height } = slide.querySelector(name).getBoundingClientRect();
    const isWithin = left >= frame.left - 1 && right <= frame.right + 1;
    const fits = isWithin && top >= frame.top - 1 && bottom <= frame.bottom + 1;
    return { name, fits, width: width / innerWidth, height: height / innerHeight };
  });
}"""
CUT = """() => [...document.querySelectorAll('article[data-present] .explorer-live-line *')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflow !== 'visible')
  .map((one) => one.textContent)"""


@pytest.fixture(scope="module")
def page(start_server, open_shared_page):
    server = start_server(["-m", "explorer", "present", "--no-browser", "--port", "0"])
    found = alone(server, open_shared_page)
    found.page.wait_for_function(DRAWN, arg=NAMES)
    yield found.page
    found.assert_clean()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_explorer_on_a_slide_shows_drawing_curve_and_matrix_whole(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    go_to(page, "questions")
    pad = ".explorer-place-network .explorer-drawing-pad"
    parts = [".explorer-network-sum", pad, ".explorer-screen .explorer-tiles"]
    figures = [f".explorer-place-{name} .main-svg" for name in ("accuracy", "confusion")]
    for part in page.evaluate(WHOLE, [parts, ".explorer-screen"]):
        assert part["fits"], part
    page.wait_for_function(
        f"({WHOLE})({[figures, '.explorer-screen']}).every(({{ fits, height }}) => fits && height > 0.3)"
    )
    explorer = present(page).locator(".explorer-slide-playground")
    assert explorer.locator(".explorer-screen").evaluate("(one) => one.scrollHeight <= one.clientHeight")
    buttons = explorer.locator(".explorer-run button:visible, .explorer-place-time button:visible")
    expect(buttons).to_have_count(1)
    expect(explorer.locator("summary:visible", has_text="Why")).to_have_count(0)
    app, number = explorer.bounding_box(), page.locator(".slide-number").bounding_box()
    assert number["y"] + number["height"] <= app["y"] + 1
    assert page.locator(".navigate-right").bounding_box()["y"] >= 0


@pytest.mark.sweep
@pytest.mark.parametrize(("width", "height"), SIZES[::2])
def test_no_settings_line_is_cut(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    go_to(page, NAMES[0])
    for name in NAMES:
        assert_at(page, name)
        assert page.evaluate(CUT) == [], name
        if SLIDES[name].demonstration:
            page.keyboard.press("r")
            page.wait_for_function(f"({WHOLE})([['.explorer-slide-shown .main-svg'], null])[0].height >= 0.5")
            page.keyboard.press("r")
        forward(page)
    for slide in page.locator("article:has(.explorer-reveal)").all():
        slide.evaluate("(slide) => slide.querySelector('.explorer-reveal').click()")  # covered again


def test_counted_votes_make_the_guess_and_the_speaker_sees_them_with_the_answer(page):
    go_to(page, NAMES[0])
    while present(page).get_attribute("data-slide") != "contrast":
        forward(page)
    question = present(page).locator(".explorer-question")
    for choice, votes in (("30\u00a0%", "12"), ("50\u00a0%", "5")):
        question.get_by_label(f"Votes for {choice}").fill(votes)
    expect(question).to_contain_text("Guessed: 30\u00a0%")
    expect(question).not_to_contain_text(", right")
    with page.expect_popup() as popup:
        page.keyboard.press("Escape")
        page.keyboard.press("s")
    answer = popup.value.locator("#answer")
    expect(answer).to_have_text(re.compile(r"Answer: 29.7\s%\s1 · 0\s%: 0 votes\s2 · 30\s% ✓: 12 votes\s3"))
    now = popup.value.frame_locator("#now iframe")
    expect(now.get_by_label("Votes for 30\u00a0%")).to_have_value("12")
    expect(now.locator(".explorer-slide-pictures")).to_be_hidden()  # as the room sees it
    popup.value.close()
    page.keyboard.press("r")
    expect(question).to_contain_text("Guessed: 30\u00a0%, right")
    expect(question.locator("[data-right] button")).to_contain_text("30")
