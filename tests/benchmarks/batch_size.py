"""What a very small and a very large batch do: the exercise's question, answered in full.

    python tests/benchmarks/batch_size.py

trains the exercise's network for 10 epochs with each batch size, by sum and by mean, with three seeds, in a
process for each core (about a minute on two), and prints what came of it. With ``--record`` it also becomes what
the app's Study tab opens with.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from accuracy import machine

from explorer.app.panels.recorded_study import save_points
from explorer.figures.studies import study_words
from explorer.notebook import batch_size_study


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--record", action="store_true", help="keep the result as what the Study tab opens with"
    )
    options = parser.parse_args()
    print(*machine().values(), sep=", ")
    study = batch_size_study()
    print(study)
    heads = ("", 6), ("test accuracy, %", 18), ("lowest", 8), ("highest", 9), ("s/epoch", 9), ("updates", 9)
    print(f"\n{'batch size':>10}", *(f"{words:>{width}}" for words, width in heads), sep="")
    for reduction, size in sorted(
        {(point.reduction, point.batch_size) for point in study.points}, reverse=True
    ):
        own = [p for p in study.points if (p.reduction, p.batch_size) == (reduction, size)]
        reached = 100 * np.array([point.test_accuracy for point in own])
        seconds = np.mean([point.seconds_per_epoch for point in own])
        print(
            f"{size:>10}{reduction:>6}{reached.mean():>18.2f}{reached.min():>8.2f}{reached.max():>9.2f}"
            f"{seconds:>9.2f}{own[0].updates:>9}"
        )
    print(f"\n{study_words(study.points)}")
    complete = study.n_done == study.n_runs and not study.failed
    if options.record and complete:
        save_points(study.points)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
