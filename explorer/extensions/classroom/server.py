"""A server for a class: seats and their queue, forked kernels, and limits on what each visitor may take."""

from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback
from traitlets.config import Config

from explorer.extensions.classroom import gate, kernels, queue
from explorer.extensions.classroom.connections import FairServer
from explorer.extensions.classroom.sockets import MOST_FRAME_BYTES, SocketHandler
from explorer.serve.server import ExplorerServer, ServerSettings
from explorer.training.turns import n_cores
from explorer.wording import counted


class ClassroomServer(ExplorerServer):
    """Serves a notebook to as many visitors as there are seats."""

    _settings: Any  # with the pool and the access of a `Classroom`
    kernels = kernels.SeatedKernels
    page_handler = queue.SeatedPageHandler
    script_handler = queue.SeatedScriptHandler
    socket_handler = SocketHandler

    @property
    def room(self) -> str:
        """How many visitors it serves at once, as the terminal says it."""
        return counted(self.seats.most, "seat")

    def kernel_attributes(self) -> dict[str, Any]:
        """Return further attributes of the kernel manager's class."""
        pool = self._settings.pool
        self._most_files = kernels.raise_file_limit()
        seats = kernels.seats_of(pool.seats, n_cores(), kernels.free_memory(), self._most_files)
        self.seats = kernels.Seats(seats)
        kernels.register_provisioner()
        return {"seats": self.seats, "warm_process": pool.warm_process}

    def configuration(self, settings: ServerSettings) -> Config:
        """Return how Voilà and Jupyter are set up, with the password and how kernels start."""
        config = super().configuration(settings)
        config.PasswordIdentityProvider.hashed_password = self._settings.access.hashed_password
        config.PasswordIdentityProvider.allow_password_change = False
        config.VoilaKernelManager.fill_delay = 0.0  # `SeatedKernels` waits
        config.KernelProvisionerFactory.default_provisioner_name = kernels.PROVISIONER
        return config

    def http_server(self, **options: Any) -> HTTPServer:
        """Return a server that closes what is never read; half of the files are for everybody else."""
        access, most = self._settings.access, self._most_files // 2
        router = gate.ClassGate(self.app, self.ip, access)
        return FairServer(router, most_connections=most, ssl_options=access.tls, **options)

    def init_settings(self) -> dict[str, Any]:
        """Return tornado's settings."""
        return super().init_settings() | {
            "explorer_seats": self.seats,
            "is_in_hub": self._settings.access.is_in_hub,
            "websocket_max_message_size": MOST_FRAME_BYTES,
        }

    def init_handlers(self) -> list[Any]:
        """Return all handlers, with that of the queue."""
        options = {"voila_configuration": self.voila_configuration}
        return [(self.base_url + queue.PLACE, queue.PlaceHandler, options), *super().init_handlers()]

    def login_handlers(self) -> list[Any]:
        """Return the login and its end."""
        options = {"tries": gate.Tries(), "access": self._settings.access}
        login = (f"{self.base_url}login", gate.LoginHandler, options)
        return [login, (f"{self.base_url}logout", gate.LogoutHandler)]

    async def serve(self, listening: Callable[[str], object]) -> None:
        """Serve until the task is canceled, and look for kernels that nobody uses."""
        look = PeriodicCallback(lambda: self.seats.look(self.kernel_manager), 1000 * kernels.LOOK_SECONDS)
        look.start()
        try:
            await super().serve(listening)
        finally:
            look.stop()
