"""What goes wrong in mid-lecture is told in a banner, and the same experiment opens again or goes on by itself."""

import os
import re
import signal
import time
from pathlib import Path
from threading import Timer
from urllib.parse import urlsplit

import numpy as np
import pytest
from processes import kernel_process

KERNEL = "() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
KEPT = "(n) => sessionStorage.getItem('explorer-kept')?.includes(`${n} runs as of`)"
BANNER = ".explorer-banner[role=alert]"
EPOCHS = (
    "() => [...(document.querySelector('.js-plotly-plot')?.data.find((t) => t.name === 'test')?.x ?? [])]"
)
LOSS_SECONDS = 8
BUSY_SECONDS = 9
MODELS = "async () => Object.keys((await jupyterapp.widgetManager.get_state()).state).length"
FIGURE = ".js-plotly-plot .main-svg"


def kernel_of(page):
    return kernel_process(page.evaluate(KERNEL))


@pytest.mark.long
def test_a_killed_kernel_is_told_at_once_and_the_experiment_opens_again(app, open_page):
    visit = open_page(app.exercise)
    page = visit.page
    page.wait_for_selector(FIGURE)
    visit.begin("?hidden=8&n=500&epochs=2")
    visit.until_finished(2)
    visit.tab("runs")
    page.wait_for_url("**tab=runs**")
    page.locator(".explorer-runs tr[data-present]").wait_for()
    n = visit.rows.count()
    page.wait_for_function(KEPT, arg=n)
    before = page.url
    os.kill(kernel_of(page), signal.SIGKILL)
    banner = page.locator(BANNER)
    banner.wait_for()
    said = r"Python has ended.* you keep the settings, the tab and \d runs as of \d\d:\d\d"
    assert re.search(said, banner.inner_text())
    assert page.locator("#rendered_cells").evaluate("main => main.inert")
    banner.get_by_role("button", name="Open it again").click()
    page.locator(".explorer-message", has_text=f"The session that was kept is open: {n} runs").wait_for()
    assert page.locator(BANNER).count() == 0
    assert page.url == before


@pytest.mark.sweep
def test_a_kernel_that_stops_is_told_and_when_it_comes_back_the_page_goes_on(serve_notebook, open_page):
    server = serve_notebook("surroundings")
    page = open_page(server.url, prepare=lambda page: page.clock.install()).page
    page.wait_for_selector(FIGURE)
    banner = page.locator(BANNER)
    kernel = kernel_of(page)
    os.kill(kernel, signal.SIGSTOP)
    run_until(page, banner.filter(has_text="it is busy or was stopped"))
    os.kill(kernel, signal.SIGCONT)
    run_until(page, page.locator("body:not(:has(.explorer-banner))"))
    assert not page.locator("#rendered_cells").evaluate("main => main.inert")


@pytest.mark.long
def test_python_that_is_busy_for_long_as_the_page_opens_only_delays_it(app, open_page):
    """After four seconds ipywidgets would ask for each widget, and mistake a change for one of the answers."""

    def keep_busy(socket):
        kernel = kernel_process(re.search("kernels/([^/]+)/", socket.url)[1])
        os.kill(kernel, signal.SIGSTOP)
        Timer(BUSY_SECONDS, os.kill, (kernel, signal.SIGCONT)).start()

    open_page(app.exercise).until_drawn()  # kernels that start from now on have trained the opening run
    visit = open_page(app.exercise, prepare=lambda page: page.on("websocket", keep_busy))
    visit.until_drawn()
    visit.until_finished(10)
    visit.assert_clean()


@pytest.mark.long
def test_a_server_that_ends_is_told_and_when_it_is_back_the_experiment_opens_again(start_server, open_page):
    command = ["-m", "explorer", "--no-browser", "--port"]
    server = start_server([*command, 0])
    page = open_page(f"{server.url}?hidden=8&n=500&epochs=2&tab=runs").page
    tiles = page.locator(".explorer-tiles", has_text="784-8-10")
    tiles.wait_for()
    before = page.url
    assert server.stop() == 0
    banner = page.locator(BANNER)
    banner.filter(has_text="it has ended or can’t be reached").wait_for()
    banner.get_by_role("button", name="Open it again").click()
    banner.get_by_role("button", name="Waiting for the server").wait_for()
    start_server([*command, urlsplit(server.url).port])
    page.locator(f"body:not(:has({BANNER}))").and_(page.locator("body:has(.explorer-tiles)")).wait_for()
    tiles.wait_for()
    assert page.url == before


def run_until(page, locator):
    """Let the clock of the page run until something is there."""
    while not locator.count():
        page.clock.run_for(1000)


@pytest.mark.long
def test_a_lost_network_costs_no_record_and_the_state_is_asked_for_once(app, open_page):
    page = open_page(app.url + "?epochs=500").page
    page.wait_for_selector(FIGURE)
    asked = []
    note = ("framesent", lambda frame: asked.append(b"request_states" in frame))
    page.on("websocket", lambda socket: socket.on(*note))
    page.context.set_offline(True)
    begun = time.monotonic()
    page.locator(BANNER, has_text="The network is lost").wait_for()
    page.wait_for_timeout(1000 * max(0, LOSS_SECONDS + begun - time.monotonic()))
    before = page.evaluate(EPOCHS)
    page.context.set_offline(False)
    page.locator(BANNER).wait_for(state="detached")
    page.wait_for_function(f"before => ({EPOCHS})().length > before.length + {LOSS_SECONDS / 4}", arg=before)
    epochs = page.evaluate(EPOCHS)
    assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
    assert sum(asked) <= 1  # none where the socket outlived the loss


def size_of(pid):
    """Megabytes, threads and open files of a process."""
    lines = (Path("/proc") / str(pid) / "status").read_text(encoding="utf-8").splitlines()
    found = dict(line.split(":", 1) for line in lines)
    files = len(list((Path("/proc") / str(pid) / "fd").iterdir()))
    return int(found["VmRSS"].split()[0]) / 1024, int(found["Threads"]), files


@pytest.mark.sweep
def test_constant_training_grows_nothing(app, open_page):
    visit = open_page(app.exercise)
    page = visit.page
    page.wait_for_selector(FIGURE)
    kernel, sizes = kernel_of(page), []
    for run in range(30):
        visit.begin(f"?hidden={2 + run % 2}&n=200&epochs=2")
        if run in (9, 29):
            sizes.append((*size_of(kernel), *size_of(app.process.pid), page.evaluate(MODELS)))
    grown = np.subtract(sizes[1], sizes[0])
    assert np.all(grown <= (23, 2, 4, 15, 2, 4, 5)), grown
