"""The parts of the page and stock widgets, in Voilà and in JupyterLab: keys, clicks and what reaches Python."""

import json

import pytest
from browser.page_object import SURFACE, assert_becomes, enter, number
from playwright.sync_api import expect

from explorer.training import FIELDS


@pytest.fixture(scope="module")
def shared_page(serve_plainly, open_shared_page):
    """One page for all tests: each begins with everything as at the start."""
    found = open_shared_page(serve_plainly("parts").url, permissions=["clipboard-read", "clipboard-write"])
    found.until_shown(
        "() => document.querySelector('.explorer-run button') && document.querySelector('.noUi-handle')"
    )
    yield found.page
    assert found.page_errors == []


@pytest.fixture
def page(shared_page):
    shared_page.set_viewport_size({"width": 1440, "height": 900})
    shared_page.emulate_media(color_scheme="light", reduced_motion="reduce")
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


def described(page, words):
    """The number of a setting that has a description of its own."""
    return page.get_by_role("spinbutton", name=words, exact=True)


def alert(place, name):
    return place.locator(f"[data-name={name}] [role=alert]")  # an empty one has no role


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
    expect(alert(page, "epochs")).to_contain_text("stays in use")
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


def test_each_input_has_its_name_and_its_help_which_opens_by_keyboard_within_the_window(page):
    page.get_by_text("More settings").click()
    for name, labeled, kind, described_by in page.locator(
        ".explorer-controls :is(input, select)"
    ).evaluate_all(
        """(all) => all.map((e) => [e.labels?.[0]?.innerText, e.getAttribute('aria-labelledby'), e.type,
          document.getElementById((e.getAttribute('aria-describedby') ?? '').split(' ')[0])?.textContent])"""
    ):
        assert name or labeled
        assert kind == "checkbox" or len(described_by) > 30
    expect(slider(page, "batch_size")).to_have_accessible_description(
        "Images per step, at most all: the weights change once after each batch. 1 to 60\u202f000"
    )
    page.set_viewport_size({"width": 390, "height": 640})
    popover = page.locator(".explorer-help:popover-open")
    for name in ("hidden_sizes", "learning_rate"):
        page.get_by_role("button", name=f"About {FIELDS[name].label}").press("Enter")
        expect(popover).to_be_in_viewport(ratio=1)
        page.wait_for_function(IN_WINDOW)  # it follows what moves under it
        page.keyboard.press("Escape")
        expect(popover).to_have_count(0)
    page.get_by_role("button", name="About Epochs").click()
    expect(popover).to_contain_text("1 to 500")
    page.get_by_role("button", name="About Epochs").click()
    expect(popover).to_have_count(0)


def test_layers_are_a_list_whose_first_the_slider_moves_and_a_bad_one_is_said_on_the_fold_as_well(page):
    panel = page.get_by_role("region", name="Settings")
    fold = panel.get_by_role("button", name="More settings")
    layers = page.get_by_label("Hidden layers", exact=True)
    fold.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")
    enter(layers, "128, 64")
    expect(page.get_by_text("first of 2 layers")).to_be_in_viewport(ratio=1)
    slider(page, "hidden_sizes").focus()
    page.keyboard.press("ArrowLeft")
    expect(layers).to_have_value("96, 64")
    expect(log(page)).to_contain_text("hidden=96,64")  # a slider waits for the last of its keys
    enter(layers, "128,, 64")
    expect(panel.locator("[data-kind=layers]").get_by_role("alert")).to_contain_text("96-64 stays in use")
    expect(panel.locator("[data-name=hidden_sizes][data-kind=scale] [role=alert]")).to_be_empty()
    expect(slider(page, "hidden_sizes")).to_have_attribute("aria-valuetext", "96 hidden units")
    fold.press("Enter")
    expect(layers).to_be_hidden()
    expect(fold).to_have_accessible_name("More settings · 1 needs attention")
    expect(panel.get_by_role("status")).to_have_text("More settings: 1 needs attention")
    enter(number(panel, "learning_rate"), "0.5")
    expect(log(page)).to_contain_text('hidden=96,64&lr=0.5"]')
    expect(fold).to_have_accessible_name("More settings · 1 needs attention")
    fold.click()
    expect(layers).to_have_value("128,, 64")
    expect(panel.get_by_role("status")).to_be_empty()
    enter(layers, "128, 64")
    expect(fold).to_have_accessible_name("More settings")
    changes = ["hidden=128,64", "hidden=96,64", "hidden=96,64&lr=0.5", "hidden=128,64&lr=0.5"]
    assert heard(page) == [("config", query) for query in changes]


def test_the_programs_value_waits_while_the_user_edits(page):
    batch, readout = described(page, "Images per step"), page.locator(".widget-readout").first
    from_the_program = page.get_by_role("button", name="From the program")
    batch.fill("12")
    from_the_program.dispatch_event("click")
    expect(readout).to_have_text("77")
    expect(batch).to_have_value("12")
    batch.press("Control+z")
    batch.fill("77")
    batch.press("Tab")
    expect(batch).to_have_value("77")
    enter(batch, "50")
    expect(readout).to_have_text("50")
    batch.press("End")
    batch.press_sequentially("1")
    from_the_program.dispatch_event("click")
    expect(readout).to_have_text("77")
    batch.press("Backspace")  # what was edited and taken back gives way to the program's value
    expect(batch).to_have_value("50")
    batch.blur()
    expect(batch).to_have_value("77")


def follows_and_leads(page):
    """A stock slider linked in Python goes both ways, one linked on the page leads, and both are checked."""
    batch, readout = described(page, "Images per step"), page.locator(".widget-readout").first
    handle, of_units = page.locator(".noUi-handle").all()
    enter(batch, "100")
    expect(readout).to_have_text("100")
    handle.press("ArrowRight")
    expect(batch).to_have_value("101")
    enter(batch, "0")
    expect(alert(page, "batch_size").last).to_contain_text("101 stays in use")
    expect(readout).to_have_text("101")
    handle.press("ArrowRight")
    expect(alert(page, "batch_size").last).to_be_empty()
    expect(batch).to_have_value("102")

    units = described(page, "Units")
    of_units.press("ArrowRight")
    expect(units).to_have_value("33")
    of_units.press("End")
    expect(alert(page, "hidden_sizes").last).to_contain_text("33 stays in use")
    expect(units).to_have_value("33")


def test_stock_sliders_lead_and_are_checked(page):
    follows_and_leads(page)


@pytest.mark.sweep
def test_in_jupyterlab_too(jupyterlab, notebook, open_page):
    visit = open_page(jupyterlab.address(notebook("parts")))
    page = visit.page
    visit.run_all()
    described(page, "Images per step").wait_for()
    follows_and_leads(page)
    enter(number(page, "epochs"), "5000")
    expect(alert(page, "epochs")).to_contain_text("10 stays in use")
    enter(number(page, "batch_size"), "64")
    expect(log(page)).to_contain_text('"batch=64"]')
    assert page.locator(".jp-mod-selected").count() >= 1  # Enter stayed with the control
    assert visit.page_errors == []


def test_the_space_bar_trains_and_pauses_where_no_control_has_the_focus(page):
    primary = page.locator(".explorer-run [data-primary]")
    page.keyboard.press(" ")
    expect(primary).to_have_text("Pause")
    page.keyboard.down(" ")
    expect(primary).to_have_text("Resume")
    page.keyboard.down(" ")  # kept down: still one press
    page.keyboard.up(" ")
    about, switch = page.get_by_role("button", name="About Epochs"), page.get_by_role("switch")
    for control in (number(page, "epochs"), about):
        control.focus()
        page.keyboard.press(" ")
    page.get_by_role("button", name="Train again, reset, auto-train").press("Enter")
    for _ in range(2):
        switch.press(" ")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+ ")
    expect(log(page)).to_contain_text('["auto", true]')
    assert heard(page) == [("action", "train"), ("action", "pause"), ("auto", False), ("auto", True)]


def test_buttons_follow_the_status_and_hand_the_focus_on(page):
    actions = ("stop", "reset", "step_batch", "step_epoch")
    buttons = [page.locator(f".explorer-run [data-action='{name}']") for name in actions]
    buttons[2].click()
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_in_viewport(ratio=1)
    again = page.locator(".explorer-run [data-action='train']:not([data-primary])")
    expect(again).to_be_hidden()  # in its place: Stop
    assert [button.is_enabled() for button in buttons] == [True] * 4
    assert (
        page.locator(".explorer-run .explorer-progress-text").first.text_content() == "epoch 3 of 10 · paused"
    )
    buttons[0].press("Enter")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_focused()
    assert [button.is_enabled() for button in buttons] == [False, True, False, False]
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
    expect(first.get_by_text("Because.")).to_be_in_viewport(ratio=1)
    first.evaluate("element => { element.isTheSame = true; }")
    export(page, "Change words")
    expect(first).to_contain_text("Other words.")
    expect(first.get_by_text("Because of this.")).to_be_in_viewport(ratio=1)  # it stays open
    expect(first).to_have_attribute("data-kind", "error")
    assert first.evaluate("element => element.isTheSame")
    page.get_by_role("button", name="Fix it at once").click()
    note = page.locator(".explorer-message", has_text="A note.")
    expect(note).to_be_hidden()
    page.get_by_role("button", name="1 more").click()
    expect(note).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Show one").click()
    for left in (1, 0):
        page.get_by_role("button", name="Dismiss").first.click()
        expect(page.locator(".explorer-message")).to_have_count(left)
    assert widget.evaluate("e => e.getBoundingClientRect().height") == 0
    assert heard(page) == [("fix", "wide")]


def test_the_theme_follows_the_system_until_it_is_chosen(page):
    toggle = page.get_by_role("button", name="Theme:")
    page.get_by_role("button", name="Export", exact=True).click()

    def assert_shown(theme, *noted):
        expect(page.locator("html")).to_have_attribute("data-explorer-theme", theme)
        expect(page.locator(".explorer-app")).to_have_css("background-color", SURFACE[theme])
        expect(log(page)).to_contain_text(", ".join(f'["theme", "{one}"]' for one in noted))

    page.emulate_media(color_scheme="dark")
    assert_shown("dark", "dark")
    toggle.click()
    expect(toggle).to_have_accessible_name("Theme: light")
    assert_shown("light", "dark", "light")
    toggle.click()
    toggle.click()
    expect(toggle).to_have_accessible_name("Theme: auto")
    assert_shown("dark", "dark", "light", "dark")
    page.keyboard.press("Escape")
    assert heard(page) == [("theme", "dark"), ("theme", "light"), ("theme", "dark")]
    page.emulate_media(color_scheme="light")
    assert_shown("light")


STICKS_OUT_OR_IS_SMALL = """(target) => {
  const shown = [...document.querySelectorAll('.explorer-app *')].filter((e) => e.checkVisibility());
  const seen = shown.filter((e) => !e.closest('.explorer-unseen, .explorer-menu, .explorer-help'));
  const out = seen.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5);
  const hit = (e) => (e.matches('[type=checkbox]') ? e.closest('label') : e).getBoundingClientRect();
  const small = seen.filter((e) => e.matches('button, input, select') && hit(e).height < target - 0.5);
  return [out, small].map((list) => list.map((e) => e.outerHTML.slice(0, 120)));
}"""
MOVING = """[...document.querySelectorAll('.explorer-app *')].map((e) => getComputedStyle(e))
  .filter((style) => style.transitionDuration !== '0s' || style.animationName !== 'none').length"""


def test_nothing_sticks_out_everything_can_be_hit_and_nothing_moves_for_those_who_ask_for_that(page):
    assert page.evaluate(MOVING) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVING) > 0
    page.get_by_text("More settings").click()
    for width, target in ((1440, 32), (1000, 32), (760, 32), (320, 44), (390, 44)):
        page.set_viewport_size({"width": width, "height": 844})
        assert_becomes(page, f"() => ({STICKS_OUT_OR_IS_SMALL})({target})", [[], []], width)
    for position in (0, 400):
        page.evaluate(f"document.scrollingElement.scrollTop = {position}")
        assert page.evaluate("document.scrollingElement.scrollTop") == position
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_in_viewport(ratio=1)
