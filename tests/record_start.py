"""Record the run that the page opens with: ``python tests/record_start.py`` trains it and writes the file.

Next to the test that compares it with today's training, it notes on which NumPy and BLAS it was trained: on the
same ones, the two are equal to the bit.
"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from explorer.datasets import Dataset, load_mnist
from explorer.serve.request import trained_run
from explorer.session import SessionRun, SessionState, new_runs
from explorer.session.saved_session import session_bytes
from explorer.training.presets import START

NOTE = Path(__file__).parent / "session" / "start.txt"


def arithmetic() -> str:
    """What rounding depends on: versions, and the kernels that BLAS has chosen for this processor."""
    blas = sorted(
        f"{one['internal_api']} {one['version']} {one.get('architecture')}" for one in threadpool_info()
    )
    return ", ".join([f"NumPy {np.__version__}", *dict.fromkeys(blas)])


def trained_start(dataset: Dataset) -> SessionRun:
    """Train the run as a page does. How long it takes is true of this machine alone, and left out."""
    run = trained_run(START, dataset, math.inf)
    epochs = tuple(replace(one, seconds=0.0) for one in run.history.epochs)
    return replace(run, history=replace(run.history, epochs=epochs))


def main() -> None:
    dataset = load_mnist()
    run = trained_start(dataset)
    content = session_bytes(SessionState(dataset=dataset, config=START, run=run, n_runs=1, first=START))
    path = Path(new_runs.__file__).with_name(new_runs.RECORDING)
    path.write_bytes(content)
    NOTE.write_text(f"{arithmetic()}\n", encoding="utf-8")
    print(f"Wrote {path.name}: {len(content) / 1e6:.2f} MB, accuracy {run.newest.record.test_accuracy:.2%}.")


if __name__ == "__main__":
    main()
