"""The notebook of studies answers its three questions, and goes on from its journal."""

import re
from pathlib import Path

import pytest
from lessons import complaints, execute, figures_in, read, said_by, shown

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "studies.ipynb"


@pytest.fixture(scope="module")
def run():
    return execute(read(NOTEBOOK))


@pytest.mark.long
def test_each_question_has_all_its_runs_and_an_answer(run):
    assert not complaints(run)
    said = said_by(run)
    for kind in ("batch", "rate", "depth"):
        done, planned = re.search(r"(\d+) of (\d+) runs in", said[f"{kind}-study"]).groups()
        assert done == planned
        assert re.search(r"Best of \d+: .* \(3 seeds, .*\n(Next|3 seeds can't tell)", said[f"{kind}-words"])


@pytest.mark.long
def test_it_draws_curves_and_a_map(run):
    _prepared, *cells = shown(run)
    kinds = [figure["data"][0]["type"] for html in cells for figure in figures_in(html)]
    assert kinds == ["scatter", "bar", "heatmap", "bar", "bar", "scatter", "bar"]


@pytest.mark.long
def test_the_journal_keeps_what_has_ended(run):
    first, more = re.findall(r"[\d.]+ s for (\d+) runs", said_by(run)["rate-more"])
    assert (int(first), int(more)) == (45, 60)
