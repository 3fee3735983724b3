"""A session on the small data set, with the settings of the tests that use it."""

import pytest

from explorer.session import Session


@pytest.fixture
def session(small_dataset, request):
    made = Session(small_dataset, request.module.CONFIG)
    yield made
    made.close()
