"""Runs on all of MNIST that tests compare with: each is trained once in a process, as far as any of them asks."""

from functools import cache

from explorer import TrainingConfig, load_mnist
from explorer.training import EpochRecord, Snapshot, TrainingRun
from explorer.training.process_settings import one_blas_thread

MOST = 50


@cache
def _begun(settings):
    return TrainingRun(TrainingConfig(**dict(settings), epochs=MOST), load_mnist()), [], []


def _trained(epochs, settings):
    run, records, snapshots = _begun(tuple(sorted(settings.items())))
    with one_blas_thread():  # as in the explorer: two threads round otherwise
        while len(snapshots) < epochs:
            event = next(run)
            if isinstance(event, EpochRecord):
                records.append(event)
            elif isinstance(event, Snapshot):
                snapshots.append(event)
    return records[:epochs], snapshots[:epochs]


def records(*, epochs=10, **settings):
    """The records of a run's epochs; a run of more epochs begins with the same ones."""
    return _trained(epochs, settings)[0]


def snapshots(*, epochs=10, **settings):
    """The network at the end of each."""
    return _trained(epochs, settings)[1]


def diverging(config):
    """Return settings that overflow in their first epoch."""
    return config.replace(
        hidden_sizes=(64, 64, 64),
        hidden_activation="relu",
        output="softmax",
        loss="cross_entropy",
        learning_rate=100.0,
    )


def of(kind, events):
    """The events of a run that are records of a kind."""
    return [event for event in events if isinstance(event, kind)]
