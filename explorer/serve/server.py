"""Voilà, set up to serve one notebook as the explorer's page, and its kernels."""

import asyncio
import logging
import mimetypes
import re
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from tempfile import gettempdir
from types import SimpleNamespace
from typing import Any

from jupyter_server.base.handlers import FileFindHandler
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RedirectHandler, RequestHandler
from traitlets import HasTraits
from traitlets.config import Config
from voila.app import ThemesHandler, Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.static_file_handler import AllowListFileHandler, MultiStaticFileHandler, TemplateStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from explorer.discovery import offers
from explorer.figures.palette import PALETTES
from explorer.serve import gate, pages
from explorer.serve.access import Access, KernelPool, is_every_address, is_loopback
from explorer.serve.environment import SLOW_GRAMMAR, TerminalFormatter, configure_log, kernel_environment
from explorer.widgets.plotly_module import PAGE_HAS_PLOTLY, PLOTLY_KEY

TEMPLATE = "explorer"

SILENT_SECONDS = 20.0  # limit for a request's head, for its body, and for an idle connection

JOINED_EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager")  # all of their parts are needed

EXTENSIONS = (*JOINED_EXTENSIONS, "@voila-dashboards/widgets-manager8")
"""The installed JupyterLab extensions that the page loads. `jupyterlab-plotly`, a second Plotly, is not among
them."""

VOILA_FILES = f"explorer/voila/{version('voila')}"
"""Address of Voilà's own scripts. Their names are the same in every version, so the path includes it."""

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' blob: 'unsafe-inline' 'unsafe-eval'",  # Voilà's inline scripts; JupyterLab's schemas
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        f"{pages.CONNECTS} blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    )
)
"""The page loads and runs nothing from another host; widgets load their scripts from ``blob:`` URLs."""


_HasTraits: Any = HasTraits  # Jupyter's and Voilà's managers have no types
KERNEL_OPTIONS = (
    f"--IPKernelApp.exec_lines=import sys; sys.modules['{SLOW_GRAMMAR}'] = None",
    "--IPKernelApp.capture_fd_output=False",  # a kernel's standard error reaches the terminal
    "--IPKernelApp.log_level=CRITICAL",  # a page that sends the same twice would fill the terminal
    "--HistoryManager.enabled=False",  # IPython doesn't start on a full disk with it, and has no use for it here
)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The settings that a server is started with."""

    notebook: Path
    ip: str
    listener: socket.socket
    """The public port's, as `listening_socket` returns it."""
    pool: KernelPool = field(default_factory=KernelPool)
    """What kernels are taken from."""
    kernel_variables: dict[str, str] = field(default_factory=dict)
    """Environment variables that kernels get in addition to the server's own."""
    template: str = TEMPLATE
    """Name of the page's template."""
    reveal: Path | None = None
    """Folder of reveal.js, for a template that needs it."""
    access: Access = field(default_factory=Access)
    """Who can reach the server, and under which path."""
    folder: Path | None = None
    """Folder of the kernels' connection files; None for the system's folder of temporary files."""


def page_address(ip: str, port: int, access: Access) -> str:
    """Return the page's address from this computer, for a server that listens on `ip`."""
    if is_every_address(ip):
        ip = "::1" if ":" in ip else "127.0.0.1"
    host = f"[{ip}]" if ":" in ip else ip
    return f"{access.scheme}://{host}:{port}{access.base_url}"


class VisitedKernels(_HasTraits):
    """Kernel-manager mixin: kernels know nothing of the server's environment that they don't need."""

    variables: Mapping[str, str]
    """Environment variables that kernels get in addition."""

    async def start_kernel(self, **options: Any) -> str:
        options["env"] = {**kernel_environment(options["env"]), **self.variables}
        options["extra_arguments"] = list(KERNEL_OPTIONS)
        kernel_id: str = await super().start_kernel(**options)
        return kernel_id

    def note_waiting(self, kernel_id: str) -> None:
        """Do nothing: a kernel waits for its visitor."""


class VisitHandler(RequestHandler):
    """Tells a waiting kernel of its visitor: as soon as there is one, and again if its connection was lost."""

    async def get(self, kernel_id: str) -> None:
        """Send the environment variables of the visit, which Voilà writes to a kernel's waiter."""
        self.settings["kernel_manager"].note_waiting(kernel_id)
        visits = RequestInfoSocketHandler._cache
        if kernel_id not in visits:
            visit = asyncio.get_running_loop().create_future()
            waiter = SimpleNamespace(write_message=visit.set_result)
            RequestInfoSocketHandler._waiters[kernel_id] = waiter
            visits[kernel_id] = await visit
        self.finish(visits[kernel_id])


class ExplorerServer(Voila):
    """Serves a notebook to one visitor; created by ``instance(settings)``, so that Voilà writes to its log."""

    _log_formatter_cls = TerminalFormatter

    kernels: type[Any] = VisitedKernels
    """Mixin of the kernel manager."""
    page_handler: type[Any] = pages.PageHandler
    script_handler: type[Any] = pages.ScriptHandler
    socket_handler: type[Any] = VoilaKernelWebsocketHandler

    room = ""
    """How many visitors it serves at once, as the terminal says it; empty for one."""

    def kernel_attributes(self) -> dict[str, Any]:
        """Return further attributes of the kernel manager's class."""
        return {}

    def login_handlers(self) -> list[Any]:
        """Return what answers to those who are not let in."""
        refusal = {"status": 403, "reason": gate.NO_TOKEN}
        return [(f"{self._settings.access.base_url}login", gate.RefusalHandler, refusal)]

    def http_server(self, **options: Any) -> HTTPServer:
        """Return the server of the public port."""
        return HTTPServer(gate.Gate(self.app, self.ip), **options)

    def __init__(self, settings: ServerSettings) -> None:
        configure_log()
        mimetypes.add_type(pages.JAVASCRIPT, ".js")  # whatever the operating system has for it
        self._settings = settings
        base_url = settings.access.base_url
        self._scripts = pages.page_scripts(settings.template, JOINED_EXTENSIONS)
        super().__init__(
            config=self.configuration(settings),
            config_file_paths=[],  # ignores a voila.json in the working folder
            notebook_path=str(settings.notebook.absolute()),
            ip=settings.ip,
            port=settings.listener.getsockname()[1],
            base_url=base_url,
            token=settings.access.token,
            connection_dir_root=str(settings.folder or gettempdir()),
            open_browser=False,
            log_level=logging.WARNING,
            log_format="%(levelname)s: %(message)s",
            tornado_settings={
                "headers": {pages.POLICY: CONTENT_POLICY, "X-Content-Type-Options": "nosniff"},
                "static_immutable_cache": [  # a file's name contains a hash of its content
                    *(f"{base_url}voila/labextensions/{name}/static/" for name in EXTENSIONS),
                    f"{base_url}explorer/",  # or its address has the version
                ],
            },
        )
        self.log.addFilter(lambda record: not _NO_NEWS.search(f"{record.getMessage()} {record.exc_info}"))
        logging.getLogger("tornado.general").setLevel(logging.ERROR)  # not for refused requests
        self.initialize([])
        self._visits = bind_sockets(0, "127.0.0.1")

        variables = {
            PAGE_HAS_PLOTLY: "1",
            "VOILA_APP_IP": "127.0.0.1",
            "VOILA_APP_PORT": str(self._visits[0].getsockname()[1]),
            **settings.kernel_variables,
        }
        page = self.voila_configuration
        bases = (self.kernels, page.multi_kernel_manager_class)
        attributes = {"variables": variables, **self.kernel_attributes()}
        page.multi_kernel_manager_class = type("KernelManager", bases, attributes)

    def configuration(self, settings: ServerSettings) -> Config:
        """Return how Voilà and Jupyter are set up."""
        config, (plotly, *parts) = Config(), self._scripts
        page = config.VoilaConfiguration
        page.template = settings.template
        page.allow_template_override = page.allow_theme_override = "NO"
        page.preheat_kernel = True
        page.page_config_hook = lambda page, base_url, **_: page | {"fullStaticUrl": base_url + VOILA_FILES}
        page.extension_allowlist = list(EXTENSIONS)
        page.file_allowlist = []
        page.resources = {
            "explorer": {
                "version": version("nn-explorer"),
                "palettes": {theme: palette.css() for theme, palette in PALETTES.items()},
                "page_colors": {theme: palette.surface for theme, palette in PALETTES.items()},
                "plotly_key": PLOTLY_KEY,
                "plotly_url": plotly.address,
                "part_urls": [one.address for one in parts],
                "reveal_url": f"explorer/reveal/{version('sphinx-revealjs')}" if settings.reveal else "",
                "icon_url": f"voila/templates/{settings.template}/static/favicon.svg",
            }
        }
        config.PasswordIdentityProvider.cookie_options = {"samesite": "Lax"}
        config.NotebookNotary.db_file = ":memory:"
        config.VoilaExecutor.cell_error_instruction = "The terminal that runs nn-explorer has the details."
        config.VoilaExecutor.iopub_timeout = 60  # seconds; by itself 4, after which an output is given up
        config.KernelRestarter.restart_limit = 0  # a dead kernel is not restarted: its page reports it
        config.KernelRestarter.time_to_dead = 0.5  # seconds between two looks for dead ones
        # A page that reconnects requests the state.
        config.MappingKernelManager.buffer_offline_messages = False
        return config

    def init_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = super().init_settings()
        self.kernel_spec_manager.kernel_dirs = []  # only this Python, whatever else is installed
        template = settings["voila_jinja2_env"].globals
        template["explorer"] = self.voila_configuration.resources["explorer"]
        return settings | {
            "allow_remote_access": True,  # `Gate` checks host names, also for other handlers
            "xsrf_cookie_kwargs": {"path": self.base_url, "samesite": "Lax"},
            "log_function": _log_failures,
            "default_handler_class": gate.RefusalHandler,
            "websocket_compression_options": {},  # 6 ms a page on a loopback; a fifth of the bytes on a wifi
        }

    def init_handlers(self) -> list[Any]:
        ours = {TornadoVoilaHandler: self.page_handler, FileFindHandler: gate.FilesHandler}
        ours[VoilaKernelWebsocketHandler] = self.socket_handler
        unused = {RequestInfoSocketHandler, AllowListFileHandler, TemplateStaticFileHandler, ThemesHandler}
        unused |= {MultiStaticFileHandler}
        base = self._settings.access.base_url
        handlers = [
            (base if handler is TornadoVoilaHandler else route, ours.get(handler, handler), *rest)
            for route, handler, *rest in super().init_handlers()
            if handler not in unused and route not in {"/login", "/logout"}
        ]
        far, static = not is_loopback(self.ip), {"path": self.static_paths}
        files: list[Any] = [
            (f"{base}{VOILA_FILES}/(.*)", gate.FilesHandler, static),
            (f"{base}voila/templates/{self._settings.template}/static/(.*)", gate.FilesHandler, static),
        ]
        files += [
            (base + one.address, self.script_handler, {"script": one, "far": far}) for one in self._scripts
        ]
        for offer in offers("routes"):
            name = re.escape(f"x/{offer.by.extension.name}/{offer.what.path}")
            files.append((base + name, gate.RouteHandler, {"route": offer}))
        if address := self.voila_configuration.resources["explorer"]["reveal_url"]:
            route = rf"{base}{address}/(dist/reveal\.(?:js|css))"
            files.append((route, gate.FilesHandler, {"path": str(self._settings.reveal)}))
        if self._settings.access.asked:
            files += self.login_handlers()
        if base != "/":
            files.append((base.rstrip("/"), RedirectHandler, {"url": base, "permanent": False}))
        return [*files, *handlers]

    def listen(self) -> None:
        self._http = self.http_server(
            idle_connection_timeout=SILENT_SECONDS,
            body_timeout=SILENT_SECONDS,
            max_body_size=1 << 16,  # the login's is the largest, and files use the WebSocket
        )
        self._http.add_socket(self._settings.listener)
        # Kernels await their visitor on a port that only they know.
        visits = Application([("/(.*)", VisitHandler)], kernel_manager=self.kernel_manager)
        HTTPServer(visits).add_sockets(self._visits)

    async def serve(self, listening: Callable[[str], object]) -> None:
        """Serve until the task is canceled, then end all kernels; `listening` receives the page's address."""
        self.start()
        renderer = self.kernel_manager._notebook_renderer_factory(self.kernel_manager.notebook_path)
        self.app.settings["explorer_opening"] = asyncio.ensure_future(pages.opening_of(renderer))
        try:
            listening(page_address(self.ip, self.port, self._settings.access))
            await asyncio.Event().wait()
        finally:
            # Complaints of kernels and pages during shutdown are not reported.
            self.log.setLevel(logging.CRITICAL)
            for name in ("access", "application", "general"):
                logging.getLogger(f"tornado.{name}").setLevel(logging.CRITICAL)
            self._http.stop()
            await self.kernel_manager.shutdown_all(now=True)
            shutil.rmtree(self.connection_dir, ignore_errors=True)


_NO_NEWS = re.compile(  # refused requests, old cookies and repeated reports
    "is not trusted|wrote error|invalid/expired login cookie|restart failed|restarted failed"
    "|Couldn't authenticate SocketHandler"
    "|died before replying|died while waiting|DeadKernelError|Nudge: attempt|Replacing stale connection"
)


def _log_failures(handler: RequestHandler) -> None:
    """Log a finished request if the server failed; a refusal, a full house and an extension's failure are none."""
    status, request = handler.get_status(), handler.request
    has_failed = status >= 500 and status != HTTPStatus.SERVICE_UNAVAILABLE
    if has_failed and not isinstance(handler, gate.RouteHandler):
        logging.getLogger("tornado.access").error("%d %s %s", status, request.method, request.path)
