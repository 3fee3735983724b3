"""A study's report is one file: what its trials came to, in figures, words and tables, nothing from elsewhere."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from functools import cache
from html import unescape

import pytest

from explorer import TrainingConfig, grid
from explorer.exports.report import study_report
from explorer.training import FIELDS
from explorer.training.studies.configs import batch_size_grid
from explorer.training.studies.journal import data_hash
from explorer.training.studies.summary import levels, study_words
from explorer.training.studies.trials import run_trial, versions

BASE = TrainingConfig(hidden_sizes=4, epochs=1, n_train=50)
STUDIES = {
    "seeds": grid(BASE, seed=[0, 1]),
    "one": grid(BASE, batch_size=[8, 50], seed=[0, 1]),
    "question": batch_size_grid(BASE, batch_sizes=[8, 50], seeds=[0, 1]),
    "two": grid(BASE, batch_size=[8, 50], learning_rate=[0.01, 0.1], seed=[0, 1]),
    "three": grid(BASE, hidden_sizes=[2, 3], batch_size=[8, 50], epochs=[1, 2]),
}


@pytest.fixture(scope="module")
def reported(data):
    """The trials of a study on the small data set, and its report."""

    @cache
    def reported(name, data=data):
        trials = [run_trial(config, data, versions()) for config in STUDIES[name]]
        return trials, study_report(trials, data, day=date(2026, 11, 6))

    return reported


def figures(html):
    return json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', html)[1])


def headings(html):
    return re.findall("<h[12][^>]*>(.*?)</h[12]>", html)


def rows(html, heading):
    """The cells of the table after a heading, its head first."""
    table = re.search(rf"{heading}</h2>.*?<table.*?>(.*?)</table>", html, re.DOTALL)[1]
    return [
        [unescape(re.sub("<.*?>", "", cell)) for cell in re.findall("<t[hd].*?</t[hd]>", row)]
        for row in re.findall("<tr.*?</tr>", table, re.DOTALL)
    ]


def test_it_says_what_the_study_came_to(reported, data):
    trials, html = reported("two")
    axes = ("batch_size", "learning_rate")
    assert "<title>Study: batch size and learning rate · " in html
    assert "8 runs on " in html
    assert "on 6 November 2026" in html
    assert study_words(trials, axes) in unescape(html)
    assert versions() in html
    assert data_hash(data) in html
    head, *found = rows(html, "Test accuracy over the seeds")
    assert head[:4] == ["batch size", "learning rate", "runs", "median"]
    expected = levels(trials, axes)
    assert [row[:3] for row in found] == [
        ["8", "0.01", "2"],
        ["8", "0.1", "2"],
        ["50", "0.01", "2"],
        ["50", "0.1", "2"],
    ]
    for row, level in zip(found, expected, strict=True):
        assert row[3:6] == [
            f"{100 * share:.2f}\u00a0%" for share in (level.median, level.lowest, level.highest)
        ]
    settings = dict(rows(html, "Settings"))
    assert settings.keys() == {field.label for field in FIELDS.values()}
    assert (settings["Batch size"], settings["Learning rate"], settings["Hidden units"]) == (
        "8, 50",
        "0.01, 0.1",
        "4",
    )


@pytest.mark.parametrize(
    ("name", "kind", "titles"),
    [
        ("seeds", None, []),
        ("one", "scatter", ["Test accuracy at the end", "Time per epoch"]),
        ("question", "scatter", ["Test accuracy at the end", "Time per epoch"]),
        ("two", "heatmap", ["Test accuracy at the end", "Time per epoch"]),
        ("three", "heatmap", ["Test accuracy at the end, epochs 1", "Test accuracy at the end, epochs 2"]),
    ],
)
def test_figures_fit_the_number_of_settings(reported, name, kind, titles):
    _, html = reported(name)
    drawn = figures(html)
    assert list(drawn) == [f"figure-{place}" for place in range(len(titles))]
    assert all(f'id="{place}"' in html for place in drawn)
    for themes in drawn.values():
        assert themes["light"]["data"][0]["type"] == kind
        papers = {themes[name]["layout"]["template"]["layout"]["paper_bgcolor"] for name in ("light", "dark")}
        assert len(papers) == 2
    assert [title for title in headings(html) if title.startswith("T") and "over" not in title] == titles


def test_text_stays_text_and_nothing_is_fetched(reported, data):
    evil = "</script><script>alert(1)</script><img src=x>"
    _, plain = reported("one")
    _, html = reported("one", replace(data, name=evil))
    assert html.count("<script") == plain.count("<script")
    assert "<img" not in html.split("<script>")[0]
    assert "default-src 'none';" in html
    assert not re.findall(
        r"""(?:src|href)=["']""", re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    )


def test_a_diverged_and_a_failed_run_are_told(reported, data):
    trials, _ = reported("one")
    lost = replace(trials[0], status="failed", final=None, error="Out of memory.")
    _, *found = rows(study_report([lost, *trials[1:]], data), "Every run")
    assert found[0][2] == "failed: Out of memory"
