"""Tabs in a real Chromium, on one page: robustness, data, map, breaking a network, bug lab, demonstrations."""

import re

import pytest
from browser.page_object import exercise
from playwright.sync_api import expect

pytestmark = pytest.mark.long
DOTS = """() => [...document.querySelector('.explorer-map .js-plotly-plot')?.data ?? []].slice(0, 10)
  .reduce((sum, { x }) => sum + (x?.length ?? 0), 0)"""
RIGHTMOST = """() => {
  const plot = document.querySelector('.explorer-map .js-plotly-plot');
  const { xaxis, yaxis } = plot._fullLayout;
  const dots = plot.data.slice(0, 10).flatMap(({ x, y, hovertext }) =>
    Array.from(x, (place, i) => [place, y[i], hovertext[i]]));
  const [x, y, words] = dots.sort((one, other) => other[0] - one[0])[0];
  const { left, top } = plot.getBoundingClientRect();
  return [left + xaxis._offset + xaxis.l2p(x), top + yaxis._offset + yaxis.l2p(y), words];
}"""
SPACE = (
    "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: ' ', bubbles: true, cancelable: true}))"
)
IS_HIGH = "() => document.querySelector('.explorer-demonstration .js-plotly-plot')?.clientHeight > 200"


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    return open_shared_page(f"{app.url}{exercise(n=6000, epochs=2)}&tab=mistakes&section=robustness")


@pytest.fixture
def visit(shared):
    """The page of all these tests; clean when the test has ended."""
    shared.page.set_viewport_size({"width": 1440, "height": 900})
    shared.until_finished(2)
    expect(shared.tiles).to_contain_text("784-32-10")
    yield shared
    shared.assert_clean()


def test_from_the_map_to_an_image_and_why_it_is_read_so(visit):
    page = visit.page
    visit.tab("map")
    page.wait_for_function(f"({DOTS})() === 2000")
    caption = page.locator(".explorer-panel:visible .explorer-caption p[title]").last
    expect(caption).to_contain_text("Epoch 2: 2 000 of 10 000 test images")
    page.get_by_role("radiogroup", name="Layer").get_by_text("output", exact=True).click()
    expect(page.get_by_role("figure", name=re.compile("Epoch 2"))).to_be_in_viewport(ratio=1)
    assert visit.severe() == []
    across, down, words = page.evaluate(RIGHTMOST)
    page.mouse.move(across, down)
    expect(page.locator(".explorer-map .hoverlayer")).to_contain_text(words)
    page.mouse.click(across, down)
    expect(page.get_by_role("tab", name="Explore")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".explorer-network-source .explorer-caption p").first).to_contain_text("read as")
    number = re.sub(r"\D", "", words.split(",")[0])
    visit.tab("why")
    heading = page.get_by_role("heading", name=re.compile("^Test image"))
    expect(heading).to_have_text(re.compile(rf"^Test image {number[:-3]}\D?{number[-3:]}$"))
    expect(page.get_by_text(re.compile("of the ink changed"))).to_be_in_viewport(ratio=1)
    page.locator(".explorer-panel:visible").get_by_label("Class").select_option("4")
    expect(page.get_by_text(re.compile("speak for 4, purple"))).to_be_in_viewport(ratio=1)
    assert visit.severe() == []


def test_a_network_is_broken_and_undone_by_keys(visit):
    page, panel = visit.page, visit.page.locator(".explorer-break")
    visit.tab("break")
    accuracy = panel.locator(".explorer-value").first
    expect(accuracy).to_have_text(re.compile(r"^\d\d\.\d\s%$"))
    intact = accuracy.inner_text()
    expect(panel.get_by_role("combobox", name="Layer")).to_be_in_viewport(ratio=1)
    panel.get_by_role("combobox", name="Damage").select_option("Add noise to all weights")
    expect(panel.get_by_role("combobox", name="Layer")).to_be_hidden()
    panel.get_by_role("slider", name="Size").fill("2.5")
    panel.get_by_role("button", name="Break it").press("Enter")
    expect(accuracy).to_have_text(re.compile(rf"^{re.escape(intact)} → \d+\.\d\s%$"))
    rows = panel.get_by_role("list", name="Damages").get_by_role("listitem")
    expect(rows).to_have_text(["Add noise to all weights: size 2.5 SD"])
    panel.get_by_role("button", name="Undo all").press("Enter")
    expect(accuracy).to_have_text(intact)
    panel.get_by_role("button", name="Which unit matters most?").press("Enter")
    unit = panel.locator(".explorer-bars").get_by_role("button").first
    name = unit.inner_text()
    unit.press("Enter")
    expect(rows).to_have_text([f"Switch off a unit: {name} of layer 1"])
    expect(accuracy).to_contain_text("→")
    expect(panel.locator(".explorer-bars li").first).to_contain_text("off")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        expect(accuracy).to_be_in_viewport(ratio=1)
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        assert visit.severe() == []


def test_a_level_of_the_lab_is_solved_wrong_then_right_by_keys(visit):
    page, lab = visit.page, visit.page.locator(".explorer-lab")
    for name, seen in {"overview": (1, 1), "data": (1, 0), "demos": (0, 0), "lab": (0, 0)}.items():
        visit.tab(name)
        for part, is_seen in zip(
            (visit.number("epochs"), visit.bar.locator("button").first), seen, strict=True
        ):
            expect(part).to_be_visible(visible=bool(is_seen))  # where it changes nothing, it isn't there
    assert page.evaluate(SPACE)  # is left to the page
    expect(lab.get_by_role("button", name="Level 1 of 10")).to_have_attribute("aria-current", "true")
    expect(lab.locator(".explorer-place-accuracy")).to_contain_text("epoch 8 of 8, test accuracy 3.9 %")
    lab.get_by_text("One step", exact=True).click()
    expect(lab.locator("tr", has_text="W1")).to_contain_text("−1 ×")
    lab.get_by_role("button", name="a gradient of the wrong sign").press("Enter")
    said = lab.get_by_role("status").first
    expect(said).to_contain_text("No. A gradient of the wrong sign differs in the gradient check")
    expect(lab.get_by_role("button", name="wrong: a gradient of the wrong sign")).to_be_focused()
    lab.get_by_role("button", name="plus for minus in the step").press("Space")
    expect(said).to_contain_text("Yes: plus for minus in the step.")
    expect(lab.locator(".explorer-bug-wrong")).to_have_count(1)
    assert lab.locator("pre").evaluate("(code) => code.scrollWidth <= code.clientWidth")  # none of it is cut
    lab.get_by_text("Curves", exact=True).click()
    expect(lab.locator(".explorer-place-accuracy .legend")).to_contain_text("the textbook’s network")
    lab.get_by_role("button", name="Next level").click()
    expect(lab.get_by_role("button", name="Level 1 of 10, solved")).to_be_in_viewport(ratio=1)
    expect(page).to_have_url(re.compile(r"[?&]bug=2$"))
    expect(visit.tiles).to_be_hidden()
    visit.tab("overview")
    expect(visit.tiles).to_contain_text("784-32-10")


def test_a_demonstration_is_guessed_run_stopped_and_run_again_with_another_number(visit):
    page = visit.page
    visit.tab("demos")
    cards = page.locator(".explorer-demonstration-card:visible")
    expect(cards).to_have_count(18)
    panel = page.locator(".explorer-demonstration-tab").bounding_box()
    assert (panel["x"], panel["width"]) == (0, 1440)
    assert visit.severe(".explorer-demonstrations") == []
    cards.filter(has_text="A little contrast fools it").click()
    page.get_by_text("80\u00a0%", exact=True).click()
    run, stop = (page.get_by_role("button", name=name, exact=True) for name in ("Run", "Stop"))
    run.last.click()
    outcome = page.locator(".explorer-demonstration-outcome")
    expect(outcome).to_contain_text("You guessed 80\u00a0%.")
    page.wait_for_function(IS_HIGH)  # as results come, another figure takes its place
    page.get_by_text("ε = 0.02", exact=True).click()
    expect(outcome).to_contain_text("changes by up to 0.02 of the range")
    assert visit.severe(".explorer-demonstration") == []

    page.get_by_role("button", name="All demonstrations").click()
    expect(cards.filter(has_text="A little contrast fools it")).to_be_focused()
    cards.filter(has_text="Grokking: a handicap overcome").click()
    run.last.click()
    expect(page.locator(".explorer-demonstration .js-plotly-plot")).to_be_in_viewport(ratio=1)
    stop.last.click()
    expect(page.locator(".explorer-demonstration")).to_contain_text("Stopped.")
    page.get_by_role("button", name="All demonstrations").click()
    expect(cards.filter(has_text="Grokking: a handicap overcome")).to_be_focused()
    cards.filter(has_text=re.compile("learning-rate finder")).focus()
    page.keyboard.press("Enter")
    heading = page.locator(".explorer-demonstration h2")
    expect(heading).to_have_text("The learning-rate finder")
    expect(heading).to_be_focused()
