"""A script, run alone, reproduces the network: of a plain run, of a paused one, of a fork, of a file."""

from __future__ import annotations

import ast
import gzip
import itertools
import re
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer import TrainingConfig, load_mnist, train
from explorer.datasets.mnist import DATA
from explorer.exports.exported_run import ExportedRun, TrainingStage
from explorer.exports.files import weights_archive
from explorer.exports.script import training_script
from explorer.session.opening import OpenedWeights
from explorer.training import BatchRecord, EpochRecord, History, Moment, Snapshot, TrainingRun
from explorer.training.changes import Change
from explorer.training.process_settings import one_blas_thread

from .conftest import CONFIG


def figures(output):
    """Test loss and accuracy by epoch, then the two last lines, as the script prints them."""
    pattern = r"^epoch +(\d+)  (?:test|validation) loss ([\d.]+)  accuracy ([\d.]+%)$"
    lines = re.findall(pattern, output, re.MULTILINE)
    epochs = {epoch: figures for epoch, *figures in lines}
    final = re.search(
        r"^(?:Test|Validation) accuracy +([\d.]+%) of .*\nTrain accuracy +([\d.]+%)", output, re.MULTILINE
    )
    return epochs, final.groups()


def expected(history, final):
    return (
        {str(r.epoch): [f"{r.test_loss:.6f}", f"{r.test_accuracy:.3%}"] for r in history},
        (f"{final.test_accuracy:.3%}", f"{final.train_accuracy:.3%}"),
    )


SAVE = "np.savez('found.npz', *(V for V, b in layers))\n"


def assert_saved(run, folder):
    """The script has come to the run's weights, to the bit."""
    with np.load(folder / "found.npz") as found:
        first, *others = (found[name] for name in found.files)
    W1, b1, *rest = run.newest.weights
    for after, before in zip((first[1:], first[:1], *others), (W1, b1, *rest[::2]), strict=True):
        np.testing.assert_array_equal(after.T, before)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hidden_sizes": (6, 5), "hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy"},
        {"hidden_activation": "tanh", "output": "softmax", "initializer": "normal", "batch_size": 9},
        {"loss": "cross_entropy", "initializer": "uniform", "learning_rate": 0.001},
        {"initializer": "he", "seed": 2**32 - 1, "reduction": "mean", "learning_rate": 1e-5},
        {"batch_size": 60_000, "n_train": 570},
        {"hidden_sizes": (300, 40), "batch_size": 512},
        {"optimizer": "momentum", "reduction": "mean", "learning_rate": 0.05, "batch_size": 7},
        {"optimizer": "nesterov", "learning_rate": 0.001, "hidden_sizes": (30, 20)},
        {"optimizer": "rmsprop", "learning_rate": 0.001, "hidden_sizes": (30, 20)},
        {"optimizer": "adam", "learning_rate": 0.003, "batch_size": 600},
    ],
)
def test_a_run_is_reprinted(exported, run_alone, changes):
    run = exported(CONFIG.replace(**changes))
    assert figures(run_alone(training_script(run))) == expected(run.history, run.exact)


AUGMENTATION = {"shift": 1.0, "rotation": 15.0, "scale": 0.1, "elastic": 1.0}
METHODS = {
    "adamw": {"optimizer": "adamw", "l2": 0.05, "learning_rate": 0.003},
    "penalties": {"l2": 0.02, "l1": 0.001},
    "dropout": {"dropout": 0.4, "input_dropout": 0.1},
    "max-norm": {"max_norm": 0.6},
    "rates": {"schedule": "cosine", "warmup": 1},
    "changes": {"changes": (Change(5, 0.02, 100), Change(11, 0.1, 16))},
    "validation": {"n_validation": 90},
    "augmentation": AUGMENTATION,
}


def combined(*names):
    return {key: value for name in names for key, value in METHODS[name].items()}


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [9, 600])
@pytest.mark.parametrize("name", METHODS)
def test_a_run_of_each_method_is_reprinted(exported, run_alone, name, batch_size):
    run = exported(CONFIG.replace(hidden_sizes=(30, 20), batch_size=batch_size, **METHODS[name]))
    assert figures(run_alone(training_script(run))) == expected(run.history, run.exact)


@pytest.mark.sweep
@pytest.mark.parametrize("pair", [*itertools.combinations(METHODS, 2)], ids="+".join)
def test_a_run_of_each_pair_of_methods_has_the_same_weights(exported, run_alone, tmp_path, pair):
    run = exported(CONFIG.replace(hidden_sizes=(30, 20), **combined(*pair)))
    text = training_script(run) + SAVE
    assert figures(run_alone(text)) == expected(run.history, run.exact)
    assert_saved(run, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "momentum", "l2": 0.02, "reduction": "mean"},
        {"optimizer": "rmsprop", "l1": 0.01, "learning_rate": 0.003, "schedule": "steps"},
        {"optimizer": "adam", "l2": 0.01, "learning_rate": 0.003, "batch_size": 3},
        {"l2": 0.01, "batch_size": 5},
        {"hidden_sizes": (785, 784), "max_norm": 1.0, "l2": 0.01, "batch_size": 128},
        {"schedule": "inverse", "n_train": 300, "n_validation": 100},
        {"dropout": 0.5, "batch_size": 570, "n_validation": 30},
        {"hidden_sizes": (240, 20), "batch_size": 128, "n_validation": 30},
        {"hidden_sizes": (240, 20), "batch_size": 128, "l2": 0.01, "max_norm": 2.0},
        {
            "hidden_sizes": (240,),
            "batch_size": 9,
            "optimizer": "adam",
            "learning_rate": 0.001,
            **AUGMENTATION,
        },
        {"hidden_sizes": (240,), "batch_size": 600, "dropout": 0.5, "optimizer": "momentum"},
        {"hidden_sizes": (240,), "input_dropout": 0.2, "batch_size": 600},
    ],
)
def test_methods_of_other_kinds_have_the_same_weights(exported, run_alone, tmp_path, changes):
    run = exported(CONFIG.replace(**changes))
    text = training_script(run) + SAVE
    assert figures(run_alone(text)) == expected(run.history, run.exact)
    assert_saved(run, tmp_path)


def test_a_run_that_was_stopped_early_ends_with_its_best_weights(exported, run_alone, tmp_path):
    config = CONFIG.replace(n_validation=100, patience=2, epochs=60, learning_rate=1.5, n_train=300, seed=3)
    run = exported(config)
    assert run.newest.epoch < run.history.last.epoch < 60
    text = training_script(run) + SAVE
    output = run_alone(text)
    assert figures(output) == expected(run.history, run.exact)
    assert f"the weights are those of epoch {run.newest.epoch:g}" in output
    assert_saved(run, tmp_path)


def test_a_run_whose_epochs_were_over_before_its_patience_ends_with_its_best_weights(
    exported, run_alone, tmp_path
):
    config = CONFIG.replace(n_validation=100, patience=40, epochs=30, learning_rate=1.5, n_train=300, seed=3)
    run = exported(config)
    assert run.newest.epoch < run.history.last.epoch == 30
    output = run_alone(training_script(run) + SAVE)
    assert figures(output) == expected(run.history, run.exact)
    assert f"The weights are those of epoch {run.newest.epoch:g}" in output
    assert_saved(run, tmp_path)


def test_a_run_that_was_left_before_its_best_weights_were_back_ends_with_its_newest(
    exported, run_alone, small_dataset
):
    config = CONFIG.replace(n_validation=100, patience=2, epochs=60, learning_rate=1.5, n_train=300, seed=3)
    whole = exported(config)
    training, history = TrainingRun(config, small_dataset), History(config)
    for event in training:
        if isinstance(event, BatchRecord | EpochRecord):
            history = history.followed_by(event)
        if isinstance(event, Snapshot) and event.epoch == whole.history.last.epoch:
            break
    final = training.evaluate()
    moment = Moment(final, final.snapshot)
    output = run_alone(training_script(replace(whole, history=history, moment=moment, newest=moment)))
    assert figures(output) == expected(history, final)


def test_the_test_images_come_last_and_are_called_so(exported, run_alone):
    run = exported(CONFIG.replace(n_validation=90))
    *_, validation, train, words, test, _ = run_alone(training_script(run)).splitlines()
    assert re.fullmatch(r"Validation accuracy [\d.]+% of 90 images", validation)
    assert train.endswith("of 510 images")
    assert words == "At the end the test images, which no setting should be chosen by:"
    y = run.network().predict(run.dataset.X_test)
    assert test == f"Test accuracy   {np.mean(y == run.dataset.test_labels):.3%} of 200 images"


def test_a_fork_of_a_run_with_other_methods(exported, trained, run_alone):
    first = CONFIG.replace(**combined("changes", "dropout", "augmentation"))
    last = CONFIG.replace(epochs=4, **combined("adamw", "validation", "rates", "max-norm", "changes"))
    last = last.replace(changes=(*last.changes, Change(60, 0.03, 40)))  # two before the fork, one after it
    root, at_root = trained(first.replace(epochs=2))
    history, moment = trained(last, start=at_root.snapshot)
    run = replace(
        exported(last), history=history, moment=moment, newest=moment, before=(TrainingStage(first, 2.0),)
    )
    epochs, final = figures(run_alone(training_script(run)))
    assert epochs == expected([*root, *history], moment.record)[0]
    assert final == expected(history, moment.record)[1]


def test_only_what_the_run_uses_is_in_the_script(exported):
    text = training_script(exported())
    words = (
        "penalty",
        "decay",
        "masks",
        "max_norm",
        "distort",
        "schedule",
        "changes",
        "validation",
        "patience",
    )
    assert [word for word in words if word in text] == []


@pytest.mark.parametrize("batch_size", [1, 8])
def test_of_tiny_mini_batches_the_figures_are_the_same_up_to_rounding(exported, run_alone, batch_size):
    run = exported(CONFIG.replace(batch_size=batch_size, learning_rate=0.01))
    text = training_script(run)
    epochs, final = figures(run_alone(text))
    assert "by blocks" in text
    for record in run.history:
        loss, accuracy = epochs[str(record.epoch)]
        assert float(loss) == pytest.approx(record.test_loss, abs=1e-4)
        assert float(accuracy[:-1]) == pytest.approx(100 * record.test_accuracy, abs=1)
    assert float(final[1][:-1]) == pytest.approx(100 * run.exact.train_accuracy, abs=1)


@pytest.mark.parametrize(
    ("batch_size", "optimizer"),
    [
        (9, "sgd"),
        (128, "sgd"),
        (600, "sgd"),
        (9, "adam"),
        (64, "rmsprop"),
        (128, "nesterov"),
        (600, "momentum"),
    ],
)
def test_the_weights_are_the_same_to_the_bit(exported, run_alone, tmp_path, batch_size, optimizer):
    rate = 0.01 if optimizer == "sgd" else 0.001
    config = CONFIG.replace(hidden_sizes=(40, 12), learning_rate=rate, optimizer=optimizer)
    run = exported(config.replace(batch_size=batch_size))
    run_alone(training_script(run) + SAVE)
    assert_saved(run, tmp_path)


@pytest.mark.parametrize("changes", [(), (Change(3, 0.002, 150),)])
@pytest.mark.parametrize("batch_size", [9, 128, 600])
def test_a_wide_network_sums_over_the_same_pixels(exported, run_alone, tmp_path, batch_size, changes):
    """A large mini-batch is looked at in halves; its size may change within an epoch."""
    config = CONFIG.replace(hidden_sizes=200, learning_rate=0.001, optimizer="adam", batch_size=batch_size)
    run = exported(config.replace(changes=changes))
    text = training_script(run) + SAVE
    assert "inked_first" in text
    run_alone(text)
    assert_saved(run, tmp_path)


def test_a_wide_fork_of_a_run_whose_inputs_were_left_out(exported, trained, run_alone):
    """The first stage has the pixels as they are, the fork has them sorted."""
    last = CONFIG.replace(hidden_sizes=200, learning_rate=0.01, epochs=2, n_validation=30)
    first = last.replace(input_dropout=0.2, n_validation=0)
    root, at_root = trained(first.replace(epochs=1))
    history, moment = trained(last, start=at_root.snapshot)
    stages = (TrainingStage(first, 1.0),)
    run = replace(exported(last), history=history, moment=moment, newest=moment, before=stages)
    assert figures(run_alone(training_script(run)))[0] == expected([*root, *history], moment.record)[0]


@pytest.mark.parametrize("changes", [{"batch_size": 16}, {"batch_size": 250}])
def test_a_run_that_was_paused_within_an_epoch_is_paused_there(exported, trained, run_alone, changes):
    config = CONFIG.replace(**changes)
    until = TrainingRun(config, exported().dataset).steps_per_epoch + 2
    history, moment = trained(config, until=until)
    run = replace(exported(config), history=history, moment=moment, newest=moment)
    assert moment.epoch != int(moment.epoch)
    assert figures(run_alone(training_script(run))) == expected(history, moment.record)


def test_a_run_that_was_continued_is_trained_in_one_go(exported, data, run_alone):
    with one_blas_thread():
        run, history = TrainingRun(CONFIG.replace(epochs=1), data), History(CONFIG)
        records = [event for event in run if not isinstance(event, Snapshot)]
        run.extend(3)
        records += [event for event in run if not isinstance(event, Snapshot)]
        final = run.evaluate()
    for record in records:
        if record is not None:
            history = history.followed_by(record)
    moment = Moment(final, final.snapshot)
    text = training_script(replace(exported(), history=history, moment=moment, newest=moment))
    assert figures(run_alone(text)) == expected(history, final)
    assert text.count("layers = train(") == 1


def test_a_fork_of_a_fork_trains_each_stage(exported, trained, run_alone):
    first, middle = CONFIG.replace(epochs=9), CONFIG.replace(epochs=8, learning_rate=0.1, batch_size=7)
    last = CONFIG.replace(epochs=4, reduction="mean", learning_rate=1.0, seed=5)
    stages = (TrainingStage(first, 1.0), TrainingStage(middle, 3.0))
    root, at_root = trained(first.replace(epochs=1))
    child, at_child = trained(middle.replace(epochs=3), start=at_root.snapshot)
    history, moment = trained(last, start=at_child.snapshot)
    run = replace(
        exported(last),
        history=history,
        moment=moment,
        newest=moment,
        before=stages,
    )
    output = run_alone(training_script(run))
    epochs, final = figures(output)
    assert epochs == expected([*root, *child, *history], moment.record)[0]
    assert final == expected(history, moment.record)[1]


def test_a_fork_at_the_first_weights_takes_them_over(exported, trained, run_alone):
    other = CONFIG.replace(seed=7)
    history, moment = trained(CONFIG, start=TrainingRun(other, exported().dataset).snapshot())
    run = replace(
        exported(),
        history=history,
        moment=moment,
        newest=moment,
        before=(TrainingStage(other, 0.0),),
    )
    assert figures(run_alone(training_script(run))) == expected(history, moment.record)


def test_a_stage_that_changed_nothing_is_left_out(exported):
    run = exported(before=(TrainingStage(CONFIG, 1.0), TrainingStage(CONFIG.replace(seed=3), 1.0)))
    assert [stage.end for stage in run.stages] == [1.0, 3.0]


def test_a_run_that_began_with_a_file_reads_it(exported, trained, run_alone):
    before = exported(CONFIG.replace(epochs=2))
    history, moment = trained(CONFIG, start=before.moment.snapshot)
    opened = OpenedWeights('a "file".npz', 2)
    run = replace(exported(), history=history, moment=moment, newest=moment, opened=opened)
    output = run_alone(training_script(run), **{'a "file"_npz': weights_archive(before)})
    assert figures(output) == expected(history, moment.record)


def test_a_file_that_was_only_opened_is_scored(exported, run_alone):
    before = exported()
    run = replace(before, history=History(CONFIG), opened=OpenedWeights("it.npz", 3))
    assert figures(run_alone(training_script(run), it_npz=weights_archive(before))) == (
        {},
        expected([], before.exact)[1],
    )


def test_it_imports_numpy_alone(exported):
    for run in (exported(), exported(opened=OpenedWeights("x.npz", 1))):
        tree = ast.parse(training_script(run))
        names = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name.split(".")[0] for name in names} - sys.stdlib_module_names == {"numpy"}


def test_no_text_gets_out_of_its_quotes(exported):
    evil = '"""\n__import__("os").abort()\n"""'
    run = exported(title=evil, note=evil, opened=OpenedWeights(f"x{evil}\u2028\ud800.npz", 1))
    text = training_script(replace(run, dataset=replace(run.dataset, source=f"/{evil}", name=evil)))
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    assert "__import__" not in calls
    literals = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    assert Path(f"/{evil}").name in literals
    assert f"x{evil}\u2028\ud800.npz" in literals


def test_where_the_images_are_is_nobodys_business(exported):
    run = exported()
    assert str(Path(run.dataset.source).parent) not in (text := training_script(run))
    assert repr(Path(run.dataset.source).name)[1:-1] in text


def published(dataset, folder):
    """The data set as MNIST is published: four gzipped idx files."""
    for split, name in (("train", "train"), ("test", "t10k")):
        images, labels = getattr(dataset, f"{split}_images"), getattr(dataset, f"{split}_labels")
        for kind, array in (("images-idx3", images), ("labels-idx1", labels.astype(np.uint8))):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return folder


def test_the_images_are_read_in_every_form(exported, run_alone, small_dataset, tmp_path):
    run = exported()
    text = training_script(replace(run, dataset=small_dataset))
    folder = published(small_dataset, tmp_path)
    assert figures(run_alone(text, folder)) == expected(run.history, run.exact)
    with tarfile.open(tmp_path / "it.tgz", "w:gz") as archive:
        archive.add(run.dataset.source, "inner")
    assert figures(run_alone(text, tmp_path / "it.tgz")) == expected(run.history, run.exact)


def test_mnist_is_found_where_the_explorer_is_installed(exported):
    text = training_script(replace(exported(), dataset=load_mnist()))
    assert 'find_spec("explorer")' in text
    assert str(DATA) not in text  # where it is here is nobody's business


@pytest.mark.parametrize(
    ("arguments", "words"), [((), "usage: "), (("nowhere",), "usage: "), ((".",), "no train images")]
)
def test_without_its_images_it_says_what_it_needs(exported, small_dataset, tmp_path, arguments, words):
    text = training_script(replace(exported(), dataset=small_dataset))
    assert "made in Python" in text
    (tmp_path / "alone.py").write_text(text, encoding="utf-8")
    (tmp_path / "train-labels.npy").write_bytes(b"\x93NUMPY")
    done = subprocess.run(
        [sys.executable, "alone.py", *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_exercise_reprints_what_the_explorer_shows(run_alone):
    config = TrainingConfig(epochs=2)
    with one_blas_thread():
        run = TrainingRun(config, load_mnist())
        for _ in run:
            pass
        final = run.evaluate()
    history = History(config)
    for record in train(config, load_mnist()):
        history = history.followed_by(record)
    moment = Moment(final, final.snapshot)
    text = training_script(ExportedRun("Run 1", load_mnist(), history, moment, moment))
    assert figures(run_alone(text)) == expected(history, final)
