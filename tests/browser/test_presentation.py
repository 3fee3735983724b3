"""The talk as a room sees it: served by its command, moved by keys, with every other host out of reach."""

import re

import pytest
from browser.page_object import OUT_OF_REACH, SURFACE, assert_becomes, enter, number
from playwright.sync_api import expect

from explorer.extensions.talk.file import READY, read_talk
from explorer.training import FIELDS

pytestmark = pytest.mark.long
SLIDES = read_talk(READY).slides
NAMES = [slide.name for slide in SLIDES]
PRESENT = ".explorer-slides > article[data-present]"
DRAWN = """(names) => {
  const articles = [...document.querySelectorAll('.explorer-slides > article')];
  return articles.length === names.length && articles.every((article) =>
    article.querySelector('.explorer-slide h2') &&
    article.querySelector('.js-plotly-plot .main-svg, .explorer-gallery li, .explorer-network-class'));
}"""
FIGURES = """() => {
  const plots = [...document.querySelectorAll('.explorer-slides > article[data-present] .js-plotly-plot')];
  const length = ({ y, z }) => (z ?? y ?? []).length;
  return plots.filter((plot) => plot.checkVisibility()).map((plot) => {
    const { width, height, top, bottom } = plot.getBoundingClientRect();
    const drawn = plot.querySelector('.main-svg')?.getBoundingClientRect() ?? {};
    const points = Math.max(...plot.data.filter((trace) => trace.visible !== false).map(length));
    return { width, height, top, bottom, drawn: [drawn.width, drawn.height], points };
  });
}"""
FILLED = """(name) => {  // a slide in the speaker's window is laid out as on the page, and fills its place
  const place = document.getElementById(name), frame = place.querySelector('iframe');
  const [outer, inner] = [place, frame].map((one) => one.getBoundingClientRect());
  const { clientWidth, clientHeight } = frame.contentDocument.querySelector('article');
  const isWhole = clientWidth === opener.innerWidth && clientHeight === opener.innerHeight;
  return isWhole && ['left', 'top', 'width', 'height'].every((side) => Math.abs(outer[side] - inner[side]) < 1);
}"""


@pytest.fixture(scope="module")
def talk(start_server):
    return start_server(["-m", "explorer", "present", "--no-browser", "--port", "0"])


def alone(talk, open_page, path="", *, script="", **options):
    """Open a talk, with every other host out of reach."""

    def prepare(page):
        page.route(lambda url: not url.startswith((talk.url, "blob:", "data:")), lambda route: route.abort())
        page.add_init_script(script)

    return open_page(talk.url + path, prepare=prepare, **options)


@pytest.fixture(scope="module")
def shared(talk, open_shared_page):
    found = alone(talk, open_shared_page)
    found.page.wait_for_function(DRAWN, arg=NAMES)
    return found


@pytest.fixture
def page(shared):
    """The talk at its first slide, in one page for most tests: a talk has many figures, and takes long to load."""
    shared.page.keyboard.press("Escape")
    shared.page.keyboard.press("Home")
    assert_at(shared.page, NAMES[0])
    yield shared.page
    shared.assert_clean()


def present(page):
    return page.locator(PRESENT)


def assert_at(page, name):
    expect(present(page)).to_have_attribute("data-slide", name)


def go_to(page, name):
    page.keyboard.press("Home")
    for _ in range(NAMES.index(name)):
        page.keyboard.press("ArrowRight")
    assert_at(page, name)


def forward(page):
    """Go to the next slide; the first key uncovers what a question covers."""
    if present(page).locator("[data-covered]").count():
        page.keyboard.press("ArrowRight")
        expect(present(page).locator("[data-covered]")).to_have_count(0)
    page.keyboard.press("ArrowRight")


def assert_not_blank(page, name):
    """The title is in sight, and each figure has data, a size, and lies on the slide."""
    assert_at(page, name)
    slide = next(slide for slide in SLIDES if slide.name == name)
    expect(present(page).get_by_role("heading", name=slide.title, exact=True)).to_be_visible()
    page.wait_for_function(f"({FIGURES})().every(({{ width, drawn }}) => Math.abs(width - drawn[0]) <= 1)")
    figures = page.evaluate(FIGURES)
    known = {"title": 0, "learns": 3, "mistakes": 1, "deep": 1, "questions": 2, "network": 0}
    assert len(figures) == known.get(name, 1 if slide.demonstration else 2)
    for figure in figures:
        assert figure["points"] >= (2 if slide.demonstration else 10)
        assert min(figure["width"], figure["drawn"][0]) > (240 if name == "questions" else 300)
        assert min(figure["height"], figure["drawn"][1]) > 150
        assert abs(figure["width"] - figure["drawn"][0]) <= 1
        assert figure["top"] >= 0
        assert figure["bottom"] <= page.viewport_size["height"]
    if name in ("title", "mistakes", "deep"):
        assert present(page).locator(".explorer-gallery li").count() >= 20


@pytest.mark.sweep
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720), (1440, 900)])
def test_every_slide_forwards_and_back(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    for name in NAMES:
        if present(page).locator("[data-covered]").count():
            page.keyboard.press("r")
        assert_not_blank(page, name)
        assert present(page).evaluate("(slide) => slide.scrollHeight <= slide.clientHeight")
        page.keyboard.press("ArrowRight")
    assert_not_blank(page, NAMES[-1])  # after the last there is none
    for name in reversed(NAMES):
        assert_not_blank(page, name)
        page.keyboard.press("ArrowLeft")
    for slide in page.locator("article:has(.explorer-reveal)").all():
        slide.evaluate("(slide) => slide.querySelector('.explorer-reveal').click()")  # covered again
    page.keyboard.press("End")
    assert_at(page, NAMES[-1])
    page.keyboard.press("Home")
    assert_at(page, "title")
    page.keyboard.press("Space")
    assert_not_blank(page, "learns")


@pytest.mark.sweep
def test_the_explorer_has_its_keys_and_the_slides_theirs(page):
    page.keyboard.press("Space")
    assert_at(page, "learns")  # the space bar of the explorer, which is on another slide, has not taken it
    go_to(page, "questions")
    run = present(page).locator(".explorer-run")
    expect(run).to_contain_text("finished")
    slider = present(page).get_by_role("slider", name=FIELDS["hidden_sizes"].label)
    slider.focus()
    before = slider.input_value()
    page.keyboard.press("ArrowLeft")
    assert slider.input_value() != before
    assert_at(page, "questions")
    field = number(present(page), "hidden_sizes")
    enter(field, 8)
    expect(present(page)).to_contain_text("784-8-10")
    field.press("t")  # a letter in a field trains nothing
    page.keyboard.press("Escape")
    for width, height in ((1024, 600), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        assert_becomes(page, OUT_OF_REACH, [], width, height)
    page.keyboard.press("ArrowLeft")
    assert_at(page, "deep")
    expect(present(page).locator(".explorer-live-bar")).to_contain_text("recorded run")


def test_the_notes_open_in_a_window_of_their_own_or_lie_over_the_slide_where_none_is_allowed(page):
    page.evaluate(
        "() => { const open = window.open; window.open = (...its) => (window.notes = open(...its)); }"
    )
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value
    expect(notes.locator("#title")).to_have_text(SLIDES[0].title)
    expect(notes.locator("#notes")).to_have_text(SLIDES[0].notes)
    expect(notes.locator("#next")).to_contain_text(SLIDES[1].title)
    for place, slide, drawn in (("now", SLIDES[0], ".explorer-gallery li"), ("then", SLIDES[1], ".main-svg")):
        picture = notes.frame_locator(f"#{place} iframe")
        expect(picture.get_by_role("heading", name=slide.title, exact=True)).to_be_visible()
        expect(picture.locator(drawn).first).to_be_visible()
        notes.wait_for_function(FILLED, arg=place)
    expect(notes.locator("header")).to_contain_text(re.compile(r"1 of 17\d+:\d\d"))
    expect(present(page).get_by_text(SLIDES[0].notes)).to_be_hidden()
    notes.keyboard.press("ArrowRight")
    assert_at(page, "learns")
    expect(notes.locator("#notes")).to_have_text(SLIDES[1].notes)
    notes.keyboard.press("d")  # the same keys
    expect(page.locator("html")).to_have_attribute("data-explorer-theme", "dark")
    notes.keyboard.press("d")
    notes.get_by_role("button", name="Set the clock to 0:00").click()
    expect(notes.locator("header")).to_contain_text("2 of 170:0")
    notes.close()
    page.wait_for_function("() => window.notes.closed")
    page.keyboard.press("Home")
    page.evaluate("() => { window.reallyOpen = window.open; window.open = () => null; }")
    page.keyboard.press("s")
    expect(page.locator("#explorer-notes")).to_have_text(SLIDES[0].notes)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#explorer-notes")).to_have_text(SLIDES[1].notes)
    page.keyboard.press("s")
    expect(page.locator("#explorer-notes")).to_have_count(0)
    page.evaluate("() => { window.open = window.reallyOpen; }")


def test_a_question_covers_the_answer_until_a_key_and_the_guess_stands_next_to_the_outcome(page):
    page.goto(page.url.partition("#")[0] + "#/contrast")
    assert_at(page, "contrast")
    pictures = present(page).locator(".explorer-slide-pictures")
    question = present(page).locator(".explorer-question")
    expect(pictures).to_be_hidden()
    expect(present(page).locator(".explorer-tiles dd").first).to_be_hidden()
    page.keyboard.press("2")
    expect(question).to_contain_text("Guessed: 30\u00a0%")
    page.keyboard.press("ArrowRight")  # as a clicker sends
    assert_at(page, "contrast")
    expect(pictures).to_be_visible()
    expect(question).to_contain_text(re.compile(r"Guessed: 30\s%, right · Outcome: \d\d\.\d\s%"))
    page.keyboard.press("r")
    expect(pictures).to_be_hidden()


def test_a_key_enlarges_a_figure_and_one_lists_the_keys_and_takes_none(page):
    page.keyboard.press("ArrowRight")
    width = present(page).locator(".js-plotly-plot").first.bounding_box()["width"]
    page.keyboard.press("z")
    page.wait_for_function(f"({FIGURES})()[0].drawn[0] > {1.5 * width}")
    expect(present(page).get_by_role("heading", name=SLIDES[1].title)).to_be_hidden()
    page.keyboard.press("Escape")
    page.wait_for_function(f"({FIGURES})()[0].drawn[0] < {1.5 * width}")
    page.keyboard.press("?")
    keys = page.get_by_label("Keys", exact=True)
    expect(keys).to_contain_text("the pace of live runs")
    expect(page.locator(".reveal.paused")).to_have_count(0)
    page.keyboard.press("/")  # blanks nothing
    expect(page.locator(".reveal.paused")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    assert_at(page, "mistakes")
    page.keyboard.press("?")
    expect(keys).to_have_count(0)


def test_an_overview_shows_all_slides_also_live_ones_and_goes_to_one(page):
    for key in ("ArrowRight", "v", "t", "o"):
        page.keyboard.press(key)
    slides = page.locator(".explorer-slides > article")
    buttons = page.get_by_label("All slides").get_by_role("button")
    expect(buttons).to_have_count(len(NAMES))
    expect(buttons.nth(1)).to_be_focused()
    for slide, button in zip(slides.all(), buttons.all(), strict=True):
        expect(slide).to_be_visible()
        (inner, outer) = slide.bounding_box(), button.bounding_box()
        assert outer["x"] <= inner["x"] < inner["x"] + inner["width"] <= outer["x"] + outer["width"]
        assert outer["y"] <= inner["y"] < inner["y"] + inner["height"] <= outer["y"] + outer["height"]
    expect(slides.nth(1).locator(".explorer-live-bar")).to_contain_text("live run, trained in")
    for key, name in (("Escape", "learns"), ("o", "learns"), ("Enter", "rate"), ("Home Space", "title")):
        if name == "rate":
            page.keyboard.press("ArrowDown")
            expect(buttons.nth(6)).to_be_focused()
        for part in key.split():
            page.keyboard.press(part)
        expect(buttons).to_have_count(0)
        assert_not_blank(page, name)
        page.keyboard.press("o")
    buttons.nth(NAMES.index("modern")).click()
    assert_not_blank(page, "modern")
    for key in ("v", "x", "?"):
        page.keyboard.press(key)
    expect(page.get_by_label("Keys", exact=True)).to_contain_text("overview of all slides")


@pytest.mark.sweep
def test_an_address_opens_its_slide_in_the_dark_a_reload_keeps_it_and_a_key_changes_to_light_and_back(page):
    go_to(page, "averaged")
    page.wait_for_url("**/#/averaged")
    page.emulate_media(color_scheme="dark")
    surface = present(page).locator(".main-svg").first
    # Python has answered: nothing is on its way when the page goes.
    expect(surface).to_have_css("background-color", SURFACE["dark"])
    page.reload()
    page.wait_for_function(DRAWN, arg=NAMES)
    assert_not_blank(page, "averaged")
    for key, theme in (("", "dark"), ("d", "light"), ("d", "dark")):
        page.keyboard.type(key)
        for element in (surface, page.locator("body")):
            expect(element).to_have_css("background-color", SURFACE[theme])


HURRY = """(() => {
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms > 3000 ? ms : 0);
})()"""


@pytest.mark.sweep
def test_a_slow_phone_shows_and_updates_every_slide(talk, open_page):
    # So slow that the two seconds which anywidget gives a widget to begin are over at once.
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    found = alone(talk, open_page, script=HURRY, **phone)
    page = found.page
    page.wait_for_function(DRAWN, arg=NAMES)
    for name in NAMES:
        assert_at(page, name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert present(page).evaluate("(slide) => slide.scrollWidth <= slide.clientWidth")
        for figure in page.evaluate(FIGURES):
            assert 200 < figure["width"] <= 390
            assert figure["height"] > 150
            assert figure["points"] >= 2
        forward(page)
    go_to(page, "learns")
    present(page).get_by_role("button", name="Run it live").tap()
    expect(present(page).locator(".explorer-live-bar")).to_contain_text("live run, trained in")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.keyboard.press("ArrowRight")
    assert_not_blank(page, "mistakes")
    found.assert_clean()


@pytest.mark.sweep
def test_nothing_severe_for_a_screen_reader_on_any_slide(page, shared):
    for name in NAMES:
        assert_at(page, name)
        assert shared.severe(None if name == NAMES[0] else PRESENT) == [], name
        forward(page)
