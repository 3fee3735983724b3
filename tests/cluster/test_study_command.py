"""``nn-explorer study --dask`` on a cluster of real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
from dask_processes import PATIENCE, started
from needs import needs

from explorer.serve.command import main
from explorer.training import TrainingConfig
from explorer.training.studies import grid, read_journal, study

pytestmark = [
    pytest.mark.long,
    needs("Dask, which the extra `cluster` brings", find_spec("distributed") is not None),
]
COMMAND = "import sys; from explorer.serve.command import main; sys.exit(main())"


@pytest.fixture
def small(tmp_path):
    """A cluster without a worker yet, its address, and the start of a command."""
    with started(tmp_path) as cluster:
        with cluster.connect() as client:
            address = client.scheduler.address
        yield cluster, address


def by_config(trials):
    return {trial.config: trial for trial in trials}


def test_it_gives_what_this_machine_gives(small, folder, small_dataset, tmp_path, capfd):
    cluster, address = small
    cluster.add("a")
    cluster.add("b")
    file = tmp_path / "study.jsonl"
    options = [
        *["--hidden", "4", "--epochs", "2", "--batch", "8,64", "--seeds", "3", "--json", "--out"],
        str(file),
    ]
    assert main(["study", "--dataset", str(folder), "--dask", address, *options]) == 0
    configs = grid(TrainingConfig(hidden_sizes=4, epochs=2), batch_size=[8, 64], seed=range(3))
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    assert by_config(read_journal(file).trials) == by_config(study(configs, small_dataset))
    assert [len(level["runs"]) for level in json.loads(out)["levels"]] == [3, 3]


def test_when_the_scheduler_goes_what_is_done_is_kept(small, folder, tmp_path, capfd):
    cluster, address = small
    cluster.add("a")
    file = tmp_path / "study.jsonl"
    options = [
        "--dataset",
        str(folder),
        *["--epochs", "10", "--batch", "1", "--seeds", "12", "--out"],
        str(file),
    ]
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "study", *options, "--dask", address],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not running.stdout.readline().startswith(" 2 of 12"):
        assert running.poll() is None
    cluster.kill("scheduler")
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 1
    kept = len(read_journal(file).trials)
    assert 2 <= kept < 12
    assert f"and are saved in {file}; run the same command again" in err
    assert "Traceback" not in err
    assert main(["study", *options, "--dask", address]) == 2
    out, err = capfd.readouterr()
    assert f"no Dask scheduler answers at '{address}'; expected an address such as tcp://" in err
    assert main(["study", *options]) == 0
    out, err = capfd.readouterr()
    assert f"already has {kept} of 12 runs." in err
    assert out.count(" of 12  ") == 12 - kept
