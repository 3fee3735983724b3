"""``nn-explorer archive``: where it writes, and what it refuses."""

import dataset_files
import numpy as np
import pytest

from explorer.datasets import load_dataset
from explorer.serve import archive_command
from explorer.serve.command import main


@pytest.fixture(autouse=True)
def few(mnist, tmp_path, monkeypatch):
    """The first images instead of all, for speed; the command writes to the working directory."""
    files, empty = tmp_path / "files", tmp_path / "empty"
    files.mkdir()
    empty.mkdir()
    few = load_dataset(dataset_files.write(mnist, files, 20))
    monkeypatch.setattr(archive_command, "load_mnist", lambda: few)
    monkeypatch.chdir(empty)
    return few


@pytest.mark.parametrize(
    ("path", "file"), [((), "mnist.tgz"), (("digits.tgz",), "digits.tgz"), ((".",), "mnist.tgz")]
)
def test_it_writes_what_the_loader_reads(few, path, file, tmp_path, capsys):
    assert main(["archive", *path]) == 0
    assert f"Wrote {file}: images and labels" in capsys.readouterr().out
    np.testing.assert_array_equal(load_dataset(tmp_path / "empty" / file).train_images, few.train_images)


def test_a_file_that_is_there_is_replaced_only_when_told_so(tmp_path, capsys):
    file = tmp_path / "mine.tgz"
    file.write_text("mine", encoding="utf-8")
    assert main(["archive", str(file)]) == 2
    assert "mine.tgz is there already; --overwrite replaces it.\n" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "mine"
    assert main(["archive", str(file), "--overwrite"]) == 0
    assert load_dataset(file).name == "mine.tgz"
