"""The command in a process of its own, which processes one has started, and what it shows on a terminal."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import urlsplit

import psutil

# In the background a shell has tests ignore Ctrl-C, nohup has them ignore a closed terminal; children inherit it.
COMMAND = """
import signal, sys
from explorer.__main__ import main
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sys.exit(main())
"""


class Command:
    """A page's command, started and listening at a free port."""

    def __init__(self, *options, **environment):
        python = [sys.executable, "-W", "ignore::ResourceWarning", "-c", COMMAND]
        self.process = subprocess.Popen(
            [*python, *options, "--no-browser", "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/", env={**os.environ, **environment},
        )  # fmt: skip
        self.line = self.process.stdout.readline()
        self.url = re.search(r"https?://\S+", self.line).group()
        self.place = urlsplit(self.url).netloc

    def fetch(self, path, method="GET", body=None, **headers):
        """Status, headers and content of the answer to a request."""
        with closing(HTTPConnection(self.place, timeout=60)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def ask(self, *request, **headers):
        """The same, of text."""
        status, found, content = self.fetch(*request, **headers)
        return status, found, content.decode()

    def page(self):
        return self.ask(urlsplit(self.url).path)[2]

    def end(self, number=signal.SIGTERM):
        """Send a signal, if it still runs; return exit code and what else was written to both streams."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


def page_config(page):
    """What a page is told of its server, of its kernel and of the extensions that it loads."""
    return json.loads(re.search(r'id="jupyter-config-data" type="application/json">(.*?)</script>', page)[1])


def children(pid, *, recursive=False):
    """The processes that it has started itself, or those, too, that they have started."""
    return [process.pid for process in psutil.Process(pid).children(recursive)]


def kernel_processes(pid):
    """Those of a server's kernels, which show a kernel's command line."""
    found = {child: Path(f"/proc/{child}/cmdline") for child in children(pid)}
    return {child for child, path in found.items() if path.exists() and b"kernel-" in path.read_bytes()}


def kernel_process(kernel_id):
    """The process of a server's kernel, however it was started: the one that listens on its port."""
    found, folder = [], Path(gettempdir())
    for place in (folder, *folder.glob("nn-explorer-*")):
        with suppress(OSError):  # it has just ended
            found += place.glob(f"voila_*/kernel-{kernel_id}.json")
    (connection,) = found
    port = json.loads(connection.read_text(encoding="utf-8"))["shell_port"]
    found = {
        one.pid for one in psutil.net_connections("tcp4") if one.laddr.port == port and one.status == "LISTEN"
    }
    (pid,) = found
    return pid


def on_a_terminal(command):
    """What a command shows on a terminal 100 columns wide, without colors and movements; for POSIX."""
    import pty

    screen, stdout = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=stdout, env=environment) as process:
        os.close(stdout)
        text = b""
        with suppress(OSError):  # the other end is closed
            while True:
                text += os.read(screen, 65536)
        os.close(screen)
    assert process.returncode == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.decode()).replace("\r", "\n")
