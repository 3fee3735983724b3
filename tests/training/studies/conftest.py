import pytest

from explorer.training.studies import WorkerPool


@pytest.fixture(scope="module")
def pool():
    """Two workers, warm."""
    with WorkerPool(2) as warm:
        yield warm
