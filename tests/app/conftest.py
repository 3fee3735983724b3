"""An app with the settings that a file of tests names `CONFIG`."""

from __future__ import annotations

import pytest
from app_steps import PATIENCE

from explorer import Explorer
from explorer.app.views import ANY


@pytest.fixture
def app(request, small_dataset):
    """The app after its first run."""
    app = Explorer(small_dataset, request.module.CONFIG)
    assert app.wait(PATIENCE)
    yield app
    app.close()


@pytest.fixture(scope="module")
def _seen(request, small_dataset):
    app = Explorer(small_dataset, request.module.CONFIG)
    assert app.wait(PATIENCE)
    yield app
    app.close()


@pytest.fixture
def seen(_seen):
    """The app after its first run, which a file's tests share if they change neither runs nor settings."""
    _seen.header.theme, _seen.panels.time_bar.position = "light", -1
    _seen.views.choose(ANY, ANY)
    return _seen


@pytest.fixture
def untrained(request, small_dataset):
    """The app before its first run."""
    app = Explorer(small_dataset, request.module.CONFIG, train=False)
    app.views.refresh()
    yield app
    app.close()
