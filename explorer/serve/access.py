"""Who may come in, under which names and paths: the options of a server, checked before it starts."""

import math
import os
import re
import ssl
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from getpass import getpass
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any

HUB_PATH = "JUPYTERHUB_SERVICE_PREFIX"  # variable in which a JupyterHub says where it serves what it started
PASSWORD = "EXPLORER_PASSWORD"  # variable of the server, which kernels don't get
SHORTEST_TOKEN = 16  # guesses at a token are not counted as those at a password are
_TOKEN_WORDS = f"a token has {SHORTEST_TOKEN} characters or more"

_OPTIONS = ("base_url", "password", "password_file", "token", "open", "allow_host", "certfile", "keyfile")
ACCESS_DEFAULTS: Mapping[str, Any] = MappingProxyType(dict.fromkeys(_OPTIONS))
"""The options of `add_access_options` where they are not given."""

_PATH = re.compile(r"/(?:[A-Za-z0-9_~@%-][A-Za-z0-9_.~@%-]*/)*")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE | re.ASCII)


class RefusedError(Exception):
    """What was asked for can't be meant, or can't be done; the message is one sentence for the terminal."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in, and under which path."""

    base_url: str = "/"
    """What all addresses of the server begin with; begins and ends with a slash."""
    hashed_password: str = ""
    """As `jupyter_server.auth.passwd` returns it; empty for none."""
    token: str = ""
    """Empty for none."""
    is_new_token: bool = False
    """Whether the token was made for this server, so that only its terminal knows it."""
    names: tuple[str, ...] = ()
    """Names of hosts that browsers may use in addition to this computer's own."""
    certificate: tuple[Path, Path | None] | None = None
    """Files of the certificate and of its key, None for one file that has both; None for no TLS."""
    is_in_hub: bool = False
    """Whether a JupyterHub's proxy asks for the login, and is the only one to reach the server."""

    @property
    def asked(self) -> list[str]:
        """What is asked of who comes: ``"password"``, ``"token"``, both or nothing."""
        asked = {"password": self.hashed_password, "token": self.token}
        return [word for word, value in asked.items() if value]

    def tls(self) -> ssl.SSLContext | None:
        """Return what encrypts connections, if anything does; raises RefusedError if it can't be used."""
        if self.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(*self.certificate)
        except OSError as error:  # SSLError is one
            raise RefusedError(f"the certificate can't be used: {error.strerror or error}.") from error
        return context


def add_access_options(parser: ArgumentParser) -> None:
    """Add the options that say who may come in; `ACCESS_DEFAULTS` holds for those that are not given."""
    add = partial(parser.add_argument, default=SUPPRESS)
    words = f"path that all addresses begin with (default: /, in a JupyterHub ${HUB_PATH})"
    add("--base-url", type=_base_url, metavar="/PATH/", help=words)
    words = f"ask for a password now, and then everybody (or: ${PASSWORD})"
    add("--password", action="store_true", help=words)
    add("--password-file", type=Path, metavar="FILE", help="read that password from the file's first line")
    words = "let in who has this token, in a link or at the login; without TEXT $JUPYTER_TOKEN or a new one"
    add("--token", type=_token, nargs="?", const="", metavar="TEXT", help=words)
    words = "let everybody in who reaches an --ip other than this computer's own"
    add("--open", action="store_true", help=words)
    words = "name under which browsers may reach the page, as example.org; may be given several times"
    add("--allow-host", type=_name, action="append", metavar="NAME", help=words)
    add("--certfile", type=Path, metavar="FILE", help="serve over TLS, with this certificate")
    add("--keyfile", type=Path, metavar="FILE", help="the certificate's key, where it is another file")


def access_from(arguments: Namespace, environment: Mapping[str, str] = os.environ) -> Access:
    """Return who may come in, as options and environment say; raises RefusedError if that can't be meant."""
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


def _hashed_password(arguments: Namespace, environment: Mapping[str, str]) -> str:
    """Return the password that is asked for as Jupyter keeps it, empty for none."""
    path: Path | None = arguments.password_file
    is_sure = True
    try:
        if path is not None:
            found = path.read_text("utf-8-sig").partition("\n")[0]
        elif arguments.password:
            found = getpass("Password: ")
            is_sure = found == getpass("Once more: ")
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
    """Return the token that Jupyter takes where none is given, and whether it was made now."""
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
    """Return whether `ip` stands for all addresses of this computer."""
    try:
        return ip == "" or ip_address(ip).is_unspecified
    except ValueError:
        return False


def option(is_one: Callable[[str], object], words: str) -> Callable[[str], str]:
    """Return what takes an option's text if it is one; `words` say what else was expected."""

    def taken(text: str) -> str:
        if not is_one(text):
            raise ArgumentTypeError(f"{words}, not {text!r}")
        return text

    return taken


def whole_number(words: str, least: int = 1, most: float = math.inf) -> Callable[[str], int]:
    """Return what reads an option's number from `least` to `most`; `words` say what else was expected."""
    digits = option(lambda text: text.isascii() and text.isdigit() and least <= int(text) <= most, words)
    return lambda text: int(digits(text))


_base_url = option(_PATH.fullmatch, "a path begins and ends with a slash, as /explorer/")
_name = option(_NAME.fullmatch, "a name is one as example.org, without a port")
_token = option(  # so long that no command is taken for one; argparse asks for the empty one, too
    lambda text: not text or _is_token(text), _TOKEN_WORDS
)
