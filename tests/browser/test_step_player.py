"""A step of training, played on the drawing of the network in a real Chromium, by button and by keys."""

from __future__ import annotations

from playwright.sync_api import expect


def test_a_step_is_played_scene_by_scene_and_left(app, open_page):
    found = open_page(app.exercise, reduced_motion="no-preference")
    found.until_drawn()
    found.until_finished(10)
    page, drawing = found.page, found.page.locator(".explorer-network")
    player = page.locator(".explorer-step-player")
    status, units = player.get_by_role("status"), drawing.get_by_role("listbox").first
    found.button("Play a step").click()
    expect(drawing).to_have_attribute("data-scene", "after")  # it plays by itself
    expect(found.button("Play", exact=True)).to_be_visible()

    units.focus()  # arrows go through the scenes in the drawing as well
    page.keyboard.press("ArrowLeft")
    expect(status).to_contain_text("Step, scene 4 of 5: the weight from unit")
    page.keyboard.press("ArrowLeft")
    expect(drawing).to_have_attribute("data-scene", "backward")
    expect(drawing).to_contain_text("delta2[7] = (y[7] − d[7]) · y[7] (1 − y[7]) = ")
    found.button("a mini-batch").click()
    expect(player).to_contain_text("Means over 512 training images.")
    expect(found.button("Backward", exact=True)).to_have_attribute("aria-current", "step")
    assert found.severe() == []
    page.keyboard.press("Escape")
    expect(found.button("Play a step")).to_be_focused()
    expect(drawing).to_contain_text("from 27 other units")

    page.emulate_media(reduced_motion="reduce")
    units.focus()
    page.keyboard.press(".")
    expect(drawing).to_have_attribute("data-scene", "forward")
    page.keyboard.press("ArrowRight")
    expect(status).to_contain_text("Loss, scene 2 of 5: the mean loss is")
    expect(drawing).to_have_attribute("data-scene", "loss")
    found.assert_clean()
