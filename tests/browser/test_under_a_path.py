"""The page under a path: from the command, from a JupyterHub, from Jupyter itself; and its login."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import product
from pathlib import Path
from urllib.request import urlopen

import pytest
from browser.static_files import free_ports
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from playwright.sync_api import expect

from explorer.serve.pages import PLOTLY_SCRIPT

ROOT = Path(__file__).parents[2]
HUB = ROOT / "tests" / "hub" / "jupyterhub_config.py"
HEADER = {"msg_id": "1", "msg_type": "kernel_info_request", "session": "1", "username": "", "version": "5.3"}
QUESTION = {"header": HEADER, "parent_header": {}, "metadata": {}, "content": {}, "buffers": []}
ANSWERED = """([address, question]) => new Promise((resolve) => {
  const socket = new WebSocket(address, ["v1.kernel.websocket.jupyter.org"]);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => socket.send(new Uint8Array(question));
  socket.onmessage = () => { socket.close(); resolve(true); };
  socket.onclose = socket.onerror = () => resolve(false);
})"""
"""Whether a kernel answers; the hub's proxy opens any socket, and closes it when the server has refused it."""


@pytest.fixture(scope="module")
def served(start_server):
    """The command under a path, for those who have the password."""
    options = ["--no-browser", "--port", "0", "--base-url", "/class/nn/"]
    return start_server(["-m", "explorer", *options], EXPLORER_PASSWORD="correct horse")


def drawn(found, epochs):
    found.until_drawn()
    found.until_finished(epochs)


def log_in(page, query):
    expect(page).to_have_title("Log in · explorer")
    field = page.get_by_label("Password")
    expect(field).to_be_focused()
    field.fill("guess")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the password.")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**/class/nn/{query}")


@pytest.mark.long
def test_the_page_trains_stops_reloads_and_exports(served, open_page, tmp_path):
    found = open_page(f"{served.url}?hidden=16", permissions=["clipboard-read", "clipboard-write"])
    page = found.page
    log_in(page, "?hidden=16")
    found.console_errors.clear()  # Chromium says there that a wrong password is refused
    found.refused.clear()
    found.url = served.url  # from here on, nothing else is asked for
    drawn(found, 10)
    found.set(epochs=3)
    found.until_finished(3)
    found.button("Copy link").click()
    expect(found.button("Copy link")).to_contain_text("Link copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith(served.url + "?")
    found.set(epochs=500)
    found.press("Stop")
    expect(found.bar).to_contain_text("stopped")
    page.evaluate("history.replaceState(null, '', '?hidden=16&epochs=2')")
    page.reload()
    drawn(found, 2)
    assert found.export("report", tmp_path).stat().st_size > 1000
    found.assert_clean()


def environment(folder, **more):
    """The variables of a Jupyter whose files all lie in a folder, and that finds this Python's commands."""
    tools = [str(Path(sys.executable).parent), str(ROOT / "tests" / "frontend" / "node_modules" / ".bin")]
    own = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    return {**os.environ, **own, "PATH": os.pathsep.join([*tools, os.environ["PATH"]]), **more}


@pytest.fixture
def start(tmp_path, wait_for):
    """Start a server in a folder of its own, and wait until it answers."""
    processes = []

    def start(command, address, **variables):
        log = (tmp_path / "log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env=environment(tmp_path, **variables),
            stdout=log,
            stderr=log,
        )
        processes.append((process, log))

        def ready():
            assert process.poll() is None, (tmp_path / "log").read_text()
            return answers(address)

        wait_for(ready, 180, "it does not answer")

    yield start
    for process, log in processes:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.close()


def answers(address):
    with suppress(OSError), urlopen(address, timeout=10) as answer:
        return answer.status == 200
    return False


@pytest.mark.sweep
def test_in_jupyter_as_voilas_extension(start, open_page):
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}/user/ada/"
    options = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.base_url=/user/ada/"]
    notebooks = ROOT / "explorer" / "serve" / "notebooks"
    options += ["--IdentityProvider.token=", f"--ServerApp.root_dir={notebooks}"]
    start(["jupyter", "server", *options], f"{address}api")
    found = open_page(f"{address}voila/render/page.ipynb?epochs=2")
    found.url = address
    drawn(found, 2)
    assert found.refused == []  # Voilà's own template asks other hosts, too


@pytest.fixture
def hub(start):
    proxy = shutil.which("configurable-http-proxy", path=environment(ROOT)["PATH"])
    if proxy is None or shutil.which("jupyter-standaloneproxy", path=environment(ROOT)["PATH"]) is None:
        reason = "no JupyterHub, or its proxy: pip install -e '.[hub]', and npm install in tests/frontend"
        pytest.fail(reason) if os.environ.get("EXPLORER_REQUIRE_ALL") == "1" else pytest.skip(
            f"NOT TESTED: {reason}"
        )
    ports = free_ports(3)
    address = f"http://127.0.0.1:{ports[2]}/"
    start(["jupyterhub", "-f", str(HUB)], f"{address}hub/login", EXPLORER_HUB_PORTS=" ".join(map(str, ports)))
    return address


@pytest.mark.long
def test_a_hub_serves_each_user_and_lets_nobody_reach_another(hub, open_page, wait_for):
    pages, kernels = {}, {}
    for name in ("ada", "grace"):
        found = open_page(f"{hub}hub/login?next=/hub/spawn", wait_until="load")
        found.page.locator("#username_input").fill(name)
        found.page.locator("#login_submit").click()
        found.page.wait_for_url(f"{hub}user/{name}/", timeout=120_000, wait_until="commit")
        drawn(found, 10)
        pages[name] = found
        config = found.page.locator("#jupyter-config-data").text_content()
        kernels[name] = re.search(r'"kernelId": "([^"]+)"', config).group(1)
    for found in pages.values():
        found.set(epochs=2)
        found.until_finished(2)
    for visitor, owner in product(pages, pages):
        reached = what_is_reached(pages[visitor].page, f"{hub}user/{owner}/", kernels[owner])
        assert reached == [visitor == owner] * 3
    for name, found in pages.items():
        page = found.page
        request, kernel = page.context.request, f"{hub}user/{name}/api/kernels/{kernels[name]}"
        assert request.get(kernel).status == 200
        page.goto("about:blank")
        wait_for(lambda r=request, k=kernel: r.get(k).status == 404, 30, "a kernel outlives its page")


def what_is_reached(page, address, kernel):
    """Whether this user's browser gets a kernel's state, its socket, and a page, at somebody's address."""
    state = page.context.request.get(f"{address}api/kernels/{kernel}", max_redirects=5)
    socket = f"{address.replace('http', 'ws')}api/kernels/{kernel}/channels?session_id=1"
    question = list(serialize_msg_to_ws_v1(QUESTION, "shell", lambda part: json.dumps(part).encode()))
    script = page.context.request.get(f"{address}{PLOTLY_SCRIPT}")
    return [
        state.ok and kernel in state.text(),
        page.evaluate(ANSWERED, [socket, question]),
        script.ok and "javascript" in script.headers["content-type"],
    ]
