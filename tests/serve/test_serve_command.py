"""The command that serves the page: what it says, what it refuses, how it ends."""

import gc
import gzip
import importlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from http.client import HTTPConnection
from importlib import metadata
from pathlib import Path

import dataset_files
import needs
import numpy as np
import pytest
from processes import kernel_processes, page_config

import explorer
from explorer.datasets import load_mnist
from explorer.datasets.loading import NO_UPLOADS, write_dataset
from explorer.extensions.classroom.pool import ClassAccess
from explorer.serve import serve_command
from explorer.serve.access import Access, RefusedError
from explorer.serve.command import main
from explorer.serve.environment import DATASETS, SHARE, SHARED_DATASETS, configure_jupyter, kernel_environment
from explorer.serve.pages import PLOTLY_SCRIPT
from explorer.serve.request import Visit, offered_datasets, visit, wait_for_visitor
from explorer.serve.serve_command import DEFAULT_PORT, listening_socket
from explorer.serve.server import page_address
from explorer.training.turns import VISITED
from explorer.widgets import plotly_module

ROOT = Path(__file__).parents[2]
FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def served(start):
    """A command for all tests that only ask it for something; the last one ends it."""
    return start()


LOADED = """
import os, sys
from explorer.__main__ import main
from explorer.extensions.classroom.warm_process import WarmProcess

def start(process):
    ours = {name for name in sys.modules if name.partition(".")[0] not in sys.stdlib_module_names} - before
    print(sorted(ours), flush=True)
    os._exit(0)

WarmProcess.start = start
main()
"""


def test_kernels_begin_to_load_before_anything_that_is_not_in_the_standard_library():
    code = f"import sys; before = {{*sys.modules}}{LOADED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in eval(done.stdout)} == {"explorer"}
    assert "explorer.training" not in done.stdout


def test_a_command_that_is_refused_leaves_no_process_for_kernels():
    command = [sys.executable, "-m", "explorer", "--no-such-option"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = process.communicate(timeout=60)  # a process that is left would keep both open
    assert (process.returncode, out) == (2, "")
    assert "--no-such-option is unknown" in err


@needs.POSIX
@pytest.mark.long
def test_what_a_killed_server_left_is_removed_by_the_next(start, tmp_path):
    killed = start(TMPDIR=str(tmp_path))
    killed.page()
    killed.end(signal.SIGKILL)
    left = {*tmp_path.iterdir()}
    assert {path.name.rpartition("-")[0] for path in left} == {"nn-explorer"}
    following = start(TMPDIR=str(tmp_path))
    assert not left & {*tmp_path.iterdir()}
    assert following.end(signal.SIGHUP) == (0, "", "")  # as its terminal is closed
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [{}, {"Range": "bytes=100-200"}, {"Accept_Encoding": "gzip"}],
    ids=["whole", "a part", "compressed"],
)
def test_plotly_comes_to_this_computer_whole_with_a_hint_in_front_and_is_kept(served, asked):
    status, headers, content = served.fetch(f"/{PLOTLY_SCRIPT}", **asked)
    assert (status, headers["Cache-Control"]) == (200, FOR_EVER)
    assert headers["Content-Type"].startswith("text/javascript")
    hint, script = content.split(b"\n", 1)
    assert hint == b"//# allFunctionsCalledOnLoad"
    assert script == plotly_module.plotly_script()
    assert plotly_module.PLOTLY_VERSION in PLOTLY_SCRIPT


@pytest.mark.slow
def test_scripts_are_kept_and_what_the_page_is_told_is_deflated(served):
    config = page_config(served.page())
    assert f"/{metadata.version('voila')}" in config["fullStaticUrl"]
    addresses = [f"{config['fullStaticUrl']}/voila.js"]
    for found in config["federated_extensions"]:
        load = found["load"].removeprefix("./")
        addresses.append(f"{config['fullLabextensionsUrl']}/{found['name']}/{load}")
    assert {served.ask(address)[1]["Cache-Control"] for address in addresses} == {FOR_EVER}
    channels = HTTPConnection(served.place)
    headers = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Extensions": "permessage-deflate",
        "Sec-WebSocket-Protocol": "v1.kernel.websocket.jupyter.org",
    }  # fmt: skip
    with closing(channels):
        path = f"/api/kernels/{config['kernelId']}/channels?session_id=1"
        channels.request("GET", path, headers=headers)
        assert "permessage-deflate" in channels.getresponse().headers["Sec-WebSocket-Extensions"]


@pytest.mark.slow
def test_one_line_says_where_it_is_and_ctrl_c_ends_it_quietly(served):
    words = rf"The explorer is at {served.url} \(\d+ seats?; Ctrl-C ends it\)\n"
    assert re.fullmatch(words, served.line)
    assert "<title>Neural network explorer: train one and look inside</title>" in served.page()
    assert served.end(signal.SIGINT) == (0, "", "")


@pytest.fixture
def own_files(small_dataset, tmp_path):
    """A folder with a data set of one's own."""
    folder = tmp_path / "own"
    folder.mkdir()
    return dataset_files.write(small_dataset, folder)


@needs.LINUX
@pytest.mark.long
def test_a_data_set_of_ones_own_is_mapped_by_the_kernels(start, own_files):
    command = start("--dataset", f"~/{own_files.name}", HOME=str(own_files.parent))
    assert "explorer-failed" not in command.page()
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in kernel_processes(command.process.pid)]
    (images,) = {word for text in maps for word in text.split() if word.endswith("/0/train_images.npy")}
    command.end(signal.SIGTERM)
    assert not Path(images).parents[1].exists()


def given(settings):
    """Path by name of the data sets that kernels are told of."""
    return json.loads(settings["kernel_variables"][DATASETS])


def test_images_of_visitors_are_refused_where_the_owner_says_so(taken):
    for options, value in (([], ""), (["--no-uploads"], "1")):
        assert main(options) == 0
        assert taken.pop()[1]["kernel_variables"][NO_UPLOADS] == value


def test_data_sets_are_given_by_path_each_once_and_by_its_own_name(taken, monkeypatch, own_files, tmp_path):
    monkeypatch.setenv("HOME", str(own_files.parent))
    monkeypatch.chdir(own_files.parent)
    twin = shutil.copytree(own_files, tmp_path / "twin" / "own")
    for path in (f"~/{own_files.name}", own_files.name, str(own_files)):
        assert main(["--dataset", path]) == 0
        assert given(taken.pop()[1]) == {"own": str(own_files)}
    paths = [own_files, twin, own_files]
    assert main([part for path in paths for part in ("--dataset", str(path))]) == 0
    assert given(taken[0][1]) == {"own": str(own_files), "own (2)": str(twin)}


def test_a_port_that_is_taken_is_one_sentence(capsys):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        assert main(["--no-browser", "--port", str(port)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"nn-explorer serve: port {port} is taken")


@pytest.mark.parametrize("address", ["192.0.2.1", "a..b", "a" * 64, "no such name", "[::1]"])
def test_an_address_that_is_none_of_ours_is_one_sentence(address, capsys):
    assert main(["--no-browser", "--open", "--ip", address]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"nn-explorer serve: can't listen on {address}: ")


@pytest.fixture
def taken(monkeypatch):
    """What reaches the server's start: the options, and what is said to it besides."""
    found = []
    monkeypatch.setattr(serve_command, "serve", lambda *given, **more: found.append((given, more)) or 0)
    return found


@pytest.mark.parametrize("command", [[], ["serve"], ["present"]])
def test_a_page_s_options_are_heard_without_a_command_too(taken, command):
    assert main([*command, "--port", "9000", "--ip", "0.0.0.0", "--no-browser"]) == 0
    options = taken[0][0][0]
    assert (options.port, options.ip, options.no_browser) == (9000, "0.0.0.0", True)


def test_without_a_port_the_next_free_one_is_taken():
    with ExitStack() as taken:
        for port in (DEFAULT_PORT, DEFAULT_PORT + 1):
            holder = taken.enter_context(socket.socket())
            with suppress(OSError):  # somebody else holds it: as good
                holder.bind(("127.0.0.1", port))
                holder.listen()
        listener = taken.enter_context(listening_socket("127.0.0.1", None))
        assert DEFAULT_PORT + 1 < listener.getsockname()[1] < DEFAULT_PORT + 20
        with pytest.raises(RefusedError, match=str(DEFAULT_PORT)):
            listening_socket("127.0.0.1", DEFAULT_PORT)


@pytest.mark.parametrize(("ip", "address"), [
    ("127.0.0.1", "http://127.0.0.1:8866/"), ("localhost", "http://localhost:8866/"),
    ("192.168.1.2", "http://192.168.1.2:8866/"), ("fe80::1", "http://[fe80::1]:8866/"),
    ("0.0.0.0", "http://127.0.0.1:8866/"), ("", "http://127.0.0.1:8866/"), ("::", "http://[::1]:8866/"),
    ("0:0:0:0:0:0:0:0", "http://[::1]:8866/"),
])  # fmt: skip
def test_the_address_is_one_that_this_computer_reaches(ip, address):
    assert page_address(ip, 8866, Access()) == address


def test_who_can_use_the_page_is_said_of_the_address_that_they_reach():
    def said(ip, **options):
        access = ClassAccess(**options)
        return serve_command.warning(ip, page_address(ip, 8866, access), access)

    assert said("127.0.0.1") == said("localhost", token="x" * 8) == ""
    assert said("192.168.1.2") == "Everybody who can reach this address can use it."
    name = socket.gethostname()
    for every in ("0.0.0.0", "::", ""):
        assert said(every, base_url="/nn/") == (
            f"From other computers it is at http://{name}:8866/nn/: everybody who can reach that can use it."
        )
    assert said("0.0.0.0", hashed_password="x", tls=True) == (
        f"From other computers it is at https://{name}:8866/: everybody who has the password can use it."
    )
    assert said("192.168.1.2", token="x" * 8) == "Everybody who has the token can use it."


@pytest.mark.long
def test_on_all_addresses_the_one_that_is_printed_is_reached(start):
    command = start("--ip", "0.0.0.0", "--open")
    assert command.url.startswith("http://127.0.0.1:")
    _, headers, content = command.fetch(f"/{PLOTLY_SCRIPT}", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"  # a wifi may lie between
    assert plotly_module.plotly_script() in gzip.decompress(content)
    assert command.fetch(f"/{PLOTLY_SCRIPT}")[1]["Content-Encoding"] is None
    warning = serve_command.warning("0.0.0.0", command.url, Access())
    assert command.end(signal.SIGINT) == (0, "", f"{warning}\n")


@pytest.mark.parametrize(
    ("encoding", "options", "code", "words"),
    [
        ("cp1252", ["--help"], 0, "that you control"),
        ("ascii", ["--version"], 0, f"nn-explorer {explorer.__version__}"),
        ("ascii", ["train", "--epochs", "1", "--n", "10"], 0, "Test accuracy"),
        pytest.param("ascii", ["train", "--help"], 0, "from 1 to 60 000", marks=pytest.mark.long),
        pytest.param(
            "ascii", ["train", "--from-url", "?caf\u00e9=1", "--epochs", "0"], 2, "--epochs is '0'",
            marks=pytest.mark.long,
        ),
        pytest.param("cp1252", ["--dataset", "no/such"], 2, "found “no such file", marks=pytest.mark.long),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_a_terminal_without_utf_8_reads_the_same_words(encoding, options, code, words):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "explorer", *options],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=False,
    )
    out, err = done.stdout.decode(encoding), done.stderr.decode(encoding)
    assert (done.returncode, "Traceback" in err) == (code, False)
    said = re.sub(r"\s+", " ", out + err)
    assert words in said or words.replace("“", '"').replace("”", '"') in said
    assert "\\u" not in out + err


def test_kernels_get_what_they_need_and_no_secret():
    needed = (
        "PATH HOME LC_ALL PYTHONPATH JUPYTER_PATH EXPLORER_DATASETS OMP_NUM_THREADS TMPDIR XDG_CACHE_HOME"
    )
    needed = dict.fromkeys([*needed.split(), "VOILA_PREHEAT", "QUERY_STRING"], "x")
    secret = (
        "AWS_SECRET_ACCESS_KEY DATABASE_URL JUPYTER_TOKEN EXPLORER_PASSWORD SSH_AUTH_SOCK MY_PATH PATHOLOGY"
    )
    secret = dict.fromkeys(secret.split(), "x")
    given = kernel_environment(needed | secret)
    assert given | needed == given
    assert not given.keys() & secret.keys()


GIVEN_BACK = """
from pathlib import Path
from threading import Thread
import numpy as np

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

def train():
    np.ones(2**20)
    arrays = [(np.ones(50_000), np.ones(500)) for _ in range(500)]
    kept.extend(small for _, small in arrays)
    print(megabytes() - before)

before, kept = megabytes(), []
thread = Thread(target=train)
thread.start()
thread.join()
print(megabytes() - before)
"""


@needs.LINUX
def test_a_kernel_gives_back_the_memory_of_arrays_among_smaller_ones():
    environment = kernel_environment(os.environ)
    command = [sys.executable, "-c", GIVEN_BACK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    used, left = map(float, done.stdout.split())
    assert used > 180
    assert left < 20


def test_jupyter_finds_the_template_and_gets_folders_that_it_can_write_to(tmp_path, monkeypatch):
    fallback = tmp_path / "fallback"
    environment = {"HOME": str(tmp_path), "JUPYTER_PATH": "/opt/more"}
    configure_jupyter(environment, fallback)
    assert environment == {"HOME": str(tmp_path), "JUPYTER_PATH": f"{SHARE}{os.pathsep}/opt/more"}
    environment = {"HOME": "/dev/null/nobody"}
    configure_jupyter(environment, fallback)
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    replaced = {name: str(fallback / name.lower()) for name in names}
    assert environment == {"HOME": "/dev/null/nobody", "JUPYTER_PATH": str(SHARE), **replaced}
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # of nobody who is known here
    environment = {}
    configure_jupyter(environment, fallback)
    assert environment == {"HOME": str(fallback), "JUPYTER_PATH": str(SHARE)}


@needs.POSIX
def test_a_home_on_a_full_disk_is_replaced(tmp_path):
    resource = importlib.import_module("resource")
    environment = {"HOME": str(tmp_path)}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # a file can be made, but nothing written
    try:
        configure_jupyter(environment, tmp_path / "fallback")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert environment["IPYTHONDIR"] == str(tmp_path / "fallback" / "ipythondir")


def test_what_a_visitor_comes_with():
    assert visit("") == Visit("", None)
    assert visit("hidden=128,64&theme=dark&lr=0.1") == Visit("hidden=128,64&lr=0.1", "dark")
    assert visit("theme=purple&voila-theme=x") == Visit("", None)


def test_a_kernel_takes_the_data_set_that_the_server_wrote(small_dataset, tmp_path, monkeypatch):
    (tmp_path / "1").mkdir()
    write_dataset(replace(small_dataset, name="own", source="/data/own.tgz"), tmp_path / "1")
    paths = {"gone": "/no/such/file.tgz", "own (2)": "/data/own.tgz"}
    monkeypatch.setenv(DATASETS, json.dumps(paths))
    monkeypatch.setenv(SHARED_DATASETS, str(tmp_path))
    offers = offered_datasets()
    assert [offer.name for offer in offers[:3]] == ["gone", "own (2)", "MNIST"]
    found = offers[1].load()
    assert (found.name, found.source) == ("own (2)", "/data/own.tgz")
    np.testing.assert_array_equal(found.train_images, small_dataset.train_images)
    monkeypatch.setenv(DATASETS, json.dumps({"MNIST": "/data/mnist.tgz"}))
    assert [offer.name for offer in offered_datasets()].count("MNIST") == 1
    monkeypatch.delenv(DATASETS)
    assert offered_datasets()[0].load() is load_mnist()


def test_from_the_visit_on_a_kernel_looks_for_its_page(monkeypatch):
    monkeypatch.delenv("VOILA_PREHEAT", raising=False)
    assert wait_for_visitor() == Visit()  # in Jupyter
    for name, value in (("VOILA_PREHEAT", "False"), ("QUERY_STRING", "hidden=8"), (VISITED, "")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(VISITED)
    monkeypatch.setattr("explorer.serve.request.guard_widgets", lambda: None)  # for all tests that follow
    monkeypatch.setattr(logging.getLogger("explorer"), "handlers", [])
    assert wait_for_visitor() == Visit("hidden=8")
    assert VISITED in os.environ
    gc.unfreeze()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package's wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_everything_that_is_served_and_the_licences_of_program_and_data(wheel):
    command = ["git", "ls-files", "explorer"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    with zipfile.ZipFile(wheel) as archive:
        names = {*archive.namelist()}
        (name,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode().splitlines()
    assert {*tracked, "explorer/extensions/talk/notebooks/presentation.ipynb"} <= names
    assert not {name for name in names if "tests/" in name or "__pycache__" in name}
    assert "License-Expression: MIT AND CC-BY-SA-3.0" in metadata
    kept = {name.partition("/licenses/")[2] for name in names if "/licenses/" in name}
    data = "explorer/datasets/data"
    assert kept == {"LICENSE", f"{data}/LICENSE.md", f"{data}/NOTICE.md"}


@pytest.mark.long
def test_the_unpacked_wheel_serves_its_own_page_where_no_home_can_be_written_to(wheel, tmp_path, start):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    icon = tmp_path / SHARE.relative_to(ROOT) / "voila/templates/explorer/static/favicon.svg"
    icon.write_text(icon.read_text() + "<!-- unpacked -->")
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME"), "/dev/null/nobody")
    command = start(PYTHONPATH=str(tmp_path), **nowhere)
    page = command.page()
    assert "explorer-failed" not in page
    assert "explorer-skeleton" in page
    assert "application/vnd.voila.cell-output+json" in page
    favicon = re.search(r'type="image/svg\+xml" href="([^"]+)"', page).group(1)
    assert command.fetch(favicon)[2].endswith(b"<!-- unpacked -->")
    extensions = [found["name"] for found in page_config(page)["federated_extensions"]]
    assert "anywidget" in extensions
    assert "jupyterlab-plotly" not in extensions
    assert command.end(signal.SIGINT) == (0, "", "")
