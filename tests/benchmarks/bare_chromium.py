"""A Chromium that nothing watches but a clock of its own.

Playwright switches on the browser's debugging of scripts. With it every exception that a script catches is traced
to its place in the source, for which all of Plotly's 5 MB are read again: 0.4 s at each load that no reader waits
for, and compiled code is not kept from one visit to the next. Times of loading are therefore taken here, through
the few messages of the browser's debugging protocol that change nothing.
"""

import asyncio
import json
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from served import cpu_seconds, family
from tornado.websocket import websocket_connect

NO_OTHER_HOST = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""A page that asks another host for something is told at once that there is none, with a network or without."""

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    NO_OTHER_HOST,
    "--remote-debugging-port=0",
    "--window-size=1440,900",
)
WATCH = """
new MutationObserver((_, observer) => {{
  if (document.querySelectorAll({selector!r}).length < {count}) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => {{ globalThis.drawnAfter = performance.now(); }}));
}}).observe(document, {{ childList: true, subtree: true }});
"""
REQUESTS = "performance.getEntriesByType('resource').filter((one) => one.transferSize > 0).length"
KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"


@dataclass(frozen=True)
class Drawn:
    """A visit: how long it took until the page was drawn, which kernel it had, what it asked the server for."""

    seconds: float
    kernel: str
    requests: int
    """Answers that did not come from the browser's own store, the page itself and its icon left out."""


class BareChromium:
    """A browser with a profile of its own, empty at first and kept from one visit to the next."""

    def __init__(self, executable: str) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        profile = f"--user-data-dir={self._folder.name}"
        self._process = subprocess.Popen(
            [executable, *ARGUMENTS, profile, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._numbers = iter(range(1, 1_000_000))

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 60
        while not self._address():
            if time.monotonic() > deadline:
                raise TimeoutError("Chromium did not start in a minute")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._folder.cleanup()

    def cpu_seconds(self) -> float:
        """Return the CPU time of the browser's processes, including those that have ended."""
        return sum(map(cpu_seconds, family(self._process.pid)))

    def draw(self, url: str, selector: str, count: int, settle: float = 1.0) -> Drawn:
        """Open a page in a new tab until so many elements are drawn, and for `settle` seconds afterwards."""
        with ThreadPoolExecutor(1) as thread:  # this one may have an event loop already, as Playwright's has
            visit = self._draw(url, selector, count, settle)
            return thread.submit(asyncio.run, visit).result()

    async def _draw(self, url: str, selector: str, count: int, settle: float) -> Drawn:
        connection = await websocket_connect(self._address(), max_message_size=2**28)
        target = (await self._ask(connection, "Target.createTarget", url="about:blank"))["targetId"]
        attached = await self._ask(connection, "Target.attachToTarget", targetId=target, flatten=True)
        session = attached["sessionId"]
        watch = WATCH.format(selector=selector, count=count)
        await self._ask(connection, "Page.enable", session)
        await self._ask(connection, "Page.addScriptToEvaluateOnNewDocument", session, source=watch)
        await self._ask(connection, "Page.navigate", session, url=url)
        drawn = None
        deadline = time.monotonic() + 180
        while drawn is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} drew no {count} of {selector} in three minutes")
            await asyncio.sleep(0.1)
            drawn = await self._value(connection, session, "globalThis.drawnAfter")
        kernel = await self._value(connection, session, KERNEL)
        await asyncio.sleep(settle)
        requests = await self._value(connection, session, REQUESTS)
        await self._ask(connection, "Page.close", session)
        connection.close()
        return Drawn(drawn / 1000, kernel, requests)

    async def _value(self, connection, session: str, expression: str):
        """Return what a page's expression is; None before it is anything."""
        how = {"expression": expression, "returnByValue": True}
        found = await self._ask(connection, "Runtime.evaluate", session, **how)
        return found["result"].get("value")

    def _address(self) -> str:
        """Return where the browser listens; nothing before it has written that down."""
        file = Path(self._folder.name) / "DevToolsActivePort"
        words = file.read_text().split() if file.exists() else []
        return f"ws://127.0.0.1:{words[0]}{words[1]}" if len(words) == 2 else ""

    async def _ask(self, connection, method: str, session: str | None = None, **parameters) -> dict:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        await connection.write_message(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            text = await connection.read_message()
            if text is None:
                raise ConnectionError("Chromium closed the connection")
            answer = json.loads(text)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
