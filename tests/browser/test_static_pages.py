"""Lessons and a study's report as pages from the disk: with no other host to ask, in both themes, on a phone."""

from __future__ import annotations

import pytest
from browser.page_object import SURFACE
from lessons import execute, tutorial_before
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from explorer import TrainingConfig, grid
from explorer.exports.report import study_report
from explorer.training.studies.trials import run_trial, versions

PHONE = {"width": 390, "height": 844}
ALL_DRAWN = "n => document.querySelectorAll('.lesson-plot:has(.main-svg)').length === n"
UNREACHABLE = """() => [...document.querySelectorAll('.highlight > pre, .lesson-code, .lesson-table')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'auto')
    .map((e) => e.textContent)"""
BACKGROUND = "() => document.querySelector('.lesson-plot .main-svg').style.background"


def lesson(executed, theme, open_file, folder):
    """Open a notebook as a page on which every figure is drawn."""
    text, _ = HTMLExporter(theme=theme).from_notebook_node(executed)
    path = folder / f"{theme}.html"
    path.write_text(text, encoding="utf-8")
    found = open_file(path)
    found.page.wait_for_function(ALL_DRAWN, arg=text.count('class="lesson-plot"'))
    return found


@pytest.mark.long
def test_the_tutorial_draws_all_figures_without_any_host_and_fits_a_phone(open_file, tmp_path):
    executed = execute(tutorial_before(part=4))
    for theme, other in (("light", "dark"), ("dark", "light")):
        found = lesson(executed, theme, open_file, tmp_path)
        page = found.page
        assert page.evaluate(BACKGROUND) == SURFACE[theme]
        assert page.locator(f"img.lesson-{theme}").first.is_visible()
        assert not page.locator(f"img.lesson-{other}").first.is_visible()
        page.set_viewport_size(PHONE)
        page.wait_for_function("() => document.documentElement.scrollWidth === 390")
        assert page.evaluate(UNREACHABLE) == []
        assert found.page_errors == []


@pytest.mark.long
def test_a_study_s_report_is_drawn_in_both_themes_and_fits_the_page(open_file, small_dataset, tmp_path):
    base = TrainingConfig(hidden_sizes=4, epochs=1)
    configs = grid(base, batch_size=[1, 8, 64], learning_rate=[0.01, 0.1], seed=[0, 1])
    trials = [run_trial(config, small_dataset, versions()) for config in configs]
    (path := tmp_path / "study.html").write_text(study_report(trials, small_dataset), encoding="utf-8")
    found = open_file(path, color_scheme="dark", viewport={"width": 1440, "height": 844})
    page = found.page
    page.get_by_text("Every run").click()
    assert page.locator("details tbody tr").count() == 12
    for width, theme in ((1440, "dark"), (390, "light")):
        page.set_viewport_size(PHONE | {"width": width})
        page.emulate_media(color_scheme=theme)
        for figure in ("figure-0", "figure-1"):
            drawn = page.locator(f"#{figure} .main-svg").first
            expect(drawn).to_have_css("background-color", SURFACE[theme])
        assert found.severe(impacts=None) == []
        page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=width)
    found.assert_clean()
