"""Its files open apps."""

from app_fixtures import _shared, app, new_app, own_app, prepare, sent, untrained, usual  # noqa: F401
