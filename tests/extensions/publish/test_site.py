"""A published page's folder: its size, its axes, the weights that it carries, and how it names nearest runs."""

import gzip
import json
import re
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from reference_runs import diverging

from explorer.extensions.publish.recordings import (
    KeepingPool,
    KeptWeights,
    PublishedRun,
    accuracy_change,
    fitting,
    kept_epochs,
    quantized,
    stored,
)
from explorer.extensions.publish.site import DEFAULT_RUNS, axes_of, publish, shown_images
from explorer.training import PRESETS, BatchRecord, TrainingConfig
from explorer.training.fields import Change
from explorer.training.studies import grid, study

BASE = TrainingConfig(hidden_sizes=(6,), epochs=4, batch_size=20)


@pytest.fixture(scope="module")
def runs(small_dataset, tmp_path_factory):
    """Four small runs with their weights."""
    configs = grid(BASE, batch_size=[20, 100], learning_rate=[0.01, 0.1])
    kept = KeptWeights(tmp_path_factory.mktemp("weights"), kept_epochs(configs, small_dataset))
    with KeepingPool(kept) as pool:
        return [kept.run_of(trial, small_dataset) for trial in study(configs, small_dataset, executor=pool)]


def content_of(folder, name):
    """The bytes in a data file, as the page unpacks them."""
    (path,) = (folder / "data").glob(f"{name}.*.js")
    found = re.fullmatch(rf'.*explorerFiles.*\["{path.stem}"\] = "(.*)";\n', path.read_text())
    return gzip.decompress(b64decode(found[1]))


def test_the_folder_has_a_page_and_a_file_for_each_run(runs, small_dataset, tmp_path):
    sizes = publish(runs, small_dataset, tmp_path / "site", title="<b>Batch</b>", text="<p>Hello</p>")
    site = tmp_path / "site"
    files = {str(path.relative_to(site)): path.stat().st_size for path in site.rglob("*.*")}
    assert files == sizes
    assert [len([*site.glob(f"data/run-{k}.*.js")]) for k in range(4)] == [1, 1, 1, 1]
    page = (site / "index.html").read_text()
    assert "<title>&lt;b&gt;Batch&lt;/b&gt;</title>" in page
    assert "<p>Hello</p>" in page
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)
    labels = small_dataset.test_labels.astype(np.uint8)
    assert content_of(site, "images") == labels.tobytes() + small_dataset.test_images.tobytes()


def test_a_run_s_file_has_its_figures_and_its_weights(runs, small_dataset, tmp_path):
    publish(runs, small_dataset, tmp_path / "site", title="")
    content = content_of(tmp_path / "site", "run-2")
    end = 4 + int.from_bytes(content[:4], "little")
    about = json.loads(content[4:end])
    assert (about["epochs"], about["sizes"]) == ([1, 2, 3, 4], [784, 6, 10])
    accuracies = [100 * record.test_accuracy for record in runs[2].history]
    assert about["curves"]["Accuracy"]["dark"]["data"][1]["y"] == pytest.approx(accuracies)
    assert [row[2] for row in about["curves"]["Accuracy"]["rows"][1:]] == [f"{one:.5g}" for one in accuracies]
    scales = np.frombuffer(content, "<f4", 6, end)
    whole = np.frombuffer(content, "<u2", 4 * 6 * 784, end + 4 * 6 + 4 * 6 * 4).reshape(4, 784, 6)
    W1 = scales * np.cumsum(whole, axis=0, dtype=np.uint16).view(np.int16)
    np.testing.assert_allclose(W1[3].T, runs[2].weights[4][0], atol=scales.max())


def test_only_what_is_asked_for_is_in_the_page(runs, small_dataset, tmp_path):
    publish(runs, small_dataset, tmp_path / "site", title="Batch", only=["draw"], embedded=True)
    page = (tmp_path / "site" / "index.html").read_text()
    assert 'id="site-drawing_pad"' in page
    assert 'id="site-matrix"' not in page
    assert "<h1>" not in page


def test_settings_that_go_together_are_one_control():
    axes, places = axes_of(DEFAULT_RUNS)
    assert [(axis.label, axis.isNumber) for axis in axes] == [
        ("Method", False), ("Hidden units", True), ("Batch size", True), ("Learning rate", True)
    ]  # fmt: skip
    assert axes[0].texts == ["Start", "The exercise"]
    assert axes[1].values == [8, 32, 64]
    assert places[0] == [0, 0, 0, 2]
    assert len({*map(tuple, places)}) == len(DEFAULT_RUNS) == 54
    assert {PRESETS["Start"], PRESETS["The exercise"]} < {*DEFAULT_RUNS}


def test_runs_that_differ_in_all_are_called_by_their_presets_and_layers_are_no_slider():
    axes, _ = axes_of([PRESETS["Modern"].replace(epochs=3), PRESETS["The exercise"]])
    assert [axis.texts for axis in axes] == [["Modern", "The exercise"]]
    axes, _ = axes_of([BASE.replace(hidden_sizes=sizes) for sizes in ((8,), (8, 8))])
    assert [(axis.isNumber, axis.texts) for axis in axes] == [(False, ["8", "8-8"])]
    assert axes_of([BASE]) == ([], [[]])


def test_two_groups_of_settings_are_two_controls_of_their_own_names():
    pairs = [{"hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy"}, {}]
    sizes = [{"hidden_sizes": (8,), "learning_rate": 0.1}, {}]
    axes, _ = axes_of([BASE.replace(**one, **other) for one in pairs for other in sizes])
    assert len({axis.key for axis in axes}) == len({axis.label for axis in axes}) == 2


def test_the_images_of_a_page_are_of_all_classes_though_sorted_by_class():
    assert [*np.bincount(np.repeat(np.arange(10), 500)[shown_images(5000)])] == [200] * 10
    assert ([*shown_images(3)], [*shown_images(10_000)[:3]]) == ([0, 1, 2], [0, 5, 10])
    assert len(shown_images(10_000, 64 * 64)) == 382


def test_epochs_are_kept_as_many_as_fit():
    assert fitting([range(1, 11)], [1000]) == [(1, 2, 3, 4, 5, 6, 8, 10)]
    assert fitting([range(1, 11), [4, 7]], [2_500_000, 1_000_000]) == [(1, 10), (4, 7)]
    assert fitting([[5, 9]], [10**9]) == [(9,)]


def test_weights_are_rounded_for_each_unit_more_finely_where_they_are_few():
    for n_units, levels in ((8, 32767), (64, 127)):
        W = np.random.default_rng(0).normal(size=(n_units, 784)).astype(np.float32)
        rounded, bias = stored([W[None], W[None, :, :1]])
        largest = np.abs(W).max(axis=1)
        assert (np.abs(rounded - W).max(axis=1) <= 0.501 * largest / levels).all()
        np.testing.assert_array_equal(bias, W[:, :1])
    scales, whole = quantized(np.zeros((1, 2, 3), np.float32))
    assert (whole.any(), (scales == 1).all()) == (False, True)


def test_rounding_hardly_changes_an_accuracy(runs, small_dataset):
    W = np.ones((2, 2, 3))
    W[1] /= 10_000  # the page has one scale for all epochs
    coarse, fine = (next(stored([array])) for array in (W, W[1:]))
    assert not np.array_equal(coarse, fine)
    assert max(accuracy_change(run, small_dataset) for run in runs) <= 0.005  # one of 200 images


def test_weights_that_are_no_numbers_are_left_out(small_dataset, tmp_path):
    wild = diverging(BASE.replace(initializer="he", epochs=20))
    kept = KeptWeights(tmp_path, (1, 4))
    with KeepingPool(kept) as pool:
        trials = [*study([wild, BASE], small_dataset, executor=pool)]
    assert {trial.status for trial in trials} == {"diverged", "finished"}
    assert all(map(kept.has, trials))
    found = [kept.run_of(trial, small_dataset) for trial in trials]
    assert [*found[[trial.config for trial in trials].index(BASE)].weights] == [1, 4]
    assert all(np.isfinite(W).all() for run in found for own in run.weights.values() for W in own)
    assert not KeptWeights(tmp_path, (1, 2)).has(next(trial for trial in trials if trial.config == BASE))


def test_a_run_without_records_has_no_tiles_but_is_shown(runs, small_dataset, tmp_path):
    bare = PublishedRun(runs[0].config, type(runs[0].history)(runs[0].config), {3: runs[0].weights[3]})
    publish([bare], small_dataset, tmp_path / "site", title="")
    assert b'"epochs": [3]' in content_of(tmp_path / "site", "run-0")


def test_a_change_in_mid_run_is_marked_in_each_theme(runs, small_dataset, tmp_path):
    config = BASE.replace(changes=(Change(5, 0.05, 20),))
    history = replace(runs[0].history, config=config, batches=(BatchRecord(1.0, 30, 0.1, 0.9),))
    publish([PublishedRun(config, history, runs[0].weights)], small_dataset, tmp_path / "site", title="")
    content = content_of(tmp_path / "site", "run-0")
    loss = json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])["curves"]["Loss"]
    marks = [loss[theme]["layout"] for theme in ("light", "dark")]
    assert [[len(one[kind]) for kind in ("shapes", "annotations")] for one in marks] == [[1, 1], [1, 1]]
    assert marks[0]["shapes"][0]["line"]["color"] != marks[1]["shapes"][0]["line"]["color"]
