"""The Inside tab in a real Chromium, on a network that has learned all of MNIST."""

from __future__ import annotations

import re

import pytest
from browser.page_object import enter, number
from playwright.sync_api import expect
from reference_runs import snapshots

from explorer import TrainingConfig, load_mnist
from explorer.figures.formulas import written
from explorer.training import new_network

SIZES = [(390, 844), (1440, 900)]
SECTIONS = {
    "Weights": "",
    "Histograms": "histograms",
    "Over time": "time",
    "Gradient check": "check",
    "One image": "image",
}
"""What a section is called, on its button and in the address, where the first needs no name."""
SETTLED = """() => {
  const section = document.querySelector('.explorer-section:not(.explorer-hidden)');
  const fills = (place) => {
    const plot = place.querySelector('.js-plotly-plot');
    return Math.abs(plot?.querySelector('.main-svg')?.getAttribute('width') - plot?.clientWidth) < 2;
  };
  return section?.offsetHeight > 0 && [...section.querySelectorAll('.explorer-panel-figure')].every(fills);
}"""


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    found = open_shared_page(f"{app.url}?tab=inside")
    found.until_finished()
    expect(found.page.locator(".explorer-weight-image").first).to_be_visible(timeout=60_000)
    return found


@pytest.fixture
def page(shared):
    """The shared page in its first size, with the last of ten epochs."""
    page = shared.page
    page.set_viewport_size({"width": 1440, "height": 900})
    newest = page.get_by_role("button", name="Latest epoch")
    if newest.is_enabled():
        newest.click()
    if shared.number("epochs").input_value() != "10":
        shared.set(epochs=10)
    shared.until_finished(10)
    expect(page.locator(".explorer-time output")).to_have_text("epoch 10")
    return page


def network(snapshot):
    nn = new_network(TrainingConfig(), load_mnist())
    nn.set_weights(snapshot.weights)
    return nn


def image_number(page):
    return page.get_by_role("spinbutton", name=re.compile("Test image"))


def show(page, section):
    """Go to a section; the address follows when it is there."""
    page.get_by_role("radiogroup", name="Section").get_by_text(section, exact=True).click()
    there = "(name) => (new URLSearchParams(location.search).get('section') ?? '') === name"
    page.wait_for_function(there, arg=SECTIONS[section])


def value(page, name):
    """What a formula of the walkthrough ends with."""
    line = page.locator(".explorer-formula").filter(has=page.get_by_text(name, exact=True)).first
    return line.locator("b")


def test_a_click_on_a_unit_shows_where_it_leads(shared, page):
    show(page, "Weights")
    units = page.get_by_role("radio", name=re.compile("^Unit "))
    expect(units).to_have_count(32)
    page.locator(".explorer-weight-image").nth(7).click()
    outgoing = page.locator(".explorer-bars").filter(has_text="Unit 7 ")
    W2 = snapshots()[-1].weights[2]
    expect(outgoing.locator(".explorer-bars-text")).to_have_text([written(float(w)) for w in W2[:, 7]])
    units.nth(7).focus()
    units.nth(7).press("ArrowRight")
    expect(page.locator(".explorer-bars:visible")).to_contain_text("Unit 8 ")
    shared.assert_clean()


def test_a_unit_is_chosen_by_its_strip_and_by_keys(page):
    show(page, "One image")
    enter(image_number(page), 0)
    nn = network(snapshots()[-1])
    nn.forward(load_mnist().X_test[:, :1])
    strip = page.get_by_role("img", name=re.compile("^h1 of all 32 units"))
    box = strip.bounding_box()
    strip.click(position={"x": box["width"] * 4.5 / 32, "y": 5})
    expect(page.locator(".explorer-formula").first).to_contain_text("a1[4]")
    expect(value(page, "h1[4]")).to_have_text(written(float(nn.h1[4, 0])))
    slider = page.get_by_role("slider", name=re.compile("^Unit, Layer 1"))
    slider.focus()
    slider.press("ArrowRight")
    expect(page.locator(".explorer-formula").first).to_contain_text("a1[5]")
    expect(slider).to_be_focused()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_section_fits_the_width(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    for section in SECTIONS:
        show(page, section)
        page.wait_for_function(SETTLED)
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        panel = page.locator(".explorer-sectioned")
        assert panel.evaluate("(panel) => panel.scrollWidth <= panel.clientWidth"), section


def test_images_change_while_training_and_the_chosen_unit_keeps_the_focus(page):
    show(page, "Weights")
    page.locator(".explorer-weight-image").nth(3).click()
    enter(number(page, "epochs"), 500)
    page.get_by_role("radio", name="Unit 3", exact=True).focus()
    first = "() => getComputedStyle(document.querySelector('.explorer-weight-image')).backgroundImage"
    seen = {page.evaluate(first)}
    for _ in range(2):
        page.wait_for_function(f"(seen) => !seen.includes(({first})())", arg=list(seen))
        seen.add(page.evaluate(first))
    expect(page.get_by_role("radio", name="Unit 3", exact=True)).to_be_focused()
    page.get_by_role("button", name="Stop", exact=True).click()
