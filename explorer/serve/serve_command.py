"""``nn-explorer serve``, also without a command: the explorer as a page in the browser."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import sys
import threading
import webbrowser
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from importlib import import_module
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from explorer.datasets import load_dataset
from explorer.datasets.loading import NO_UPLOADS
from explorer.safe_write import own_folder
from explorer.serve.access import Access, RefusedError, is_every_address, is_loopback, kernel_pool
from explorer.serve.environment import (
    DATASETS,
    SHARED_DATASETS,
    SLOW_GRAMMAR,
    SPEAKER,
    configure_jupyter,
    kernel_environment,
    skip_module,
)
from explorer.widgets.plotly_module import PAGE_HAS_PLOTLY

if TYPE_CHECKING:
    from explorer.serve.server import ExplorerServer

DEFAULT_PORT = 8866
_PATIENCE = 5.0  # seconds


def run(arguments: Namespace) -> int:
    """Run ``nn-explorer serve``."""
    paths: dict[str, str] = {}
    for dataset in map(load_dataset, arguments.dataset):
        if dataset.source not in paths.values():
            names = chain([dataset.name], (f"{dataset.name} ({number})" for number in count(2)))
            paths[next(name for name in names if name not in paths)] = dataset.source
    variables = {DATASETS: json.dumps(paths), NO_UPLOADS: "1" * arguments.no_uploads}
    return serve(
        arguments, "The explorer", find_notebook(), "explorer.serve.request", kernel_variables=variables
    )


def find_notebook(name: str = "page.ipynb", folder: Path = Path(__file__).parent) -> Path:
    """Return the path of a served notebook: in `folder`, or in a checkout's ``notebooks`` folder."""
    installed = folder / "notebooks" / name
    return installed if installed.is_file() else Path(__file__).parents[2] / "notebooks" / name


def serve(
    arguments: Namespace,
    what: str,
    notebook: Path,
    prepared: str = "explorer.app.explorer",
    shares: Sequence[Path] = (),
    **settings: Any,
) -> int:
    """Serve a notebook until Ctrl-C or SIGTERM; return the exit code.

    `what` is the terminal's name for the page, `prepared` the module that the notebook imports. `shares` are
    folders of further templates, laid out as `SHARE`; `settings` are further fields of `ServerSettings`.
    """
    pool = arguments.pool or kernel_pool()
    access = pool.access(arguments)
    if sys.stdout.isatty():
        print(f"{what} is starting; its address follows in a few seconds.", flush=True)
    with own_folder("nn-explorer-") as folder, closing(pool):
        pool.start(prepared)  # unless it was started when the command began
        configure_jupyter(os.environ, folder, *shares)
        own = {SHARED_DATASETS: str(folder), **pool.variables(arguments, folder / "shares")}
        settings["kernel_variables"] = variables = {**settings.get("kernel_variables", {}), **own}
        pool.warm_up(kernel_environment(os.environ) | variables | {PAGE_HAS_PLOTLY: "1"})
        settings |= {"access": access, "folder": folder, "pool": pool}
        return _serve(arguments, what, notebook, settings)


def _serve(arguments: Namespace, what: str, notebook: Path, settings: dict[str, Any]) -> int:
    skip_module(SLOW_GRAMMAR)
    from explorer.serve.server import ServerSettings

    access: Access = settings["access"]
    module, _, name = settings["pool"].server.partition(":")
    kind: type[ExplorerServer] = getattr(import_module(module), name)

    def listening(url: str) -> None:
        shown, opened = links(url, access)
        print(f"{what} is at {shown} ({f'{server.room}; ' if server.room else ''}Ctrl-C ends it)", flush=True)
        if speaker := settings["kernel_variables"].get(SPEAKER):
            with_notes, opened = (
                f"{one}{'&' if '?' in one else '?'}speaker={speaker}" for one in (shown, opened)
            )
            print(f"With the speaker's notes it is at {with_notes}", flush=True)
        if words := warning(arguments.ip, shown, access):
            print(words, file=sys.stderr, flush=True)
        if not arguments.no_browser:
            threading.Thread(target=webbrowser.open, args=(opened,), daemon=True).start()

    listener = listening_socket(arguments.ip, arguments.port)
    with suppress(KeyboardInterrupt):
        server_settings = ServerSettings(notebook, arguments.ip, listener, **settings)
        server = kind.instance(server_settings)
        asyncio.run(until_ended(server, listening))
    return 0


def listening_socket(ip: str, asked: int | None) -> socket.socket:
    """Return a socket that listens at `ip` on the port `asked`, or on the first free one from 8866 on."""
    ports = range(DEFAULT_PORT, DEFAULT_PORT + 20) if asked is None else [asked]
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    for port in ports:
        try:
            listener = socket.create_server((ip, port), family=family, backlog=128)
            listener.setblocking(False)
            return listener
        except (OSError, UnicodeError) as error:  # the second for a host name with an empty or a long label
            if getattr(error, "errno", None) != errno.EADDRINUSE:
                reason = str(getattr(error, "strerror", "that is no address")).partition(" (")[0]
                raise RefusedError(f"can't listen on {ip}: {reason} (port {port}).") from error
    taken = f"port {asked} is" if asked else f"the ports {ports[0]} to {ports[-1]} are all"
    raise RefusedError(f"{taken} taken: choose another with --port.")


def links(url: str, access: Access) -> tuple[str, str]:
    """Return the page's address as the terminal shows it, without a chosen token, and as the browser opens it."""
    opened = f"{url}?token={quote(access.token)}" if access.token else url
    return opened if access.is_new_token else url, opened


def warning(ip: str, url: str, access: Access) -> str:
    """Return one sentence on who else can use the page at an address; empty if nobody can."""
    if is_loopback(ip):
        return ""
    what = " or the ".join(access.asked)
    who = f"everybody who has the {what}" if what else "everybody who can reach {}"
    if is_every_address(ip):
        parts = urlsplit(url)
        far = parts._replace(netloc=f"{socket.gethostname()}:{parts.port}").geturl()
        return f"From other computers it is at {far}: {who.format('that')} can use it."
    return f"{who.capitalize().format('this address')} can use it."


async def until_ended(server: ExplorerServer, listening: Callable[[str], object]) -> None:
    """Serve until SIGTERM, or until the terminal is closed; Ctrl-C cancels the task anyway."""
    serving = asyncio.ensure_future(server.serve(listening))
    if os.name == "posix":
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving
    await end_all_tasks()


async def end_all_tasks() -> None:
    """Cancel all other tasks, and those that they create as they end, until there are none.

    A cell that awaits its kernel mistakes a cancellation for the kernel's death, and the next cell starts waiting.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE
    while (others := asyncio.all_tasks() - {asyncio.current_task()}) and loop.time() < deadline:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=0.05)
