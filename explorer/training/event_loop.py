"""The event loop on which all that a page says and shows is handled, so that nothing there needs a lock."""

import asyncio
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

_log = logging.getLogger(__name__)


def log_fault(error: Exception) -> None:
    """Log what a handler raised."""
    _log.error("A handler failed", exc_info=error)


class EventLoop:
    """The event loop that was running where this was made; in a plain script there is none.

    What a handler raises goes to `on_fault`, to tell the user; without it, that is logged.
    """

    def __init__(self, on_fault: Callable[[Exception], object] = log_fault) -> None:
        self.loop = running_loop()
        self.on_fault = on_fault

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the loop: now if the caller runs on it; else soon, when what it raises is told."""
        if self.loop is None or self.loop is running_loop():
            function(*arguments)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.guarded, function, *arguments)

    def call_later(self, seconds: float, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the loop after `seconds`; without a loop, now."""
        if self.loop is None:
            function(*arguments)
        else:
            self.loop.call_later(seconds, function, *arguments)

    def bind(self, handler: Callable[..., object]) -> Callable[..., None]:
        """Return a function that calls `handler` on the loop, and tells the user what it raises."""

        @wraps(handler)
        def on_loop(*arguments: Any) -> None:
            self.call(self.guarded, handler, *arguments)

        return on_loop

    def guarded(self, handler: Callable[..., object], *arguments: Any) -> bool:
        """Call `handler` here; return False if it raised, which the user is told."""
        try:
            handler(*arguments)
        except Exception as error:  # noqa: BLE001  # whatever it is, the user is told
            self.on_fault(error)
            return False
        return True


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that the caller runs on; None without any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
