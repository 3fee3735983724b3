"""The event loop that a page's handlers run on: how other threads call it, and where its exceptions go."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any


def log_fault(error: Exception) -> None:
    """Log an exception raised by a handler."""
    logging.getLogger(__name__).error("A handler failed", exc_info=error)


class EventLoop:
    """The event loop running when this object was created; None in a plain script.

    Exceptions that handlers raise go to `on_fault`, which reports them to the user; by default they are logged.
    """

    def __init__(self, on_fault: Callable[[Exception], object] = log_fault) -> None:
        self.loop = running_loop()
        self.on_fault = on_fault

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the loop: at once if the caller runs on it, else soon, reporting its exceptions."""
        if self.loop is None or self.loop is running_loop():
            function(*arguments)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.guarded, function, *arguments)

    def call_later(self, seconds: float, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the loop after `seconds`; without a loop, at once."""
        if self.loop is None:
            function(*arguments)
        else:
            self.loop.call_later(seconds, function, *arguments)

    def bind(self, handler: Callable[..., object]) -> Callable[..., None]:
        """Return a function that calls `handler` on the loop and reports its exceptions to the user."""
        return partial(self.call, self.guarded, handler)

    def guarded(self, handler: Callable[..., object], *arguments: Any) -> bool:
        """Call `handler` directly; if it raises, report the exception to the user and return False."""
        try:
            handler(*arguments)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is reported to the user
            self.on_fault(error)
            return False
        return True


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that the caller runs on, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
