"""Safe writing of files: the destination is checked early, and files are written whole or not at all."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile, gettempdir
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

_OWNER = ".owner"  # a file in a folder of `own_folder`, locked while the folder's process runs
_MARK = b"nn-explorer deletes this folder.\n"  # what such a file says


def check_destination(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Return the full path of a file that can be written, after links and a ``~`` at the start; else `OSError`."""
    destination = Path(path).expanduser().resolve()
    if destination.exists():
        if not destination.is_file():
            raise OSError(f"{destination} is there already and is not a file")
        if not overwrite:
            raise FileExistsError(f"{destination} is there already")
    if not destination.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {destination.parent}")
    try:
        with TemporaryFile(dir=destination.parent):
            return destination
    except OSError as error:
        words = f"the folder {destination.parent} can't be written ({error.strerror})"
        raise type(error)(words) from error


@contextmanager
def whole_file(path: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open a stream that is stored at exactly `path` when the context ends without an error; else `OSError`."""
    destination = check_destination(path, overwrite=overwrite)
    with own_folder("saving-", destination.parent) as folder:
        part = folder / destination.name
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        check_destination(path, overwrite=overwrite)
        part.replace(destination)


@contextmanager
def own_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Create a temporary folder; except on Windows, remove those of this `prefix` left by killed processes."""
    parent = Path(gettempdir()) if parent is None else parent
    for left in parent.glob(f"{prefix}*/{_OWNER}"):
        _remove_if_left(left)
    with (
        TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as folder,
        Path(folder, ".not-locked-yet").open("wb") as owner,
    ):
        if sys.platform != "win32":
            with suppress(OSError):  # some network shares have no locks
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                owner.write(_MARK)
                owner.flush()
                Path(owner.name).rename(Path(folder, _OWNER))  # others remove only folders that were locked
        yield Path(folder)


def _remove_if_left(owner: Path) -> None:
    """Remove the folder of a file that an ended process wrote; anybody else's stays."""
    if sys.platform == "win32" or not owner.is_file():
        return
    with suppress(OSError), owner.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder = owner.parent
        if file.read(len(_MARK) + 1) != _MARK or folder.is_symlink():
            return
        shutil.rmtree(folder, ignore_errors=True)
