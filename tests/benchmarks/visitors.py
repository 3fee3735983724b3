"""Whether the page holds in a class: visitors who open it at once, train and leave.

    python tests/benchmarks/visitors.py --seats 40 --visitors 10,30,40

starts a server and prints how each number of visitors fared: seconds to the first byte, to the whole page, and
from a change of the settings to the first point that is trained, as median/95th percentile; memory (PSS) and CPU a
seat. The visitors come without a browser, whose work their own computers do. The exit code is 1 if one of them
failed, or if processes or memory are not given back after they left.
"""

import asyncio
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from report import command, machine, say
from served import Served, explorer, family, wait_until_warm

sys.path.insert(0, str(Path(__file__).parents[1]))

from visitor import PATIENCE_SECONDS, Visitor, client_for

AFTERWARDS_SECONDS = 60.0  # by then, all that the visitors took is to be given back
HEAD = "visitors  seated  waited  failed    first byte          page   first point  MiB  CPU s"
Figures = dict[str, Any]


class Usage(NamedTuple):
    """What a server with its kernels takes."""

    processes: int
    mebibytes: float
    cpu_seconds: float


def usage_of(server: Served) -> Usage:
    return Usage(len(family(server.process.pid)), server.megabytes(), server.seconds())


def percentiles(seconds: Iterable[float]) -> tuple[float, float]:
    """Median and 95th percentile of the values that are not NaN; NaN if all are."""
    known = [value for value in seconds if not math.isnan(value)]
    if not known:
        return math.nan, math.nan
    median, high = np.percentile(known, (50, 95), method="inverted_cdf")
    return float(median), float(high)


async def visit_at_once(server: Served, n: int) -> Figures:
    """Let `n` visitors come at once to a server at rest, and return how they fared."""
    before, client = usage_of(server), client_for(n)
    visitors = [Visitor(client, server.url) for _ in range(n)]
    await each(visitors, Visitor.open)
    seated = [visitor for visitor in visitors if visitor.outcome == "seated"]
    with_page = usage_of(server)
    await each(seated, Visitor.train)
    await asyncio.gather(*(visitor.close() for visitor in visitors), return_exceptions=True)
    left_over = await what_is_left_over(server, before)
    client.close()
    server.taken.update(visitor.kernel for visitor in visitors)
    outcomes = [visitor.outcome for visitor in visitors]
    share = max(1, len(seated))
    return {
        "visitors": n,
        **{outcome: outcomes.count(outcome) for outcome in ("seated", "waited", "failed")},
        **{
            step: percentiles(getattr(one, step) for one in visitors)
            for step in ("first_byte", "page", "point")
        },
        "MiB a seat": (with_page.mebibytes - before.mebibytes) / share,
        "CPU s a seat": (with_page.cpu_seconds - before.cpu_seconds) / share,
        "left over": left_over,
    }


async def each(visitors: Sequence[Visitor], step: Callable[[Visitor], Any]) -> None:
    """Let all visitors take a step at once; one that raises, or takes too long, has failed."""
    tasks = (asyncio.wait_for(step(visitor), PATIENCE_SECONDS) for visitor in visitors)
    for visitor, result in zip(visitors, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
        if isinstance(result, Exception):
            visitor.outcome = "failed"


async def what_is_left_over(server: Served, before: Usage) -> str:
    """Wait until a server takes no more than before, and return what it still takes after a minute."""
    deadline = time.monotonic() + AFTERWARDS_SECONDS
    while (
        now := usage_of(server)
    ).processes > before.processes or now.mebibytes > 1.1 * before.mebibytes + 20:
        if time.monotonic() > deadline:
            more = now.mebibytes - before.mebibytes
            return f"{now.processes - before.processes} processes and {more:.0f} MiB more than before"
        await asyncio.sleep(0.5)
    return ""


def row(figures: Figures) -> str:
    counts = "".join(f"{figures[name]:8}" for name in ("visitors", "seated", "waited", "failed"))
    times = "".join(
        f"{'{:.2f}/{:.2f}'.format(*figures[step]):>14}" for step in ("first_byte", "page", "point")
    )
    return f"{counts}{times}{figures['MiB a seat']:5.0f}{figures['CPU s a seat']:7.2f}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command(__doc__)
    counts = "how many come at once, time after time (default: 10,30)"
    parser.add_argument("--visitors", default="10,30", metavar="N,N", help=counts)
    parser.add_argument("--seats", metavar="N", help="the server's seats (default: what fits in its memory)")
    options = parser.parse_args(arguments)
    report = []
    say(machine("voila", "ipywidgets", "tornado"))
    with explorer(*(["--seats", options.seats] if options.seats else [])) as server:
        wait_until_warm(server)
        asyncio.run(visit_at_once(server, 1))  # a server that has just started has caches to fill
        print(HEAD, flush=True)
        for n in map(int, options.visitors.split(",")):
            wait_until_warm(server)
            report.append(asyncio.run(visit_at_once(server, n)))
            print(row(report[-1]), flush=True)
    left = "; ".join(f"{one['visitors']} visitors: {one['left over']}" for one in report if one["left over"])
    print(f"After they left: {left or 'processes and memory as before'}.")
    return int(bool(left) or any(one["failed"] for one in report))


if __name__ == "__main__":
    sys.exit(main())
