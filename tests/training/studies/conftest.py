import sys

import pytest

from explorer.training.studies import WorkerPool, study


@pytest.fixture(scope="module")
def pool():
    """Two workers, warm."""
    with WorkerPool(2) as warm:
        yield warm


@pytest.fixture
def elsewhere(monkeypatch):
    """Workers as on another computer: they don't see what a study writes for them."""
    monkeypatch.setattr(sys.modules[study.__module__], "write_dataset", lambda *_: None)
