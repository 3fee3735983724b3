"""Trains the talk's runs again and keeps them as its recordings, when training or the runs have changed."""

from __future__ import annotations

import argparse

from explorer.datasets import load_mnist
from explorer.session import SavedSession, SessionRun
from explorer.session.saved_session import SUFFIX, session_bytes
from explorer.session.session_run import MOST_BYTES
from explorer.talk.slides import RECORDINGS, RUNS
from explorer.training import TrainingRun, complete


def recording(shown, dataset):
    """Train a run of the talk; the content of its recording."""
    history = complete(TrainingRun(shown.config, dataset))
    run = SessionRun(
        number=1,
        dataset=dataset.head(shown.config.n_train),
        history=history,
        status="finished",
        evaluation=history.end.final,
        name=shown.label,
    )
    saved = SavedSession(config=run.config, runs=(run,), n_runs=1)
    return session_bytes(saved, dataset, MOST_BYTES if shown.with_weights else 0)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    for name, shown in RUNS.items():
        (RECORDINGS / f"{name}{SUFFIX}").write_bytes(recording(shown, load_mnist()))
