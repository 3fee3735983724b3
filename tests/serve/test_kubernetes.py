"""The guide's files for Kubernetes, a hub and nginx: they agree with the package, and what can run here runs."""

import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import needs
import pytest
import yaml
from browser.static_files import free_ports
from visitor import Visitor, client_for

from explorer.extensions.classroom.kernels import SEAT_BYTES, seats_of
from explorer.extensions.classroom.pool import class_access
from explorer.serve import serve_command
from explorer.serve.command import main

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "notebooks" / "guide"
FILES = GUIDE / "kubernetes"
IMAGE = (FILES / "Containerfile").read_text(encoding="utf-8")
NGINX = (FILES / "nginx-affinity.conf").read_text(encoding="utf-8")
TEXT = (GUIDE / "kubernetes.md").read_text(encoding="utf-8")
HUB = yaml.safe_load((FILES / "hub-values.yaml").read_text(encoding="utf-8"))
SHARED = (FILES / "shared-servers.yaml").read_text(encoding="utf-8")
DEPLOYMENT, SERVICE, INGRESS = yaml.safe_load_all(SHARED)
POD = DEPLOYMENT["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
LINES = HUB["hub"]["extraConfig"]["explorer"]
TOKEN = "0123456789abcdef" * 3
SERVER, PROXY = (
    230 << 20,
    80 << 20,
)  # bytes of a server with its warm process and kernel, and of a hub's proxy
UNITS = {"Gi": 1 << 30, "G": 1 << 30, "M": 1 << 20}  # Kubernetes has Gi, KubeSpawner, for the same, G


def n_bytes(text):
    return int(re.match(r"\d+", text)[0]) * UNITS[re.sub(r"\d", "", text)]


def spawner():
    """What the hub's lines set."""
    config = SimpleNamespace(Spawner=SimpleNamespace())
    exec(LINES, {"c": config})
    return config.Spawner


def command_lines():
    """All command lines of the guide's files, each as its words."""
    args = spawner().args
    of_hub = [word.format(port=8899, base_url="/user/ada") for word in args[args.index("--") + 1 :]]
    of_image = json.loads(re.search("^CMD (.*)$", IMAGE, re.MULTILINE)[1])
    of_guide = [line.split() for line in re.findall("^nn-explorer .*$", TEXT, re.MULTILINE)]
    return [of_hub, of_image, CONTAINER["command"] + CONTAINER["args"], *of_guide]


@pytest.fixture
def options(monkeypatch):
    """Parse a command line as the command does, up to the server's start."""
    found = []
    monkeypatch.setattr(serve_command, "serve", lambda arguments, *_, **__: found.append(arguments) or 0)

    def parsed(words):
        assert (words[0], main(words[1:])) == ("nn-explorer", 0)
        return found[-1]

    return parsed


def test_the_command_takes_every_line(options):
    lines = command_lines()
    assert len(lines) == 4
    for words in lines:
        given = options(words)
        assert given.no_browser
        assert given.port == (8899 if given.base_url else 8866)
        asked = class_access(given, {"JUPYTER_TOKEN": TOKEN}).asked  # or it is refused
        assert asked == ([] if given.base_url else ["token"])


def test_the_hub_s_lines_are_those_that_a_test_runs():
    teach = (GUIDE / "teach_a_class.md").read_text(encoding="utf-8")
    assert f"```\n{LINES}```\n" in teach
    assert f"\n{LINES}\n" in (ROOT / "tests" / "hub" / "jupyterhub_config.py").read_text(encoding="utf-8")


def test_the_hub_gives_each_server_what_it_takes():
    user = HUB["singleuser"]
    memory = {name: n_bytes(text) for name, text in user["memory"].items()}
    assert 512 << 20 <= memory["guarantee"] <= memory["limit"]
    assert memory["limit"] >= SERVER + PROXY + SEAT_BYTES
    assert user["cmd"] == spawner().cmd
    assert user["storage"]["type"] == "none"
    assert user["startTimeout"] >= 60
    assert HUB["cull"]["enabled"]
    assert HUB["cull"]["timeout"] >= 2 * 300  # activity is reported every 300 s
    assert f"{user['image']['name']}:{user['image']['tag']}" == CONTAINER["image"]
    assert user["image"]["tag"] == version("nn-explorer")


def test_the_seats_of_a_shared_server_fit_into_its_limits(options):
    seats = options(CONTAINER["command"] + CONTAINER["args"]).seats
    limits, requests = CONTAINER["resources"]["limits"], CONTAINER["resources"]["requests"]
    assert seats_of(None, int(limits["cpu"]), n_bytes(limits["memory"]) - SERVER, 10_240) >= seats
    assert n_bytes(limits["memory"]) >= SERVER + seats * SEAT_BYTES
    assert n_bytes(requests["memory"]) >= SERVER + seats * (50 << 20)
    assert requests["cpu"] == limits["cpu"]
    assert DEPLOYMENT["spec"]["replicas"] >= 2
    assert f"replicas: {1000 // seats}` has 1,000 seats" in TEXT


def test_the_shared_servers_parts_name_each_other(options):
    (rule,), annotations = INGRESS["spec"]["rules"], INGRESS["metadata"]["annotations"]
    given = options(CONTAINER["command"] + CONTAINER["args"])
    assert [rule["host"]] == INGRESS["spec"]["tls"][0]["hosts"] == given.allow_host
    backend = rule["http"]["paths"][0]["backend"]["service"]
    (port,), (opened,) = SERVICE["spec"]["ports"], CONTAINER["ports"]
    assert backend == {"name": SERVICE["metadata"]["name"], "port": {"name": port["name"]}}
    assert port["targetPort"] == opened["name"] == CONTAINER["readinessProbe"]["httpGet"]["port"]
    assert opened["containerPort"] == given.port == int(re.search(r"^EXPOSE (\d+)$", IMAGE, re.MULTILINE)[1])
    labels = POD["metadata"]["labels"]
    assert labels == SERVICE["spec"]["selector"] == DEPLOYMENT["spec"]["selector"]["matchLabels"]
    assert POD["spec"]["securityContext"]["runAsUser"] == int(
        re.search("^USER (.*)$", IMAGE, re.MULTILINE)[1]
    )
    (token,) = CONTAINER["env"]
    secret = token["valueFrom"]["secretKeyRef"]
    assert token["name"] == "JUPYTER_TOKEN"
    assert f"secret generic {secret['name']} --from-literal={secret['key']}=" in SHARED
    cookie = SERVICE["metadata"]["annotations"]["traefik.ingress.kubernetes.io/service.sticky.cookie.name"]
    assert cookie == annotations["nginx.ingress.kubernetes.io/session-cookie-name"]
    assert f"$cookie_{cookie} " in NGINX
    assert annotations["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    assert int(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) == 3600


@pytest.mark.slow
def test_what_the_image_copies_is_all_that_building_takes(tmp_path):
    for sources, target in re.findall(r"^COPY (.+) (\S+)$", IMAGE, re.MULTILINE):
        for source in (ROOT / name for name in sources.split()):
            to = tmp_path / target
            if source.is_dir():
                shutil.copytree(source, to)
            else:
                to.mkdir(exist_ok=True)
                shutil.copy(source, to)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "wheel", "."]
    subprocess.run(build, check=True, capture_output=True, cwd=tmp_path)
    assert list(tmp_path.glob("wheel/nn_explorer-*.whl"))


@pytest.fixture
def nginx(tmp_path):
    """Start nginx with the guide's configuration before some servers, and return its address."""

    def start(servers):
        (port,) = free_ports(1)
        text = NGINX.replace("listen 80;", f"listen 127.0.0.1:{port};")
        for address, server in zip(re.findall(r"server (192[\d.:]+) ", NGINX), servers, strict=True):
            text = text.replace(address, server.place)
        (tmp_path / "nginx-affinity.conf").write_text(text)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {kind};" for kind in kinds)
        http = f"http {{ access_log off; {places} include nginx-affinity.conf; }}"
        (tmp_path / "nginx.conf").write_text(f"pid nginx.pid; worker_processes 1; events {{}} {http}")
        control()
        return f"http://127.0.0.1:{port}/"

    def control(*words):
        options = ["-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "log"]
        subprocess.run([needs.NGINX_COMMAND, *options, *words], check=True)

    yield start
    with suppress(subprocess.CalledProcessError):
        control("-s", "stop")


@needs.NGINX
@pytest.mark.long
async def test_each_visitor_stays_on_one_of_two_servers(start, nginx):
    words = command_lines()[-1]
    words[words.index("0.0.0.0")] = "127.0.0.1"
    servers = [start(*words[1:], JUPYTER_TOKEN=TOKEN) for _ in range(2)]
    url, client, visitors = nginx(servers), client_for(40), []

    def server_of(visitor):
        path, login = f"/api/kernels/{visitor.kernel}", f"token {TOKEN}"
        statuses = [server.fetch(path, Authorization=login)[0] for server in servers]
        assert sorted(statuses) == [200, 404]
        return servers[statuses.index(200)]

    while len(visitors) < 4 or len({server_of(one) for one in visitors}) < 2:
        assert len(visitors) < 30, "one server gets all visitors"
        visitors.append(Visitor(client, url))
        await visitors[-1].log_in(TOKEN)
        await visitors[-1].open()
    at_first = {one: server_of(one) for one in visitors}
    for one in visitors:
        await one.train()
        one.vanish()
        await one.open()  # reloaded: without the cookie it would have to log in, elsewhere
        await one.train()
    assert {one: server_of(one) for one in visitors} == at_first
    moved, left = visitors[0], at_first[visitors[0]]
    left.end()
    (other,) = (server for server in servers if server is not left)
    moved.vanish()
    await moved.log_in(TOKEN)  # as its student does who opens the link again
    await moved.open()
    assert other.fetch(f"/api/kernels/{moved.kernel}", Authorization=f"token {TOKEN}")[0] == 200
    for one in visitors:
        one.vanish()
    named = await client.fetch(f"{url}login", headers={"Host": "explorer.example.org"})
    assert "explorer_server=" in str(named.headers.get_list("Set-Cookie"))
    client.close()


@pytest.mark.slow
def test_the_probe_is_answered_without_a_login_and_takes_no_seat(start):
    server = start("--token", "--seats=1", "--ip=0.0.0.0", JUPYTER_TOKEN=TOKEN)
    path = CONTAINER["readinessProbe"]["httpGet"]["path"]
    for _ in range(2):
        assert server.ask(path, Host="10.1.2.3:8866")[0] == 200  # a pod's own address
    assert server.ask("/", Authorization=f"token {TOKEN}")[0] == 200  # the seat is free


@needs.IMAGES
@pytest.mark.long
def test_the_image_is_built_and_serves_without_a_network():
    name = "nn-explorer-of-a-test"
    build = [needs.BUILDER, "build", "--tag", name, "--file", FILES / "Containerfile", ROOT]
    subprocess.run(build, check=True)
    run = [needs.BUILDER, "run", "--rm", "--network", "none", "--name", name, name]
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert " is at http://" in process.stdout.readline()
            code = "import os, urllib.request as r; print(os.getuid(), r.urlopen('http://127.0.0.1:8866/login').status)"
            inside = [needs.BUILDER, "exec", name, "python", "-c", code]
            assert subprocess.run(inside, check=True, capture_output=True, text=True).stdout == "1000 200\n"
        finally:
            subprocess.run([needs.BUILDER, "stop", name], check=False)
    assert process.returncode == 0
