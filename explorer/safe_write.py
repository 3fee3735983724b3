"""Where a file is written: checked before there is anything to lose, and written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import BinaryIO

__all__ = ["check_destination", "whole_file"]


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
    with TemporaryDirectory(prefix="saving-", dir=destination.parent) as folder:
        part = Path(folder) / destination.name
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        check_destination(path, overwrite=overwrite)
        part.replace(destination)
