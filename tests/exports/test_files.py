"""Each kind of file has its name, its ending and its type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.exports.files import KINDS, ExportError, export, kind_of
from explorer.training import Moment

from .conftest import CONFIG


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_named_after_its_run(exported, kind):
    file = export(kind, exported(CONFIG.replace(hidden_sizes=(8, 4), seed=7)))
    assert file.name == f"explorer-784-8-4-10-seed7{KINDS[kind].suffix}"
    assert file.media_type == KINDS[kind].media_type
    assert file.content


def test_a_moment_that_is_looked_back_at_is_named(exported, trained):
    run = exported()
    history, _ = trained(CONFIG.replace(epochs=2))
    back = replace(run, moment=Moment(history.last, run.moment.snapshot))
    assert export("weights", back).name == "explorer-784-8-10-seed0-epoch2.npz"


@pytest.mark.parametrize("kind", KINDS)
def test_equal_runs_give_equal_files(exported, kind):
    run = exported()
    assert export(kind, run) == export(kind, run)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("a.html", "report"), ("x/y.py", "script"), ("run.CSV", "csv"), ("a.b.npz", "weights")],
)
def test_the_ending_says_the_kind(path, kind):
    assert kind_of(path) == kind


def test_what_is_unknown_is_refused(exported):
    with pytest.raises(ExportError, match=r"run.pdf has an unknown ending; expected one of .html \(Report"):
        kind_of("run.pdf")
    with pytest.raises(ExportError, match="kind is 'pdf'; expected one of report, script, csv, weights"):
        export("pdf", exported())
