"""Options that several commands have, and the access control that they ask for, checked before the start."""

import math
import os
import re
import ssl
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from getpass import getpass
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import Any

HUB_PATH = "JUPYTERHUB_SERVICE_PREFIX"  # variable by which a JupyterHub sets the path of a server it starts
PASSWORD = "EXPLORER_PASSWORD"  # environment variable of the server, not passed to kernels
SHORTEST_TOKEN = 16  # failed tokens are not rate-limited as passwords are
_TOKEN_WORDS = f"a token has {SHORTEST_TOKEN} characters or more"
_PATH = re.compile(r"/(?:[A-Za-z0-9_~@%-][A-Za-z0-9_.~@%-]*/)*")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE | re.ASCII)

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
"""Exit codes of commands besides 0; the last is 128 + the number of the signal, as a shell counts it."""


class RefusedError(Exception):
    """A request is invalid or can't be fulfilled; the message is one sentence for the terminal."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who can reach the server, and under which path."""

    base_url: str = "/"
    """Prefix of all addresses of the server; begins and ends with a slash."""
    hashed_password: str = ""
    """As `jupyter_server.auth.passwd` returns it; empty for none."""
    token: str = ""
    """Empty if there is none."""
    is_new_token: bool = False
    """Whether the token was generated for this server, so that only its terminal shows it."""
    names: tuple[str, ...] = ()
    """Host names that browsers may use in addition to this computer's own."""
    tls: ssl.SSLContext | None = None
    """With the server's certificate; None if the connection isn't encrypted."""
    is_in_hub: bool = False
    """Whether the server runs in a JupyterHub, whose proxy handles logins and is its only client."""

    @property
    def asked(self) -> list[str]:
        """The credentials that a login accepts: ``"password"``, ``"token"``, both or none."""
        asked = {"password": self.hashed_password, "token": self.token}
        return [word for word, value in asked.items() if value]


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return the TLS context of a certificate and its key, in one file or two; or raise RefusedError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # SSLError is one
        raise RefusedError(f"the certificate can't be used: {error.strerror or error}.") from error
    return context


def access_from(arguments: Namespace, environment: Mapping[str, str] = os.environ) -> Access:
    """Return the access settings from options and environment; raises RefusedError if they are invalid."""
    hub_path = environment.get(HUB_PATH)
    base_url = arguments.base_url
    if base_url is None:
        try:
            base_url = _base_url(hub_path or "/")
        except ArgumentTypeError as error:
            raise RefusedError(f"${HUB_PATH}: {error}.") from error
    if arguments.keyfile and not arguments.certfile:
        raise RefusedError("--keyfile needs --certfile: TLS takes both.")
    token = environment.get("JUPYTER_TOKEN", "").strip() if arguments.token == "" else arguments.token or ""
    if token and not _is_token(token):
        raise RefusedError(f"$JUPYTER_TOKEN can't be used: {_TOKEN_WORDS}.")
    is_new_token = arguments.token == "" and not token
    access = Access(
        base_url=base_url,
        hashed_password=_hashed_password(is_asked=arguments.password, environment=environment),
        token=token_hex(24) if is_new_token else token,
        is_new_token=is_new_token,
        names=tuple(name.lower() for name in arguments.allow_host or ()),
        tls=tls_context(arguments.certfile, arguments.keyfile) if arguments.certfile else None,
        is_in_hub=bool(hub_path),
    )
    if not (is_loopback(arguments.ip) or access.asked or arguments.open):
        raise RefusedError(
            f"at --ip {arguments.ip} everybody who reaches this computer could train networks on it: "
            "protect the page with --password or --token, or say --open if that is meant."
        )
    return access


def _hashed_password(*, is_asked: bool, environment: Mapping[str, str]) -> str:
    if not is_asked and not environment.get(PASSWORD):
        return ""
    try:
        found = getpass("Password: ") if is_asked else environment[PASSWORD]
        repeated = getpass("Repeat password: ") if is_asked else found
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise RefusedError("the password can't be read.") from error
    if found != repeated:
        raise RefusedError("the two passwords differ.")
    found = found.strip()  # as the login does
    if not found:
        raise RefusedError("an empty password protects nothing.")
    if not found.isprintable():
        raise RefusedError("the password has characters that can't be typed.")
    from jupyter_server.auth.security import passwd  # only here: its package takes long to load

    return str(passwd(found))


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


_base_url = option(_PATH.fullmatch, "a path begins and ends with a slash, as /explorer/")
_name = option(_NAME.fullmatch, "a name is one as example.org, without a port")
# So long that no command is mistaken for one; argparse also passes the empty default.
_token = option(lambda text: not text or _is_token(text), _TOKEN_WORDS)
positive = whole_number("expected a whole number from 1 to 100000", 1, 100_000)

OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "--port": {"type": whole_number("a port is a number from 0 (any free one) to 65535", 0, 65535)},
        "--ip": {"default": "127.0.0.1"},
        "--seats": {"type": whole_number("a number of seats is a whole number from 1")},
        "--base-url": {"type": _base_url},
        "--token": {"type": _token, "nargs": "?", "const": ""},
        "--allow-host": {"type": _name, "action": "append"},
        "--certfile": {"type": Path},
        "--keyfile": {"type": Path},
        "--max-training-minutes": {"type": whole_number("expected a whole number of at least 1")},
        "--dataset": {"action": "append", "default": []},
    }
)
"""How argparse reads the options that several commands have."""
