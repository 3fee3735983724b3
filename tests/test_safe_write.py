"""A file is checked before there is anything to lose, and is written whole or not at all."""

import os
import subprocess
import sys

import needs
import pytest

from explorer.safe_write import check_destination, whole_file


@pytest.mark.parametrize("overwrite", [False, True])
def test_only_files_are_written(tmp_path, overwrite):
    with pytest.raises(OSError, match="is not a file"):
        check_destination(tmp_path, overwrite=overwrite)
    with pytest.raises(OSError, match="is not a file"):
        check_destination(os.devnull, overwrite=overwrite)
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_destination(tmp_path / "none" / "run.npz", overwrite=overwrite)
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_destination(tmp_path / "file" / "run.npz", overwrite=overwrite)


@needs.PROC
def test_a_folder_that_cant_be_written_is_found_before():
    with pytest.raises(OSError, match=r"the folder /proc/\d+ can't be written"):
        check_destination("/proc/self/run.npz")


def test_a_file_is_there_only_when_it_is_whole(tmp_path):
    path = tmp_path / "run.csv"
    with pytest.raises(TypeError, match="bytes-like"), whole_file(path) as stream:
        stream.writelines([b"half", "no bytes"])
    assert list(tmp_path.iterdir()) == []
    with whole_file(path) as stream:
        stream.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"


def test_a_file_is_replaced_only_on_demand(tmp_path):
    path = tmp_path / "run.csv"
    path.write_bytes(b"before")
    with pytest.raises(FileExistsError, match="is there already"), whole_file(path) as stream:
        stream.write(b"after")
    assert path.read_bytes() == b"before"
    with whole_file(path, overwrite=True) as stream:
        stream.write(b"after")
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


SAVING = """
import sys
from explorer.safe_write import whole_file
with whole_file(sys.argv[1]) as stream:
    stream.write(b"half")
    print("saving", flush=True)
    sys.stdin.read()
"""


@needs.POSIX
def test_what_a_killed_process_left_is_removed_and_what_another_has_stays(tmp_path):
    def save(name):
        command = [sys.executable, "-c", SAVING, tmp_path / name]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"saving\n"
        return process

    with save("killed") as killed, save("saved") as saved:
        killed.kill()
        killed.wait()
        assert len([*tmp_path.iterdir()]) == 2
        with whole_file(tmp_path / "run.csv") as stream:
            stream.write(b"whole")
        (left,) = tmp_path.glob("saving-*")
        assert (left / "saved").exists()
        saved.stdin.close()
        saved.wait()
    assert {path.name for path in tmp_path.iterdir()} == {"run.csv", "saved"}
