"""A copy of the session goes to the page when it asks, where the address alone would not bring it all back."""

from __future__ import annotations

import re

import pytest

from explorer import Explorer
from explorer.session import read_session
from explorer.training import TrainingConfig

CONFIG = TrainingConfig(hidden_sizes=(4,), epochs=1)


@pytest.fixture
def kept(small_dataset, monkeypatch):
    """An app, and what its page is given to keep."""
    app, given = Explorer(small_dataset, CONFIG), []
    assert app.wait(60)
    monkeypatch.setattr(
        app.header, "send", lambda content, buffers: given.append((content["keep"], *buffers))
    )
    yield app, given
    app.close()


def ask(app):
    app.header._handle_custom_msg({"keep": True}, [])


def test_what_the_address_does_not_hold_is_kept_once(kept, small_dataset):
    app, given = kept
    ask(app)
    assert given == []  # one run, of which the address says all
    app.train(CONFIG.replace(seed=1))
    assert app.wait(60)
    ask(app)
    ask(app)
    ((words, copy),) = given
    assert re.fullmatch(r"2 runs as of \d\d:\d\d", words)
    assert [run.config.seed for run in read_session(copy, "it", small_dataset).runs] == [0, 1]
    app.session.edit(1, note="mine")
    ask(app)
    assert len(given) == 2


def test_a_copy_is_no_larger_than_a_browser_keeps(kept, monkeypatch):
    app, given = kept
    app.train(CONFIG.replace(hidden_sizes=(400,)))  # 1.3 MB for each of its networks
    assert app.wait(60)
    ask(app)
    assert 0 < len(given[0][1]) < 1 << 20
    app.session.edit(1, note="mine")
    monkeypatch.setattr(app.session, "small_copy", lambda _: bytes(2 << 20))
    ask(app)
    assert given[1][1] == b""  # the words alone


def test_a_run_that_the_user_has_named_is_kept(kept):
    app, given = kept
    app.session.edit(1, note="mine")
    ask(app)
    assert [words.partition(" as")[0] for words, _ in given] == ["1 run"]
