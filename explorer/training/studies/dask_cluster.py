"""Runs calls on a Dask cluster through the user's own client, so Dask is never imported here."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any
from uuid import uuid4

__all__ = ["DaskCluster"]


class DaskCluster(Executor):
    """Dask's executor, of ``client.get_executor()``, made safe against lost workers, data and connections.

    With Dask's own, a future never ends if its result is lost with a worker; a worker dies if it can't import what
    it is sent; and a second call with equal arguments reuses the first, even if that failed.
    """

    def __init__(self, executor: Any) -> None:
        self._client, self._options = executor._client, executor._kwargs
        self._arrays: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` on a worker; arrays, the same in every call, are sent once. `ConnectionError` without Dask."""
        try:
            # On the client's own thread: from another, a future made as the connection breaks might never end.
            future: Future[Any] = self._client.sync(self._submit, _Call(partial(fn, **kwargs), args))
        except Exception as error:
            raise ConnectionError("there is no connection to Dask's scheduler") from error
        return future

    async def _submit(self, call: _Call) -> Any:
        buffers: list[pickle.PickleBuffer] = []
        content = pickle.dumps(call, protocol=5, buffer_callback=buffers.append)
        # They are lost with the last worker that has them. Like calls, they wait for a first worker, however long.
        if len(self._arrays) < len(buffers) or any(array.status != "finished" for array in self._arrays):
            self._arrays = await self._client.scatter(
                list(map(bytes, buffers)), broadcast=True, hash=False, timeout=math.inf, asynchronous=True
            )
        if self._client.status == "closing":  # it would take the call, and forget it
            raise ConnectionError("the client is closing")
        return self._client.submit(
            pickle.loads, content, buffers=self._arrays, key=f"trial-{uuid4().hex}", **self._options
        )


class _Call:
    """A call that is made where it is unpickled: on its way it is bytes, which need no package."""

    def __init__(self, *reduced: Any) -> None:
        self._reduced = reduced

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reduced
