"""The journal of a study: nothing that has ended is lost, and nothing is run twice."""

import dataclasses
import errno
import json
import math
import os
import random
import sys
from collections import Counter
from contextlib import contextmanager

import hypothesis.strategies as st
import needs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays
from study_steps import DIVERGING, SMALL, CountingThreads, by_config, journal_content

from explorer.training import EpochRecord, TrainingConfig
from explorer.training.studies import FinalFigures, StudyError, Trial, grid, read_journal, study
from explorer.training.studies.journal import Journal, parse_journal

CONFIGS = (*grid(SMALL, seed=range(4)), DIVERGING)


@pytest.fixture(scope="module")
def finished(small_dataset, tmp_path_factory):
    """The content of the journal of a study that nobody disturbed."""
    path = tmp_path_factory.mktemp("journal") / "study.jsonl"
    resumed(path, small_dataset)
    return path.read_bytes()


def resumed(path, dataset, configs=CONFIGS):
    """The configs that a study runs with a journal, and its trials."""
    with CountingThreads(1) as executor:
        trials = by_config(study(configs, dataset, executor=executor, journal=path))
    return executor.begun, trials


figures, shares, times = st.floats(), st.floats(0, 1), st.floats(0, 1e9)


def epochs(n_classes):
    """Records of a run on so many classes."""
    record = st.builds(
        EpochRecord,
        epoch=st.integers(1, 500),
        train_loss=figures,
        test_loss=figures,
        train_accuracy=shares,
        test_accuracy=shares,
        seconds=times,
        confusion=arrays.arrays(np.int64, (n_classes, n_classes), elements=st.integers(0, 2**60)),
    )
    return st.lists(record, max_size=3).map(tuple)


trials = st.builds(
    Trial,
    config=st.builds(
        TrainingConfig,
        hidden_sizes=st.lists(st.integers(1, 1024), min_size=1, max_size=6).map(tuple),
        learning_rate=st.floats(1e-5, 100),
        reduction=st.sampled_from(["sum", "mean"]),
        seed=st.integers(0, 2**32 - 1),
        n_train=st.none() | st.integers(10, 10**7),
    ),
    status=st.sampled_from(["finished", "diverged", "failed"]),
    epochs=st.integers(1, 10).flatmap(epochs),
    final=st.none() | st.builds(FinalFigures, figures, figures, shares, shares),
    error=st.text(),
    seconds=times,
    worker=st.text(),
    tries=st.integers(1, 3),
)


@settings(max_examples=20)
@given(found=st.lists(trials, max_size=3, unique_by=lambda trial: trial.config))
def test_a_trial_comes_back_to_the_bit(small_dataset, found):
    recorded = parse_journal(journal_content(found, small_dataset), "study.jsonl")
    assert repr(recorded.trials) == repr(tuple(found))  # NaN, infinities and -0.0 as well
    assert not any(record.confusion.flags.writeable for trial in recorded.trials for record in trial.epochs)
    assert (recorded.notice, recorded.dataset_name) == ("", "patterns")


def test_a_journal_of_the_first_format_goes_on(finished, small_dataset, tmp_path):
    """It had an object for each epoch, with the matrix as numbers, and for a while no learning rates."""
    trials = parse_journal(finished, "").trials
    head, *rows = map(json.loads, finished.splitlines())
    lines = [head | {"nn-explorer study": 1}]
    for row, trial in zip(rows, trials, strict=True):
        epochs = [dataclasses.asdict(record) for record in trial.epochs]
        lines.append(row | {"epochs": epochs})
    del lines[1]["epochs"][0]["learning_rate"]
    path = tmp_path / "study.jsonl"
    path.write_text("".join(json.dumps(line, default=np.ndarray.tolist) + "\n" for line in lines[:-1]))
    begun, found = resumed(path, small_dataset)
    assert begun == [CONFIGS[-1]]
    assert math.isnan(found[CONFIGS[0]].epochs[0].learning_rate)
    assert [found[config] for config in CONFIGS[1:]] == [*trials[1:]]


@pytest.mark.parametrize("packed", ["", "AAAA", "ä", "eNpjYBgFo2AUjAIAAyAAAQ=="])
def test_matrices_that_are_none_are_told(finished, packed):
    for change in ({"confusion": packed}, {"classes": 10**9}, {"classes": -1}, {"epoch": [1] * 10**6}):
        rows = [json.loads(line) for line in finished.splitlines()]
        rows[2]["epochs"].update(change)
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        with pytest.raises(StudyError, match=r"^it\.jsonl is damaged in line 3\.$"):
            parse_journal(content, "it.jsonl")


def test_a_command_that_looks_into_a_journal_and_then_opens_it_reads_it_once(
    finished, small_dataset, tmp_path, monkeypatch
):
    journal, parsed = sys.modules[Journal.__module__], []
    monkeypatch.setattr(
        journal, "parse_journal", lambda content, name: parsed.append(name) or parse_journal(content, name)
    )
    (path := tmp_path / "study.jsonl").write_bytes(finished)
    assert len(read_journal(path).trials) == len(CONFIGS)
    assert resumed(path, small_dataset)[0] == []
    assert parsed == ["study.jsonl"]
    assert len(read_journal(path).trials) == len(CONFIGS)  # the file has changed: who writes is another one
    assert parsed == 2 * ["study.jsonl"]


def test_a_journal_names_its_version_its_data_and_who_writes(finished, small_dataset):
    line, *rows = map(json.loads, finished.splitlines())
    assert line["version"] == "0.1.0"
    assert (line["data"], line["data hash"]) == ("patterns", small_dataset.content_hash)
    assert line["process"] == os.getpid()
    assert [row["config"]["seed"] for row in rows] == [config.seed for config in CONFIGS]
    assert parse_journal(finished, "").writer.startswith(f"process {os.getpid()} on ")


def test_the_hash_is_of_the_images_and_labels(small_dataset):
    images = small_dataset.test_images.copy()
    images[-1, -1, -1] ^= 1
    labels = np.roll(small_dataset.train_labels, 1)
    others = [
        dataclasses.replace(small_dataset, test_images=images),
        dataclasses.replace(small_dataset, train_labels=labels),
        small_dataset.head(599),
    ]
    hashes = {dataset.content_hash for dataset in (small_dataset, *others)}
    assert len(hashes) == 4
    assert dataclasses.replace(small_dataset, name="another").content_hash in hashes


def test_it_goes_on_with_further_configs_and_with_failed_ones_of_which_the_newest_counts(
    small_dataset, tmp_path
):
    path, (settled, failed, further) = tmp_path / "study.jsonl", grid(SMALL, seed=range(3))
    before = [Trial(settled, "diverged"), Trial(failed, "failed", error="its worker died")]
    path.write_bytes(journal_content(before, small_dataset))
    begun, found = resumed(path, small_dataset, [settled, failed, further])
    assert begun == [failed, further]
    assert {*read_journal(path).trials} == {*found.values()}
    assert [found[config].status for config in (settled, failed, further)] == ["diverged", *2 * ["finished"]]


@pytest.mark.parametrize("part", range(5))
def test_cut_at_any_byte_no_trial_is_lost_and_none_is_run_twice(finished, small_dataset, tmp_path, part):
    undisturbed = {trial.config: trial for trial in parse_journal(finished, "").trials}
    path = tmp_path / "study.jsonl"
    offsets = random.Random(f"cut {part}").sample(range(len(finished)), 5)
    for offset in [*offsets, (0, 10, len(finished) - 1, len(finished), finished.index(b"\n") + 1)[part]]:
        path.write_bytes(finished[:offset])
        whole = finished[:offset].count(b"\n")
        begun, found = resumed(path, small_dataset)
        assert begun == list(CONFIGS[max(0, whole - 1) :])
        assert found == undisturbed
        rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        seeds = Counter(json.dumps(row["config"]) for row in rows if "config" in row)
        assert sorted(seeds.values()) == [1] * len(CONFIGS)


def test_a_line_that_was_cut_off_is_said(finished, small_dataset, tmp_path, caplog):
    path = tmp_path / "study.jsonl"
    path.write_bytes(finished[:-1])
    recorded = read_journal(path)
    assert recorded.notice == "The last line of study.jsonl was cut off and has been ignored."
    assert len(recorded.trials) == len(CONFIGS) - 1
    assert caplog.text == ""
    resumed(path, small_dataset)
    assert recorded.notice in caplog.text
    assert read_journal(path).notice == ""


@pytest.mark.parametrize(
    ("change", "data", "sentence"),
    [
        (lambda lines: [*lines[:2], b"once upon a time\n", *lines[3:]], "small", "is damaged in line 3"),
        (lambda lines: [*lines[:2], b"[" + b"[]," * 100_000 + b"{}]\n"], "small", "is damaged in line 3"),
        (lambda _: [b"a,b\n", b"1,2\n"], "small", "is not the journal of a study"),
        (lambda lines: lines, "other", "holds runs on another data set, patterns; this one is Ways"),
    ],
)
def test_what_it_refuses_is_left_as_it_is(
    finished, small_dataset, other_dataset, tmp_path, change, data, sentence
):
    """Each kind of damage has its row in `test_borders`."""
    path = tmp_path / "study.jsonl"
    path.write_bytes(content := b"".join(change(finished.splitlines(keepends=True))))
    with pytest.raises(StudyError, match=rf"study\.jsonl {sentence}\.$"):
        resumed(path, {"small": small_dataset, "other": other_dataset}[data], [SMALL])
    assert path.read_bytes() == content


def test_half_a_surrogate_pair_is_a_question_mark(finished):
    content = finished.replace(b'"error": ""', b'"error": "a\\ud800b"')
    assert parse_journal(content, "").trials[0].error == "a?b"


def test_a_second_writer_is_told_who_writes(small_dataset, tmp_path):
    path = tmp_path / "study.jsonl"
    with CountingThreads(1) as executor:
        first = study(CONFIGS, small_dataset, executor=executor, journal=path)
        next(first)
        with pytest.raises(StudyError, match=rf"is in use by process {os.getpid()} on .*, since 20.* UTC\.$"):
            resumed(path, small_dataset)
        assert len(read_journal(path).trials) >= 1  # reading is nobody's loss
        first.close()
    assert resumed(path, small_dataset)[1].keys() == {*CONFIGS}
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("none/study.jsonl", "none/study.jsonl can't be written: “no such file or directory”"),
        ("", "can't be written: “is a directory”"),
        ("zero\0byte", "can't be written: “embedded null byte”"),
        ("~nobody-of-this-name/study.jsonl", "can't be written: “could not determine home directory"),
        pytest.param("/dev/full", "/dev/full: found a device, expected a file", marks=needs.FULL_DISK),
    ],
)
def test_a_path_that_is_none_is_told(small_dataset, tmp_path, monkeypatch, path, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match=sentence):
        resumed(path, small_dataset)
    with pytest.raises(StudyError):
        read_journal(path)
    assert [*tmp_path.iterdir()] == []


@needs.POSIX
def test_a_file_that_can_not_be_locked_is_told(small_dataset, tmp_path, monkeypatch):
    def lock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", lock)
    with pytest.raises(StudyError, match="can't be locked for one study: “no locks available”"):
        resumed(tmp_path / "study.jsonl", small_dataset)


@contextmanager
def files_up_to(n_bytes):
    """As on a full disk, for this block alone: where pytest writes to may be a file, too."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_the_trial_is_not_lost_to_who_asks(finished, small_dataset, tmp_path):
    path, found = tmp_path / "study.jsonl", []
    most = sum(map(len, finished.splitlines(keepends=True)[:3])) + 1000
    with CountingThreads(1) as executor, pytest.raises(StudyError) as told, files_up_to(most):
        found.extend(trial.config for trial in study(CONFIGS, small_dataset, executor=executor, journal=path))
    assert str(told.value) == f"{path} can't be written: “file too large”."
    assert found == [*CONFIGS[:3]]
    assert (len(read_journal(path).trials), read_journal(path).notice) == (2, "")
