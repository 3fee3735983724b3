"""A server of files, as it comes with Python."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Silent(SimpleHTTPRequestHandler):
    """Says nothing of its requests."""

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(folder):
    """Serve a folder, and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
