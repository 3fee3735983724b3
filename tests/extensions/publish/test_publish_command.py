"""A published folder from the terminal: what is trained, what is kept, and what is refused in one sentence."""

import contextlib
import io
import json
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from unittest.mock import Mock

import needs
import numpy as np
import pytest

from explorer.extensions.publish import site
from explorer.extensions.publish.publish_command import restore_folder, whole_folder
from explorer.serve import study_command
from explorer.serve.command import main
from explorer.training import TrainingConfig
from explorer.training.studies import grid, read_journal, study

NAME = "publish"
CONFIGS = grid(TrainingConfig(hidden_sizes=(4,), epochs=2), batch_size=[50, 200])


@pytest.fixture(scope="module", autouse=True)
def _few_runs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("explorer.training.studies.study"), "n_cores", lambda: 1)
        patch.setattr(site, "DEFAULT_RUNS", CONFIGS)
        yield


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def first(folder, tmp_path_factory):
    """A folder in which a page was published as ``course``, and what the command wrote to standard output."""
    place, out = tmp_path_factory.mktemp("first"), io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["publish", "--dataset", str(folder), str(place / "course")]) == 0
    return place, out.getvalue()


@pytest.fixture
def published(first, tmp_path):
    """That page in the test's folder, where it is published again without training."""
    shutil.copytree(first[0], tmp_path, dirs_exist_ok=True)


def test_runs_are_trained_once_and_published_again_at_once(command, first, published, tmp_path):
    _, out = first
    assert "2 runs, about" in out
    assert "Wrote" in out
    assert "Rounding the weights changes the last accuracies by at most 0.00 percentage points." in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["course", "course.jsonl", "course.weights"]
    code, out, _ = command("course", "--title", "Again", "--force", "--embed")
    assert code == 0
    assert "about" not in out
    assert '<iframe src="course/index.html" title="Again"' in out


def test_what_ended_before_ctrl_c_is_kept_and_the_same_command_goes_on(command, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(study_command.StudyScreen, "show", Mock(side_effect=KeyboardInterrupt))
        code, _, err = command("course")
    assert (code, err) == (130, "Stopped.\n")
    assert not Path("course").exists()
    kept = len(read_journal("course.jsonl").trials)
    assert 1 <= kept <= 2  # the second may end while the first is shown
    code, out, _ = command("course")
    assert code == 0
    assert ("1 run, about" in out) == (kept == 1)
    assert "has no weights" not in out
    assert "Wrote" in out


def test_a_journal_s_runs_are_trained_again_for_their_weights(command, small_dataset, tmp_path):
    [*study(CONFIGS, small_dataset, journal=tmp_path / "study.jsonl")]
    code, out, _ = command("course", "--study", "study.jsonl", "--only", "draw,curves")
    assert code == 0
    assert "study.jsonl has no weights of 2 runs" in out
    assert 'id="site-matrix"' not in Path("course/index.html").read_text()


def test_saved_runs_are_published_without_training(command, folder, capfd):
    settings = ["--dataset", str(folder), "--epochs", "3", "--hidden", "4"]
    for name, size in (("a.npz", "20"), ("b.npz", "100")):
        assert main(["train", *settings, "--batch-size", size, "--save", name]) == 0
    code, out, _ = command("course", "--run", "a.npz", "b.npz")
    assert code == 0
    assert "2 runs" in out
    assert not Path("course.jsonl").exists()


def hostile(size=7, name="arr_0", shape=(4, 784), data=None):
    """A file of weights as `KeptWeights` writes it, but for one thing."""
    weights = [np.zeros(one, np.float32) for one in (shape, (4, 1), (10, 4), (10, 1))[:size]]
    stream = io.BytesIO()
    np.savez_compressed(stream, **{f"arr_{k}": one for k, one in enumerate(weights)} | {name: weights[0]})
    return data or stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (hostile(data=b"once"), "expected the weights that publish keeps of this run"),
        (hostile(shape=(4, 10_000_000)), "bytes when unpacked, expected at most"),
        (hostile(shape=(4, 783)), "found other arrays"),
        (hostile(name="more"), "found other arrays"),
        (hostile(size=3), "expected the weights"),
        (None, "found a folder"),
    ],
)
def test_what_somebody_put_next_to_a_journal_is_refused_in_a_sentence(command, published, content, words):
    victim = next(Path("course.weights").glob("*/*.npz"))
    victim.unlink()
    victim.mkdir() if content is None else victim.write_bytes(content)
    code, _, err = command("course", "--force")
    assert (code, err.count("\n")) == (2, 1)
    assert words in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["course", "--only", "curves,taste"],
            "--only is curves,taste; expected some of curves,matrix,draw.",
        ),
        (["course", "--run", "a.npz", "--study", "b.jsonl"], "--run and --study both name runs"),
        (["course", "--run", "none.npz"], "none.npz: found"),
        (["course", "--run", "large.npz"], "large.npz: found 3000 MiB, expected a file of at most 128"),
        (["course", "--study", "none.jsonl"], "none.jsonl: found"),
        (["course", "--dataset", "plane:moons,500,0.1,0.2,0"], "can't be published; expected images."),
        (["course", "--text", "none.md"], "--text: none.md can't be read"),
        (["nowhere/course"], "There is no folder"),
        (["full"], "is there already; --force replaces it."),
        (["full/file", "--force"], "is a file; expected a folder."),
        ([".", "--force"], "can't be replaced, because it has"),
        (["link", "--force"], "full; expected the folder itself."),
        (["full", "--force", "--text", "full/file"], "can't be replaced, because it has full/file in it"),
    ],
)
def test_what_cannot_be_published_is_refused(command, options, words):
    Path("full").mkdir()
    Path("full/file").touch()
    Path("link").symlink_to("full")
    with Path("large.npz").open("wb") as sparse:
        sparse.truncate(3000 << 20)
    code, _, err = command(*options)
    assert code == 2
    assert words in err
    assert not Path("course").exists()


def test_somebody_at_a_terminal_is_asked_and_text_is_markdown_without_html(command, published, monkeypatch):
    Path("intro.md").write_text("**Look** <img src=x>", encoding="utf-8")
    Path("course/file").touch()
    answers = io.StringIO("n\ny\n")
    answers.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", answers)
    assert command("course")[0] == 2
    assert Path("course/file").exists()
    assert command("course", "--text", "intro.md")[0] == 0
    assert not Path("course/file").exists()
    assert "<strong>Look</strong> &lt;img" in Path("course/index.html").read_text()


def test_a_full_disk_leaves_the_folder_as_it_was(command, published, monkeypatch):
    before = Path("course/index.html").read_bytes()
    write = Path.write_bytes

    def fail(path, content):
        if path.name.startswith("run-1."):
            raise OSError(28, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        patch.setattr("os.dup2", Mock())  # the command silences its output, here that of all tests
        code, _, err = command("course", "--force", "--title", "New")
    assert code == 1
    assert "No space left on device" in err
    assert Path("course/index.html").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["course", "course.jsonl", "course.weights"]


def test_runs_of_another_data_set_are_refused(command, other_dataset, small_dataset):
    [*study(CONFIGS[:1], other_dataset, journal="other.jsonl")]
    code, _, err = command("course", "--study", "other.jsonl")
    assert code == 2
    assert "runs on another data set" in err
    assert json.loads(Path("other.jsonl").read_text().splitlines()[0])["data"] == other_dataset.name


KILLED = """
import os, signal, sys
from pathlib import Path
from explorer.extensions.publish.publish_command import whole_folder
rename = Path.rename
def rename_once(*paths):
    rename(*paths)
    os.kill(os.getpid(), signal.SIGKILL)
Path.rename = lambda path, to: rename_once(path, to) if to.name[:7] == ".course" else rename(path, to)
with whole_folder(Path(sys.argv[1])) as place:
    place.mkdir()
"""


@needs.POSIX
def test_a_folder_whose_replacement_was_killed_is_back_and_no_other_is_touched(tmp_path):
    folder, essay = tmp_path / "course", tmp_path / "writing-essay"
    for one in (folder, essay):
        one.mkdir()
        (one / ".owner").write_text("mine")
    killed = subprocess.run([sys.executable, "-c", KILLED, folder], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not folder.exists()
    restore_folder(folder)
    assert (folder / ".owner").read_text() == (essay / ".owner").read_text() == "mine"
    with pytest.raises(FileNotFoundError), whole_folder(folder):
        pass  # nothing is written
    assert (folder / ".owner").exists()
    with whole_folder(folder) as place:
        place.mkdir()
    assert [*folder.iterdir()] == []
    assert {*tmp_path.iterdir()} == {folder, essay}
