"""A study that is killed goes on where it was."""

from __future__ import annotations

import json
from collections import Counter

import needs
import processes
import pytest
from study_steps import CountingThreads, by_config, is_alive, script, until

from explorer import load_dataset
from explorer.training import TrainingConfig
from explorer.training.studies import grid, read_journal, study

pytestmark = [needs.PROC, pytest.mark.long]

CONFIGS = grid(TrainingConfig(hidden_sizes=(16,), epochs=40, batch_size=4), seed=range(12))

STUDY = """
import sys
from explorer.training import TrainingConfig
from explorer.training.studies import grid, study
if __name__ == "__main__":
    folder, journal = sys.argv[1:]
    base = TrainingConfig(hidden_sizes=(16,), epochs=40, batch_size=4)
    for trial in study(grid(base, seed=range(12)), folder, journal=journal):
        print(trial.config.seed, flush=True)
"""


@pytest.fixture(scope="module")
def undisturbed(folder):
    with CountingThreads(1) as executor:
        return by_config(study(CONFIGS, folder, executor=executor))


@pytest.fixture
def begin(folder, tmp_path):
    """Start the study in a process of its own, with its journal."""
    path = tmp_path / "study.py"
    path.write_text(STUDY, encoding="utf-8")
    return lambda: script(path, folder, tmp_path / "study.jsonl")


def n_rows(journal):
    """Its lines so far, without who writes."""
    return journal.read_bytes().count(b'{"config": ') if journal.exists() else 0


@pytest.mark.sweep
def test_a_study_that_is_killed_again_and_again_loses_no_trial_and_runs_none_twice(
    begin, folder, tmp_path, undisturbed
):
    journal, kept = tmp_path / "study.jsonl", 0
    while kept < len(CONFIGS) - 2:
        with begin() as killed:
            seen = until(lambda: n_rows(journal) > kept and n_rows(journal))  # noqa: B023
            workers = processes.children(killed.pid)
            killed.kill()
        until(lambda: not any(map(is_alive, workers)))  # noqa: B023
        kept = len(read_journal(journal).trials)
        assert kept >= seen - 1  # its last line may not have been whole yet
    with CountingThreads(1) as executor:
        found = by_config(study(CONFIGS, load_dataset(folder), executor=executor, journal=journal))
    assert len(executor.begun) == len(CONFIGS) - kept
    assert found == undisturbed
    rows = [json.loads(line) for line in journal.read_bytes().splitlines()]
    counts = Counter(row["config"]["seed"] for row in rows if "config" in row)
    assert counts == dict.fromkeys(range(12), 1)
