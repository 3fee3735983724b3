"""A notebook's side of a visit: whom the page is for, and which data the server was started with.

The notebook runs in Jupyter as well, where nobody visits and the data are the bundled ones.
"""

import gc
import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from explorer.datasets import Dataset, load_dataset, load_mnist
from explorer.datasets.shared import map_dataset
from explorer.figures.palette import PALETTES, Theme
from explorer.widgets.heartbeat import Heartbeat

__all__ = ["DATASET", "SHARED_DATASET", "Visit", "chosen_dataset", "visit", "wait_for_visitor"]

DATASET = "EXPLORER_DATASET"
"""Environment variable: path of the data set that the command was given."""

SHARED_DATASET = "EXPLORER_SHARED_DATASET"
"""Environment variable: folder in which the server has put that data set for all kernels to map."""

RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor came with."""

    query: str = ""
    """The settings in the page's address, without the ``?`` and without the theme."""
    theme: Theme | None = None
    """The theme that the page shows, where it is known."""


def chosen_dataset() -> Dataset:
    """Return the data set that the command was given, else MNIST."""
    folder, path = os.environ.get(SHARED_DATASET), os.environ.get(DATASET)
    if folder:
        return map_dataset(Path(folder))
    return load_dataset(path) if path else load_mnist()


def wait_for_visitor() -> Visit:
    """Wait until somebody opens the page that this kernel was started for, and return what they came with.

    In Jupyter it returns at once. A kernel of the page also gets a heartbeat, and what the package logs
    reaches the terminal.
    """
    if "VOILA_PREHEAT" not in os.environ:
        return Visit()
    _log_to_terminal()
    # What is loaded by now stays: to look through it for garbage again would hold the page up for 0.1 s each time.
    gc.collect()
    gc.freeze()
    while os.environ["VOILA_PREHEAT"] == "True" and "QUERY_STRING" not in os.environ:
        from voila.utils import wait_for_request  # only here: it takes half a second

        wait_for_request()
        if "QUERY_STRING" not in os.environ:  # the connection was lost, as when a laptop sleeps
            time.sleep(RETRY_SECONDS)
    Heartbeat()
    return visit(os.environ.get("QUERY_STRING", ""))


def visit(query: str) -> Visit:
    """Return what a page's query string asks for.

    Parameters
    ----------
    query
        The part after the ``?``: ``"hidden=128&theme=dark"``.
    """
    parts = parse_qsl(query, keep_blank_values=True)
    others = [(name, value) for name, value in parts if name != "theme" and not name.startswith("voila-")]
    theme = next((theme for theme in PALETTES if theme == dict(parts).get("theme")), None)
    return Visit(urlencode(others, safe=","), theme)


def _log_to_terminal() -> None:
    """Let warnings and errors of the package out of the kernel, which otherwise swallows its output."""
    handler = logging.StreamHandler(sys.__stderr__)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger("explorer").addHandler(handler)
