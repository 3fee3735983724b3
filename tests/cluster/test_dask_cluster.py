"""Studies on a real Dask cluster whose workers, scheduler and study are killed."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from dask_processes import DEADLY, OF_ANOTHER_VERSION, PATIENCE, WITHOUT_EXPLORER, started
from needs import needs

from explorer.training import TrainingConfig
from explorer.training.studies import StudyError, grid, read_journal, study
from explorer.training.studies.executors import DaskCluster

pytestmark = [
    pytest.mark.long,
    needs("Dask, which the extra `cluster` brings", find_spec("distributed") is not None),
]

CONFIGS = grid(TrainingConfig(hidden_sizes=8, batch_size=1, epochs=20), seed=range(8))
"""Each takes a fifth of a second."""

CHAOS = """
import asyncio
from distributed.chaos import KillWorker
from distributed.worker import Worker

(worker,) = Worker._instances
asyncio.ensure_future(KillWorker("1 ms", {mode!r}).setup(worker))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The one that the tests of a module share; each finds the workers "a" and "b"."""
    with started(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def connection(cluster):
    with cluster.connect() as client:
        yield client


@pytest.fixture
def client(cluster, connection):
    for name in {"a", "b"} - cluster.processes.keys():
        cluster.add(name)
    connection.wait_for_workers(2, PATIENCE)
    return connection


@pytest.fixture(scope="module")
def undisturbed(small_dataset):
    """What the study gives in this process."""
    with ThreadPoolExecutor(1) as executor:
        return table(study(CONFIGS, small_dataset, executor=executor))


def table(trials):
    """Each config's trial; no config may come twice."""
    listed = list(trials)
    found = {trial.config: trial for trial in listed}
    assert len(found) == len(listed)
    return found


def runs(journal):
    """The lines of a journal that are trials, each of which was run."""
    return [line for line in journal.read_bytes().splitlines() if b'"config"' in line]


def assert_complete(journal, undisturbed):
    """The journal has each trial once, and they are as without any disturbance."""
    assert len(runs(journal)) == len(CONFIGS)
    assert table(read_journal(journal).trials) == undisturbed


@pytest.fixture
def sent(client, monkeypatch):
    """What the client sends: the size of each call, and how many arrays each time that it scatters."""
    sent = {"calls": [], "arrays": []}
    submit, scatter = client.submit, client.scatter

    def counted_submit(*args, **options):
        sent["calls"].append(len(pickle.dumps(args[1])))
        return submit(*args, **options)

    def counted_scatter(arrays, **options):
        sent["arrays"].append(len(arrays))
        return scatter(arrays, **options)

    monkeypatch.setattr(client, "submit", counted_submit)
    monkeypatch.setattr(client, "scatter", counted_scatter)
    return sent


def test_results_are_equal_to_the_bit_and_own_data_are_sent_once(client, sent, small_dataset, undisturbed):
    assert table(study(CONFIGS, small_dataset, executor=client.get_executor())) == undisturbed
    assert sent["arrays"] == [4]  # images and labels, to train and to test
    assert len(sent["calls"]) == len(CONFIGS)
    assert max(sent["calls"]) < 2_000 < small_dataset.train_images.nbytes / 100


def test_the_images_of_the_package_are_not_sent(client, sent):
    config = TrainingConfig(hidden_sizes=4, batch_size=500, epochs=1, n_train=1000)
    assert [trial.status for trial in study([config], executor=client.get_executor())] == ["finished"]
    assert sent["arrays"] == []
    assert max(sent["calls"]) < 2_000


@pytest.mark.parametrize("mode", ["sys.exit", "graceful", "segfault"])
def test_a_worker_that_dies_costs_nothing(mode, cluster, client, small_dataset, undisturbed, tmp_path):
    journal = tmp_path / "study.jsonl"
    trials = study(CONFIGS, small_dataset, executor=client.get_executor(), journal=journal)
    first = next(trials)
    (address,) = (found for found, pid in client.run(os.getpid).items() if first.worker.endswith(f":{pid}"))
    name = client.scheduler_info()["workers"][address]["name"]
    client.run(exec, CHAOS.format(mode=mode), {}, workers=[address], on_error="ignore")
    code = cluster.wait(name)
    assert {first.config: first} | table(trials) == undisturbed
    assert_complete(journal, undisturbed)
    assert code == {"sys.exit": 0, "graceful": 0, "segfault": -signal.SIGSEGV}[mode]


def test_data_that_are_lost_with_all_workers_are_sent_again(
    cluster, client, sent, small_dataset, undisturbed
):
    trials = study(CONFIGS, small_dataset, executor=client.get_executor())
    first = next(trials)
    cluster.kill("a", "b")
    cluster.add("a")
    assert {first.config: first} | table(trials) == undisturbed
    assert set(sent["arrays"]) == {4}
    assert len(sent["arrays"]) > 1


def test_a_trial_that_dask_gives_up_is_begun_again(small_dataset, undisturbed, tmp_path):
    options = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with started(tmp_path, **options) as cluster, cluster.connect() as client:
        cluster.add("a")
        cluster.add("b")
        client.wait_for_workers(2, PATIENCE)
        trials = study(CONFIGS, small_dataset, executor=client.get_executor())
        first = next(trials)
        cluster.kill("a")
        rest = table(trials)
    assert {first.config: first} | rest == undisturbed
    assert 2 in {trial.tries for trial in rest.values()}


def test_a_trial_that_kills_its_workers_fails_and_the_rest_goes_on(small_dataset, undisturbed, tmp_path):
    options = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2"}
    with started(tmp_path, **options) as cluster, cluster.connect() as client:
        for name in "abcd":
            cluster.add(name, DEADLY)
        client.wait_for_workers(4, PATIENCE)
        configs = CONFIGS[0].replace(seed=13), CONFIGS[0]
        found = table(study(configs, small_dataset, executor=client.get_executor()))
        killed, other = (found[config] for config in configs)
        assert sum(process.poll() is not None for process in cluster.processes.values()) == 3
    assert (other.error, other) == ("", undisturbed[other.config])
    assert (killed.status, killed.tries) == ("failed", 3)
    assert killed.error == "a worker process died (killed or out of memory), 3 times"


def test_a_scheduler_that_dies_is_told_and_the_study_goes_on_elsewhere(
    client, small_dataset, undisturbed, tmp_path
):
    journal = tmp_path / "study.jsonl"
    with started(tmp_path) as cluster, cluster.connect(timeout=3) as lost:
        cluster.add("a")
        trials = study(CONFIGS, small_dataset, executor=lost.get_executor(), journal=journal)
        before = [next(trials), next(trials)]
        cluster.kill("scheduler")
        with pytest.raises(StudyError) as told:
            before.extend(trials)
        assert str(told.value) == "The study can't go on: there is no connection to Dask's scheduler."
        with pytest.raises(StudyError, match="no connection to Dask's scheduler"):
            next(study(CONFIGS, small_dataset, executor=lost.get_executor()))
    kept = runs(journal)
    assert 2 <= len(before) == len(kept) < len(CONFIGS)
    resumed = study(CONFIGS, small_dataset, executor=client.get_executor(), journal=journal)
    assert table(resumed) == undisturbed
    assert_complete(journal, undisturbed)
    assert runs(journal)[: len(kept)] == kept


def test_a_client_that_is_closing_is_given_no_call_that_it_would_forget():
    client = SimpleNamespace(status="closing", submit=lambda *_, **__: Future())
    client.sync = lambda function, *arguments: asyncio.run(function(*arguments))
    cluster = DaskCluster(SimpleNamespace(_client=client, _kwargs={}))
    with pytest.raises(ConnectionError):
        cluster.submit(abs, 1)
    client.status = "running"
    assert isinstance(cluster.submit(abs, 1), Future)


def test_a_scheduler_that_comes_back_is_waited_for(small_dataset, undisturbed, tmp_path):
    with started(tmp_path) as cluster, cluster.connect() as client:
        cluster.add("a")
        trials = study(CONFIGS, small_dataset, executor=client.get_executor())
        first = next(trials)
        cluster.kill("scheduler", "a")
        with started(tmp_path, port=client.scheduler.addr.rpartition(":")[2]) as again:
            again.add("a")
            assert {first.config: first} | table(trials) == undisturbed


def test_leaving_early_frees_the_cluster(client, small_dataset):
    many = grid(CONFIGS[0], seed=range(200))
    trials = study(many, small_dataset, executor=client.get_executor())
    next(trials)
    trials.close()
    assert client.submit(sum, [1, 2]).result(PATIENCE) == 3  # the scheduler has what was sent before
    assert Counter(map(len, client.processing().values())).keys() <= {0, 1}


@pytest.mark.parametrize(
    ("preload", "told"),
    [
        (
            OF_ANOTHER_VERSION,
            r"The worker \S+ has nn-explorer 0\.0\.1 with .*, the study has nn-explorer .*\.$",
        ),
        (WITHOUT_EXPLORER, r"The study can't go on: a worker can't import what it needs \(No .*\): .*\.$"),
    ],
    ids=["another version", "no explorer"],
)
def test_a_worker_that_would_give_other_results_is_told_in_a_sentence(preload, told, cluster, client):
    cluster.add("other", preload)
    client.wait_for_workers(3, PATIENCE)
    with pytest.raises(StudyError, match=told) as error:
        list(study(CONFIGS, executor=client.get_executor(workers=["other"])))
    assert str(error.value).count("\n") == 0
    assert cluster.processes["other"].poll() is None
    cluster.kill("other")
