"""A study that is killed, or left by Ctrl-C, goes on where it was."""

from __future__ import annotations

import json
import os
import signal
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
import signal, sys
from explorer.training import TrainingConfig
from explorer.training.studies import grid, study
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests may ignore it
    folder, journal, *last = sys.argv[1:]
    base = TrainingConfig(hidden_sizes=(16,), epochs=40, batch_size=4)
    configs = grid(base, seed=range(12))
    if last:
        configs += (configs[-1].replace(epochs=500, batch_size=1, hidden_sizes=(512,)),)
    for trial in study(configs, folder, journal=journal):
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
    return lambda *last: script(path, folder, tmp_path / "study.jsonl", *last)


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


def in_session(leader):
    """The processes of a session that live."""
    found = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    return [pid for pid in found if pid != leader and is_alive(pid) and session_of(pid) == leader]


def session_of(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def test_ctrl_c_keeps_what_is_done_and_leaves_no_process(begin, tmp_path, undisturbed):
    journal = tmp_path / "study.jsonl"
    with begin("and one that takes hours") as left:
        told = [int(left.stdout.readline()) for _ in CONFIGS[:3]]
        os.killpg(left.pid, signal.SIGINT)
        out, error = left.communicate(timeout=60)
    told += map(int, out.split())
    assert error.count("Traceback") == 1  # the study's own; its workers say nothing
    assert error.rstrip().endswith("KeyboardInterrupt")
    until(lambda: not in_session(left.pid))
    kept = {trial.config.seed: trial for trial in read_journal(journal).trials}
    assert kept.keys() >= {*told}
    assert {*kept.values()} <= {*undisturbed.values()}
