"""A study's report opens from the disk, light and dark, on a desk and a phone, and asks nobody for anything."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from explorer import TrainingConfig, grid
from explorer.exports.study_report import study_report
from explorer.training.studies.trials import run_trial, versions

SURFACES = {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 28, 35)"}


@pytest.fixture(scope="module")
def report(small_dataset, tmp_path_factory):
    base = TrainingConfig(hidden_sizes=4, epochs=1)
    configs = grid(base, batch_size=[1, 8, 64], learning_rate=[0.01, 0.1], seed=[0, 1])
    path = tmp_path_factory.mktemp("report") / "study.html"
    trials = [run_trial(config, small_dataset, versions()) for config in configs]
    path.write_text(study_report(trials, small_dataset), encoding="utf-8")
    return path


@pytest.mark.long
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_drawn_in_both_themes_and_fits_the_page(report, browser, width):
    context = browser.new_context(offline=True, color_scheme="dark", viewport={"width": width, "height": 844})
    try:
        page, errors, asked = context.new_page(), [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(report.as_uri())
        page.get_by_text("Every run").click()
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            for figure in ("figure-0", "figure-1"):
                drawn = page.locator(f"#{figure} .main-svg").first
                expect(drawn).to_have_css("background-color", SURFACES[theme])
            assert [found["id"] for found in Axe().run(page).response["violations"]] == []
        assert page.locator("details tbody tr").count() == 12
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert errors == []
        assert [url[:5] for url in asked if not url.startswith("data:")] == ["file:"]
    finally:
        context.close()
