"""Where a file is written: checked before there is anything to lose, and written whole or not at all."""

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

_OWNER = ".owner"  # a file in a folder of `own_folder`, locked for as long as the folder's process runs


def check_destination(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Return the full path of a file that can be written, or say why it can't.

    Parameters
    ----------
    path : str or path-like
        The file; links are followed. A ``~`` at the start is the home folder.
    overwrite : bool
        Whether it may be there already.

    Raises
    ------
    OSError
        If something other than a file is there, a file is and `overwrite` is False, or its folder is missing
        or can't be written.
    """
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
    """Open a stream whose content is at `path` when the context has ended well, and nowhere otherwise.

    Parameters
    ----------
    path : str or path-like
        Where to; nothing is added to the name.
    overwrite : bool
        Whether a file that is there already is replaced.

    Raises
    ------
    OSError
        As `check_destination`, or if the disk is full.
    """
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
    """Give a new folder that is removed afterwards, and remove those that killed processes left, but for Windows.

    Parameters
    ----------
    prefix : str
        What its name, and that of the others, begins with.
    parent : Path, optional
        Where they are; by default where the system keeps temporary files.

    Raises
    ------
    OSError
        If no folder can be made.
    """
    parent = Path(gettempdir()) if parent is None else parent
    for left in filter(_is_left, parent.glob(f"{prefix}*/{_OWNER}")):
        shutil.rmtree(left.parent, ignore_errors=True)
    with (
        TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as folder,
        Path(folder, ".not-locked-yet").open("wb") as owner,
    ):
        if sys.platform != "win32":
            with suppress(OSError):  # some shares of a network have no locks
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
                Path(owner.name).rename(Path(folder, _OWNER))
        yield Path(folder)


def _is_left(owner: Path) -> bool:
    """Return whether a folder's process has ended: nothing locks the file any more."""
    if sys.platform != "win32":
        with suppress(OSError), owner.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
