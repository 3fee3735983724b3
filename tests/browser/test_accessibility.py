"""Every tab, light and dark, under the rules of axe-core, which comes with a package and needs no network."""

import re

import pytest
from browser.page_object import SURFACE, enter, exercise
from playwright.sync_api import expect

from explorer.app.panels.tabs import offered_tabs

THEMES = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}
"""What axe-core looks at in each: in the dark only the colors are others."""
IN_THEME = """([theme, surface]) => {
  const figures = document.querySelectorAll('.js-plotly-plot .svg-container > .main-svg:first-child');
  return document.documentElement.dataset.explorerTheme === theme && [...figures]
    .filter((figure) => figure.checkVisibility())
    .every((figure) => getComputedStyle(figure).backgroundColor === surface);
}"""
COLORFUL = {*offered_tabs(), "a figure's data", "an image's outputs", "robustness", "Histograms", "a drawing"}
"""Where all colors of the page are seen at least once."""
SEEN_CLOSELY = {"overview", "data", "mistakes", "inside", "runs", "study", "lab"}
"""The views of which more than the first sight is looked at; of all others, that is."""
OPEN_PANEL = ".explorer-place-panels > :not(.explorer-hidden)"
SECTIONS = ["Histograms", "Over time", "Gradient check"]


@pytest.mark.long
def test_nothing_severe_on_any_tab(app, open_page):
    visit = open_page(app.url + exercise(n=6000, epochs=2))
    visit.until_finished(2)
    visit.preset("Modern")
    expect(visit.tiles).to_contain_text("784-128-10")
    visit.until_finished()
    found = {}
    for view in views(visit):
        for theme in THEMES if view in COLORFUL else ["light"]:
            found[view, theme] = severe(visit, theme, view)
    assert {view for view, _ in found} >= offered_tabs().keys() - {"inside"}, (
        "whose sections are looked at one by one"
    )
    assert {view: broken for view, broken in found.items() if broken} == {}


def views(visit):
    """Go through all there is to see; yield the name of each."""
    page = visit.page
    page.get_by_text("More settings").click()
    for heading in ("Regularization", "Data", "Augmentation"):
        page.get_by_role("region", name="Settings").get_by_role("button", name=heading, exact=True).click()
    yield "overview"
    page.get_by_role("application", name="Sketch pad").click()
    page.get_by_label("What did you draw?").select_option("1")
    expect(page.locator(".explorer-network-drawings li")).to_have_count(1)
    yield "a drawing"
    visit.choose("Accuracy", "Data table")
    expect(page.get_by_role("dialog", name="Accuracy: data").locator("tbody tr").first).to_be_visible()
    yield "a figure's data"
    page.keyboard.press("Escape")
    visit.choose_cell(9, 4)
    visit.gallery.locator("li button").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tooltip")).to_be_visible()
    yield "an image's outputs"
    visit.tab("data")
    expect(page.locator(".explorer-data .explorer-row-picture")).to_have_count(110)
    yield "data"
    visit.tab("mistakes")
    expect(page.locator(".explorer-mistakes tbody tr")).to_have_count(10)
    yield "mistakes"
    visit.section("Robustness")
    expect(page.locator(".explorer-robustness .explorer-gallery-caption")).to_have_count(8)
    expect(page.locator(".explorer-robustness .explorer-caption p").first).to_contain_text("at 60°")
    yield "robustness"
    visit.tab("inside")
    for section in SECTIONS:
        expect(visit.section(section)).to_have_count(1)
        yield section
    visit.tab("runs")
    boxes = page.get_by_role("checkbox", name=re.compile("^Compare run"))
    expect(boxes).to_have_count(2)
    for place in range(2):
        boxes.nth(place).press("Space")
    expect(page.locator(".explorer-side-by-side .explorer-verdict")).to_contain_text("classifies")
    yield "runs"
    visit.tab("study")
    expect(page.locator(".explorer-study")).to_contain_text("24 runs")
    yield "study"
    values = page.get_by_role("textbox", name="Values").first
    offered = values.input_value()
    enter(values, "8, 70000")
    expect(page.locator(".explorer-study-entry .explorer-error").first).to_contain_text("can't be used")
    yield "study, of bad values"
    enter(values, offered)
    page.get_by_role("button", name="Run the study").click()
    expect(page.locator(".explorer-study p")).to_contain_text(re.compile("[2-9] of 24 runs"))
    yield "study, under way"
    page.get_by_role("button", name="Stop the study").click()
    expect(page.locator(".explorer-study p")).to_contain_text("stopped")
    for view in sorted(offered_tabs().keys() - SEEN_CLOSELY):
        visit.tab(view)
        expect(page.locator(OPEN_PANEL)).to_contain_text(re.compile(r"\d"))
        yield view
    visit.tab("lab")
    page.get_by_role("button", name="b1 left out of the step").click()
    page.get_by_role("button", name="plus for minus in the step").click()
    expect(page.locator(".explorer-bug-wrong")).to_have_count(1)
    yield "lab"


def severe(visit, theme, view):
    """What keeps somebody from using the page in this view.

    What stands round the panels is the same on all tabs: it is looked at on the first. What is hidden is no part
    of a page, but it would take most of the time.
    """
    visit.page.emulate_media(color_scheme=theme)
    visit.page.wait_for_function(IN_THEME, arg=[theme, SURFACE[theme]])
    context = None if view == "overview" else OPEN_PANEL
    return visit.severe(context, **THEMES[theme])
