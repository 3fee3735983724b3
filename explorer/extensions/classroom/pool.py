"""The classroom's forked kernels, and who can reach them: with a password, over TLS, by other names, in a hub."""

import os
import ssl
from argparse import ArgumentTypeError, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path

from explorer.extensions.classroom.warm_process import WarmProcess
from explorer.serve import access
from explorer.serve.access import HUB_PATH, PASSWORD, Access, KernelPool, RefusedError, is_loopback
from explorer.serve.environment import kernel_environment

MINUTES = 30  # longest uninterrupted training if other computers can reach the server


class Classroom(KernelPool):
    """Forks kernels from a process that has imported all that they need."""

    server = "explorer.extensions.classroom.server:ClassroomServer"
    warm_process: WarmProcess | None = None
    seats: int | None = None
    """Maximum number of visitors at once; None for as many as the machine can carry."""

    def start(self, module: str) -> None:
        if self.warm_process is None:
            self.warm_process = WarmProcess(kernel_environment(os.environ), module)
            self.warm_process.start()

    def access(self, arguments: Namespace) -> Access:
        return class_access(arguments)

    def variables(self, arguments: Namespace, folder: Path) -> dict[str, str]:
        from explorer.extensions.classroom.share import share_variables

        self.seats = arguments.seats
        for name in ("line", "pages"):
            (folder / name).mkdir(parents=True)
        minutes = arguments.max_training_minutes or (None if is_loopback(arguments.ip) else MINUTES)
        return share_variables(folder, minutes=minutes)

    def warm_up(self, environment: Mapping[str, str]) -> None:
        if self.warm_process is not None:
            self.warm_process.warm_up(environment)

    def close(self) -> None:
        if self.warm_process is not None:
            self.warm_process.close()


@dataclass(frozen=True, slots=True)
class ClassAccess(Access):
    """Who can reach the server of a class."""

    hashed_password: str = ""
    """As `jupyter_server.auth.passwd` returns it; empty for none."""
    names: tuple[str, ...] = ()
    """Host names that browsers may use in addition to this computer's own."""
    tls: ssl.SSLContext | None = None
    """With the server's certificate; None if the connection isn't encrypted."""
    is_in_hub: bool = False
    """Whether the server runs in a JupyterHub, whose proxy handles logins and is its only client."""

    @property
    def asked(self) -> list[str]:
        asked = {"password": self.hashed_password, "token": self.token}
        return [word for word, value in asked.items() if value]

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"


def class_access(arguments: Namespace, environment: Mapping[str, str] = os.environ) -> Access:
    """Return the `ClassAccess` of options and environment; raises RefusedError if they are invalid."""
    hub_path = environment.get(HUB_PATH)
    path = arguments.base_url
    if path is None:
        try:
            path = access.base_url(hub_path or "/")
        except ArgumentTypeError as error:
            raise RefusedError(f"${HUB_PATH}: {error}.") from error
    if arguments.keyfile and not arguments.certfile:
        raise RefusedError("--keyfile needs --certfile: TLS takes both.")
    return access.access_from(
        arguments,
        environment,
        ClassAccess,
        base_url=path,
        hashed_password=_hashed_password(is_asked=arguments.password, environment=environment),
        names=tuple(name.lower() for name in arguments.allow_host or ()),
        tls=tls_context(arguments.certfile, arguments.keyfile) if arguments.certfile else None,
        is_in_hub=bool(hub_path),
    )


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return the TLS context of a certificate and its key, in one file or two; or raise RefusedError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # SSLError is one
        raise RefusedError(f"the certificate can't be used: {error.strerror or error}.") from error
    return context


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
