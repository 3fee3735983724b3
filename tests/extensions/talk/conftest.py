"""The ready talk, made once: it loads the recordings and trains the explorer of its last slide."""

import pytest

from explorer.extensions.talk.file import READY, read_talk
from explorer.extensions.talk.recordings import recordings_of
from explorer.extensions.talk.talk import Talk
from explorer.session import SessionRun

PATIENCE = 120


@pytest.fixture(scope="session")
def ready():
    """What the file of the ready talk says."""
    return read_talk(READY)


@pytest.fixture(scope="session")
def talk(mnist):
    talk = Talk(dataset=mnist)
    yield talk
    talk.close()


@pytest.fixture(scope="session")
def runs(ready, mnist):
    """The recorded runs by name."""
    recorded, faults = recordings_of(ready, mnist)
    assert faults == ()
    return {name: run for name, run in recorded.items() if isinstance(run, SessionRun)}


@pytest.fixture
def written(tmp_path):
    """Writes a talk's text, and returns its path."""

    def write(text, name="mine.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
