"""Changed test images in a real Chromium: the curves of two runs, the slider, the link."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import TrainingConfig, load_mnist
from explorer.datasets.corruption import CORRUPTIONS, corrupt
from explorer.datasets.dataset import pixel_columns
from explorer.training import Snapshot, TrainingRun

QUERY = "?hidden=8&epochs=2&tab=mistakes&section=robustness"
CURVES = """() => [...document.querySelectorAll('.explorer-robustness .js-plotly-plot')].flatMap(
  (plot) => plot.data.filter((t) => t.visible === true).map((t) => [t.name, Array.from(t.y)]))"""
MARKED = "() => document.querySelector('.explorer-robustness .js-plotly-plot').layout.shapes.map((s) => s.x0)"


def accuracies(config, kind):
    """What a network with these settings comes to on 2000 of the test images, by the textbook's class."""
    data = load_mnist()
    training = TrainingRun(config, data)
    *_, last = (event for event in training if isinstance(event, Snapshot))
    network = training.new_network()
    network.set_weights(last.weights)
    images, labels = data.test_images[::5], data.test_labels[::5]
    changed = (corrupt(images, kind, amount) for amount in CORRUPTIONS[kind].amounts)
    return [100 * np.mean(network.predict(pixel_columns(one)) == labels) for one in changed]


@pytest.mark.long
def test_curves_slider_and_link(app, open_page, wait_for):
    visit = open_page(app.url + QUERY)
    page = visit.page
    section = page.locator(".explorer-robustness")
    caption = section.locator(".explorer-caption p").first
    expect(caption).to_contain_text("at 60°")
    expect(caption).to_contain_text("Accuracy on 2 000 of 10 000 test images: this run ")
    config = TrainingConfig(hidden_sizes=8, epochs=2)
    wait_for(lambda: [len(y) for _, y in page.evaluate(CURVES)] == [len(CORRUPTIONS["rotation"].amounts)])
    ((name, found),) = page.evaluate(CURVES)
    assert name == "this run"
    assert found == pytest.approx(
        accuracies(config, "rotation"), abs=0.11
    )  # two images: BLAS rounds otherwise

    slider = section.get_by_role("slider", name="Rotation")
    assert page.evaluate(MARKED) == [30]
    pictures = section.locator(".explorer-gallery-caption")
    expect(pictures).to_have_count(8)
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "−60°")
    wait_for(lambda: page.evaluate(MARKED) == [-60])
    expect(section.locator(".explorer-slider p")).to_contain_text("of these 8 test images")

    section.get_by_text("Shift", exact=True).click()
    expect(section.get_by_role("slider", name="Shift")).to_have_attribute("aria-valuetext", "5 px")
    expect(caption).to_contain_text("at 8 px")

    visit.set(hidden_sizes=16)
    section.get_by_label("compared with").select_option("2")  # the first is that of the page before the link
    expect(caption).to_contain_text("; run 2 ")
    wait_for(lambda: [len(y) for _, y in page.evaluate(CURVES)] == [8, 8])
    curves = dict(page.evaluate(CURVES))
    assert curves["run 2"] == pytest.approx(accuracies(config, "shift"), abs=0.11)
    wider = accuracies(config.replace(hidden_sizes=16), "shift")
    assert curves["this run"] == pytest.approx(wider, abs=0.11)

    assert "section=robustness" in page.url
    page.get_by_text("Mistakes", exact=True).nth(1).click()
    expect(page.locator(".explorer-mistakes")).to_be_visible()
    expect(page).not_to_have_url(re.compile("section"))
    visit.assert_clean()
