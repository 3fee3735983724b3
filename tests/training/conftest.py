import dataclasses

import numpy as np
import pytest


@pytest.fixture
def long_test_set(small_dataset):
    """The small data set, its test images six times: more than are scored at once."""
    return dataclasses.replace(
        small_dataset,
        test_images=np.tile(small_dataset.test_images, (6, 1, 1)),
        test_labels=np.tile(small_dataset.test_labels, 6),
    )
