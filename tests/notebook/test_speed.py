"""Both ways of training are timed, and end with the same weights."""

from __future__ import annotations

import re

from explorer.notebook.speed import speed_table


def test_each_batch_size_has_its_times_their_ratio_and_the_same_weights(small_dataset):
    shown = speed_table(small_dataset, (4, 50))
    assert "CPU time of one epoch on 600 images" in shown.html
    rows = [re.split(r"\s{2,}", line) for line in shown.text.splitlines()[1:]]
    assert [row[0] for row in rows] == ["4", "50"]
    for _, plain, fast, ratio, difference in rows:
        assert plain.endswith(" s")
        assert fast.endswith(" s")
        assert float(ratio) > 0
        assert 0 <= float(difference) < 1e-4
