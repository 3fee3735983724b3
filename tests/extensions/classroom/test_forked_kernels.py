"""Kernels that are forked: they are as good as others, and whatever is killed, the next visitor has one."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import needs
import pytest
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.multikernelmanager import AsyncMultiKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from processes import children, kernel_process, kernel_processes
from study_steps import until
from visitor import Visitor, client_for

from explorer.extensions.classroom.kernels import PROVISIONER, SEAT_BYTES, register_provisioner
from explorer.extensions.classroom.warm_process import LAUNCHER, ForkedProcess, WarmProcess
from explorer.serve.server import KERNEL_OPTIONS

pytestmark = [pytest.mark.slow, needs.LINUX]
PATIENCE = 60
FIGURES = """
import hashlib
from explorer import TrainingConfig, load_mnist, train
from explorer.serve.request import opening_run
run = opening_run()
arrays = [a for m in (*run.timeline.moments, run.newest) for a in (*m.weights, m.test_outputs, m.confusion)]
digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
other = [record for record in train(TrainingConfig(seed=3, n_train=1000, epochs=2), load_mnist())]
figures = [(r.train_loss, r.test_loss, r.train_accuracy, r.test_accuracy) for r in (*run.history, *other)]
print(digest, figures, run.evaluation.train_loss, run.history.batches[-1].train_loss)
"""
DRAWN = """
import random, uuid
import numpy as np
print(random.random(), np.random.random(), np.random.default_rng().random(), uuid.uuid4())
"""
READ = """
import sys
from explorer.serve.request import opening_run
print(opening_run.cache_info().currsize, [name for name in ("voila", "jupyter_server") if name in sys.modules])
"""
SURROUNDINGS = "import os; print(os.getcwd(), os.environ.get('A'), get_ipython().history_manager.enabled)"


class Kernels(AsyncMultiKernelManager):
    """A manager as the server's."""

    warm_process: WarmProcess


@pytest.fixture(scope="module")
def warm_process():
    made = WarmProcess(os.environ, "explorer.serve.request")
    made.start()
    made.warm_up({})
    yield made
    made.close()


@pytest.fixture
def kernels(warm_process, monkeypatch, tmp_path):
    register_provisioner()
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", PROVISIONER)
    KernelProvisionerFactory.clear_instance()
    made = Kernels(connection_dir=str(tmp_path))
    made.warm_process = warm_process
    yield made
    KernelProvisionerFactory.clear_instance()


@asynccontextmanager
async def kernel(kernels, **options):
    """A kernel's provisioner, and what has it run code."""
    name = await kernels.start_kernel(kernel_name="python3", extra_arguments=list(KERNEL_OPTIONS), **options)
    client: AsyncKernelClient = kernels.get_kernel(name).client()
    client.start_channels()
    await client.wait_for_ready(PATIENCE)

    async def run(code):
        printed = []
        reply = await client.execute_interactive(
            code,
            timeout=PATIENCE,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
        return "".join(printed) if reply["content"]["status"] == "ok" else reply["content"]["ename"]

    yield kernels.get_kernel(name).provisioner, run
    client.stop_channels()
    await kernels.shutdown_kernel(name, now=True)


def is_forked(provisioner):
    return isinstance(provisioner.process, ForkedProcess)


def ended(pid):
    return not Path(f"/proc/{pid}").exists()


async def test_the_first_one_too_has_the_opening_run_already(kernels):
    async with kernel(kernels) as (provisioner, run):
        assert is_forked(provisioner)
        assert await run(READ) == "1 []\n"


@pytest.mark.long
def test_records_are_equal_to_the_bit_in_forked_and_fresh_processes(kernels):
    async def figures():
        async with kernel(kernels) as (provisioner, run):
            assert is_forked(provisioner)
            assert int(await run("import os; print(os.getppid())")) == os.getpid()
            return await run(FIGURES)

    with subprocess.Popen([sys.executable, "-c", FIGURES], stdout=subprocess.PIPE, text=True) as fresh:
        forked = asyncio.run(figures())
        assert fresh.stdout.read() == forked
    assert len(forked) > 500


def test_each_has_random_numbers_variables_and_a_folder_of_its_own_and_no_history(kernels, tmp_path):
    async def drawn(**options):
        async with kernel(kernels, **options) as (_, run):
            return (await run(DRAWN)).split(), await run(SURROUNDINGS)

    first, _ = asyncio.run(drawn())
    second, surroundings = asyncio.run(drawn(cwd=str(tmp_path), env={**os.environ, "A": "b"}))
    assert len(first) == 4
    assert not {*first} & {*second}
    assert surroundings == f"{tmp_path} b False\n"


async def test_it_can_be_interrupted_and_says_how_it_ended(kernels, tmp_path):
    async with kernel(kernels) as (provisioner, run):

        def interrupt():
            until((tmp_path / "begun").exists)
            provisioner.process.send_signal(signal.SIGINT)  # once: a second could meet it as it replies

        with ThreadPoolExecutor(1) as pool:  # older clients of Jupyter hold the loop up while they wait
            pool.submit(interrupt)
            code = f"open({str(tmp_path / 'begun')!r}, 'w').close()\nwhile True: pass"
            assert await run(code) == "KeyboardInterrupt"
        assert await provisioner.poll() is None
        await provisioner.kill()
        assert await provisioner.wait() == -signal.SIGKILL


def test_an_exit_code_is_told(warm_process):
    process = asyncio.run(warm_process.fork([LAUNCHER, "-f", "/dev/null/nowhere"], {}, "/"))
    assert until(lambda: process.poll() is not None)
    assert process.poll() > 0


@pytest.mark.long
async def test_when_the_warm_process_is_killed_kernels_stay_and_the_next_is_started_as_usual(kernels, caplog):
    warm_process = kernels.warm_process
    async with kernel(kernels) as (before, run):
        os.kill(warm_process.pid, signal.SIGKILL)
        killed = warm_process.pid
        async with kernel(kernels) as (plain, run_plainly):
            assert not is_forked(plain)
            assert await run_plainly("print(6 * 7)") == "42\n"
        async with kernel(kernels) as (after, _):
            assert is_forked(after)
        assert warm_process.pid != killed
        assert is_forked(before)
        assert await run("print(6 * 7)") == "42\n"
    assert [record.message for record in caplog.records if "forked from is gone" in record.message]


def test_one_that_has_never_forked_a_kernel_is_not_started_again():
    useless = WarmProcess({**os.environ, "PYTHONHOME": "/dev/null"}, "explorer.app.explorer")
    useless.start()
    useless.warm_up({})
    assert asyncio.run(useless.fork([LAUNCHER], {}, "/")) is None
    assert useless.pid is None


@pytest.mark.long
def test_a_killed_kernel_is_replaced_before_and_during_a_visit_and_told_in_a_line(start):
    server = start()
    process = server.process
    (waiting,) = until(lambda: kernel_processes(process.pid))
    os.kill(waiting, signal.SIGKILL)
    until(lambda: "cell-output+json" in server.page())  # a visit at once, and again as the page asks for it
    until(lambda: ended(waiting))
    # The visitor's, and one that waits.
    known = until(lambda: len(found := kernel_processes(process.pid)) == 2 and found)
    pages = []
    visits = [threading.Thread(target=lambda: pages.append(server.page())) for _ in range(2)]
    for visit in visits:
        visit.start()
    second = until(lambda: kernel_processes(process.pid) - known).pop()
    os.kill(second, signal.SIGKILL)
    for visit in visits:
        visit.join()
    assert [html.count("location.reload()") for html in sorted(pages, key=len)] == [1, 0]
    assert "cell-output+json" in max(pages, key=len)
    for kernel in kernel_processes(process.pid):
        os.kill(kernel, signal.SIGKILL)
    until(lambda: "cell-output+json" in server.page())
    _, _, err = server.end()
    words = "WARNING: Kernel X died, removing from map."
    assert {re.sub(r"[0-9a-f-]{36}", "X", line) for line in err.splitlines()} == {words}


@pytest.mark.sweep
async def test_the_largest_network_of_the_controls_fits_into_its_seat(start):
    visitor = Visitor(client_for(1), start().url)
    await visitor.open()
    try:
        await visitor.train("hidden=1024,1024,1024&activation=relu&batch=512&epochs=4", fraction=0.5)
        kernel = Path(f"/proc/{kernel_process(visitor.kernel)}/smaps_rollup").read_text(encoding="utf-8")
        assert 1024 * int(re.search(r"Pss: +(\d+)", kernel)[1]) < SEAT_BYTES
    finally:
        await visitor.close()


@pytest.mark.long
def test_a_killed_server_leaves_no_process(start):
    server = start()
    server.page()
    started = until(lambda: len(found := children(server.process.pid, recursive=True)) >= 3 and found)
    server.end(signal.SIGKILL)
    until(lambda: all(map(ended, started)))
