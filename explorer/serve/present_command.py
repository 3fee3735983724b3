"""``nn-explorer present``: the talk as slides in the browser."""

import sys
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path

from explorer.serve.access import RefusedError
from explorer.serve.serve_command import add_server_options, find_notebook, serve

NOTEBOOK = "presentation.ipynb"
TEMPLATE = "explorer-talk"

DESCRIPTION = """\
Open the talk as slides in the browser. Every slide opens with a finished run
that was recorded, so nothing can hang; nothing is fetched from another host.
"""
EPILOG = """\
Keys: arrows and Space move, Home and End jump, t trains the slide's run live,
s opens the speaker's notes, d changes between light and dark, f fills the
screen, b blanks it; Esc leaves a control and gives the keys back to the slides.

The slides are moved by reveal.js (MIT license), taken from the installed
package sphinx-revealjs (Apache-2.0 license), the extra "present".
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``present`` to its parser."""
    add_server_options(parser)
    words = "train the talk's runs again and keep them as its recordings"
    parser.add_argument("--record", action="store_true", help=words)


def run(arguments: Namespace) -> int:
    """Serve the slides until Ctrl-C or SIGTERM, or record their runs; return the exit code."""
    if arguments.record:
        return _record()
    reveal = find_reveal()
    if reveal is None:
        raise RefusedError('the talk needs reveal.js: install it with pip install "sphinx-revealjs>=3.2,<4".')
    return serve(arguments, "The talk", find_notebook(NOTEBOOK), template=TEMPLATE, reveal=reveal)


def find_reveal(package: str = "sphinx_revealjs") -> Path | None:
    """Return the folder of reveal.js in a package, without importing it; None if it isn't installed."""
    spec = find_spec(package)
    places = [] if spec is None else spec.submodule_search_locations or []
    folders = (Path(place) / "_static" / "revealjs" for place in places)
    needed = ("dist/reveal.js", "dist/reveal.css")
    return next((folder for folder in folders if all((folder / name).is_file() for name in needed)), None)


def _record() -> int:
    from explorer.datasets import load_mnist
    from explorer.talk.recording import RECORDINGS, save_recording
    from explorer.talk.slides import RUNS
    from explorer.training import TrainingRun, complete

    dataset = load_mnist()
    try:
        RECORDINGS.mkdir(exist_ok=True)
        for name, shown in RUNS.items():
            trained = complete(TrainingRun(shown.config, dataset))
            save_recording(RECORDINGS / f"{name}.npz", trained, with_weights=shown.with_weights)
            accuracy = trained.final.test_accuracy
            print(f"{name:<14} test accuracy {accuracy:6.1%}", file=sys.stderr, flush=True)
    except OSError as error:
        raise RefusedError(f"the recordings can't be written: {error}.") from error
    return 0
