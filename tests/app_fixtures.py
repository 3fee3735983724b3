"""An app with the settings that a file of tests names `CONFIG`."""

from contextlib import ExitStack

import pytest
from app_steps import PATIENCE

from explorer import Explorer
from explorer.app.views import ANY


@pytest.fixture(scope="module")
def usual(request, small_dataset):
    """What a file's apps are opened with."""
    return {"dataset": small_dataset, "config": request.module.CONFIG}


@pytest.fixture
def new_app(usual):
    """Opens an app with other options than usual, waits for its first run, and closes it after the test."""
    with ExitStack() as at_end:

        def new_app(config=usual["config"], **options):
            app = Explorer(**{**usual, "config": config, **options})
            at_end.callback(app.close)
            assert app.wait(PATIENCE)
            return app

        yield new_app


@pytest.fixture
def own_app(new_app):
    """The app after its first run, for a test that leaves its weights or its panels otherwise than they were."""
    return new_app()


@pytest.fixture
def untrained(new_app):
    """The app before its first run."""
    app = new_app(train=False)
    app.views.refresh()
    return app


@pytest.fixture
def sent(app, monkeypatch):
    """The files that the header sends to the page, each with its name or what is said of it."""
    files = []

    def send(content, buffers):
        files.append((next(iter(content.values())), *buffers))

    monkeypatch.setattr(app.header, "send", send)
    return files


@pytest.fixture(scope="module")
def _shared():
    """The app that a file's tests share, once there is one."""
    apps = []
    yield apps
    for app in apps:
        app.close()


@pytest.fixture(scope="module")
def prepare():
    """Brings the app that a file's tests share to where they begin."""
    return lambda app: None


def what_is_shared(app):
    """Return what must be as before if the next test is to have the same app."""
    state, runs = app.session.state, [run.revision for run in app.session.state.runs]
    return runs, state.status, state.dataset, app.config, app.run_bar.auto, app.settings.shown


@pytest.fixture
def app(usual, prepare, _shared):
    """The app after its first run. A file's tests share it until one adds a run or changes a setting."""
    if not _shared:
        _shared.append(Explorer(**usual))
        assert _shared[0].wait(PATIENCE)
        prepare(_shared[0])
    (app,) = _shared
    app.panels.tab_bar.selected, app.header.theme, app.panels.time_bar.position = "overview", "light", -1
    app.views.choose(ANY, ANY)
    before = what_is_shared(app)
    yield app
    if what_is_shared(app) != before:
        _shared.pop().close()
