"""A real Chromium, real servers, and pages that keep a record of what went wrong on them.

Without Chromium these tests are skipped with a reason; with ``EXPLORER_REQUIRE_ALL=1`` they fail instead.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import nbformat
import pytest
from browser.page_object import Visit, exercise
from browser.static_files import free_ports
from playwright.sync_api import Error, expect, sync_playwright
from study_steps import until

HERE = Path(__file__).parent
QUIET = [
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-background-networking",
    "--disable-gpu",  # no GPU here: its stand-in costs more than it draws
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
]

PATIENT = """(() => {
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => timeout.call(AbortSignal, Math.max(ms, 1000 * SECONDS));
})()"""
"""anywidget gives a widget two seconds, also on a busy machine. The page of `nn-explorer` does this itself."""

NO_GREETING = "try { localStorage.setItem('explorer-greeted', 'yes'); } catch { /* no storage */ }"
"""Only a newcomer is told what to do first."""


def cannot(reason):
    """Skip loudly, or fail where everything is required."""
    if os.environ.get("EXPLORER_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(f"{reason} (EXPLORER_REQUIRE_ALL=1 makes this a failure)")


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Chromium:
    """One for all tests in a browser that follow each other; until its end Playwright's event loop runs."""

    def __init__(self):
        self._open = ExitStack()
        self._browser = None

    def started(self):
        if self._browser is None:
            # The first is the fastest.
            names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
            path = os.environ.get("EXPLORER_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
            expect.set_options(timeout=120_000)  # a busy machine is slow, not wrong
            driver = self._open.enter_context(sync_playwright())
            if path is None and not Path(driver.chromium.executable_path).exists():
                self.end()
                cannot("no Chromium: install one, or name it in EXPLORER_CHROMIUM")
            self._browser = driver.chromium.launch(executable_path=path, args=QUIET)
            self._open.callback(self._browser.close)
        return self._browser

    def end(self):
        self._browser = None
        self._open.close()


CHROMIUM = Chromium()


@pytest.fixture(scope="module")
def browser():
    """A Chromium."""
    return CHROMIUM.started()


@pytest.hookimpl(wrapper=True)  # around the fixtures, which close the pages, also where one of them fails
def pytest_runtest_teardown(nextitem):
    try:
        return (yield)
    finally:
        if nextitem is None or HERE not in nextitem.path.parents:
            CHROMIUM.end()


@contextmanager
def _pages(browser):
    """Give what opens an address in a fresh profile; its pages are closed as users do it, so that kernels end."""
    contexts = []

    def visit(address, *, wait_until="commit", prepare=None, is_newcomer=False, patience=120, **options):
        # without transitions no test sees a color that is on its way
        options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
        context = browser.new_context(**options)
        context.set_default_timeout(120_000)
        if not is_newcomer:
            context.add_init_script(NO_GREETING)
        if re.search("/lab/|/voila/render/", address):
            context.add_init_script(PATIENT.replace("SECONDS", str(patience)))
        contexts.append(context)
        page = context.new_page()
        found = Visit(page, re.match(r"http://[^/]+/|file:", address).group())
        if prepare:
            prepare(page)
        page.goto(address, wait_until=wait_until)
        return found

    yield visit
    for context in contexts:
        for page in context.pages:
            with suppress(Error):  # the test has closed it itself
                page.close(run_before_unload=True)
        context.close()


@pytest.fixture
def open_page(browser):
    """Open an address in a fresh profile, for one test."""
    with _pages(browser) as visit:
        yield visit


@pytest.fixture(scope="module")
def open_shared_page(browser):
    """Open an address in a fresh profile, for all tests of a module."""
    with _pages(browser) as visit:
        yield visit


@pytest.fixture
def open_file(open_page):
    """Open a page from the disk, with no network."""
    return lambda path, **options: open_page(path.as_uri(), wait_until="load", offline=True, **options)


@dataclass
class Server:
    """A server in a process of its own."""

    url: str
    process: subprocess.Popen
    log: Path

    @property
    def exercise(self):
        """The address of the page with the settings of the exercise."""
        return f"{self.url}{exercise()}"

    def stop(self, sig=signal.SIGTERM):
        """End the server; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        self.process.stdout.close()
        return self.process.wait(120)


def _started(command, log, environment):
    """Start a command whose first line of output holds its address."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, **environment},
        )
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, f"{line!r}\n{log.read_text()}"
    return Server(found.group(), process, log)


@pytest.fixture(scope="module")
def start_server(tmp_path_factory):
    """Start a server by a command of this Python; all are ended after the module's last test."""
    servers = []

    def start(command, **environment):
        servers.append(_started(command, tmp_path_factory.mktemp("server") / "log", environment))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """The command as people start it, on a free port."""
    command = ["-m", "explorer", "--no-browser", "--port", "0", "--seats", "200"]
    server = _started(command, tmp_path_factory.mktemp("app") / "log", {})
    yield server
    server.stop()


@pytest.fixture(scope="session")
def notebook(tmp_path_factory):
    """Make a notebook of a file in ``notebooks/``, whose cells begin with ``# %%``."""

    def make(name, *, first=""):
        cells = (HERE / "notebooks" / f"{name}.py").read_text(encoding="utf-8").split("# %%\n")[1:]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(first + cell.strip()) for cell in cells],
            metadata={"kernelspec": kernel},
        )
        path = tmp_path_factory.mktemp("notebooks") / f"{name}.ipynb"
        nbformat.write(made, path)
        return path

    return make


@pytest.fixture(scope="module")
def serve_notebook(start_server, notebook):
    """Serve a notebook of this folder with the explorer's page."""
    return lambda name, **options: start_server([HERE / "serve_page.py", notebook(name, **options)])


@pytest.fixture(scope="session")
def serve_plainly(notebook, tmp_path_factory):
    """Serve notebooks of this folder with Voilà as it comes, without the explorer's template."""
    root, logs = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("server")
    (port,) = free_ports(1)
    server = _started([HERE / "serve_plain.py", root, port], logs / "log", {})

    def serve(name_or_path):
        path = name_or_path if isinstance(name_or_path, Path) else notebook(name_or_path)
        shutil.copy(path, root)
        return replace(server, url=f"{server.url}voila/render/{path.name}")

    yield serve
    server.stop(signal.SIGKILL)  # its kernels end by themselves; asked to, it would take seconds


class JupyterLab(NamedTuple):
    """A JupyterLab."""

    url: str
    root: Path

    def address(self, notebook):
        """Put a notebook into the folder that it shows; return where it is opened."""
        shutil.copy(notebook, self.root)
        return f"{self.url}lab/tree/{notebook.name}?reset"


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory):
    """A JupyterLab on a free port."""
    root, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("home")
    (port,) = free_ports(1)
    options = [
        *("--no-browser", "--allow-root", "--LabApp.expose_app_in_browser=True"),
        *(f"--port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={root}"),
        *("--ServerApp.log_level=ERROR", "--LabApp.news_url="),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = (home / "log").open("w")
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(home), "JUPYTER_DATA_DIR": str(home / "data")}
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *options], stdout=log, stderr=log, env=environment
    )
    url = f"http://127.0.0.1:{port}/"
    until(lambda: _answers(url + "api"), 180, "JupyterLab does not answer")
    yield JupyterLab(url, root)
    process.kill()  # as above
    process.wait(30)
    log.close()


def _answers(url):
    try:
        with urlopen(url) as answer:
            return "version" in json.load(answer)
    except OSError:
        return False


@pytest.fixture
def wait_for():
    """Wait until a condition outside the page holds."""
    return until
