"""Real runs of the small data set, and scripts that are run alone."""

import subprocess
import sys
from pathlib import Path

import dataset_files
import numpy
import pytest

from explorer import TrainingConfig, load_dataset
from explorer.exports.files import ExportedRun
from explorer.training import EpochRecord, History, Moment, Snapshot, TrainingRun
from explorer.training.process_settings import one_blas_thread

CONFIG = TrainingConfig(hidden_sizes=8, epochs=3, batch_size=16, learning_rate=0.05)


@pytest.fixture(scope="session")
def data(small_dataset, tmp_path_factory):
    """The small data set as it is read from a folder, so that a script can read it too."""
    path = tmp_path_factory.mktemp("a “folder” with 'quotes'")
    return load_dataset(dataset_files.write(small_dataset, path))


@pytest.fixture(scope="session")
def trained(data):
    """Train a run to its end, or up to a mini-batch, and return its history and its last moment."""

    def trained(config=CONFIG, *, start=None, until=None, evaluated=True):
        with one_blas_thread():
            run, history, moment = TrainingRun(config, data, start=start), History(config), None
            for event in run:
                if isinstance(event, EpochRecord):
                    history = history.followed_by(event)
                elif isinstance(event, Snapshot):
                    moment = Moment(history.last, event)
                if run.step == until:
                    break
            if evaluated:
                final = run.evaluate()
                moment = Moment(final, final.snapshot)
        return history, moment

    return trained


@pytest.fixture(scope="session")
def exported(data, trained):
    """A finished run, or one as of `trained`; other keywords as of `ExportedRun`."""

    def exported(config=CONFIG, *, start=None, until=None, **keys):
        history, moment = trained(config, start=start, until=until)
        keys = {"title": "Run 1", "moment": moment, "newest": moment, **keys}
        return ExportedRun(dataset=data, history=history, **keys)

    return exported


ALONE = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
del sys.argv[0]  # the script is the next
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="session")
def numpy_alone(tmp_path_factory):
    """A folder of packages with NumPy in it and nothing else."""
    folder, found = tmp_path_factory.mktemp("packages"), Path(numpy.__file__).parent
    for package in (found, found.with_name("numpy.libs")):  # the second has its BLAS, in wheels for Linux
        if package.exists():
            (folder / package.name).symlink_to(package)
    return folder


@pytest.fixture
def process(tmp_path, data, numpy_alone):
    """Run a script by a Python that has NumPy alone, next to the images, and return the process that has ended."""
    (tmp_path / Path(data.source).name).symlink_to(data.source)

    def process(text, *arguments, **files):
        for name, content in files.items():
            (tmp_path / name.replace("_npz", ".npz")).write_bytes(content)
        (tmp_path / "alone.py").write_text(text, encoding="utf-8")
        python = [sys.executable, "-I", "-S", "-W", "error", "-c", ALONE]
        return subprocess.run(
            [*python, numpy_alone, "alone.py", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=200,
            check=False,
        )

    return process


@pytest.fixture
def run_alone(process):
    """What a script prints, run as by `process`."""

    def run_alone(*arguments, **files):
        done = process(*arguments, **files)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_alone
