"""Histograms of layers: rows, shares and the fixed number of traces."""

import numpy as np
import pytest

from explorer.figures.layers import histograms_data

NAMES = ("hidden 1", "output")


@pytest.fixture
def layers():
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, (32, 784)).astype(np.float32), rng.normal(0, 0.5, (10, 32)).astype(np.float32)]


@pytest.fixture
def start(layers):
    return [layer / 2 for layer in layers]


def test_shares_of_a_row_sum_to_all(layers, start):
    for trace in histograms_data(layers, start, (), what="weight")[0][:4]:
        assert trace["customdata"].sum() == pytest.approx(100, rel=1e-5)
        assert trace["x"].dtype == trace["y"].dtype == trace["customdata"].dtype == np.float32


def test_a_value_is_counted_in_its_bin():
    values = np.array([-1.0, -1.0, -1.0, 0.02, 1.0])  # 50 bins of 0.04 from −1 to 1
    trace = histograms_data([values], [], (), what="weight")[0][1]
    counted = zip(trace["x"], trace["customdata"], strict=True)
    assert {round(float(x), 2): share for x, share in counted if share} == {-0.98: 60, 0.02: 20, 0.98: 20}


def test_the_first_layer_stands_on_top_and_rows_do_not_touch(layers, start):
    traces = histograms_data(layers, start, (), what="weight")[0]
    first, last = [t["y"] for t in traces[:2]], [t["y"] for t in traces[2:4]]
    for row, base in ((first, 1), (last, 0)):
        assert min(map(np.min, row)) == base
        assert max(map(np.max, row)) == pytest.approx(base + 0.85)
    assert histograms_data(layers, start, NAMES, what="weight")[1]["yaxis"]["ticktext"] == [*NAMES[::-1]]


def test_heights_are_square_roots_of_shares(layers):
    trace = histograms_data(layers, [], (), what="weight")[0][3]  # the last layer's base is 0
    shares = trace["customdata"] / trace["customdata"].max()
    np.testing.assert_allclose(trace["y"] ** 2, 0.85**2 * shares, rtol=1e-4)


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [np.nan, np.inf]])
def test_nothing_to_count_still_has_axes(values):
    traces = histograms_data([np.array(values)], [np.array(values)], (), what="weight")[0]
    assert np.isfinite(traces[0]["y"]).all()
    assert histograms_data([np.array(values)], [], ("a",), what="weight")[1]["xaxis"]["range"] == [-1, 1]


def test_large_layers_are_sampled_to_nearly_the_same_histogram():
    values = np.random.default_rng(2).normal(size=(1024, 784))
    shares = histograms_data([values], [], (), what="weight")[0][1]["customdata"]
    low, high = histograms_data([values], [], ("a",), what="weight")[1]["xaxis"]["range"]
    exact, _ = np.histogram(values, bins=50, range=(low, high))
    np.testing.assert_allclose(shares, 100 * exact / values.size, atol=0.5)
