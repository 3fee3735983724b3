"""What some tests need of the machine: elsewhere they are skipped, and pytest's summary says what is not tested.

With ``EXPLORER_REQUIRE_ALL=1``, as in CI, they run all the same, and fail where it is missing.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest


def needs(what, is_there, *, always=True):
    """The mark of a test that needs something; with `always` False it may be missing in CI as well."""
    # Such a lack stays: another system has no /proc, say.
    is_required = always and os.environ.get("EXPLORER_REQUIRE_ALL") == "1"
    return pytest.mark.skipif(not is_there and not is_required, reason=f"NOT TESTED: this needs {what}")


PROC = needs("Linux's /proc, to see processes and what they map", sys.platform == "linux")
POSIX = needs("POSIX: owners and modes of files, HOME, signals, terminals", os.name == "posix")
LINUX = needs(
    "Linux: forks of a warm process, the memory of a process alone, locks that are files",
    sys.platform == "linux",
)
LOCKS = needs("locks of files between processes", sys.platform != "win32")
FULL_DISK = needs("/dev/full, a disk that is full", Path("/dev/full").exists())
ROOT = needs("root, to become a user without a home", getattr(os, "geteuid", lambda: 1)() == 0, always=False)
NODE = needs("Node, which runs the page's JavaScript", shutil.which("node") is not None)
NGINX_COMMAND = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
NGINX = needs("nginx, in front of two servers", NGINX_COMMAND is not None)
BUILDER = shutil.which("podman") or shutil.which("docker")
IMAGES = needs("podman or docker, to build the image", BUILDER is not None, always=False)
