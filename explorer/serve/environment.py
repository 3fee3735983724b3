"""What the server and its kernels take from their environment: variables and folders, no more than they need."""

import codecs
import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Mapping, MutableMapping
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType, ModuleType
from typing import cast

from explorer.training.share import TRAINING_SHARE

DATASETS = "EXPLORER_DATASETS"  # variable of kernels: the command's data sets, their paths by name in JSON
SHARED_DATASETS = "EXPLORER_SHARED_DATASETS"  # variable of kernels: folder of data sets for all to map
MINUTES = 30  # longest training at a stretch where other computers reach the server
MEGABYTES = 512  # memory of a kernel and its workers: the largest network takes 400

SHARE = Path(__file__).parent / "share"  # the page's templates, laid out as one of Jupyter's data folders

SLOW_GRAMMAR = "rfc3987_syntax"
"""An optional package of `jsonschema`, which builds a grammar of international addresses when it is imported.

Nothing here checks such addresses, and it is 1.3 of the 2.3 seconds of computing until a kernel is ready, and as
much again in the server.
"""

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

_ALLOCATION: Mapping[str, str] = MappingProxyType({"MALLOC_MMAP_THRESHOLD_": str(1 << 17)})
"""Has glibc take each array of 128 kB or more from the system by itself and give it back. By default it stops that
after the first large one, and what the runs of a visitor leave among smaller things stays: 100 MB in a minute."""

_FILE_BYTES = 1 << 16  # size of a file that must find room: more than all that Jupyter writes

_PLAIN: Mapping[int, str] = MappingProxyType(
    str.maketrans(dict(zip("“”’–−×✓✗\u202f\u00a0", '""\'--x+x  ', strict=True)) | {"…": "...", "→": "->"})
)
"""What stands for a letter in a terminal that doesn't have it."""


def kernel_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a kernel is started with: those that Python, Jupyter and the page need.

    They are among the server's own and what Voilà adds, and one more tells glibc how to allocate. Whoever reaches
    the page reaches a kernel, so the server's tokens and passwords do not go there.
    """
    names = [name for name in environment if _NEEDED.fullmatch(name) and not _SECRET.search(name)]
    return {**{name: environment[name] for name in names}, **_ALLOCATION}


def share_variables(arguments: Namespace, folder: Path, *, is_open: bool) -> dict[str, str]:
    """Return the environment variable by which kernels know what they may have: as much as the options say.

    Their tickets are to lie in `folder`, which is made here. Where other computers reach the server, it `is_open`.
    """
    for name in ("line", "pages"):
        (folder / name).mkdir(parents=True)
    share = {
        "folder": str(folder),
        "minutes": arguments.max_training_minutes or (MINUTES if is_open else None),
        "megabytes": arguments.seat_memory,
    }
    return {TRAINING_SHARE: json.dumps(share)}


def tell_connected(variables: dict[str, str], kernel_id: str, connections: int) -> None:
    """Let a kernel know whether a page is connected to it; one that has no share won't ask."""
    if TRAINING_SHARE in variables:
        page = Path(json.loads(variables[TRAINING_SHARE])["folder"], "pages", kernel_id)
        if connections > 0:
            page.touch()
        else:
            page.unlink(missing_ok=True)


def skip_module(name: str) -> None:
    """Make ``import name`` fail in this process unless it is already loaded."""
    modules = cast("dict[str, ModuleType | None]", sys.modules)  # None is how Python says "not there"
    modules.setdefault(name, None)


def settle_terminal() -> None:
    """Let standard output and error write what their encoding lacks in plain letters, instead of failing."""
    codecs.register_error("explorer-plain", _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # there may be none, or another kind in a notebook
            stream.reconfigure(errors="explorer-plain")


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    plain = error.object[error.start : error.end].translate(_PLAIN)
    return plain.encode("ascii", "replace").decode(), error.end


def settle_jupyter(environment: MutableMapping[str, str], fallback: Path) -> None:
    """Make Jupyter find the page's template, and give it folders that it can write to, by variables of it.

    An empty `fallback` is used for what can't be written to in the home folder, or as one where there is none.
    """
    paths = [str(SHARE), *filter(None, [environment.get("JUPYTER_PATH")])]
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
    """Return whether files can be made and written in `folder`, which need not exist yet."""
    try:
        first = next(place for place in (folder, *folder.parents) if place.exists())
        with TemporaryFile(dir=first, buffering=0) as file:
            # On a full disk a file can be made, but not filled.
            return file.write(bytes(_FILE_BYTES)) == _FILE_BYTES
    except OSError:
        return False
