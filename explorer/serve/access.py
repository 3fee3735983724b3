"""The options of every page, and the access control that they ask for, checked before the server starts."""

import math
import os
import re
import ssl
from argparse import SUPPRESS, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from getpass import getpass
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explorer.serve.environment import MEGABYTES

HUB_PATH = "JUPYTERHUB_SERVICE_PREFIX"  # variable by which a JupyterHub sets the path of a server it starts
PASSWORD = "EXPLORER_PASSWORD"  # environment variable of the server, not passed to kernels
SHORTEST_TOKEN = 16  # failed tokens are not rate-limited as passwords are
_TOKEN_WORDS = f"a token has {SHORTEST_TOKEN} characters or more"


class PageOptions(Namespace):
    """The options of every page, with their defaults.

    The parsers omit options that are not given: a command's parser would otherwise overwrite options given before
    the command with its defaults.
    """

    port: int | None = None
    ip: str = "127.0.0.1"
    no_browser: bool = False
    debug: bool = False
    base_url: str | None = None
    password: bool = False
    password_file: Path | None = None
    token: str | None = None
    open: bool = False
    allow_host: Sequence[str] | None = None
    certfile: Path | None = None
    keyfile: Path | None = None
    max_training_minutes: int | None = None
    seats: int | None = None
    seat_memory: int = MEGABYTES


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
    certificate: tuple[Path, Path | None] | None = None
    """Certificate and key files, with None as the key if one file has both; None if there is no TLS."""
    is_in_hub: bool = False
    """Whether the server runs in a JupyterHub, whose proxy handles logins and is its only client."""

    @property
    def asked(self) -> list[str]:
        """The credentials that a login accepts: ``"password"``, ``"token"``, both or none."""
        asked = {"password": self.hashed_password, "token": self.token}
        return [word for word, value in asked.items() if value]

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None without TLS; raises RefusedError if the certificate can't be used."""
        if self.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(*self.certificate)
        except OSError as error:  # SSLError is one
            raise RefusedError(f"the certificate can't be used: {error.strerror or error}.") from error
        return context


def access_from(arguments: PageOptions, environment: Mapping[str, str] = os.environ) -> Access:
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
    token, is_new_token = (arguments.token or "", False) if arguments.token != "" else _usual_token()
    access = Access(
        base_url=base_url,
        hashed_password=_hashed_password(arguments, environment),
        token=token,
        is_new_token=is_new_token,
        names=tuple(name.lower() for name in arguments.allow_host or ()),
        certificate=(arguments.certfile, arguments.keyfile) if arguments.certfile else None,
        is_in_hub=bool(hub_path),
    )
    access.tls()
    if not (is_loopback(arguments.ip) or access.asked or arguments.open):
        raise RefusedError(
            f"at --ip {arguments.ip} everybody who reaches this computer could train networks on it: "
            "protect the page with --password or --token, or say --open if that is meant."
        )
    return access


def _hashed_password(arguments: PageOptions, environment: Mapping[str, str]) -> str:
    path = arguments.password_file
    is_sure = True
    try:
        if path is not None:
            found = path.read_text("utf-8-sig").partition("\n")[0]
        elif arguments.password:
            found = getpass("Password: ")
            is_sure = found == getpass("Repeat password: ")
        elif not (found := environment.get(PASSWORD, "")):
            return ""
    except (OSError, UnicodeDecodeError, EOFError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise RefusedError(f"the password can't be read{f' from {path}: {why}' if path else ''}.") from error
    found = found.strip()  # as the login does
    if not found:
        raise RefusedError("an empty password protects nothing.")
    if not found.isprintable():
        raise RefusedError("the password has characters that can't be typed.")
    if not is_sure:
        raise RefusedError("the two passwords differ.")
    from jupyter_server.auth.security import passwd  # only here: its package takes long to load

    return str(passwd(found))


def _usual_token() -> tuple[str, bool]:
    """Return Jupyter's default token, and whether it was just generated."""
    from jupyter_server.auth.identity import IdentityProvider

    provider = IdentityProvider()
    try:
        token = str(provider.token).strip()  # as the login does
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise RefusedError(f"the token can't be read from $JUPYTER_TOKEN_FILE: {why}.") from error
    if not _is_token(token):
        raise RefusedError(f"Jupyter's token can't be used: {_TOKEN_WORDS}.")
    return token, bool(provider.token_generated)


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
_token = option(  # so long that no command is mistaken for one; argparse also passes the empty default
    lambda text: not text or _is_token(text), _TOKEN_WORDS
)
_bound = whole_number("expected a whole number of at least 1")
positive = whole_number("expected a whole number from 1 to 100000", 1, 100_000)

OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "--port": {"type": whole_number("a port is a number from 0 (any free one) to 65535", 0, 65535)},
        "--seats": {"type": whole_number("a number of seats is a whole number from 1")},
        "--base-url": {"type": _base_url},
        "--password-file": {"type": Path},
        "--token": {"type": _token, "nargs": "?", "const": ""},
        "--allow-host": {"type": _name, "action": "append"},
        "--certfile": {"type": Path},
        "--keyfile": {"type": Path},
        "--max-training-minutes": {"type": _bound},
        "--seat-memory": {"type": _bound},
        "--dataset": {"action": "append", "default": SUPPRESS},
    }
)
"""How argparse reads the options that several commands have."""
