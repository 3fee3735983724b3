"""``nn-explorer present``: the talk as slides in the browser."""

import argparse
import sys
from typing import Any

from explorer.serve.reveal import RevealMissingError, find_reveal
from explorer.serve.serve_command import add_server_options, find_notebook, refuse, serve

__all__ = ["add_parser", "run"]

NOTEBOOK = "presentation.ipynb"
TEMPLATE = "explorer-talk"

_DESCRIPTION = """\
Open the talk as slides in the browser. Every slide opens with a finished run
that was recorded, so nothing can hang; nothing is fetched from another host.
"""
_EPILOG = """\
Keys: arrows and Space move, Home and End jump, t trains the slide's run live,
s opens the speaker's notes, d changes between light and dark, f fills the
screen, b blanks it; Esc leaves a control and gives the keys back to the slides.

The slides are moved by reveal.js (MIT licence), taken from the installed
package sphinx-revealjs (Apache-2.0 licence), the extra "present".
"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the command ``present`` to a parser's sub-commands; `run` does what its arguments say.

    Parameters
    ----------
    subparsers : object
        What `ArgumentParser.add_subparsers` returns.
    """
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "present",
        help="open the talk as slides in the browser",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_server_options(parser)
    parser.set_defaults(run=run, foreign=("dataset",))
    parser.add_argument(
        "--record", action="store_true", help="train the talk's runs again and keep them as its recordings"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Serve the slides until Ctrl-C or SIGTERM, or record their runs; return the exit code.

    Parameters
    ----------
    arguments
        Parsed options of `add_parser`.
    """
    if arguments.record:
        return _record()
    try:
        reveal = find_reveal()
    except RevealMissingError as error:
        return refuse(str(error))
    return serve(arguments, "The talk", find_notebook(NOTEBOOK), template=TEMPLATE, reveal=reveal)


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
        return refuse(f"the recordings can't be written: {error}.")
    return 0
