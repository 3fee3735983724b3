"""``nn-explorer rehearse``: whether the page holds in a class."""

import asyncio
import json
import re
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from urllib.parse import urlsplit

from explorer.serve.access import RefusedError
from explorer.serve.rehearsal import Rung, climb, until_idle

__all__ = ["add_options", "run"]

MOST_VISITORS = 500
HEAD = "visitors  seated  waited  failed    first byte          page   first point  MiB  CPU s"
DESCRIPTION = """\
Let so many visitors open the page at once, train and leave, and say how they
fared: seconds to the first byte, to the whole page and from a change to the
first point that is trained, as median/95th percentile; memory (PSS) and CPU a
seat. They come without a browser, whose work their own computers do.
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``rehearse`` to its parser."""
    words = "how many come at once, time after time (default: 10,30)"
    parser.add_argument("--visitors", type=_visitors, default=[10, 30], metavar="N,N", help=words)
    words = "a server that runs on this computer (default: one of its own)"
    parser.add_argument("--url", type=_own_address, metavar="ADDRESS", help=words)
    parser.add_argument("--seats", default=SUPPRESS, metavar="N", help="seats of its own server")
    parser.add_argument("--json", action="store_true", help="write the figures as JSON")


def run(arguments: Namespace) -> int:
    """Let visitors come as the options say; return 1 if one of them failed, or something was left over."""
    try:
        with _server(arguments) as (url, pid):
            rungs = asyncio.run(_ladder(url, pid, arguments))
    except KeyboardInterrupt:
        return 130
    left = "; ".join(f"{rung.visitors} visitors: {rung.left_over}" for rung in rungs if rung.left_over)
    if arguments.json:
        print(json.dumps([asdict(rung) for rung in rungs], indent=2))
    else:
        print(f"A minute after they left: {left or 'processes and memory as before'}." if pid else "")
    return int(any(rung.failed for rung in rungs) or bool(left))


@contextmanager
def _server(arguments: Namespace) -> Iterator[tuple[str, int | None]]:
    """Give a server's address and process, which is None where it isn't ours."""
    if arguments.url:
        yield arguments.url, None
        return
    seats = [] if arguments.seats is None else ["--seats", str(arguments.seats)]
    command = [sys.executable, "-m", "explorer", "--no-browser", "--port", "0", *seats]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = server.stdout.readline() if server.stdout else ""
            found = re.search(r"http://\S+", said)
            if found is None:
                raise RefusedError("the server did not start.")
            print(said.strip(), file=sys.stderr)
            yield found.group(), server.pid
        finally:
            server.terminate()


async def _ladder(url: str, pid: int | None, arguments: Namespace) -> list[Rung]:
    """Print each rung as it is done, for whoever does not wait for the last."""
    say = partial(print, file=sys.stderr, flush=True)
    idle = await until_idle(pid)
    # A server that has just started has caches to fill.
    first = await climb(url, 1, pid, idle, lambda _: None)
    if not first.seated:
        raise RefusedError(f"nobody can open the page at {url}.")
    rungs = []
    show = say if arguments.json else partial(print, flush=True)
    show(HEAD)
    for n in arguments.visitors:
        # The kernel for the next visitor may not have been started again yet.
        idle = max(idle, await until_idle(pid))
        rungs.append(await climb(url, n, pid, idle, say))
        show(_row(rungs[-1]))
    return rungs


def _row(rung: Rung) -> str:
    counts = f"{rung.visitors:8}{rung.seated:8}{rung.waited:8}{rung.failed:8}"
    times = (f"{low:.2f}/{high:.2f}" for low, high in (rung.first_byte, rung.page, rung.point))
    costs = f"{rung.memory:5.0f}{rung.cpu:7.2f}" if rung.cpu else "    –      –"
    return counts + "".join(f"{'–' if 'nan' in time else time:>14}" for time in times) + costs


def _visitors(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= MOST_VISITORS for part in parts):
        raise ArgumentTypeError(f"visitors are numbers from 1 to {MOST_VISITORS}, as 10,40, not {text!r}")
    return [int(part) for part in parts]


def _own_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ArgumentTypeError(f"only a server on this computer is rehearsed with, not {text!r}")
    return f"http://{parts.netloc}{parts.path.rstrip('/')}/"
