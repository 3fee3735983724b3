"""The environment of the server and its kernels: the variables and folders that they need, their log."""

import codecs
import ctypes
import logging
import os
import re
import signal
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType, ModuleType
from typing import cast

DATASETS = "EXPLORER_DATASETS"  # variable of kernels: the command's data sets as JSON, paths by name
SPEAKER = "EXPLORER_SPEAKER"  # variable of kernels: what only the speaker's address has, if it has anything
SHARED_DATASETS = "EXPLORER_SHARED_DATASETS"  # variable of kernels: folder of memory-mapped data sets

SHARE = Path(__file__).parent / "share"  # the page's templates, laid out as one of Jupyter's data folders

SLOW_GRAMMAR = "rfc3987_syntax"
"""An optional package of `jsonschema`, for addresses that nothing here checks. Importing it takes 1.3 of the 2.3
seconds of CPU time until a kernel is ready, and as long again in the server."""

_NEEDED = re.compile(
    r"""
    PATH | HOME | USER | LOGNAME | LANG | LANGUAGE | LC_\w+ | TZ | TERM | SHELL
    | TMPDIR | TMP | TEMP | XDG_\w+ | VIRTUAL_ENV | CONDA_\w+ | (?:DY)?LD_LIBRARY_PATH
    | PYTHON\w+ | JUPYTER\w* | IPYTHON\w+ | EXPLORER_\w+
    | (?:OMP | OPENBLAS | MKL | BLIS | VECLIB | NUMEXPR)_\w+
    | SYSTEMROOT | WINDIR | USERPROFILE | USERNAME | APPDATA | LOCALAPPDATA | COMSPEC | PATHEXT
    | VOILA_\w+ | QUERY_STRING | SERVER_\w+ | SCRIPT_NAME | PATH_INFO
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY", re.IGNORECASE)

_FILE_BYTES = 1 << 16  # size of the file that must fit: larger than any that Jupyter writes

_PLAIN: Mapping[int, str] = MappingProxyType(
    str.maketrans(dict(zip("“”’–−×✓✗\u202f\u00a0", '""\'--x+x  ', strict=True)) | {"…": "...", "→": "->"})
)
"""Replacements for characters that a terminal's encoding lacks."""


def kernel_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a kernel's variables: those that Python, Jupyter and the page need, and one for its allocator.

    Anyone who can open the page can use a kernel, so the server's tokens and passwords are left out.
    """
    names = [name for name in environment if _NEEDED.fullmatch(name) and not _SECRET.search(name)]
    # glibc allocates each array of 128 kB or more with mmap, and returns it when freed. By default it raises that
    # threshold after the first large array, and a visitor's runs leak 100 MB a minute to fragmentation.
    return {**{name: environment[name] for name in names}, "MALLOC_MMAP_THRESHOLD_": str(1 << 17)}


def skip_module(name: str) -> None:
    """Make ``import name`` fail in this process unless it is already loaded."""
    modules = cast("dict[str, ModuleType | None]", sys.modules)  # None makes Python raise ImportError
    modules.setdefault(name, None)


def process_option(option: int, value: int) -> None:
    """Set an option of this process, on Linux (prctl)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, int(value), 0, 0, 0)


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Get a signal when the parent ends."""
    process_option(1, number)  # PR_SET_PDEATHSIG


def adopt_orphans(adopts: bool = True) -> None:
    """Adopt orphaned descendants as children of this process, or leave them to init as usual."""
    process_option(36, adopts)  # PR_SET_CHILD_SUBREAPER


def names_command(words: Sequence[str]) -> bool:
    """Return whether a command line names a command; without one it is that of ``serve``."""
    return bool(words) and (not words[0].startswith("-") or words[0] in ("-h", "--help", "--version"))


def configure_terminal() -> None:
    """Let standard output and error write plain letters for those that their encoding lacks, not fail."""
    codecs.register_error("explorer-plain", _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # there may be none, or another kind in a notebook
            stream.reconfigure(errors="explorer-plain")


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    plain = error.object[error.start : error.end].translate(_PLAIN)
    return plain.encode("ascii", "replace").decode(), error.end


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters except tabs and newlines, and those that change the writing direction."""


class TerminalFormatter(logging.Formatter):
    """Formats log records so that no message can move the cursor, color the terminal or forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text for a terminal."""
        text = super().format(record)
        visible = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
        return visible.replace("\n", "\n    ")


def configure_log() -> None:
    """Format records that no other handler processes, such as tornado's warnings, with `TerminalFormatter`."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(TerminalFormatter("%(levelname)s: %(message)s"))


def configure_jupyter(environment: MutableMapping[str, str], fallback: Path, *shares: Path) -> None:
    """Make Jupyter find templates in `SHARE` and `shares`, and write to `fallback` where it can't otherwise."""
    paths = [*map(str, (*shares, SHARE)), *filter(None, [environment.get("JUPYTER_PATH")])]
    environment["JUPYTER_PATH"] = os.pathsep.join(paths)
    try:
        home = Path(environment.get("HOME") or Path.home())
    except RuntimeError:  # none is known
        home, environment["HOME"] = fallback, str(fallback)
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    folders = {
        "JUPYTER_CONFIG_DIR": home / ".jupyter",
        "JUPYTER_DATA_DIR": data / "jupyter",
        "JUPYTER_RUNTIME_DIR": data / "jupyter" / "runtime",
        "IPYTHONDIR": home / ".ipython",
    }
    for name, usual in folders.items():
        if not _can_write(Path(environment.get(name) or usual).absolute()):
            environment[name] = str(fallback / name.lower())


def _can_write(folder: Path) -> bool:
    """Return whether `folder`, which need not exist yet, is writable."""
    try:
        first = next(place for place in (folder, *folder.parents) if place.exists())
        with TemporaryFile(dir=first, buffering=0) as file:
            # On a full disk a file can be created, but not filled.
            return file.write(bytes(_FILE_BYTES)) == _FILE_BYTES
    except OSError:
        return False
