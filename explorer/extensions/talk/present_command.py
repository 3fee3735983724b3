"""``nn-explorer present``: a talk as slides in the browser, checked, recorded, or begun."""

import re
import shutil
import sys
from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any

from explorer.datasets import load_mnist
from explorer.extensions.talk.file import READY, TALK, TalkError, TalkFile, read_talk
from explorer.extensions.talk.handout import print_handout
from explorer.extensions.talk.recordings import RecordingError, needed, read_recording, record
from explorer.extensions.talk.talk import recordings_of
from explorer.safe_write import check_destination, whole_file
from explorer.serve import serve_command
from explorer.serve.access import FAILED, RefusedError, is_loopback
from explorer.serve.environment import SPEAKER
from explorer.wording import counted

OPTIONS: Mapping[str, Any] = MappingProxyType({"file": {"nargs": "?"}, "--from": {"choices": ["ready"]}})


def run(arguments: Namespace) -> int:
    """Run ``nn-explorer present``."""
    if getattr(arguments, "from") and not arguments.new:
        raise RefusedError("--from: expected together with --new FILE.")
    if arguments.notes and not arguments.pdf:
        raise RefusedError("--notes: expected together with --pdf HANDOUT.")
    asked = [f"--{name}" for name in ("new", "record", "check", "pdf") if getattr(arguments, name)]
    if len(asked) > 1 or (arguments.new and arguments.file):
        raise RefusedError(
            f"{' and '.join([*asked, *filter(None, [arguments.file])])}: expected one of them."
        )
    try:
        if arguments.new:
            return _begin(Path(arguments.new).expanduser(), READY if getattr(arguments, "from") else None)
        talk = read_talk(arguments.file or READY)
        if arguments.record:
            return _record(talk)
        if arguments.pdf:
            return _print(talk, Path(arguments.pdf).expanduser(), with_notes=arguments.notes)
        return _check(talk) if arguments.check else _present(arguments, talk)
    except (TalkError, OSError) as error:
        raise RefusedError(re.sub(r"(?<![.?…])$", ".", str(error))) from error


def _begin(path: Path, ready: Path | None) -> int:
    """Write a talk to begin with; from the ready one, with its recordings."""
    if ready is not None and path.with_suffix(".recordings").exists():
        raise RefusedError(f"{path.with_suffix('.recordings')} is there already.")
    with whole_file(path) as stream:
        stream.write((ready or READY.with_name("start.toml")).read_bytes())
    if ready is not None:
        shutil.copytree(ready.with_suffix(".recordings"), path.with_suffix(".recordings"))
    then = "shows it" if ready else "--record trains its runs, once; without --record it is shown"
    print(f"Wrote {path}: nn-explorer present {path} {then}.")
    return 0


def _record(talk: TalkFile) -> int:
    """Make the recordings that are missing or can't be used."""
    dataset = load_mnist()
    for fault in talk.faults:
        print(fault, file=sys.stderr)
    made = 0
    for name in needed(talk.slides):
        try:
            read_recording(talk, name, dataset)
        except RecordingError:
            print(f"Recording {name.removeprefix('demonstration.')} …", flush=True)
            record(talk, name, dataset)
            made += 1
    print(f"{counted(made, 'new recording')} in {talk.recordings}.")
    return FAILED if talk.faults else 0


def _print(talk: TalkFile, path: Path, *, with_notes: bool) -> int:
    """Print a handout: each slide, with its notes only if asked to."""
    log = partial(print, flush=True)
    n_slides = print_handout(talk.path, check_destination(path), log, with_notes=with_notes)
    print(f"Wrote {path}: {counted(n_slides, 'slide')}.")
    return 0


def _check(talk: TalkFile) -> int:
    """Print each fault, with its line."""
    _, faults = recordings_of(talk, load_mnist())
    for fault in faults:
        print(fault)
    if not faults:
        print(f"{talk.path.name}: {counted(len(talk.slides), 'slide')}, no fault.")
    return FAILED if faults else 0


def _present(arguments: Namespace, talk: TalkFile) -> int:
    reveal = find_reveal()
    if reveal is None:
        raise RefusedError('the talk needs reveal.js: install it with pip install "sphinx-revealjs>=3.2,<4".')
    recorded, faults = recordings_of(talk, load_mnist())
    for fault in faults:
        print(fault, file=sys.stderr)
    if not any(needed((slide,)).keys() <= recorded.keys() for slide in talk.slides):
        raise RefusedError("no slide can be shown.")
    notebook = serve_command.find_notebook("presentation.ipynb", Path(__file__).parent)
    variables = {TALK: str(talk.path.resolve())}
    if not is_loopback(arguments.ip):  # then others see it, too
        variables[SPEAKER] = token_urlsafe(12)
    look: Any = {
        "shares": [Path(__file__).parent / "share"],
        "template": "explorer-talk",
        "reveal": reveal,
        "kernel_variables": variables,
    }
    return serve_command.serve(arguments, "The talk", notebook, **look)


def find_reveal(package: str = "sphinx_revealjs") -> Path | None:
    """Return the folder of reveal.js in a package, without importing it; None if it isn't installed."""
    spec = find_spec(package)
    places = [] if spec is None else spec.submodule_search_locations or []
    folders = (Path(place) / "_static" / "revealjs" for place in places)
    return next((folder for folder in folders if (folder / "dist" / "reveal.js").is_file()), None)
