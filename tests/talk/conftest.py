"""The talk, made once: it loads the recordings and trains the explorer of its last slide."""

from __future__ import annotations

import pytest

from explorer.talk import Talk
from explorer.talk.slides import RUNS, recorded_run

PATIENCE = 120


@pytest.fixture(scope="session")
def talk(mnist):
    talk = Talk(mnist)
    yield talk
    talk.close()


@pytest.fixture(scope="session")
def runs(mnist):
    """The recorded runs by name."""
    return {name: recorded_run(name, mnist) for name in RUNS}
