"""A script, run alone, reproduces the network: of a plain run, of a paused one, of a fork, of a file."""

import ast
import gzip
import inspect
import itertools
import re
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from explorer import TrainingConfig, load_mnist
from explorer.datasets.mnist import DATA
from explorer.exports.files import ExportedRun, TrainingStage, weights_archive
from explorer.exports.script import training_script
from explorer.network import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, Network
from explorer.network.methods import Dropout
from explorer.network.schedules import SCHEDULES
from explorer.training import BatchRecord, EpochRecord, History, Moment, Snapshot, TrainingRun, complete
from explorer.training.fields import Change
from explorer.training.process_settings import one_blas_thread

from .conftest import CONFIG


def figures(output):
    """Test loss and accuracy by epoch, then the two last accuracies, as the script prints them, in percent."""
    pattern = r"^epoch +(\d+)  (?:test|validation) loss ([\d.]+)  accuracy ([\d.]+)%$"
    lines = re.findall(pattern, output, re.MULTILINE)
    pattern = r"^(?:Test|Validation) accuracy +([\d.]+)% of .*\nTrain accuracy +([\d.]+)%"
    last = re.search(pattern, output, re.MULTILINE).groups()
    epochs = {int(epoch): (float(loss), float(share)) for epoch, loss, share in lines}
    return epochs, [*map(float, last)]


def tolerance(text):
    """How far the script says that losses, by a share, and accuracies, in points, are from the explorer's."""
    said = re.search(r"losses differed by at most ([\d.]+) %, accuracies by ([\d.]+) points", text)
    return float(said[1]) / 100, float(said[2])


def assert_repeated(output, history, final, tolerance=(0.001, 0.1)):
    """The script's figures are the explorer's: losses by a share, accuracies in points, or up to one image."""
    epochs, shares = figures(output)
    share, points = tolerance
    assert [*epochs] == [record.epoch for record in history]
    for record, (loss, accuracy) in zip(history, epochs.values(), strict=True):
        points_or_image = max(points, 100 / record.confusion.sum())
        assert loss == pytest.approx(record.test_loss, rel=share, abs=1e-6)
        assert accuracy == pytest.approx(100 * record.test_accuracy, abs=points_or_image)
    points_or_image = max(points, 100 / final.confusion.sum())
    expected = [100 * final.test_accuracy, 100 * final.train_accuracy]
    assert shares == pytest.approx(expected, abs=points_or_image)


@pytest.fixture
def reprinted(run_alone):
    """Hold what a run's script prints against the run's records, or against those that are given."""

    def reprinted(run, records=None, **files):
        text = training_script(run)
        records = run.history if records is None else records
        assert_repeated(run_alone(text, **files), records, run.newest.record)
        return text

    return reprinted


RELU = {"hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy"}


@pytest.mark.parametrize("changes", [
    {},
    {"hidden_sizes": (6, 5), **RELU, "optimizer": "momentum", "reduction": "mean", "batch_size": 7},
    {"hidden_activation": "tanh", "output": "softmax", "initializer": "normal", "batch_size": 9},
    {"loss": "cross_entropy", "initializer": "uniform", "learning_rate": 0.001, "optimizer": "rmsprop"},
    {"initializer": "he", "seed": 2**32 - 1, "reduction": "mean", "learning_rate": 1e-5},
    {"batch_size": 60_000, "n_train": 570, "optimizer": "adam", "learning_rate": 0.003},
    {"hidden_sizes": (300, 40), "batch_size": 512, "optimizer": "nesterov", "learning_rate": 0.001},
])  # fmt: skip
def test_a_run_is_reprinted(exported, reprinted, changes):
    reprinted(exported(CONFIG.replace(**changes)))


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


def parameters(cases, marks):
    """Cases by their names; of those that `marks` does not name, a sweep alone runs."""
    return [pytest.param(case, id=str(case), marks=marks.get(case, pytest.mark.sweep)) for case in cases]


PAIRS = [*map("+".join, itertools.combinations(METHODS, 2))]
QUICK = dict.fromkeys(["adamw+augmentation", "penalties+dropout", "max-norm+rates", "changes+validation"], ())


@pytest.mark.parametrize("pair", parameters(PAIRS, QUICK))
def test_a_run_of_each_pair_of_methods_is_reprinted(exported, reprinted, pair):
    reprinted(exported(CONFIG.replace(hidden_sizes=(30, 20), **combined(*pair.split("+")))))


STOPPING = CONFIG.replace(n_validation=100, patience=2, epochs=60, learning_rate=1.5, n_train=300, seed=3)


def test_a_run_whose_best_weights_are_back_ends_with_them(exported, reprinted):
    run = exported(STOPPING)
    assert run.newest.epoch < run.history.last.epoch < 60
    text = reprinted(run, [record for record in run.history if record.epoch <= run.newest.epoch])
    assert f"trained on to epoch {run.history.last.epoch}" in text


def test_a_run_left_before_its_best_weights_are_back_ends_with_its_newest(exported, reprinted, small_dataset):
    whole = exported(STOPPING)
    training, history = TrainingRun(STOPPING, small_dataset), History(STOPPING)
    for event in training:
        if isinstance(event, BatchRecord | EpochRecord):
            history = history.followed_by(event)
        if isinstance(event, Snapshot) and event.epoch == whole.history.last.epoch:
            break
    final = training.evaluate()
    moment = Moment(final, final.snapshot)
    reprinted(replace(whole, history=history, moment=moment, newest=moment))


def test_the_test_images_come_last_and_are_called_so(exported, run_alone):
    run = exported(CONFIG.replace(n_validation=90))
    *_, validation, train, test = run_alone(training_script(run)).splitlines()
    assert re.fullmatch(r"Validation accuracy [\d.]+% of 90 images", validation)
    assert train.endswith("of 510 images")
    y = run.network().predict(run.dataset.X_test)
    share = f"{np.mean(y == run.dataset.test_labels):.3%}"
    assert test == f"Test accuracy   {share} of 200 images, by which no setting should be chosen"


def test_a_fork_begins_with_the_weights_of_its_parent(exported, reprinted):
    """Its settings change twice before the fork and once after it; its parent is a fork too."""
    root = exported(CONFIG.replace(epochs=1))
    before = (TrainingStage(CONFIG, 1.0),)
    child = exported(CONFIG.replace(epochs=2, seed=7), start=root.newest.snapshot, before=before)
    config = CONFIG.replace(epochs=4, **combined("adamw", "validation", "rates", "max-norm", "changes"))
    config = config.replace(changes=(*config.changes, Change(60, 0.03, 40)))
    stages = (*before, TrainingStage(child.config, 2.0))
    run = exported(config, start=child.newest.snapshot, before=stages)
    text = reprinted(run, **{"explorer-784-8-10-seed7-epoch2_npz": weights_archive(child)})
    assert "export them from there, next to the script" in text


@pytest.mark.parametrize("batch_size", [16, 250])
def test_a_run_that_was_paused_within_an_epoch_is_paused_there(exported, data, reprinted, batch_size):
    config = CONFIG.replace(batch_size=batch_size)
    run = exported(config, until=TrainingRun(config, data).steps_per_epoch + 2)
    assert run.newest.epoch != int(run.newest.epoch)
    reprinted(run)


def test_a_run_that_was_continued_is_trained_in_one_go(exported, data, reprinted):
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
    text = reprinted(replace(exported(), history=history, moment=moment, newest=moment))
    assert text.count("\nfor epoch in ") == 1


def test_a_run_that_began_with_a_file_reads_it_and_a_file_that_was_only_opened_is_scored(exported, reprinted):
    before = exported(CONFIG.replace(epochs=2))
    run = exported(start=before.moment.snapshot, file='a "file".npz', first_epoch=2)
    reprinted(run, **{'a "file"_npz': weights_archive(before)})
    opened = replace(before, history=History(before.config), file="it.npz", first_epoch=2)
    reprinted(opened, it_npz=weights_archive(before))


def test_no_text_gets_out_of_its_quotes(exported):
    evil = '"""\n__import__("os").abort()\n"""'
    run = exported(title=evil, note=evil, file=f"x{evil}\u2028\ud800.npz", first_epoch=1)
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
    assert f"a train accuracy of {run.exact.train_accuracy:.3%} on all training images" in text
    folder = published(small_dataset, tmp_path)
    assert_repeated(run_alone(text, folder), run.history, run.exact)
    with tarfile.open(tmp_path / "it.tgz", "w:gz") as archive:
        archive.add(run.dataset.source, "inner")
    assert_repeated(run_alone(text, tmp_path / "it.tgz"), run.history, run.exact)


@pytest.mark.parametrize("arguments", [(), ("nowhere",), (".",)])
def test_without_its_images_it_says_what_it_needs(exported, small_dataset, process, tmp_path, arguments):
    text = training_script(replace(exported(), dataset=small_dataset))
    (tmp_path / "train-images.npy").write_bytes(b"")
    done = process(text, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: python alone.py IMAGES (")


# ---------------------------------------------------------------- its text

MODERN = {**RELU, "initializer": "he", "learning_rate": 0.001}
RUNS = {
    "the exercise": {},
    "three hidden layers": {**MODERN, "hidden_sizes": (128, 64, 32)},
    "Adam with dropout": {**MODERN, "hidden_sizes": (128,), "optimizer": "adam", "dropout": 0.2},
    "augmentation": AUGMENTATION,
    "a schedule with warm-up": {"optimizer": "momentum", "learning_rate": 0.002, **METHODS["rates"]},
    "an honest split": {"n_validation": 10_000, "l2": 0.0001},
}
"""What the explorer is shown with."""
LONG = {"the exercise": pytest.mark.long}

EVERYTHING = {**combined(*METHODS), **RELU, "initializer": "he", "optimizer": "nesterov", "reduction": "mean"}


@pytest.fixture(scope="module")
def moment(small_dataset):
    run = TrainingRun(CONFIG.replace(epochs=1), small_dataset)
    assert list(run)
    final = run.evaluate()
    return Moment(replace(final, epoch=2), final.snapshot)


@pytest.fixture
def shown(moment):
    """A script of MNIST with the figures of other images, for its text."""

    def shown(config):
        return training_script(ExportedRun("Run 1", load_mnist(), History(config), moment, moment))

    return shown


def exercise(**changes):
    return TrainingConfig(epochs=2, **changes)


@st.composite
def any_settings(draw):
    """Settings with any functions, and any of the methods."""
    choices = {
        "hidden_activation": ACTIVATIONS,
        "output": OUTPUTS,
        "loss": LOSSES,
        "initializer": INITIALIZERS,
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
        "reduction": ("sum", "mean"),
        "warmup": (0, 1),
        "seed": (0, 2**32 - 1),
        "learning_rate": (0.1, 0.05561404160577164),
    }
    functions = {name: draw(st.sampled_from([*values])) for name, values in choices.items()}
    methods = draw(st.sets(st.sampled_from([*METHODS.keys() - {"adamw", "rates"}])))
    return exercise(**combined(*methods), **functions, hidden_sizes=(40, 30))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_settings(), st.sampled_from([None, 0, 1]), st.booleans())
@example(exercise(**EVERYTHING), 0, True)
def test_any_run_is_readable(moment, config, begun_at, is_paused):
    """Whatever it uses, it is Python, and no line is longer than the package's own."""
    newest = replace(moment, record=replace(moment.record, epoch=1.4)) if is_paused else moment
    run = ExportedRun("Run 1", load_mnist(), History(config), moment, newest)
    if begun_at is not None:
        run = replace(run, file="a.npz", first_epoch=begun_at)
    text = training_script(run)
    compile(text, "run.py", "exec")
    assert [line for line in text.splitlines() if len(line) > 115] == []


def test_each_is_the_textbook_as_it_is(shown, tmp_path):
    """It has the classes word for word, the methods' only if it uses one, and uses all that it imports."""
    for number, changes in enumerate((*RUNS.values(), EVERYTHING)):
        text = shown(exercise(**changes))
        (tmp_path / f"run_{number}.py").write_text(text, encoding="utf-8")
        assert inspect.getsource(Network) in text
        is_plain = {*changes} <= {*MODERN, *AUGMENTATION, "hidden_sizes", "n_validation"} - {"optimizer"}
        assert (inspect.getsource(Dropout) not in text) == is_plain
    options = ["check", "--isolated", "--no-cache", "--select=F", "--ignore=F811"]
    ruff = [sys.executable, "-m", "ruff", *options, tmp_path]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", parameters(RUNS, LONG))
def test_the_figures_of_mnist_are_as_close_as_it_says(run_alone, name):
    mnist = load_mnist()
    history = complete(TrainingRun(exercise(**RUNS[name]), mnist))
    final = history.end.final
    moment = Moment(final, final.snapshot)
    text = training_script(ExportedRun("Run 1", mnist, history, moment, moment))
    assert_repeated(run_alone(text, DATA), history, final, tolerance(text))
