"""What the server grants each visitor's trainings, and how kernels learn that their page is there."""

import json
from argparse import Namespace

import pytest
from traitlets import Dict, HasTraits

from explorer.extensions.classroom.kernels import Seats, report_connections
from explorer.extensions.classroom.pool import MINUTES, Classroom
from explorer.training.turns import TURNS

from .conftest import manager_class


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


def test_without_shares_nobody_is_told():
    report_connections({}, "some-kernel", 1)
