"""An app with the settings that a file of tests names `CONFIG`."""

from __future__ import annotations

import pytest
from app_steps import PATIENCE

from explorer import Explorer


@pytest.fixture
def app(request, small_dataset):
    """The app after its first run."""
    app = Explorer(small_dataset, request.module.CONFIG)
    assert app.wait(PATIENCE)
    yield app
    app.close()


@pytest.fixture
def untrained(request, small_dataset):
    """The app before its first run."""
    app = Explorer(small_dataset, request.module.CONFIG, train=False)
    app.views.refresh()
    yield app
    app.close()
