"""A notebook's side of a visit: the app on the server's data, and the visitor's request, if there are any."""

import gc
import json
import logging
import os
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import process_time
from urllib.parse import parse_qsl, urlencode

from ipywidgets import Widget

from explorer.app.explorer import Explorer
from explorer.datasets import Dataset
from explorer.datasets.loading import DatasetOffer, offer_file, usual_offers
from explorer.discovery import Offer, offers
from explorer.figures.palette import PALETTES, Theme
from explorer.serve import environment
from explorer.session import SessionRun
from explorer.session.new_runs import recorded_start
from explorer.session.state import with_records
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.presets import opening_config
from explorer.training.run import Event, complete
from explorer.training.turns import VISITED
from explorer.widgets.assets import forget_looks
from explorer.widgets.page_part import Heartbeat, guard_widgets
from explorer.wording import writable

_log = logging.getLogger(__name__)

MOST_SECONDS = 10.0  # a slower first run starts as the page opens, once for each visitor


@dataclass(frozen=True, slots=True)
class Visit:
    """The visitor's request."""

    query: str = ""
    """The settings in the page's query string, without the ``?`` and the theme."""
    theme: Theme | None = None
    """The page's theme, None if unknown."""
    is_speaker: bool = True
    """Whether a talk's page is that of the speaker, who has the notes."""


def offered_datasets() -> tuple[DatasetOffer, ...]:
    """Return the data sets that the page offers: the command's, then the usual ones; it opens with the first."""
    paths: dict[str, str] = json.loads(os.environ.get(environment.DATASETS, "{}"))
    folder = os.environ.get(environment.SHARED_DATASETS)
    shared = Path(folder) if folder else None
    given = [
        offer_file(name, path, None if shared is None else shared / str(number))
        for number, (name, path) in enumerate(paths.items())
    ]
    known = (*given, *usual_offers(shared, but=paths))
    taken = {one.name.casefold() for one in known}
    others = []
    for offer in offers("datasets"):
        name, by = offer.what.name, offer.by.extension.name
        if name.casefold() in taken:
            _log.warning("The data set %s of the extension %s is left out: the page has one.", name, by)
        else:
            others.append(DatasetOffer(name, partial(_dataset_of, offer)))
    return (*known, *others)


def _dataset_of(offer: Offer) -> Dataset:
    dataset = offer.call(offer.what.load)
    with offer.explaining_errors():
        if not isinstance(dataset, Dataset):
            raise TypeError(f"{offer.what.load} returned {type(dataset).__name__}; expected a Dataset")
    return replace(dataset, name=offer.what.name)


def opening_app() -> Explorer:
    """Return a new app as the page opens: on the command's first data set, its first run finished."""
    dataset, config = _opening()
    app = Explorer(dataset, config, others=offered_datasets()[1:], train=False)
    app.begin(opening_run())
    return app


def warm_up() -> None:
    """Do the one-time work of a process's first app, and leave no widget."""
    opening_app().close()
    Widget.close_all()
    forget_looks()


@cache
def opening_run() -> SessionRun | None:
    """Return the first run on the first data set: recorded on MNIST, elsewhere trained, or None if that fails."""
    dataset, config = _opening()
    return recorded_start(dataset) or trained_run(config, dataset, MOST_SECONDS)


def trained_run(config: TrainingConfig, dataset: Dataset, most_seconds: float) -> SessionRun | None:
    """Train a run here, to the bit as a session does; None if it diverged or took `most_seconds` of CPU time."""
    training, deadline = TrainingRun(config, dataset, samples=True), process_time() + most_seconds
    events: list[Event] = []
    end = complete(training, events.append, lambda: process_time() > deadline).end
    if end is None or end.status != "finished":
        return None
    records = [event for event in events if event is not None]
    return with_records(replace(SessionRun.beginning(training), number=1), "finished", [*records, end])


@cache
def opening_dataset() -> Dataset:
    """Return the data set that the page opens with: the command's first, or MNIST."""
    return offered_datasets()[0].load()


def _opening() -> tuple[Dataset, TrainingConfig]:
    dataset = opening_dataset()
    return dataset, opening_config(dataset.n_train, dataset.n_inputs)


def wait_for_visitor() -> Visit:
    """Return the visit once a visitor opens this kernel's page; in Jupyter at once.

    A page's kernel also gets a heartbeat, and the package's log messages reach the terminal.
    """
    if "VOILA_PREHEAT" not in os.environ:
        return Visit()
    environment.configure_log()
    log = logging.StreamHandler(sys.__stderr__)  # the kernel would swallow the package's warnings and errors
    log.setFormatter(environment.TerminalFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger("explorer").addHandler(log)
    guard_widgets()
    # Objects loaded by now stay: collecting them again would delay the page by 0.1 s each time.
    gc.collect()
    gc.freeze()
    while os.environ["VOILA_PREHEAT"] == "True" and "QUERY_STRING" not in os.environ:
        try:
            os.environ.update(wait_for_visit())
        except (OSError, HTTPException):  # the connection was lost, as when a laptop sleeps
            time.sleep(0.5)
    os.environ[VISITED] = "1"
    Heartbeat()
    return visit(os.environ.get("QUERY_STRING", ""))


def wait_for_visit() -> dict[str, str]:
    """Return the environment variables of this kernel's visit once the server sends them."""
    ip, port, kernel = (os.environ[f"VOILA_{name}"] for name in ("APP_IP", "APP_PORT", "KERNEL_ID"))
    with closing(HTTPConnection(ip, int(port))) as server:
        server.request("GET", f"/{kernel}")
        return dict(json.loads(server.getresponse().read()))


def visit(query: str) -> Visit:
    """Return the visit for a page's query string, without the ``?``: ``"hidden=128&theme=dark"``."""
    parts = parse_qsl(writable(query), keep_blank_values=True)
    own = {"theme", "speaker"}
    others = [(name, value) for name, value in parts if name not in own and not name.startswith("voila-")]
    theme = next((theme for theme in PALETTES if theme == dict(parts).get("theme")), None)
    is_speaker = os.environ.get(environment.SPEAKER) in (None, dict(parts).get("speaker"))
    return Visit(urlencode(others, safe=","), theme, is_speaker)
