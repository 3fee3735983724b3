"""The page that everybody opens first: in motion, with a network that has learned, and within reach of keys."""

import re
from urllib.request import urlopen

import numpy as np
import pytest
from browser.page_object import FETCHED, MATRIX, SHARED, SHEETS, SURFACE, WATCH
from playwright.sync_api import expect
from reference_runs import records

from explorer.inspection.contributions import contributions
from explorer.network import NeuralNetwork
from explorer.training import TrainingConfig
from explorer.training.presets import START
from explorer.widgets.network_drawing import SCENES

SETTINGS = {name: getattr(START, name) for name in TrainingConfig().differences(START)}
SUM = ".explorer-network-sum"
LIT = """() => [...document.querySelectorAll('.explorer-network-unit')]
  .map((unit) => Number(unit.style.getPropertyValue('--level')))"""
INKED = """(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, i) => i % 4 === 3).reduce((sum, alpha) => sum + alpha, 0) / (255 * canvas.width ** 2);
}"""
TOLD = ".explorer-step-told"
LINES = """(told) => {
  const { fontSize, lineHeight } = getComputedStyle(told);
  return [Number.parseFloat(fontSize), Math.round(told.clientHeight / Number.parseFloat(lineHeight))];
}"""
BELOW = """(least) => {
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  const [code, told] = ['.explorer-code-view', '.explorer-step-told'].map(box);
  const line = box('.explorer-code-view [aria-current=step]');
  const isIn = line.top >= code.top && line.bottom <= code.bottom && line.height >= 16;
  return code.top >= told.bottom && code.width >= least && isIn;
}"""
FOCUSED = "selector => document.activeElement?.closest(selector) !== null"
OPENING = """(() => {
  globalThis.told = new Set();
  const look = () => {
    for (const one of document.querySelectorAll('.explorer-time output, .explorer-tiles'))
      told.add(one.textContent);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
})()"""
"""Keeps what the page has said, however short: a slow page may be past it before a test looks."""
CHANGES = f"""() => {{
  globalThis.seen = [];
  const look = () => {{
    const tiles = document.querySelector('.explorer-place-tiles');
    const n = (({MATRIX})() ?? []).flat().reduce((sum, count) => sum + count, 0);
    const caption = document.querySelector('.explorer-place-confusion').textContent;
    const units = document.querySelectorAll('.explorer-network-unit');
    seen.push([tiles.innerText, caption, units.length, n, tiles.ariaBusy]);
  }};
  const all = {{ subtree: true, childList: true, characterData: true, attributeFilter: ['aria-busy'] }};
  new MutationObserver(look).observe(document.querySelector('.explorer-app'), all);
}}"""
LEGEND_IN_THE_FIRST_EPOCH = """() => {
  const [tiles, legend] = ['.explorer-tiles', '.legend'].map((part) => document.querySelector(part)?.textContent);
  return tiles.includes('sample of') && legend?.startsWith('traintest');
}"""
AT_FIRST_SIGHT = """() => {
  const isSeen = (part) =>
    part.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    part.getBoundingClientRect().top < innerHeight && !part.disabled;
  const parts = 'button, input, select, summary, a[href], [role=listbox], [role=application], [tabindex="0"]';
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let words = 0;
  while (texts.nextNode()) {
    const within = texts.currentNode.parentElement;
    if (within.closest('.explorer-unseen, script, style, svg') || !isSeen(within)) continue;
    words += texts.currentNode.data.match(/[A-Za-z]{2,}/g)?.length ?? 0;
  }
  return [[...document.querySelectorAll(parts)].filter(isSeen).length, words];
}"""


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    """A newcomer's page in a dark system."""

    def prepare(page):
        page.add_init_script(WATCH)
        page.add_init_script(OPENING)

    options = {"is_newcomer": True, "color_scheme": "dark", "reduced_motion": "no-preference"}
    found = open_shared_page(app.url, prepare=prepare, **options)
    found.until_drawn()
    found.until_finished(10)
    return found


@pytest.fixture
def start(shared):
    """The page, light and still; clean when the test has ended."""
    shared.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    expect(shared.page.locator(".explorer-time output")).to_have_text("epoch 10")
    yield shared
    shared.assert_clean()


def test_it_opens_in_motion_trained_and_in_the_systems_colors(app, shared):
    page = shared.page
    for words in (r"^Replay: step \d+$", r"sample of 1\s000"):
        page.wait_for_function("(words) => [...told].some((one) => one.match(words))", arg=words)
    expect(page.locator(".explorer-time output")).to_have_text("epoch 10")
    page.wait_for_function("document.documentElement.dataset.explorerTheme === 'dark'")
    surface = page.locator(".explorer-figure .main-svg").first
    expect(surface).to_have_css("background-color", SURFACE["dark"])
    known = records(**SETTINGS)
    shared.until_matrix(known[-1].confusion)
    accuracies = [100 * r.test_accuracy for r in known]
    for figure in ("accuracy", "loss"):
        shared.until_points("=== 10", figure)
    np.testing.assert_allclose(shared.curve("accuracy", "test"), accuracies, rtol=1e-5)
    np.testing.assert_allclose(shared.curve("loss", "test"), [r.test_loss for r in known], rtol=1e-5)
    expect(shared.tiles).to_contain_text(f"{accuracies[-1]:.1f} %")
    expect(shared.gallery).to_be_hidden()
    assert page.evaluate(SHEETS) == ["explorer.widgets", "explorer.app"]
    assert page.evaluate("globalThis.unstyled") == []
    assert (page.evaluate(FETCHED), page.evaluate(SHARED)) == (1, 1)  # Plotly came once, and over HTTP
    assert shared.socket_bytes < 2_000_000
    assert page.locator("#MJX-CHTML-styles").count() == 0  # which MathJax 3 leaves as soon as it starts
    assert page.get_attribute("html", "lang") == "en"
    assert "width=device-width" in page.get_attribute("meta[name=viewport]", "content")
    assert page.locator("main").count() == page.locator("main .explorer-app").count() == 1
    with urlopen(app.url.rstrip("/") + page.get_attribute("link[rel=icon]", "href")) as answer:
        assert answer.headers["Content-Type"] == "image/svg+xml"  # the icon is our own
    shared.assert_clean()


def test_a_newcomer_sees_few_things_to_press_and_few_words(start):
    expect(start.page.get_by_text("New here?")).to_be_in_viewport(ratio=1)
    for width, height in ((1280, 720), (1440, 900)):
        start.resize(width, height)
        presses, words = start.page.evaluate(AT_FIRST_SIGHT)
        assert 25 < presses <= 34
        assert 60 < words <= 90, words
    start.page.get_by_role("tab", name="Explore").click()
    expect(start.page.get_by_text("New here?")).to_be_hidden()


def test_the_sum_is_that_of_the_weights_that_the_page_exports(start, tmp_path, mnist, wait_for):
    page = start.page
    with np.load(start.export("weights", tmp_path)) as file:
        network = NeuralNetwork(784, 32, 10, seed=0)
        network.set_weights([file[name] for name in ("W1", "b1", "W2", "b2")])
    found = contributions(network, mnist.X_test[:, 0])
    wait_for(lambda: np.allclose(page.evaluate(LIT), network.h1[:, 0], atol=0.01))
    said = page.locator(SUM).inner_text().replace("−", "-")
    unit, largest, total = re.match(r"(\d): (\S+) .* = (\S+) →", said).groups()
    assert int(unit) == found.unit
    expected = found.terms[found.largest(1)[0]], found.total
    assert (float(largest), float(total)) == pytest.approx(expected, abs=0.02)  # rounded so that they add up
    expect(page.locator(".explorer-network-stage path")).to_have_count(12)


def test_a_stroke_lights_it(start):
    page = start.page
    pad, source = page.get_by_role("application", name="Sketch pad"), page.locator(".explorer-network-source")
    box, before = pad.bounding_box(), page.evaluate(LIT)
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 150, steps=6)
    page.mouse.up()
    expect(source).to_contain_text("Your drawing, read as")
    page.wait_for_function(f"(before) => JSON.stringify(({LIT})()) !== JSON.stringify(before)", arg=before)
    assert 0.04 < pad.evaluate(INKED) < 0.12  # the whole line, and nothing of the image
    page.get_by_role("button", name="A mistake").click()
    expect(source).to_contain_text("Test image")
    expect(page.locator(".explorer-network-class[data-kind=bad]")).to_have_count(1)


def test_a_seven_is_drawn_with_the_keys_kept_and_looked_into(start):
    page = start.page
    pad, source = page.get_by_role("application", name="Sketch pad"), page.locator(".explorer-network-source")
    page.get_by_role("button", name="Clear").click()
    expect(source).to_contain_text("Draw a digit here")
    expect(page.get_by_role("option", name="Unit 0: 0.00", exact=True)).to_be_in_viewport(ratio=1)
    expect(pad).to_have_accessible_description(re.compile("arrows move the brush, Space puts it down"))
    pad.focus()
    start.keys("ArrowLeft", 27, "ArrowUp", 27)  # from wherever it is
    start.keys("ArrowRight", 8, "ArrowDown", 6, " ", 1, "ArrowRight", 12)
    for _ in range(8):
        start.keys("ArrowDown", 2, "ArrowLeft", 1)
    start.keys(" ", 1, "ArrowRight", 3)
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
    start.tab("why")
    expect(page.get_by_role("img", name="Your drawing, true 7, read as 7")).to_be_in_viewport(ratio=1)
    start.tab("overview")
    truth.select_option("")
    expect(strip).to_be_hidden()


def test_an_image_a_unit_a_class_and_a_step_are_chosen_by_keys_alone(start):
    page, press, drawing = start.page, start.page.keyboard.press, start.page.locator(".explorer-network")

    def tab_to(selector):
        for _ in range(120):
            press("Tab")
            if page.evaluate(FOCUSED, selector):
                return
        raise AssertionError(f"Tab does not reach {selector}")

    tab_to(".explorer-place-network [role=application]")
    tab_to(".explorer-drawing-tools button:nth-of-type(2)")
    press("Enter")
    caption = page.locator(".explorer-network-source .explorer-caption p").first
    expect(caption).to_have_text(re.compile(r"^Test image [\d\s]+, a \d, read as an? \d$"))
    tab_to(".explorer-network [role=listbox]")
    start.keys("End", 1, "Enter", 1)
    card = page.locator(".explorer-network-card")
    expect(card.get_by_role("heading", name="Unit 31 of layer 1")).to_be_in_viewport(ratio=1)
    assert start.severe() == []
    card.get_by_role("button", name="Close").press("Enter")
    expect(card).to_be_hidden()
    expect(page.get_by_role("listbox", name=re.compile("units")).get_by_role("option")).to_have_count(32)

    tab_to(".explorer-network-classes")
    start.keys("Home", 1, "ArrowDown", 1, "Enter", 1)
    chosen = page.get_by_role("listbox", name="Classes").get_by_role("option").nth(1)
    expect(chosen).to_have_attribute("aria-selected", "true")
    expect(page.locator(SUM)).to_have_text(re.compile("^1:"))
    press("Enter")  # back to what it reads

    tab_to(".explorer-step-player button")
    press("Enter")
    expect(start.button("Next scene")).to_be_focused()
    press("Enter")
    expect(drawing).to_have_attribute("data-scene", "loss")
    tab_to(".explorer-step-told [data-part='output 1 7']")
    expect(drawing).to_have_attribute("data-lit", "output")
    press("ArrowLeft")
    expect(start.button("Next scene")).to_be_focused()  # another sentence has other nouns
    for scene in ("forward", "loss", "backward", "step"):
        expect(drawing).to_have_attribute("data-scene", scene)
        press("ArrowRight")
    press("Escape")
    expect(drawing).to_have_attribute("data-scene", "")


def test_a_step_is_told_at_the_readers_pace_and_nouns_light_their_parts(start):
    page, drawing, told = start.page, start.page.locator(".explorer-network"), start.page.locator(TOLD)
    start.button("Play a step").click()
    begins = (
        "the image lights the units",
        "the output for 7 is",
        "7 should be higher by",
        "the weights move",
        "the output for 7",
    )
    for name, words in zip(SCENES, begins, strict=True):
        expect(told).to_have_text(re.compile(f"^{name}: {words}"))
        size, n_lines = told.evaluate(LINES)
        assert size >= 16
        assert n_lines == 1
        page.keyboard.press("ArrowRight")
    expect(told).to_have_text(re.compile(r"An epoch has 469 steps\.$"))
    start.keys("ArrowLeft", 4)
    told.get_by_role("button", name="units").hover()
    unit, row = (drawing.locator(f".explorer-network-{one}").nth(7) for one in ("unit", "class"))
    expect(unit).to_have_css("opacity", "1")
    expect(row).to_have_css("opacity", "0.15")
    expect(page.locator(".explorer-place-network .explorer-drawing-ground")).to_have_css("opacity", "0.2")
    row.hover()
    expect(row).to_have_css("opacity", "1")
    expect(drawing).not_to_have_attribute("data-lit", re.compile(""))
    expect(told.locator("[data-marked]")).to_have_text(["outputs", "7"])
    told.get_by_role("button", name="7").hover()
    expect(row).to_have_css("opacity", "1")
    expect(unit).to_have_css("opacity", "0.15")
    expect(drawing.locator(".explorer-network-class").nth(2)).to_have_css("opacity", "0.15")
    assert start.severe() == []
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    expect(unit).to_have_css("opacity", "1")


@pytest.mark.long
def test_a_step_plays_by_itself_when_asked_and_says_what_happens(start):
    page, drawing = start.page, start.page.locator(".explorer-network")
    player = page.locator(".explorer-step-player")
    page.emulate_media(reduced_motion="no-preference")
    start.button("Play a step").click()
    start.button("Play", exact=True).click()
    later = re.compile("loss|backward|step|after")
    expect(drawing).to_have_attribute("data-scene", later)  # it goes on by itself
    drawing.get_by_role("listbox").first.focus()  # arrows go through the scenes in the drawing as well
    start.keys("ArrowRight", 4)
    expect(drawing).to_have_attribute("data-scene", "after")
    expect(start.button("Play", exact=True)).to_be_in_viewport(ratio=1)
    page.keyboard.press("ArrowLeft")
    expect(player.get_by_role("status")).to_contain_text("Step, scene 4 of 5: the weights move")
    page.keyboard.press("ArrowLeft")
    expect(drawing).to_have_attribute("data-scene", "backward")
    expect(page.locator(".explorer-step-formula")).to_contain_text("delta2[7] = y[7] − d[7] = ")
    start.button("a mini-batch").click()
    expect(player).to_contain_text("Means over 128 training images.")
    expect(start.button("Backward", exact=True)).to_have_attribute("aria-current", "step")
    assert start.severe() == []
    page.keyboard.press("Escape")
    expect(start.button("Play a step")).to_be_focused()
    expect(drawing).to_contain_text("from 27 other units")


@pytest.mark.long
def test_the_code_of_a_step_goes_along_with_its_scenes_below_the_drawing(start):
    page, code, size = start.page, start.page.locator(".explorer-code-view"), start.page.viewport_size
    line, drawing = code.locator("ol > [aria-current=step]"), page.locator(".explorer-network")
    start.button("Play a step").click()
    start.button("code", exact=True).click()
    start.button("Backward", exact=True).click()
    expect(line).to_contain_text("def backward")
    code.get_by_role("slider", name="Step").focus()
    page.keyboard.press("End")  # of the code
    expect(drawing).to_have_attribute("data-scene", "after")
    page.keyboard.press("Home")
    expect(drawing).to_have_attribute("data-scene", "forward")
    page.keyboard.press("ArrowRight")
    for width, height in ((1280, 720), (1440, 900), (1920, 1080), (800, 720), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(BELOW, arg=min(width - 40, 240))
    assert start.severe() == []
    page.set_viewport_size(size)
    drawing.get_by_role("listbox").first.focus()
    page.keyboard.press("Escape")
    expect(code).to_be_hidden()
    start.button("Play a step").click()
    expect(code).to_be_in_viewport(ratio=1)
    start.button("code", exact=True).click()
    expect(code).to_be_hidden()
    page.keyboard.press("Escape")


@pytest.mark.long
def test_a_released_slider_leaves_nothing_blank_and_the_first_epoch_is_shown_by_a_sample(start):
    page = start.page
    start.set(epochs=1)
    start.until_finished(1)
    page.evaluate(CHANGES)
    start.set(hidden_sizes=512)  # an epoch takes a second or more
    page.wait_for_function(LEGEND_IN_THE_FIRST_EPOCH)
    for words in (r"sample of 1\s000", r"of 1\s000 sampled images right"):
        page.wait_for_function("(words) => seen.flat().some((one) => String(one).match(words))", arg=words)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    start.until_finished(1)
    expect(start.tiles).to_contain_text("of 10 000")
    tiles, _, n_units, counts, busy = zip(*page.evaluate("seen"), strict=True)
    assert all(re.search(r"\d\d?\.\d\s%", text) for text in tiles)
    assert (min(n_units), {*counts}) == (32, {1000, 10_000})
    assert ("true" in busy, busy[-1]) == (True, "false")

    (last,) = records(**SETTINGS, epochs=1, hidden_sizes=8)
    start.set(hidden_sizes=8)
    start.until_matrix(last.confusion)
    page.reload()  # the page comes back whole
    start.until_drawn()
    expect(start.tiles).to_contain_text("784-8-10")
    start.until_matrix(last.confusion)


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
