"""Whether to deflate the messages of the page's socket: what it saves, and what it costs on both sides."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from time import process_time

from served import Served, started

__all__ = ["deflated", "with_compression"]

LEVEL, MEMORY = 6, 8
"""Tornado's settings of zlib where none are given."""

WIFI_BITS = 20e6
"""Bits that a classroom's network carries in a second, for all who are in it."""

SERVER = """
import sys
from explorer.serve.server import ExplorerServer
usual = ExplorerServer.init_settings
ExplorerServer.init_settings = lambda server: usual(server) | {{"websocket_compression_options": {options}}}
from explorer.serve.command import main
sys.exit(main(["--no-browser", "--port", "0"]))
"""


def deflated(messages: Sequence[bytes]) -> dict[str, float]:
    """Return bytes and milliseconds of messages that are deflated as Tornado would (RFC 7692, one context)."""
    pack, unpack = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, MEMORY), zlib.decompressobj(-15)
    began = process_time()
    packed = [pack.compress(message) + pack.flush(zlib.Z_SYNC_FLUSH) for message in messages]
    between = process_time()
    for message in packed:
        unpack.decompress(message)
    ended = process_time()
    plain, small = sum(map(len, messages)), sum(len(message) - 4 for message in packed)
    return {
        "messages": len(messages),
        "bytes": plain,
        "bytes deflated": small,
        "server, ms": 1000 * (between - began),
        "browser, ms": 1000 * (ended - between),
        "wifi, ms saved": 1000 * 8 * (plain - small) / WIFI_BITS,
    }


def with_compression(on: bool) -> AbstractContextManager[Served]:
    """Run the app with its socket's messages deflated, or as they are."""
    return started(["-c", SERVER.format(options={} if on else None)])
