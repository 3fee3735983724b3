"""What a server is started with: options that several commands have, who gets in, and what kernels come from.

A page's kernels start before anything heavy is imported, so this module imports little.
"""

import math
import os
import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import Any

from explorer.discovery import ExtensionError, offers

SHORTEST_TOKEN = 16  # failed tokens are not rate-limited as passwords are
_TOKEN_WORDS = f"a token has {SHORTEST_TOKEN} characters or more"
_PATH = re.compile(r"/(?:[A-Za-z0-9_~@%-][A-Za-z0-9_.~@%-]*/)*")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE | re.ASCII)

HUB_PATH = "JUPYTERHUB_SERVICE_PREFIX"  # variable by which a JupyterHub sets the path of a server it starts
PASSWORD = "EXPLORER_PASSWORD"  # environment variable of the server, not passed to kernels

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
"""Exit codes of commands besides 0; the last is 128 + the number of the signal, as a shell counts it."""


class RefusedError(Exception):
    """A request is invalid or can't be fulfilled; the message is one sentence for the terminal."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who can reach the server, and under which path."""

    base_url: str = "/"
    """Prefix of all addresses of the server; begins and ends with a slash."""
    token: str = ""
    """Empty if there is none."""
    is_new_token: bool = False
    """Whether the token was generated for this server, so that only its terminal shows it."""

    @property
    def asked(self) -> list[str]:
        """The credentials that let somebody in: ``"token"``, or none."""
        return ["token"] if self.token else []

    @property
    def scheme(self) -> str:
        """Of the server's addresses."""
        return "http"


def access_from(
    arguments: Namespace,
    environment: Mapping[str, str] = os.environ,
    kind: type[Access] = Access,
    **more: Any,
) -> Access:
    """Return the access settings, with `more` fields of `kind`; raises RefusedError for invalid or unsafe ones."""
    token = environment.get("JUPYTER_TOKEN", "").strip() if arguments.token == "" else arguments.token or ""
    if token and not _is_token(token):
        raise RefusedError(f"$JUPYTER_TOKEN can't be used: {_TOKEN_WORDS}.")
    is_new_token = arguments.token == "" and not token
    given = {"base_url": arguments.base_url or "/", "token": token_hex(24) if is_new_token else token}
    access = kind(**given | more, is_new_token=is_new_token)
    if not (is_loopback(arguments.ip) or access.asked or arguments.open):
        raise RefusedError(
            f"at --ip {arguments.ip} everybody who reaches this computer could train networks on it: "
            "protect the page with --password or --token, or say --open if that is meant."
        )
    return access


def _is_token(text: str) -> bool:
    return len(text) >= SHORTEST_TOKEN and text.isprintable() and text == text.strip()


def is_loopback(ip: str) -> bool:
    """Return whether only this computer can reach `ip`."""
    try:
        return ip_address(ip).is_loopback
    except ValueError:
        return ip == "localhost"


def is_every_address(ip: str) -> bool:
    """Return whether `ip` means all addresses of this computer."""
    try:
        return ip == "" or ip_address(ip).is_unspecified
    except ValueError:
        return False


def option(is_one: Callable[[str], object], words: str) -> Callable[[str], str]:
    """Return an argparse type that accepts text for which `is_one` is true; `words` say what was expected."""

    def taken(text: str) -> str:
        if not is_one(text):
            raise ArgumentTypeError(f"{words}, not {text!r}")
        return text

    return taken


def whole_number(words: str, least: int = 1, most: float = math.inf) -> Callable[[str], int]:
    """Return an argparse type for integers from `least` to `most`; `words` say what was expected."""
    digits = option(lambda text: text.isascii() and text.isdigit() and least <= int(text) <= most, words)
    return lambda text: int(digits(text))


base_url = option(_PATH.fullmatch, "a path begins and ends with a slash, as /explorer/")
_name = option(_NAME.fullmatch, "a name is one as example.org, without a port")
# So long that no command is mistaken for one; argparse also passes the empty default.
_token = option(lambda text: not text or _is_token(text), _TOKEN_WORDS)
positive = whole_number("expected a whole number from 1 to 100000", 1, 100_000)

OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "--port": {"type": whole_number("a port is a number from 0 (any free one) to 65535", 0, 65535)},
        "--ip": {"default": "127.0.0.1"},
        "--seats": {"type": whole_number("a number of seats is a whole number from 1")},
        "--base-url": {"type": base_url},
        "--token": {"type": _token, "nargs": "?", "const": ""},
        "--allow-host": {"type": _name, "action": "append"},
        "--certfile": {"type": Path},
        "--keyfile": {"type": Path},
        "--max-training-minutes": {"type": whole_number("expected a whole number of at least 1")},
        "--dataset": {"action": "append", "default": []},
    }
)
"""How argparse reads the options that several commands have."""


class KernelPool:
    """Voilà's own pool of one kernel that waits for its visitor, unless an extension offers another."""

    server = "explorer.serve.server:ExplorerServer"
    """Code: the class of the server, an `explorer.serve.server.ExplorerServer`."""

    def start(self, module: str) -> None:
        """Begin to prepare kernels for a notebook that imports `module`; before anything heavy is imported."""

    def access(self, arguments: Namespace) -> Access:
        """Return who can reach the server; raises RefusedError for what this pool's server can't do."""
        options = ("allow_host", "certfile", "keyfile", "max_training_minutes", "password", "seats")
        asked = [f"--{name.replace('_', '-')}" for name in options if getattr(arguments, name)]
        asked += [f"${name}" for name in (HUB_PATH, PASSWORD) if os.environ.get(name)]
        if asked:
            raise RefusedError(f"{asked[0]} needs the extension classroom.")
        return access_from(arguments)

    def variables(self, arguments: Namespace, folder: Path) -> dict[str, str]:
        """Return the environment variables that kernels need; `folder` lasts as long as the server."""
        return {}

    def warm_up(self, environment: Mapping[str, str]) -> None:
        """Prepare kernels with the environment that they will have."""

    def close(self) -> None:
        """End what was started."""


def kernel_pool() -> KernelPool:
    """Return the pool that an extension offers, or else the core's."""
    for offer in offers("kernels"):
        with suppress(ExtensionError):  # it is logged
            pool: KernelPool = offer.call(offer.what)
            return pool
    return KernelPool()
