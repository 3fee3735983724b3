"""The server's own parts of Voilà: when kernels start, and pages of templates that are compiled once."""

import asyncio
import logging
import struct
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import jinja2
import pytest
from jupyter_client.provisioning import LocalProvisioner
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from voila import notebook_renderer
from voila.paths import collect_template_paths
from voila.request_info_handler import RequestInfoSocketHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from explorer.extensions.classroom import kernels
from explorer.extensions.classroom.kernels import SeatedKernels, Seats, StartingOrder
from explorer.extensions.classroom.sockets import SocketHandler
from explorer.serve.environment import SHARE
from explorer.serve.pages import CompiledTemplates, PageExporter
from explorer.serve.request import wait_for_visit
from explorer.serve.serve_command import end_all_tasks
from explorer.serve.server import TEMPLATE, VisitHandler
from explorer.training.turns import n_cores

from .conftest import Kernels, manager_class

WARM = {"VOILA_PREHEAT": "True"}


@pytest.fixture
def manager(monkeypatch):
    monkeypatch.setattr(kernels, "QUIET_SECONDS", 3600)
    monkeypatch.setattr(kernels, "READY_SECONDS", 0.05)
    return manager_class(Kernels, {"NOTE": "kept"}, Seats(9))()


async def is_waiting(task):
    for _ in range(10):
        await asyncio.sleep(0)
    return not task.done()


async def test_a_kernel_for_nobody_yet_waits_while_a_page_draws_until_the_next_visitor_or_the_end(manager):
    await manager.start_kernel(env=WARM)  # the first: no page draws
    assert manager.options["env"]["NOTE"] == "kept"
    manager.order.note_visit()
    second = asyncio.ensure_future(manager.start_kernel(env=WARM))
    assert await is_waiting(second)
    manager.order.note_visit()
    third = asyncio.ensure_future(manager.start_kernel(env=WARM))
    await second
    assert await is_waiting(third)
    del manager.options
    await manager.shutdown_all(now=True)
    with pytest.raises(RuntimeError, match="the server ends"):
        await third
    assert not hasattr(manager, "options")
    assert manager.has_ended


async def test_so_many_start_at_once_and_the_first_to_come_is_the_first_to_go_on(monkeypatch):
    monkeypatch.setattr(kernels, "READY_SECONDS", 0.05)
    order, places = StartingOrder(), n_cores() + 1
    for _ in range(places + 4):
        order.note_visit()
    starts = [asyncio.ensure_future(order.acquire_slot()) for _ in range(places + 4)]
    waiting = starts[places:]
    assert await is_waiting(waiting[0])
    assert all(start.done() for start in starts[:places])
    order.note_start("ready")
    order.note_ready("ready")
    order.note_ready("ready")  # twice, as a kernel that connects again
    assert not await is_waiting(waiting[0])
    assert await is_waiting(waiting[1])
    order.release_slot()  # one that could not be started
    assert not await is_waiting(waiting[1])
    assert await is_waiting(waiting[2])
    order.note_start("slow")
    await asyncio.wait_for(waiting[2], 30)
    assert await is_waiting(waiting[3])
    waiting[3].cancel()


async def test_a_kernel_that_dies_while_it_waits_is_replaced_before_anybody_comes():
    filled = []

    class Manager(SeatedKernels):
        order = StartingOrder()

        def __contains__(self, kernel):
            return kernel != "dead"

        async def is_alive(self, kernel):
            return True

        def fill_if_needed(self, delay, notebook_name):
            filled.append(notebook_name)

    async def started(kernel):
        return {"kernel_id": kernel, "task": asyncio.ensure_future(asyncio.sleep(0))}

    manager = Manager()
    dead, living = [asyncio.ensure_future(started(kernel)) for kernel in ("dead", "living")]
    manager._pools = {"page": [dead, living]}  # Voilà's
    await asyncio.wait([dead, living])
    manager.on_death("dead")
    while not filled:
        await asyncio.sleep(0.01)
    assert manager._pools == {"page": [living]}


@pytest.mark.parametrize("is_stuck", [True, False])
async def test_a_kernel_that_never_started_is_not_missed_at_the_end(is_stuck, monkeypatch, tmp_path):
    async def launch(*_, **__):
        if is_stuck:
            await asyncio.Event().wait()
        raise OSError("no space left")

    monkeypatch.setattr(kernels, "READY_SECONDS", 0.05)
    monkeypatch.setattr(LocalProvisioner, "launch_kernel", launch)
    manager = manager_class(AsyncMappingKernelManager, {}, Seats(9))(connection_dir=str(tmp_path))
    manager.log.setLevel(logging.CRITICAL + 1)
    start = asyncio.ensure_future(manager.start_kernel(env=WARM))
    await asyncio.wait([start], timeout=0.2 if is_stuck else None)
    await manager.shutdown_all(now=True)
    assert start.done()


def test_what_begins_as_another_ends_does_not_hold_up_the_end():
    async def outlive(others):
        if others:
            # As nbclient does, to which it means that the kernel is dead.
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            begun.append(asyncio.ensure_future(outlive(others - 1)))
        await asyncio.Event().wait()

    async def serve():
        begun.append(asyncio.ensure_future(outlive(3)))
        await asyncio.sleep(0)
        await end_all_tasks()
        assert [task.done() for task in begun] == [True] * 4

    begun = []
    asyncio.run(serve())


def test_templates_are_compiled_for_the_first_page_alone(monkeypatch):
    assert notebook_renderer.VoilaExporter is PageExporter  # the name by which Voilà makes one
    monkeypatch.setattr(PageExporter.templates, "client", CompiledTemplates())
    monkeypatch.setenv("JUPYTER_PATH", str(SHARE))
    paths = collect_template_paths(["voila", "nbconvert"], TEMPLATE)

    def load():
        exporter = PageExporter(template_name=TEMPLATE, base_url="/")
        exporter.template_paths = paths
        return exporter.template

    def compile_again(*_, **__):
        raise AssertionError("compiled again")

    load()
    monkeypatch.setattr(jinja2.Environment, "compile", compile_again)
    assert load().name == "index.html.j2"


OLDER = struct.pack("!4I", 3, 16, 30, 31) + b'{"header": {}}12'
"""A message as Jupyter writes it for a socket whose protocol it doesn't know: where its parts begin, and they."""


@pytest.mark.parametrize(
    ("connection", "sent"),
    [
        (None, []),
        (SimpleNamespace(is_closing=lambda: True), []),
        (SimpleNamespace(is_closing=lambda: False), [OLDER]),
    ],
    ids=["closed", "closing", "open"],
)
def test_what_a_kernel_says_to_a_socket_that_the_server_has_closed_is_dropped(monkeypatch, connection, sent):
    assert int.from_bytes(OLDER[:8], "little") > 1 << 50  # offsets, as Voilà reads it
    written = []
    monkeypatch.setattr(SocketHandler, "__init__", lambda handler: None)
    monkeypatch.setattr(
        VoilaKernelWebsocketHandler, "write_message", lambda handler, message, binary: written.append(message)
    )
    handler = SocketHandler()
    handler.initialize()
    handler.ws_connection = connection
    handler.write_message(OLDER, binary=True)
    assert written == sent


WORDS = {"QUERY_STRING": "hidden=8"}


@asynccontextmanager
async def visits(monkeypatch):
    """A server that tells a kernel of its visitor, and how the kernel asks it."""
    manager = SimpleNamespace(note_waiting=lambda kernel: None)
    server = HTTPServer(Application([("/(.*)", VisitHandler)], kernel_manager=manager))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port = sockets[0].getsockname()[1]
    for name, value in (("APP_IP", "127.0.0.1"), ("APP_PORT", str(port)), ("KERNEL_ID", "k")):
        monkeypatch.setenv(f"VOILA_{name}", value)
    yield server, lambda: asyncio.create_task(asyncio.to_thread(wait_for_visit))
    server.stop()
    for kept in (RequestInfoSocketHandler._waiters, RequestInfoSocketHandler._cache):
        kept.pop("k", None)


async def until_it_waits(before=None):
    while RequestInfoSocketHandler._waiters.get("k") is before:
        await asyncio.sleep(0.01)
    return RequestInfoSocketHandler._waiters["k"]


def a_visitor_comes():
    RequestInfoSocketHandler.send_updates({"kernel_id": "k", "payload": WORDS})


async def test_a_kernel_hears_of_a_visitor_who_came_before_it_asked(monkeypatch):
    async with visits(monkeypatch) as (_, ask):
        a_visitor_comes()
        assert await ask() == WORDS


@pytest.mark.parametrize("has_come", [False, True])
async def test_a_kernel_whose_connection_was_lost_asks_again_and_hears_of_its_visitor(monkeypatch, has_come):
    async with visits(monkeypatch) as (server, ask):
        lost = ask()
        waiter = await until_it_waits()
        await server.close_all_connections()
        if has_come:
            a_visitor_comes()
        with pytest.raises(ConnectionError):
            await lost
        again = ask()
        if not has_come:
            await until_it_waits(waiter)
            a_visitor_comes()
        assert await again == WORDS
    with pytest.raises(ConnectionError):  # the server has ended
        await ask()
