"""Every tab, light and dark, under the rules of axe-core, which comes with a package and needs no network."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

SEVERE = ("serious", "critical")
THEMES = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}
"""What axe-core looks at in each: in the dark only the colours are others."""
IN_THEME = """(theme) => {
  const surface = theme === 'dark' ? 'rgb(23, 28, 35)' : 'rgb(255, 255, 255)';
  const figures = document.querySelectorAll('.js-plotly-plot .svg-container > .main-svg:first-child');
  return document.documentElement.dataset.explorerTheme === theme && [...figures]
    .filter((figure) => figure.checkVisibility())
    .every((figure) => getComputedStyle(figure).backgroundColor === surface);
}"""
COLOURFUL = {
    "overview",
    "data",
    "a figure's data",
    "an image's outputs",
    "mistakes, compared",
    "robustness",
    "Weights",
    "One image",
    "draw",
    "runs",
    "study",
    "lab",
}
"""Where all colours of the page are seen at least once."""
SECTIONS = ["Weights", "Histograms", "Over time", "Gradient check", "One image"]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_nothing_severe_on_any_tab(app, open_page):
    page = open_page(f"{app.url}?epochs=2").page
    until_finished(page, "784-32-10")
    page.get_by_role("button", name="Modern").click()
    until_finished(page, "784-128-10")
    found, axe = {}, Axe()
    page.evaluate(axe.axe_script)
    axe.axe_script = ""  # it is there, and stays
    for view in views(page):
        for theme in THEMES if view in COLOURFUL else ["light"]:
            found[view, theme] = severe(axe, page, theme, view)
    assert {view: broken for view, broken in found.items() if broken} == {}


def views(page):
    """Go through all there is to see; yield the name of each."""
    page.get_by_text("More settings").click()
    for heading in ("Regularization", "Data", "Augmentation"):
        page.get_by_role("region", name="Settings").get_by_role("button", name=heading, exact=True).click()
    yield "overview"
    page.get_by_role("button", name="Accuracy: picture").click()
    page.get_by_role("button", name="Data table").click()
    expect(page.get_by_role("dialog", name="Accuracy: data").locator("tbody tr").first).to_be_visible()
    yield "a figure's data"
    page.keyboard.press("Escape")
    page.locator(".explorer-place-gallery li button").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tooltip")).to_be_visible()
    yield "an image's outputs"
    opened(page, "Data")
    expect(page.locator(".explorer-data .explorer-row-picture")).to_have_count(110)
    yield "data"
    opened(page, "Mistakes")
    expect(page.locator(".explorer-mistakes tbody tr")).to_have_count(10)
    page.get_by_label("compared with").select_option(index=1)
    expect(page.locator(".explorer-mistakes-compared .explorer-caption")).to_contain_text("Green")
    yield "mistakes, compared"
    page.get_by_role("radiogroup", name="Section").get_by_text("Robustness").click()
    expect(page.locator(".explorer-robustness .explorer-gallery-caption")).to_have_count(8)
    expect(page.locator(".explorer-robustness .explorer-caption p").first).to_contain_text("at 60°")
    yield "robustness"
    opened(page, "Inside")
    for section in SECTIONS:
        page.get_by_role("radiogroup", name="Section").get_by_text(section, exact=True).click()
        expect(page.locator(".explorer-section:not(.explorer-hidden)")).to_have_count(1)
        yield section
    opened(page, "Draw")
    page.get_by_role("button", name="Load a test image").click()
    expect(page.locator(".explorer-draw-sentence")).to_contain_text("It is test image")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("application", name="Sketch pad").click()
    page.get_by_role("button", name="This is a 1", exact=True).click()
    expect(page.locator(".explorer-draw-kept li")).to_have_count(1)
    yield "draw"
    opened(page, "Runs")
    boxes = page.get_by_role("checkbox", name=re.compile("^Compare run"))
    expect(boxes).to_have_count(3)
    for place in range(2):
        boxes.nth(place).press("Space")
    expect(page.locator(".explorer-side-by-side .explorer-verdict")).to_contain_text("classifies")
    yield "runs"
    opened(page, "Study")
    expect(page.locator(".explorer-study")).to_contain_text("48 runs")
    yield "study"
    page.get_by_text("Settings of your choice").click()
    page.get_by_role("textbox", name="Values").first.fill("0.01, 200")
    page.keyboard.press("Enter")
    expect(page.locator(".explorer-study-axes .explorer-error").first).to_contain_text("can't be used")
    yield "study, of bad values"
    page.locator(".explorer-study-question").get_by_text("Batch size").click()
    page.get_by_role("button", name="Run the study").click()
    expect(page.locator(".explorer-study p")).to_contain_text(re.compile("[2-9] of 48 runs"), timeout=90_000)
    yield "study, under way"
    page.get_by_role("button", name="Stop the study").click()
    expect(page.locator(".explorer-study p")).to_contain_text("stopped")
    opened(page, "Lab")
    page.get_by_role("button", name="b1 left out of the step").click()
    page.get_by_role("button", name="plus for minus in the step").click()
    expect(page.locator(".explorer-bug-wrong")).to_have_count(1)
    yield "lab"


def until_finished(page, sizes):
    expect(page.locator(".explorer-tiles")).to_contain_text(sizes, timeout=90_000)
    expect(page.locator(".explorer-run")).to_contain_text("finished", timeout=90_000)


def opened(page, tab):
    page.get_by_role("tab", name=tab).click()
    expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")


def severe(axe, page, theme, view):
    """What keeps somebody from using the page: the rule, and the elements that break it.

    What stands round the panels is the same on all tabs: it is looked at on the first. What is hidden is no part
    of a page, but it would take most of the time.
    """
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(IN_THEME, arg=theme)
    context = None if view == "overview" else ".explorer-place-panels > :not(.explorer-hidden)"
    options = {"resultTypes": ["violations"], **THEMES[theme]}
    found = axe.run(page, context, options).response["violations"]
    return [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]])
        for violation in found
        if violation["impact"] in SEVERE
    ]
