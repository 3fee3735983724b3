"""Voilà, set up to serve one notebook as the explorer's page."""

import asyncio
import errno
import logging
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from explorer.figures.palette import PALETTES
from explorer.serve.kernels import kernel_manager_class
from explorer.serve.pages import LastingFileHandler, PageHandler, ScriptHandler, SocketHandler, VisitHandler
from explorer.serve.scripts import PageScripts, page_scripts
from explorer.widgets.plotly_module import PAGE_HAS_PLOTLY, PLOTLY_KEY

__all__ = [
    "ExplorerServer",
    "PortError",
    "ServerSettings",
    "free_port",
    "is_every_address",
    "is_loopback",
    "page_address",
]

DEFAULT_PORT = 8866
PORTS_TRIED = 20
TEMPLATE = "explorer"

IDLE_SECONDS = 300
"""A kernel whose page was left without a word, as by a crashed browser, is ended after this time."""

JOINED_EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager")
"""Extensions whose parts are all needed."""

EXTENSIONS = (*JOINED_EXTENSIONS, "@voila-dashboards/widgets-manager8")
"""The JupyterLab extensions that the page loads, out of those installed. `jupyterlab-plotly`, a second Plotly, is
not among them."""

HASHED_FILES = tuple(f"/voila/labextensions/{name}/static/" for name in EXTENSIONS)
"""Addresses of files for the browser to keep: their names hold a hash of what is in them."""

VOILA_FILES = f"explorer/voila/{version('voila')}"
"""Address of Voilà's own scripts. They are named alike in each of its versions, so the version stands before."""

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' blob: 'unsafe-inline' 'unsafe-eval'",  # Voilà's inline scripts; JupyterLab's schemas
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    )
)
"""The page loads and runs nothing from another host; ``blob:`` is how widgets bring their scripts."""


class PortError(OSError):
    """The server can't listen where it was told to."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What a server is started with."""

    notebook: Path
    ip: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    debug: bool = False
    kernel_variables: dict[str, str] = field(default_factory=dict)
    """Environment variables that kernels get in addition to the server's own."""
    template: str = TEMPLATE
    """Name of the page's template."""
    reveal: Path | None = None
    """Folder of reveal.js, for a template that needs it."""


def free_port(ip: str, asked: int | None) -> int:
    """Return a port to listen on at the address `ip`.

    Parameters
    ----------
    ip
        Address to listen on.
    asked
        The only port that will do; None for 8866, or the first free one above it. 0 for any.

    Raises
    ------
    PortError
        With one sentence for the user at the terminal.
    """
    ports = range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED) if asked is None else [asked]
    for port in ports:
        try:
            return _bound_port(ip, port)
        except UnicodeError as error:  # no name of a computer: a dot too many, or a part that is too long
            raise PortError(f"can't listen on {ip}: that is not an address.") from error
        except OSError as error:
            if error.errno == errno.EACCES:
                raise PortError(f"port {port} may not be used by you: choose one above 1023.") from error
            if error.errno != errno.EADDRINUSE:
                raise PortError(f"can't listen on {ip}: {error.strerror or error}.") from error
    if asked is None:
        raise PortError(f"the ports {ports[0]} to {ports[-1]} are all taken: choose another with --port.")
    raise PortError(f"port {asked} is taken: end what uses it, or choose another with --port.")


def _bound_port(ip: str, port: int) -> int:
    family, kind, protocol, _, address = socket.getaddrinfo(ip, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        if os.name == "posix":  # as the server itself does: a port that is only winding down is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        found: int = probe.getsockname()[1]
        return found


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


def page_address(ip: str, port: int) -> str:
    """Return the page's address as this computer reaches it, where `ip` is listened on."""
    return f"http://{_host(ip)}:{port}/"


def _host(ip: str) -> str:
    """Return an address by which this computer reaches `ip`, as it stands in a URL."""
    if is_every_address(ip):
        ip = "::1" if ":" in ip else "127.0.0.1"
    return f"[{ip}]" if ":" in ip else ip


class ExplorerServer(Voila):
    """Serves a notebook with the explorer's template, on one address, until it is cancelled.

    Made by ``ExplorerServer.instance(settings)``, so that all parts of Voilà write to its log.

    Parameters
    ----------
    settings
        What is served, and where.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._scripts = page_scripts(settings.template, JOINED_EXTENSIONS)
        super().__init__(
            config=_configuration(settings, self._scripts),
            config_file_paths=[],  # a voila.json in the working folder is not meant for us
            notebook_path=str(settings.notebook.absolute()),
            ip=settings.ip,
            port=settings.port,
            open_browser=False,
            log_level=logging.DEBUG if settings.debug else logging.WARNING,
            log_format="%(levelname)s: %(message)s",
            tornado_settings={
                "headers": {"Content-Security-Policy": CONTENT_POLICY},
                "static_immutable_cache": list(HASHED_FILES),
            },
        )
        self._settings = settings
        self.log.addFilter(_is_news)
        if not settings.debug:  # tornado warns of every page: Jupyter's ping settings contradict each other
            logging.getLogger("tornado.general").setLevel(logging.ERROR)
        self.initialize([])
        variables = {
            PAGE_HAS_PLOTLY: "1",
            "VOILA_APP_IP": _host("127.0.0.1" if self.ip == "localhost" else self.ip),
            **settings.kernel_variables,
        }
        page = self.voila_configuration
        page.multi_kernel_manager_class = kernel_manager_class(page.multi_kernel_manager_class, variables)

    def init_settings(self) -> dict[str, Any]:
        """Return tornado's settings: on this computer's own address no other name for it is accepted.

        A page of a stranger whose name was pointed at 127.0.0.1 could otherwise talk to the kernels.
        """
        settings: dict[str, Any] = super().init_settings()
        self.kernel_spec_manager.kernel_dirs = []  # this Python and no other, whatever else is installed
        return settings | {
            "allow_remote_access": not is_loopback(self.ip),
            "websocket_compression_options": {},  # 6 ms a page on a loopback; a fifth of the bytes on a wifi
        }

    def init_handlers(self) -> list[Any]:
        """Return Voilà's handlers, with the explorer's own for the page and for what the browser keeps."""
        ours = {
            TornadoVoilaHandler: PageHandler,
            VoilaKernelWebsocketHandler: SocketHandler,
            RequestInfoSocketHandler: VisitHandler,
        }
        handlers = [
            (route, ours.get(handler, handler), *rest) for route, handler, *rest in super().init_handlers()
        ]
        far = not is_loopback(self.ip)
        files = [
            *((f"/{one.address}", ScriptHandler, {"script": one, "far": far}) for one in self._scripts.all()),
            (f"/{VOILA_FILES}/(.*)", LastingFileHandler, {"paths": self.static_paths}),
        ]
        if self._settings.reveal is not None:
            route = rf"/{_reveal_address()}/(dist/reveal\.(?:js|css))"
            files.append((route, LastingFileHandler, {"paths": [str(self._settings.reveal)]}))
        return [*files, *handlers]

    def listen(self) -> None:
        """Listen on the one port."""
        try:
            self._http = self.app.listen(self.port, self.ip)
        except OSError as error:
            raise PortError(f"port {self.port} is taken: choose another with --port.") from error

    async def serve(self, listening: Callable[[str], object]) -> None:
        """Serve until the task is cancelled; then end all kernels.

        Parameters
        ----------
        listening
            Called with the page's address once it can be opened.
        """
        self.start()
        try:
            listening(page_address(self.ip, self.port))
            await asyncio.Event().wait()
        finally:
            self.log.setLevel(logging.CRITICAL)  # what kernels complain about while they end is no news
            self._http.stop()
            await self.kernel_manager.shutdown_all(now=True)
            shutil.rmtree(self.connection_dir, ignore_errors=True)


def _configuration(settings: ServerSettings, scripts: PageScripts) -> Config:
    """Return Voilà's and Jupyter's settings."""
    config = Config()
    page = config.VoilaConfiguration
    page.template = settings.template
    page.allow_template_override = page.allow_theme_override = "NO"
    page.preheat_kernel = True
    page.page_config_hook = _with_lasting_address
    page.show_tracebacks = settings.debug
    page.extension_allowlist = list(EXTENSIONS)
    page.file_allowlist = []
    page.resources = {
        "explorer": {
            "version": version("nn-explorer"),
            "palettes": {theme: palette.css() for theme, palette in PALETTES.items()},
            "page_colours": {theme: palette.surface for theme, palette in PALETTES.items()},
            "plotly_key": PLOTLY_KEY,
            "plotly_url": scripts.plotly.address,
            "voila_urls": [one.address for one in scripts.voila],
            "extension_urls": [one.address for one in scripts.extensions],
            "reveal_url": "" if settings.reveal is None else _reveal_address(),
        }
    }
    config.NotebookNotary.db_file = ":memory:"
    config.VoilaExecutor.cell_error_instruction = "The terminal that runs nn-explorer has the details."
    config.VoilaKernelManager.fill_delay = 0.0  # the manager of `kernel_manager_class` waits
    config.MappingKernelManager.cull_idle_timeout = IDLE_SECONDS
    config.MappingKernelManager.cull_interval = 60
    config.MappingKernelManager.cull_connected = False
    return config


def _with_lasting_address(page_config: dict[str, Any], base_url: str, **_: Any) -> dict[str, Any]:
    """Let the page take Voilà's scripts from where the browser keeps them."""
    return page_config | {"fullStaticUrl": base_url + VOILA_FILES}


def _reveal_address() -> str:
    return f"explorer/reveal/{version('sphinx-revealjs')}"


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether a log record says something: a notebook of the package need not be signed by the user."""
    return "is not trusted" not in record.getMessage()
