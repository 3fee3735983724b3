"""A study on a cluster of Dask: images of one's own are sent once, and a node that is lost costs no run."""

import os
import pickle
import signal

import distributed
import needs
import psutil
import pytest
from study_steps import SMALL

from explorer.datasets import Dataset
from explorer.training.studies import grid, study

pytestmark = [pytest.mark.slow, pytest.mark.long]
N_RUNS = 1000


@pytest.fixture
def client():
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def own(mnist):
    return Dataset(
        "own", mnist.train_images, mnist.train_labels, mnist.test_images[:100], mnist.test_labels[:100]
    )


@pytest.mark.sweep
def test_a_thousand_runs_take_the_bytes_and_the_memory_of_a_hundred(client, own, monkeypatch):
    sent, call = [], client.submit
    monkeypatch.setattr(client, "submit", lambda *a, **k: sent.append(len(pickle.dumps(a))) or call(*a, **k))
    sizes = []
    configs = grid(SMALL.replace(epochs=1), seed=range(N_RUNS))
    for number, trial in enumerate(study(configs, own, executor=client.get_executor()), start=1):
        assert trial.status == "finished"
        if number in (100, N_RUNS):
            one = psutil.Process()
            sizes.append(sum(process.memory_info().rss for process in (one, *one.children(recursive=True))))
    assert len(sent) == N_RUNS
    assert sum(sent) < own.train_images.nbytes / 10  # with each run they would be 47 GB
    assert sizes[1] - sizes[0] < own.train_images.nbytes


@needs.POSIX
def test_nodes_that_see_no_folder_get_the_images_once_and_a_lost_one_costs_no_run(
    client, own, monkeypatch, elsewhere
):
    sent, scatter = [], client.scatter
    monkeypatch.setattr(
        client, "scatter", lambda *what, **options: sent.append(1) or scatter(*what, **options)
    )
    trials = []
    for trial in study(grid(SMALL, seed=range(60)), own, executor=client.get_executor()):
        trials.append(trial)
        if len(trials) in (1, 20):  # at 1 there is no other copy yet, or hardly one
            os.kill(int(trial.worker.partition(":")[2]), signal.SIGKILL)
    assert [trial.status for trial in trials] == 60 * ["finished"]
    workers = {trial.worker for trial in trials}
    assert 0 < len(sent) <= 2 * len(workers)


def test_a_result_that_is_lost_while_it_is_fetched_is_computed_again(client, own, monkeypatch):
    lost, gather = [], client._gather

    async def losing(futures, **options):
        if not lost:
            lost.extend(futures)
            raise distributed.client.FutureCancelledError(futures[0].key, "lost")
        return await gather(futures, **options)

    monkeypatch.setattr(client, "_gather", losing)
    trials = [*study(grid(SMALL, seed=range(3)), own, executor=client.get_executor())]
    assert lost
    assert sorted(trial.tries for trial in trials) == [1, 1, 2]
    assert [trial.status for trial in trials] == 3 * ["finished"]
