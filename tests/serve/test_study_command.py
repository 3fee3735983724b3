"""Many runs in the terminal: options become a grid, what ends is kept, and each mistake is one sentence."""

import itertools
import os
import re
import signal
import subprocess
import sys
from unittest.mock import Mock

import needs
import pytest
from processes import COMMAND
from study_steps import DIVERGING

from explorer.serve import study_command
from explorer.serve.command import main
from explorer.training import PRESETS, TrainingConfig
from explorer.training.query import write_query
from explorer.training.studies import Trial, grid, read_journal, study
from explorer.training.studies.configs import Cost
from explorer.training.studies.journal import Journal

NAME = "study"
SHORT = ("--epochs", "1", "--hidden", "4")
BASE = TrainingConfig(epochs=1, hidden_sizes=4)


@pytest.fixture
def asked(command, monkeypatch):
    """The configs that options ask for, without a run."""

    def call(*options):
        found = []

        def none(configs, dataset, **_):
            found.extend(configs)
            yield Trial(configs[0], "failed", error="not run")

        monkeypatch.setattr(study_command, "study", none)
        code, _, err = command(*options, "--yes")
        assert (code, err) == (1, "")
        return tuple(found)

    return call


def lines(text, pattern):
    return [line for line in text.splitlines() if re.search(pattern, line)]


ONE = ("--seeds", "1")
FIVE, FAST = TrainingConfig(seed=5), TrainingConfig(learning_rate=1)


@pytest.mark.parametrize(
    ("options", "configs"),
    [
        (
            (*SHORT, "--batch-size", "8, 64", "--lr", "0.01,0.1,0.01", "--seeds", "2"),
            grid(BASE, batch_size=[8, 64], learning_rate=[0.01, 0.1], seed=[0, 1]),
        ),
        ((*SHORT, "--lr", "0.001..0.1 x3, 1", *ONE), grid(BASE, learning_rate=[0.001, 0.01, 0.1, 1.0])),
        (("--hidden", "8,16-4,784-3-10", "--seed", "5"), grid(FIVE, hidden_sizes=[8, (16, 4), 3])),
        (("--preset", "modern", "--n", "all,100", *ONE), grid(PRESETS["Modern"], n_train=[None, 100])),
        (("--from-url", "?preset=exercise&hidden=9&lr=0.5", "--lr", "1", *ONE), grid(FAST, hidden_sizes=[9])),
    ],
)
def test_values_make_a_grid(asked, options, configs):
    assert asked(*options) == configs


@pytest.mark.parametrize(("options", "seeds"), [
    ([], [0, 1, 2]), (["--seeds", "2"], [0, 1]), (["--seed", "7"], [7]), (["--seed", "7,3"], [7, 3]),
    (["--seed", "7", "--seeds", "2"], [7, 8]), (["--from-url", "?seed=4", "--seeds", "2"], [4, 5]),
])  # fmt: skip
def test_seeds_are_counted_or_listed(asked, options, seeds):
    assert [config.seed for config in asked(*options)] == seeds


def test_lines_table_and_words(command):
    code, out, err = command(*SHORT, "--batch", "1,600", "--lr", "0.1", "--seeds", "2")
    assert (code, err, "\x1b" in out) == (0, "", False)
    assert re.match(r"patterns\d*: 4 runs, about \d+ seconds? on \d+ cores?\n", out)
    assert len(lines(out, r"^[1-4] of 4  batch size (1|600), seed [01]: \d+\.\d\d.% in \d+\.\d\d s$")) == 4
    _, table, words = out.split("\n\n")
    head, *rows = table.splitlines()
    assert head.split() == ["batch", "size", "runs", "median", "lowest", "highest", "seconds", "diverged"]
    assert [row.split()[:2] for row in rows] == [["1", "2"], ["600", "2"]]
    assert "2 seeds" in words


def test_the_runs_are_those_of_a_study(command, small_dataset, tmp_path):
    file = tmp_path / "study.jsonl"
    code, out, err = command(*SHORT, "--batch", "8,64", "--seeds", "3", "--out", str(file))
    assert (code, err, len(lines(out, "of 6  "))) == (0, "", 6)
    trials = study(grid(BASE, batch_size=[8, 64], seed=range(3)), small_dataset)
    expected = {trial.config: trial.final for trial in trials}
    assert {trial.config: trial.final for trial in read_journal(file).trials} == expected


def test_a_diverged_run_is_a_result(command):
    code, out, err = command("--from-url", write_query(DIVERGING), "--seed", "3")
    assert (code, err) == (0, "")
    assert len(lines(out, r"^1 of 1  seed 3: diverged: .*not been a number.* in ")) == 1
    assert lines(out, "^   1       –       –        –  .*         1$")


def test_a_large_study_starts_only_if_it_is_confirmed(command, tmp_path):
    options = ("--out", str(tmp_path / "study.jsonl"), "--seeds", "1001")
    code, out, err = command(*options)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert re.search(r"1\s001 runs, about .* on .*; expected --yes", err)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_a_terminal_is_asked(command, monkeypatch, answer, code):
    monkeypatch.setattr(study_command, "measured_cost", lambda *_, **__: Cost({BASE: 1.0}, 1, 4000.0))
    monkeypatch.setattr(sys, "stdin", Mock(isatty=lambda: True, readline=lambda *_: f"{answer}\n"))
    found, out, err = command(*SHORT, "--seed", "0")
    assert (found, "1 of 1" in out) == (code, code == 0)
    assert "1 run, about 1.1 hours on 1 core. Start? [y/N] " in err


def test_it_goes_on_where_it_was_stopped(command, tmp_path):
    file = tmp_path / "study.jsonl"
    options = (*SHORT, "--batch", "8,64", "--out", str(file), "--seeds", "2")
    _, undisturbed, _ = command(*options)
    before = file.read_bytes()
    file.write_bytes(before[:-10])  # cut off in the last line
    code, out, err = command(*options)
    assert code == 0
    assert "study.jsonl already has 3 of 4 runs.\n" in err
    assert len(lines(out, "^4 of 4  batch size 64, seed 1: ")) == 1
    assert not lines(out, "^[123] of 4")
    assert medians(out) == medians(undisturbed)
    code, out, err = command(*options)
    assert (code, "Every run is already in the journal." in out, "of 4  " in out) == (0, True, False)
    assert medians(out) == medians(undisturbed)
    assert len(read_journal(file).trials) == 4


def medians(out):
    """The rows of the table, without seconds."""
    return [line.split()[:5] for line in lines(out, r"^ +(8|64) +2 ")]


def test_a_journal_that_cannot_be_used_is_one_sentence(command, tmp_path, small_dataset):
    """Which ones can't be is in the journal's own tests."""
    foreign, used = (tmp_path / f"{name}.jsonl" for name in ("foreign", "used"))
    foreign.write_text("precious\n")
    with Journal(used, small_dataset):
        said = [command(*SHORT, "--out", str(file)) for file in (foreign, used)]
    assert [code for code, _, _ in said] == [2, 2]
    ends = [err.splitlines()[-1] for _, _, err in said]
    assert ends[0] == "nn-explorer study: foreign.jsonl is not the journal of a study."
    assert f"is in use by process {os.getpid()} on " in ends[1]
    assert foreign.read_text() == "precious\n"


def test_a_journal_that_can_no_longer_be_written_loses_no_run(command, tmp_path, monkeypatch):
    """As on a disk that gets full."""
    count, fsync = itertools.count(), os.fsync

    def full(number):
        if next(count) == 3:  # after the first line and two runs
            raise OSError(28, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", full)
    file = tmp_path / "study.jsonl"
    code, out, err = command(*SHORT, "--seeds", "5", "--out", str(file))
    assert code == 1
    said = r"study.jsonl can't be written: .*[Nn]o space left.* 2 of 5 runs are saved in"
    assert re.search(said, err)
    assert lines(out, "^   3  ")
    assert [trial.config.seed for trial in read_journal(file).trials] == [0, 1]


@needs.POSIX
@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(folder, tmp_path):
    file = tmp_path / "study.jsonl"
    options = ["--dataset", folder, "--batch", "1", "--seeds", "12", "--epochs", "5", "--out", file]
    running = started(*options)
    for _ in range(3):
        running.stdout.readline()  # the head and two runs
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    kept = len(read_journal(file).trials)
    assert 2 <= kept < 12
    place = re.escape(str(file))
    assert re.search(rf"^Stopped\. {kept} of 12 runs are saved in {place}; run", err)
    assert "Traceback" not in out + err
    out, err = started(*options).communicate(timeout=100)
    assert f"already has {kept} of 12 runs." in err
    assert len(lines(out, "^.. of 12  ")) == 12 - kept
    assert len(read_journal(file).trials) == 12


def started(*options):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", COMMAND, "study", *map(str, options)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_the_examples_of_the_help_are_commands(asked, capfd):
    with pytest.raises(SystemExit):
        main(["study", "--help"])
    examples = re.findall(r"^  nn-explorer study (.*)$", capfd.readouterr().out, re.MULTILINE)
    assert len(examples) == 2
    for example in examples:
        assert len(asked(*re.sub(r"--out \S+", "", example).split())) > 5
