"""Who may come in, what each visitor's trainings are granted, and how kernels learn that their page is there."""

import json
from argparse import Namespace

import pytest
from jupyter_server.auth.security import passwd_check
from traitlets import Dict, HasTraits

from explorer.extensions.classroom import pool
from explorer.extensions.classroom.kernels import Seats, report_connections
from explorer.extensions.classroom.pool import MINUTES, ClassAccess, Classroom, class_access
from explorer.serve.access import RefusedError
from explorer.serve.command import main
from explorer.serve.serve_command import links
from explorer.training.turns import TURNS

from .conftest import manager_class


def given(environment=None, *, ip="127.0.0.1", **options):
    usual = dict.fromkeys(("base_url", "token", "allow_host", "certfile", "keyfile"))
    usual |= {"password": False, "open": False}
    return class_access(Namespace(**usual | options, ip=ip), environment or {})


def test_without_options_everybody_on_this_computer_comes_in():
    assert given() == ClassAccess()


@pytest.mark.parametrize("ip", ["0.0.0.0", "192.168.1.2", "::", "", "a.name"])
def test_another_address_asks_for_a_password_or_for_plain_words(ip, capsys):
    with pytest.raises(RefusedError, match=r"everybody who reaches this computer.*--password.*--open"):
        given(ip=ip)
    assert given(ip=ip, open=True) == ClassAccess()
    assert given(ip=ip, token="long enough for all").asked == ["token"]
    assert main(["--no-browser", "--ip", ip]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_hub_says_the_path_unless_an_option_does():
    hub = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada%40x.org/"}
    assert given(hub) == ClassAccess(base_url="/user/ada%40x.org/", is_in_hub=True)
    assert given(hub, base_url="/own/") == ClassAccess(base_url="/own/", is_in_hub=True)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        *((f"--base-url={path}", "a path begins") for path in ("", "x", "/x", "x/", "//", "/../", "/a(b/")),
        *((f"--allow-host={name}", "a name is one") for name in ("", "a:80", "http://a", "a/b", "-a")),
        *((f"--token={token}", f"16 characters or more, not '{token}'") for token in ("short", "present")),
        *((f"--port={port}", "a port is a number") for port in ("-1", "65536", "eighty", "8²")),
        *((f"--seats={seats}", "a number of seats is a whole number from 1") for seats in ("0", "-1", "1.5")),
        ("--max-training-minutes=0", "number of at least 1"),
    ],
)  # fmt: skip
def test_what_can_t_be_meant_is_refused(option, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([option])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_password_comes_from_a_variable_or_the_terminal_and_is_kept_hashed(monkeypatch):
    monkeypatch.setattr(pool, "getpass", lambda _: "typed")
    variable = {"EXPLORER_PASSWORD": " from a variable\n"}
    for word, found in (("from a variable", given(variable)), ("typed", given(variable, password=True))):
        assert word not in repr(found)
        assert passwd_check(found.hashed_password, word)
        assert found.asked == ["password"]


@pytest.mark.parametrize(
    ("variable", "options", "words"),
    [
        ({"EXPLORER_PASSWORD": "\n"}, {}, "an empty password"),
        ({"EXPLORER_PASSWORD": "\x1b[2J\n"}, {}, "can't be typed"),
        ({"JUPYTER_TOKEN": "1234"}, {"token": ""}, "a token has 16 characters or more"),
        ({"JUPYTER_TOKEN": 20 * "x" + "\x1b[2J"}, {"token": ""}, "a token has 16 characters or more"),
        ({"JUPYTERHUB_SERVICE_PREFIX": "user"}, {}, r"\$JUPYTERHUB_SERVICE_PREFIX: a path begins"),
    ],
)
def test_a_variable_that_can_t_be_meant_is_one_sentence(variable, options, words):
    with pytest.raises(RefusedError, match=words):
        given(variable, **options)


@pytest.mark.parametrize(("answers", "words"), [(["a", "b"], "differ"), (["", ""], "empty"), ([], "read")])
def test_a_password_that_is_not_typed_twice_is_none(answers, words, monkeypatch):
    def getpass(_):
        if not answers:
            raise EOFError
        return answers.pop(0)

    monkeypatch.setattr(pool, "getpass", getpass)
    with pytest.raises(RefusedError, match=words):
        given(password=True)


def test_a_token_is_given_or_jupyters_or_new():
    new = given(token="")
    assert len(new.token) == 48
    assert new.token != given(token="").token
    url = "http://127.0.0.1:8866/"
    assert links(url, new) == (f"{url}?token={new.token}",) * 2
    for found, token in [
        (given(token="long & enough for all"), "long%20%26%20enough%20for%20all"),
        (given({"JUPYTER_TOKEN": "long and of Jupyter\n"}, token=""), "long%20and%20of%20Jupyter"),
    ]:
        assert links(url, found) == (url, f"{url}?token={token}")  # whoever chose it knows it
    assert links(url, ClassAccess()) == (url, url)


def test_a_certificate_must_be_there_and_a_key_needs_one(tmp_path):
    with pytest.raises(RefusedError, match=r"certificate can't be used"):
        given(certfile=tmp_path / "none")
    with pytest.raises(RefusedError, match=r"--keyfile needs --certfile"):
        given(keyfile=tmp_path)


def shares(tmp_path, is_open=False, minutes=None):
    ip = "0.0.0.0" if is_open else "127.0.0.1"
    given = Namespace(max_training_minutes=minutes, seats=None, ip=ip)
    return Classroom().variables(given, tmp_path / "shares")


@pytest.mark.parametrize(
    ("is_open", "asked", "minutes"), [(False, None, None), (True, None, MINUTES), (False, 5, 5), (True, 5, 5)]
)
def test_others_are_bounded_in_time(tmp_path, is_open, asked, minutes):
    _, found = json.loads(shares(tmp_path, is_open, asked)[TURNS])
    assert found["minutes"] == minutes


class Counting(HasTraits):
    """In place of Jupyter's manager: counts the sockets of its kernels."""

    _kernel_connections = Dict({"some-kernel": 0})

    def notify_connect(self, kernel_id):
        self._kernel_connections[kernel_id] += 1

    def notify_disconnect(self, kernel_id):
        self._kernel_connections[kernel_id] -= 1


def test_a_kernel_is_told_of_its_page_while_one_of_its_sockets_is_open(tmp_path):
    manager = manager_class(Counting, shares(tmp_path), Seats(1))()
    page = tmp_path / "shares" / "pages" / "some-kernel"
    for notify, is_there in (
        (manager.notify_connect, True),
        (manager.notify_connect, True),  # the new one, before the old is known to be over
        (manager.notify_disconnect, True),
        (manager.notify_disconnect, False),
    ):
        notify("some-kernel")
        assert page.exists() == is_there
    report_connections({}, "some-kernel", 1)  # without shares nobody is told
