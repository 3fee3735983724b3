"""A notebook's side of a visit: the app on the data that the server was started with, and whom the page is for.

The notebook runs in Jupyter as well, where nobody visits and the data are the bundled ones. What all visitors
begin with is made once for each process, and with it for all that are forked from it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time
from urllib.parse import parse_qsl, urlencode

from ipywidgets import Widget
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from explorer.app.explorer import Explorer
from explorer.datasets import Dataset
from explorer.datasets.loading import DatasetOffer, offer_file, usual_offers
from explorer.figures.palette import PALETTES, Theme
from explorer.serve.environment import DATASETS, SHARED_DATASETS
from explorer.serve.terminal_log import TerminalFormatter, settle_log
from explorer.session import SessionRun
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.completed_run import complete
from explorer.training.run import Event
from explorer.training.share import VISITED
from explorer.widgets.assets import forget_looks
from explorer.widgets.heartbeat import Heartbeat
from explorer.widgets.page_part import guard_widgets
from explorer.wording import writable

RETRY_SECONDS = 0.5

MOST_SECONDS = 10.0  # a first run that takes longer begins as the page opens, once for each visitor


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor came with."""

    query: str = ""
    """The settings in the page's address, without the ``?`` and without the theme."""
    theme: Theme | None = None
    """The theme that the page shows, where it is known."""


def offered_datasets() -> tuple[DatasetOffer, ...]:
    """Return the data sets that the page offers: those that the command was given, then the usual ones.

    It opens with the first.
    """
    paths: dict[str, str] = json.loads(os.environ.get(DATASETS, "{}"))
    folder = os.environ.get(SHARED_DATASETS)
    shared = Path(folder) if folder else None
    given = (
        offer_file(name, path, None if shared is None else shared / str(number))
        for number, (name, path) in enumerate(paths.items())
    )
    return (*given, *usual_offers(shared, but=paths))


def opening_app() -> Explorer:
    """Return a new app as the page opens: on the first data set of the command, its first run over."""
    app = Explorer(_opening_dataset(), others=offered_datasets()[1:], train=False)
    if (run := opening_run()) is not None:
        app.session.begin_with(run)
    else:
        app.train()
    return app


def warm_up() -> None:
    """Do once what is only done for a process's first app, and leave no widget."""
    opening_app().close()
    Widget.close_all()
    forget_looks()


@cache
def opening_run() -> SessionRun | None:
    """Return the first run on the first data set, trained here; None if it takes long or diverges."""
    return trained_run(TrainingConfig(), _opening_dataset(), MOST_SECONDS)


def trained_run(config: TrainingConfig, dataset: Dataset, most_seconds: float) -> SessionRun | None:
    """Return a finished run, equal to the bit to one that a session trains itself; nothing of it is in a thread.

    None if it took longer than `most_seconds` of the processor's time, or diverged.
    """
    training, deadline = TrainingRun(config, dataset), process_time() + most_seconds
    events: list[Event] = []
    end = complete(training, events.append, lambda: process_time() > deadline).end
    if end.status != "finished":
        return None
    records = [event for event in events if event is not None]
    return SessionRun.beginning(training, 1).taking("finished", [*records, end])


@cache
def _opening_dataset() -> Dataset:
    return offered_datasets()[0].load()


def wait_for_visitor() -> Visit:
    """Wait until somebody opens the page that this kernel was started for, and return what they came with.

    In Jupyter it returns at once. A kernel of the page also gets a heartbeat, and what the package logs
    reaches the terminal.
    """
    if "VOILA_PREHEAT" not in os.environ:
        return Visit()
    _log_to_terminal()
    guard_widgets()
    # What is loaded by now stays: to look through it for garbage again would hold the page up for 0.1 s each time.
    gc.collect()
    gc.freeze()
    while os.environ["VOILA_PREHEAT"] == "True" and "QUERY_STRING" not in os.environ:
        asking = threading.Thread(target=_hear_of_visitor)  # this one's event loop is running
        asking.start()
        asking.join()
        if "QUERY_STRING" not in os.environ:  # the connection was lost, as when a laptop sleeps
            time.sleep(RETRY_SECONDS)
    os.environ[VISITED] = "1"
    Heartbeat()
    return visit(os.environ.get("QUERY_STRING", ""))


def _hear_of_visitor() -> None:
    server = [os.environ[f"VOILA_{name}"] for name in ("APP_IP", "APP_PORT", "SERVER_URL", "KERNEL_ID")]
    os.environ.update(asyncio.run(ask_for_visitor("ws://{}:{}{}voila/query/{}".format(*server))))


async def ask_for_visitor(address: str) -> dict[str, str]:
    """Return the environment variables of a visit once there is one; none if the connection was lost.

    Voilà's own function for this would have each kernel load all of the server.
    """
    try:
        connection = await websocket_connect(address)
    except (OSError, HTTPClientError):
        return {}
    said = await connection.read_message()
    connection.close(1000)  # RFC 6455: normal closure, by which `VisitHandler` knows that it was heard
    if said is None:
        return {}
    await connection.read_message()  # until it is closed
    return dict(json.loads(said))


def visit(query: str) -> Visit:
    """Return what a page's query string asks for, the part after the ``?``: ``"hidden=128&theme=dark"``."""
    parts = parse_qsl(writable(query), keep_blank_values=True)
    others = [(name, value) for name, value in parts if name != "theme" and not name.startswith("voila-")]
    theme = next((theme for theme in PALETTES if theme == dict(parts).get("theme")), None)
    return Visit(urlencode(others, safe=","), theme)


def _log_to_terminal() -> None:
    """Let warnings and errors of the package out of the kernel, which otherwise swallows its output."""
    settle_log()
    handler = logging.StreamHandler(sys.__stderr__)
    handler.setFormatter(TerminalFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger("explorer").addHandler(handler)
