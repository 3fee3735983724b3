"""The notebook of demonstrations runs each of them, and each reaches what it must."""

import re
from pathlib import Path

import pytest
from lessons import complaints, execute, figures_in, read, shown

from explorer.extensions.demonstrations.all import DEMONSTRATIONS

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "demonstrations.ipynb"


def test_it_asks_each_question_and_then_runs_it():
    _title, _prepare, *cells = read(NOTEBOOK).cells
    assert len(cells) == 2 * len(DEMONSTRATIONS)
    for one, question, answer in zip(DEMONSTRATIONS, cells[::2], cells[1::2], strict=True):
        assert question.source.endswith(f"{one.texts.title}\n\n{one.texts.question}")
        assert answer.source.startswith(f'demonstrate("{one.key}"')


@pytest.mark.sweep
def test_each_is_drawn_and_reaches_what_it_must():
    run = execute(read(NOTEBOOK))
    assert not complaints(run)
    _prepared, *cells = shown(run)
    _ready, *texts = shown(run, "text/plain")
    assert [len(figures_in(html)) for html in cells] == [1] * len(DEMONSTRATIONS)
    for one, text in zip(DEMONSTRATIONS, texts, strict=True):
        assert re.match(r"-?[\d.e-]+(?=[.\s])", text)
        verdict = "yes" if all(claim.seeds for claim in one.texts.claims) else "partly"
        assert f"Reproduced in this run: {verdict}." in text
        assert "nan" not in text
