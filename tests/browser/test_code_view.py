"""A recorded call in Chromium: keys, the slider, a press on a line, what lights up together, and its boxes."""

import re

import pytest
from browser.page_object import PALETTES, SURFACE, rgb
from playwright.sync_api import expect

OF_VOILA = "name => { document.body.dataset.jpThemeLight = String(name === 'light'); }"
SEEN = """() => {
  const box = (one) => one.getBoundingClientRect();
  const view = document.querySelector('.explorer-code-view');
  const [lines, values] = view.querySelector('.explorer-code-panes').children;
  const isWithin = (one, pane) => box(one).top >= box(pane).top - 1 && box(one).bottom <= box(pane).bottom + 1;
  return {
    height: box(view).bottom,
    wide: view.scrollWidth - view.clientWidth,
    apart: box(values).left >= box(lines).right || box(values).top >= box(lines).bottom,
    line: isWithin(lines.querySelector('[aria-current]'), lines),
    cut: [...values.children].filter((one) => !isWithin(one, values)).length,
    values: values.children.length,
  };
}"""


@pytest.fixture(scope="module")
def visit(serve_plainly, open_shared_page):
    found = open_shared_page(serve_plainly("code").url)
    found.until_shown("() => document.querySelectorAll('.explorer-code-panes li').length > 20")
    yield found
    assert found.page_errors == []


@pytest.fixture
def page(visit):
    visit.page.set_viewport_size({"width": 1280, "height": 720})
    visit.page.evaluate(OF_VOILA, "light")
    visit.page.mouse.move(0, 0)
    return visit.page


@pytest.fixture
def view(page):
    found = page.locator(".explorer-code-view").first
    go(found, 0)
    return found


def go(view, at):
    view.get_by_role("slider", name="Step").fill(str(at))
    expect(view.locator(".explorer-code-bar > span")).to_have_text(re.compile(f"^{at + 1} of"))


def expect_line(view, code):
    expect(view.locator("ol > [aria-current=step] code")).to_contain_text(code)


def test_keys_lead_from_step_to_step_and_the_slider_says_where(page, view):
    slider = view.get_by_role("slider", name="Step")
    slider.focus()
    for key, code in (
        ("ArrowRight", "y = self.forward(X)"),
        ("ArrowRight", "def forward"),
        ("ArrowUp", "loss = self.compute_loss"),
        ("ArrowLeft", "return self.h[-1]"),
        ("Home", "def train_iteration"),
        ("ArrowDown", "y = self.forward(X)"),
        ("ArrowDown", "loss = self.compute_loss"),
        ("End", "return loss"),
    ):
        page.keyboard.press(key)
        expect_line(view, code)
    where = re.compile(r"^(\d+) of \1, line \d+ of Network.train_iteration$")
    expect(slider).to_have_attribute("aria-valuetext", where)
    last = view.get_by_role("button", name="⇥")
    expect(last).to_have_attribute("aria-disabled", "true")
    last.focus()
    page.keyboard.press("ArrowLeft")
    expect_line(view, "theta -= lr * d_theta")
    spoken = re.compile(r"^line \d+, theta -= lr \* d_theta: made theta, 10 by 1")
    expect(view.get_by_role("status")).to_contain_text(spoken)


def test_a_press_on_a_line_goes_to_its_next_step(view):
    view.locator("ol > li", has_text="gradient = self.backward").click()
    expect_line(view, "gradient = self.backward(X, y, d)")
    view.get_by_role("button", name="Line 88").press("Enter")
    expect_line(view, "loss = self.compute_loss(y, d)")


def test_code_and_values_light_each_other_and_a_noun_all_sizes_of_its_axis(page, view):
    go(view, 36)
    lit = view.locator("[data-lit]")
    view.locator("ul > li", has_text="self.W[i].T").first.hover()
    expect(lit).to_have_count(1 + view.locator("ol [data-value~='1']").count())
    assert "".join(view.locator("ol [data-lit]").all_text_contents()) == "self.W[i].T"
    view.locator("ol [aria-current] code span", has_text="delta").nth(1).hover()
    expect(view.locator("ul > [data-lit] > code")).to_have_text("delta, before")
    page.mouse.move(0, 0)
    expect(lit).to_have_count(0)
    view.get_by_role("button", name="units 32").focus()
    sizes = view.locator("[data-axis=units]")
    assert set(sizes.all_text_contents()) == {"32", "units 32"}
    expect(lit).to_have_count(sizes.count())
    view.locator("ul > li", has_text="self.a[i - 1]").first.focus()
    expect(view.locator("ul > [data-lit] > code")).to_have_text("self.a[i - 1]")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (800, 720), (1920, 1080)])
def test_the_line_and_its_values_are_in_sight_together(page, view, width, height):
    page.set_viewport_size({"width": width, "height": height})
    steps = int(view.get_by_role("slider", name="Step").get_attribute("max"))
    for at in range(0, steps + 1, 6):
        go(view, at)
        page.wait_for_function(f"() => ({SEEN})().line")
        seen = page.evaluate(SEEN)
        assert seen["apart"], (at, seen)
        assert seen["wide"] <= 0, (at, seen)
        assert seen["height"] <= height * (0.8 if width > 800 else 1.0), (at, seen)
        assert not seen["values"] or seen["cut"] < seen["values"] / (1 if width == 800 else 2), (at, seen)


def test_both_themes_have_their_colors_and_pictures_and_no_severe_fault(page, visit, view):
    go(view, 36)
    picture = view.locator(".explorer-code-picture").first
    light = picture.evaluate("(one) => getComputedStyle(one).backgroundImage")
    assert visit.severe(".explorer-code-view") == []
    page.evaluate(OF_VOILA, "dark")
    expect(picture).not_to_have_css("background-image", light)
    expect(view).to_have_css("background-color", SURFACE["dark"])
    expect(view.locator("ul [data-axis=units]").first).to_have_css("color", rgb(PALETTES["dark"].units))
    view.get_by_role("button", name="of the loop").click()
    expect(view.get_by_role("table")).to_contain_text("10 by 32, from")
    assert visit.severe(".explorer-code-view") == []
    view.get_by_role("button", name="of the loop").click()


def test_what_raised_is_said_above_and_marked(page):
    failed = page.locator(".explorer-code-view").nth(1)
    expect(failed.get_by_role("alert")).to_contain_text("4")
    wrong = failed.locator("[data-wrong]")
    assert "".join(wrong.all_text_contents()) == "delta @ h[i].T"
    expect(failed.get_by_role("button", name="of the loop, which was left in turn 1")).to_be_visible()
    expect(wrong.first).to_have_css("text-decoration-line", "underline")
