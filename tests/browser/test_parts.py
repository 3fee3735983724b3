"""The parts of the page in a real Chromium, served by Voilà: keys, clicks and what reaches Python."""

from __future__ import annotations

import json

import pytest
from browser.page_object import SURFACE, enter, number
from playwright.sync_api import expect

from explorer.training import FIELDS


@pytest.fixture(scope="module")
def url(serve_plainly):
    return serve_plainly("parts").url


@pytest.fixture(scope="module")
def shared_page(url, open_shared_page):
    """One page for all tests: each begins with everything as at the start."""
    found = open_shared_page(url, permissions=["clipboard-read", "clipboard-write"])
    found.page.get_by_role("button", name="Train", exact=True).wait_for()
    yield found.page
    assert found.page_errors == []


@pytest.fixture
def page(shared_page):
    shared_page.set_viewport_size({"width": 1440, "height": 900})
    shared_page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    shared_page.mouse.move(0, 0)
    export(shared_page, "Start again")
    expect(log(shared_page)).to_have_text('[["ready"]]')
    shared_page.evaluate("document.querySelectorAll('details').forEach((more) => (more.open = false))")
    for fold in shared_page.get_by_role("button", name="More settings", expanded=True).all():
        fold.click()
    shared_page.evaluate("document.activeElement.blur()")
    return shared_page


def export(page, words):
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name=words, exact=True).click()


def log(page):
    return page.locator(".explorer-place-loss .explorer-caption p").first


def heard(page):
    """What Python has heard since the start. The note goes the same way, so everything before it has arrived."""
    export(page, "History as CSV")
    expect(log(page)).to_contain_text('["export", "csv"]')
    calls = json.loads(log(page).text_content())
    asides = ["ready"], ["export", "csv"], ["export", "hint"], ["export", "words"]
    return [tuple(call) for call in calls if call not in asides]


def slider(page, name):
    return page.get_by_role("slider", name=FIELDS[name].label, exact=True)


def test_a_number_is_committed_once_by_enter_or_as_the_focus_leaves_and_text_is_refused(page):
    epochs, batch, rate = (number(page, name) for name in ("epochs", "batch_size", "learning_rate"))
    epochs.press("Control+a")
    epochs.press_sequentially("25")
    epochs.press("Enter")
    epochs.press("Enter")
    epochs.blur()
    expect(slider(page, "epochs")).to_have_attribute("aria-valuetext", "25 epochs")
    batch.fill("100")
    batch.press("Tab")
    epochs.press("Control+a")
    epochs.press_sequentially("1e")
    epochs.press("Enter")
    expect(page.locator("[data-name=epochs]").get_by_role("alert")).to_contain_text("stays in use")
    for key, value in (("ArrowUp", "0.012"), ("ArrowDown", "0.01"), ("ArrowDown", "0.008")):
        rate.press(key)
        expect(rate).to_have_value(value)
    calls = [query for _, query in heard(page)]  # fast ones may come as one
    assert calls[:2] == ["epochs=25", "batch=100&epochs=25"]
    assert calls[-1] == "batch=100&epochs=25&lr=0.008"
    assert len(calls) <= 5


def test_a_slider_is_followed_by_its_number_and_commits_once_on_release(page):
    slider(page, "hidden_sizes").focus()
    for _ in range(3):
        page.keyboard.down("ArrowRight")
    expect(number(page, "hidden_sizes")).to_have_value("96")
    assert json.loads(log(page).text_content()) == [["ready"]]
    page.keyboard.up("ArrowRight")
    box = slider(page, "learning_rate").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.42, middle)
    page.mouse.down()
    seen = set()
    for step in range(1, 9):
        page.mouse.move(box["x"] + box["width"] * (0.42 + 0.02 * step), middle)
        seen.add(number(page, "learning_rate").input_value())
    assert len(seen) > 4
    page.mouse.up()
    rate = number(page, "learning_rate").input_value()
    assert heard(page) == [("config", "hidden=96"), ("config", f"hidden=96&lr={rate}")]


IN_WINDOW = """() => {
  const box = document.querySelector('.explorer-help:popover-open')?.getBoundingClientRect() ?? {};
  return box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight;
}"""


def test_help_opens_by_keyboard_within_the_window_and_closes(page):
    page.set_viewport_size({"width": 390, "height": 640})
    for name in ("hidden_sizes", "learning_rate"):
        button = page.get_by_role("button", name=f"About {FIELDS[name].label}")
        button.focus()
        popover = page.locator(".explorer-help:popover-open")
        expect(popover).to_be_visible()
        page.wait_for_function(IN_WINDOW)  # it follows what moves under it
        page.keyboard.press("Escape")
        expect(popover).to_have_count(0)
    page.get_by_role("button", name="About Epochs").click()
    expect(page.locator(".explorer-help:popover-open")).to_contain_text("1 to 500")
    page.get_by_role("button", name="About Epochs").click()
    expect(page.locator(".explorer-help:popover-open")).to_have_count(0)


def test_each_input_has_its_name_and_its_help(page):
    page.get_by_text("More settings").click()
    for field in page.locator(".explorer-controls :is(input, select)").all():
        name, described = field.evaluate(
            "e => [e.labels?.[0]?.innerText ?? '', e.getAttribute('aria-describedby')]"
        )
        labeled = field.get_attribute("aria-labelledby")
        assert name or labeled
        if field.get_attribute("type") != "checkbox":
            sentence = page.locator(f"#{described.split()[0]}").text_content()
            assert len(sentence) > 30
    expect(slider(page, "batch_size")).to_have_accessible_description(
        "Images per step, at most all: the weights change once after each batch. 1 to 60\u202f000"
    )


def test_layers_are_typed_as_a_list_and_the_slider_moves_the_first(page):
    page.get_by_text("More settings").click()
    layers = page.get_by_label("Hidden layers", exact=True)
    enter(layers, "128, 64")
    expect(page.get_by_text("first of 2 layers")).to_be_visible()
    slider(page, "hidden_sizes").focus()
    page.keyboard.press("ArrowLeft")
    expect(layers).to_have_value("96, 64")
    expect(log(page)).to_contain_text("hidden=96,64")  # a slider waits for the last of its keys
    enter(layers, "128,, 64")
    own = page.locator("[data-kind=layers]").get_by_role("alert")
    expect(own).to_contain_text("96-64 stays in use")
    expect(page.locator("[data-name=hidden_sizes][data-kind=scale] [role=alert]")).to_be_empty()
    expect(slider(page, "hidden_sizes")).to_have_attribute("aria-valuetext", "96 hidden units")
    assert heard(page) == [("config", "hidden=128,64"), ("config", "hidden=96,64")]


def test_the_space_bar_trains_and_pauses_where_no_control_has_the_focus(page):
    primary = page.locator(".explorer-run [data-primary]")
    page.keyboard.press(" ")
    expect(primary).to_have_text("Pause")
    page.keyboard.down(" ")
    expect(primary).to_have_text("Resume")
    page.keyboard.down(" ")  # kept down: still one press
    page.keyboard.up(" ")
    for control in (
        number(page, "epochs"),
        page.get_by_role("button", name="About Epochs"),
        page.get_by_role("switch"),
    ):
        control.focus()
        page.keyboard.press(" ")
    page.get_by_role("switch").press(" ")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+ ")
    expect(log(page)).to_contain_text('["auto", true]')
    assert heard(page) == [("action", "train"), ("action", "pause"), ("auto", False), ("auto", True)]


def test_buttons_follow_the_status_and_hand_the_focus_on(page):
    names = ("Stop", "Reset", "+1 step", "+1 epoch")
    buttons = [page.get_by_role("button", name=name, exact=True) for name in names]
    page.get_by_role("button", name="+1 step", exact=True).click()
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible()
    again = page.locator(".explorer-run-more [data-action='train']")
    expect(again).to_have_text("Train")  # the page has not said that these settings are trained already
    assert [button.is_enabled() for button in (*buttons, again)] == [True] * 5
    expect(page.get_by_text("epoch 3 of 10 · paused")).to_be_visible()
    buttons[0].press("Enter")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_focused()
    assert [button.is_enabled() for button in buttons] == [False, True, True, True]
    expect(again).to_be_hidden()  # one button begins a run
    assert heard(page) == [("action", "step_batch"), ("action", "stop")]


def test_messages_are_text_and_can_be_acted_on_and_dismissed(page):
    widget = page.locator(".explorer-messages")
    assert widget.evaluate("e => e.getBoundingClientRect().height") == 0
    export(page, "Show messages")
    first = page.locator(".explorer-message").first
    expect(first).to_contain_text("<img src=x onerror=alert(1)> is <b>text</b>")
    assert first.locator("img, b").count() == 0
    expect(widget.get_by_role("list")).to_have_attribute("aria-live", "polite")
    expect(first.get_by_text("Because.")).to_be_hidden()
    first.get_by_text("Why", exact=True).click()
    expect(first.get_by_text("Because.")).to_be_visible()
    first.evaluate("element => { element.isTheSame = true; }")
    export(page, "Change words")
    expect(first).to_contain_text("Other words.")
    expect(first.get_by_text("Because of this.")).to_be_visible()  # it stays open
    expect(first).to_have_attribute("data-kind", "error")
    assert first.evaluate("element => element.isTheSame")
    page.get_by_role("button", name="Fix it at once").click()
    note = page.locator(".explorer-message", has_text="A note.")
    expect(note).to_be_hidden()
    page.get_by_role("button", name="1 more").click()
    expect(note).to_be_visible()
    page.get_by_role("button", name="Show one").click()
    for left in (1, 0):
        page.get_by_role("button", name="Dismiss").first.click()
        expect(page.locator(".explorer-message")).to_have_count(left)
    assert widget.evaluate("e => e.getBoundingClientRect().height") == 0
    assert heard(page) == [("fix", "wide")]


def test_the_theme_follows_the_system_until_it_is_chosen(page):
    surface = "getComputedStyle(document.querySelector('.explorer-app')).backgroundColor"
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-explorer-theme", "dark")
    assert page.evaluate(surface) == SURFACE["dark"]
    expect(log(page)).to_contain_text('["theme", "dark"]')
    toggle = page.get_by_role("button", name="Theme:")
    toggle.click()
    expect(toggle).to_have_accessible_name("Theme: light")
    expect(page.locator("html")).to_have_attribute("data-explorer-theme", "light")
    assert page.evaluate(surface) == SURFACE["light"]
    expect(log(page)).to_contain_text('["theme", "light"]')
    toggle.click()
    toggle.click()
    expect(toggle).to_have_accessible_name("Theme: auto")
    expect(log(page)).to_contain_text('["theme", "light"], ["theme", "dark"]')
    assert heard(page) == [("theme", "dark"), ("theme", "light"), ("theme", "dark")]
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-explorer-theme", "light")


@pytest.mark.parametrize(("width", "target"), [(390, 44), (320, 44), (760, 32), (1000, 32), (1440, 32)])
def test_nothing_sticks_out_and_everything_can_be_hit(page, width, target):
    page.set_viewport_size({"width": width, "height": 844})
    page.get_by_text("More settings").click()
    out, small = page.evaluate(
        """(target) => {
          const shown = [...document.querySelectorAll('.explorer-app *')].filter((e) => e.checkVisibility());
          const seen = shown.filter((e) => !e.closest('.explorer-unseen, .explorer-menu, .explorer-help'));
          const out = seen.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5);
          const hit = (e) => (e.matches('[type=checkbox]') ? e.closest('label') : e).getBoundingClientRect();
          const small = seen.filter((e) => e.matches('button, input, select') && hit(e).height < target - 0.5);
          return [out, small].map((list) => list.map((e) => e.outerHTML.slice(0, 120)));
        }""",
        target,
    )
    assert out == []
    assert small == []


def test_the_bar_of_a_phone_stays_in_sight(page):
    page.set_viewport_size({"width": 390, "height": 844})
    for position in (0, 400):
        page.evaluate(f"document.scrollingElement.scrollTop = {position}")
        assert page.evaluate("document.scrollingElement.scrollTop") == position
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_in_viewport(ratio=1)


def test_nothing_moves_for_those_who_ask_for_that(page):
    page.emulate_media(reduced_motion="reduce")
    moving = """[...document.querySelectorAll('.explorer-app *')].map((e) => getComputedStyle(e)).filter(
        (style) => style.transitionDuration !== '0s' || style.animationName !== 'none').length"""
    assert page.evaluate(moving) == 0
