"""Fixtures that several folders share. Coroutines are tests, too: each has a loop of its own, and minutes."""

import asyncio
import gc
import inspect
import os
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from explorer.engine.kernels import LARGE_WORK, in_halves, perform

hypothesis.settings.register_profile("no deadline", deadline=None)  # a busy machine is slow, not wrong
hypothesis.settings.load_profile("no deadline")
sys.path.insert(0, str(Path(__file__).parent))  # so that every folder's tests can `import reference`
# Whatever else is installed.
os.environ["EXPLORER_EXTENSIONS"] = "classroom,demonstrations,grading,lab,many_runs,publish,robustness,talk"
SECONDS = {
    frozenset({"browser", "long"}): 30,
    frozenset({"browser"}): 5,
    frozenset({"slow"}): 1.5,
    frozenset(): 0.05,
}
"""What a test takes that has these marks, a mean."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.function).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.function(**given), 240))
    return True


def pytest_addoption(parser):
    only = "of a test with more sets of parameters than this, only the first so many"
    parser.addoption("--cases", type=int, default=sys.maxsize, metavar="N", help=only)


def pytest_configure(config):
    """Leave one BLAS thread to each of several processes: a second would find no core, and keep all waiting."""
    if hasattr(config, "workerinput"):
        threadpool_limits(1, user_api="blas")


def pytest_itemcollected(item):
    """A sweep is long, and what is long is slow."""
    if item.get_closest_marker("sweep"):
        item.add_marker("long")
    if item.get_closest_marker("long"):
        item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers():
    """Take half as many processes again as there are cores: tests in a browser wait for much of their time."""
    cores = yield
    return cores + cores // 2


@pytest.hookimpl(trylast=True)  # the browser's tests are marked by their folder, others have been left out
def pytest_collection_modifyitems(config, items):
    """Let the processes that share the tests begin with the longest files, so that none is left for the end."""
    cases = Counter()
    for item in [*items]:
        test = item.path, getattr(item, "originalname", item.name)
        cases[test] += 1
        if cases[test] > config.getoption("cases"):
            items.remove(item)
            config.hook.pytest_deselected(items=[item])
    if hasattr(config, "workerinput"):
        seconds = Counter[Path]()
        for item in items:
            marks = {mark.name for mark in item.iter_markers()}
            seconds[item.path] += next(usual for of, usual in SECONDS.items() if of <= marks)
        items.sort(key=lambda item: -seconds[item.path])


def pytest_collection_finish():
    """Spare the garbage collector what tests import: it took a tenth of the time of those with widgets."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def _the_second_thread_is_there():
    """Start the thread that all trainings of a process share, so that no test takes it for one that is left."""
    perform(in_halves(lambda _: (), LARGE_WORK, 2))


class FromPage:
    """Says to a widget what the page would say. What the widget raises, ipywidgets only logs: here it fails."""

    def __init__(self, caplog):
        self._log = caplog

    def set(self, widget, **state):
        self._say(widget, {"method": "update", "state": state})

    def send(self, widget, content):
        self._say(widget, {"method": "custom", "content": content})

    def _say(self, widget, data):
        self._log.clear()
        widget.comm.handle_msg({"content": {"data": data}, "buffers": []})
        assert [record.getMessage() for record in self._log.records] == []


@pytest.fixture
def from_page(caplog):
    return FromPage(caplog)


@pytest.fixture(scope="session")
def mnist():
    """The bundled images, as everybody loads them."""
    from explorer.datasets import load_mnist

    return load_mnist()


@pytest.fixture(scope="session")
def small_dataset():
    """600 train and 200 test images of ten patterns with noise: what a small net learns in a second."""
    return _patterns("patterns", tuple("0123456789"), 2024, n_train=600, n_test=200)


@pytest.fixture(scope="session")
def other_dataset():
    """Another one, of fewer images and of four classes whose names are words."""
    return _patterns("Ways", ("left", "right", "straight on", "back"), 7, n_train=240, n_test=80)


def _patterns(name, class_names, seed, **sizes):
    from explorer.datasets import Dataset

    rng, n_classes = np.random.default_rng(seed), len(class_names)
    coarse = rng.integers(0, 2, (n_classes, 7, 7))  # black and white
    patterns = np.kron(coarse, np.ones((4, 4))) * 170.0
    splits = {}
    for split in ("train", "test"):
        labels = rng.integers(0, n_classes, n := sizes[f"n_{split}"])
        images = patterns[labels] + rng.normal(0, 70, (n, 28, 28))
        splits[f"{split}_images"] = np.clip(images, 0, 255).astype(np.uint8)
        splits[f"{split}_labels"] = labels.astype(np.int64)
    return Dataset(name=name, class_names=class_names, **splits)


@pytest.fixture(scope="session")
def folder(small_dataset, tmp_path_factory):
    """The small data set as the exercise's four files."""
    import dataset_files

    return dataset_files.write(small_dataset, tmp_path_factory.mktemp("patterns"))


@pytest.fixture(scope="module")
def start():
    """Start a command, with options and variables of its environment."""
    from processes import Command

    commands = []

    def start(*options, **environment):
        commands.append(Command(*options, **environment))
        return commands[-1]

    yield start
    for command in commands:
        if command.process.poll() is None:
            command.end()


@pytest.fixture
def command(folder, request, capfd, monkeypatch):
    """Call the module's command on the small data set: exit code, standard output, standard error."""
    monkeypatch.setattr(import_module("explorer.training.studies.study"), "n_cores", lambda: 1)

    def call(*options):
        from explorer.serve.command import main

        capfd.readouterr()
        code = main([request.module.NAME, "--dataset", str(folder), *options])
        return code, *capfd.readouterr()

    return call
