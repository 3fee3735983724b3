"""Points in a plane in a real Chromium: chosen, learned live, added by click and key, kept by a link."""

import re

import pytest
from playwright.sync_api import expect

REDRAWN = """globalThis.surfaces = 0;
const put = OffscreenCanvasRenderingContext2D.prototype.putImageData;
OffscreenCanvasRenderingContext2D.prototype.putImageData = function (...given) {
  surfaces += 1;
  return put.apply(this, given);
};"""
TILES = """() => [...document.querySelectorAll('.explorer-network-unit')]
  .every((tile) => getComputedStyle(tile).backgroundImage.startsWith('url("blob:'))"""


@pytest.fixture
def visit(app, open_page):
    found = open_page(app.url, prepare=lambda page: page.add_init_script(REDRAWN))
    found.until_finished(10)
    yield found
    found.assert_clean()


@pytest.mark.long
def test_spirals_are_learned_extended_and_kept_by_a_link(visit):
    page, header = visit.page, visit.page.locator(".explorer-sizes")
    choice = page.get_by_role("button", name="Data set")
    choice.press("Enter")
    page.get_by_role("button", name="More about the data").press("Enter")
    expect(page.get_by_role("tab", name="Data", exact=True)).to_have_attribute("aria-selected", "true")
    choice.press("Enter")
    page.get_by_role("button", name="Spirals", exact=True).press("Enter")
    expect(header).to_have_text("350 train, 150 test points")
    expect(choice).to_be_focused()
    # also before the first screen of these points has been made
    assert page.locator(".explorer-panel:visible").first.bounding_box()["height"] > 400
    visit.tab("overview")
    visit.until_finished(300)
    visit.until_points(">= 300")
    assert visit.curve("accuracy", "test")[-1] >= 95
    page.wait_for_function("surfaces >= 1")  # a fast machine has no time for more
    page.wait_for_function(TILES)

    plane = page.locator(".explorer-place-network").get_by_role("application", name=re.compile("^Plane"))
    caption = page.locator(".explorer-network-source .explorer-caption p:not(.explorer-unseen)")
    expect(caption).to_contain_text("Test point 0")
    plane.hover(position={"x": 40, "y": 40})
    expect(caption).to_have_text(re.compile("^This point, read as [AB]$"))
    plane.click(position={"x": 40, "y": 40})
    expect(header).to_have_text("351 train, 150 test points")
    page.get_by_role("button", name="B", exact=True).click()
    plane.focus()
    for key in ("ArrowUp", "ArrowLeft", "Enter"):
        plane.press(key)
    expect(header).to_have_text("352 train, 150 test points")
    expect(plane).to_be_focused()
    visit.until_finished(300)
    assert visit.severe(".explorer-place-network") == []
    unit = page.locator(".explorer-control[data-name=batch_size] .explorer-control-unit")
    expect(unit).to_have_text("points")
    assert re.findall(r"\bimages?\b", page.locator("body").inner_text()) == []

    expect(page).to_have_url(re.compile(r"data=spirals,500,0\.01,0\.7,0,[0-9a-f]{4}00[0-9a-f]{4}01"))
    visit.until_points(">= 300")
    accuracy = visit.curve("accuracy", "test")
    page.reload()
    expect(header).to_have_text("352 train, 150 test points")
    visit.until_finished(300)
    visit.until_points(f">= {len(accuracy)}")
    assert visit.curve("accuracy", "test").tolist() == accuracy.tolist()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(header).to_have_text("351 train, 150 test points")
    visit.until_finished(300)
