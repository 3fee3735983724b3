"""A server for a class: seats and their queue, forked kernels, and limits on what each visitor may take."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback
from tornado.web import RequestHandler
from traitlets.config import Config

from explorer.extensions.classroom import kernels, queue
from explorer.extensions.classroom.connections import FairServer
from explorer.extensions.classroom.sockets import MOST_FRAME_BYTES, SocketHandler
from explorer.serve.gate import Gate
from explorer.serve.server import ExplorerServer
from explorer.training.turns import n_cores
from explorer.wording import counted


class ClassroomServer(ExplorerServer):
    """Serves a notebook to as many visitors as there are seats."""

    kernels = kernels.SeatedKernels
    page_handler = queue.SeatedPageHandler
    socket_handler = SocketHandler

    @property
    def room(self) -> str:
        """How many visitors it serves at once, as the terminal says it."""
        return counted(self.seats.most, "seat")

    def kernel_attributes(self) -> dict[str, Any]:
        """Return further attributes of the kernel manager's class."""
        pool: Any = self._settings.pool
        self._most_files = kernels.raise_file_limit()
        seats = kernels.seats_of(pool.seats, n_cores(), kernels.free_memory(), self._most_files)
        self.seats = kernels.Seats(seats)
        kernels.register_provisioner()
        return {"seats": self.seats, "warm_process": pool.warm_process}

    def kernel_settings(self, config: Config) -> None:
        """Configure how kernels start."""
        config.VoilaKernelManager.fill_delay = 0.0  # `SeatedKernels` waits
        config.KernelProvisionerFactory.default_provisioner_name = kernels.PROVISIONER

    def note_loading(self, handler: RequestHandler) -> None:
        """Record that a browser's page is loading."""
        self.seats.note_loading(handler.get_cookie(kernels.BROWSER))

    def http_server(self, router: Gate, **options: Any) -> HTTPServer:
        """Return a server that closes what is never read; half of the files are for everybody else."""
        return FairServer(router, most_connections=self._most_files // 2, **options)

    def init_settings(self) -> dict[str, Any]:
        """Return tornado's settings."""
        return super().init_settings() | {
            "explorer_seats": self.seats,
            "websocket_max_message_size": MOST_FRAME_BYTES,
        }

    def init_handlers(self) -> list[Any]:
        """Return all handlers, with that of the queue."""
        options = {"voila_configuration": self.voila_configuration}
        return [(self.base_url + queue.PLACE, queue.PlaceHandler, options), *super().init_handlers()]

    def watches(self) -> Sequence[PeriodicCallback]:
        """Return what looks for kernels that nobody uses."""
        return (PeriodicCallback(partial(self.seats.look, self.kernel_manager), 1000 * kernels.LOOK_SECONDS),)
