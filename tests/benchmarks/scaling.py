"""How the time of an epoch grows with the images, the hidden units and the batch size, each with its fitted line.

    python tests/benchmarks/scaling.py

trains 784-H-10 (sigmoid, squared error) on MNIST, one BLAS thread, and prints for each point the CPU time measured
and the time on the line (about a minute). The lines are fitted by least squares of the relative deviations:

- seconds an epoch = a + b · images;
- microseconds an image = a + b · hidden units;
- microseconds an image = a + b / batch size, where b is what a step costs whatever its size.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from contestants import Case, Ours
from engine import turn_of
from report import command, machine, say
from threadpoolctl import threadpool_limits

from explorer.datasets import load_mnist

IMAGES = (3_750, 7_500, 15_000, 30_000, 45_000, 60_000)
UNITS = (8, 16, 32, 64, 128, 256, 512, 1024)
BATCHES = (16, 32, 64, 128, 256, 512)  # tinier ones share their work on the first layer: another line
LINES = {  # what is varied: its values, a case of each, and the sign between it and its factor
    "images (32 units, batch 512)": (IMAGES, [Case((32,), 512, images) for images in IMAGES], "·"),
    "hidden units (batch 512)": (UNITS, [Case((units,), 512, 15_360) for units in UNITS], "·"),
    "batch size (32 units)": (BATCHES, [Case((32,), batch, 30_000) for batch in BATCHES], "/"),
}


def median_seconds(cases: Sequence[Case], rounds: int) -> np.ndarray:
    """Return the median CPU seconds of an epoch for each case; the cases take turns."""
    turns = [turn_of(Ours(case, load_mnist().head(case.images))) for case in cases]
    return np.median([[turn() for turn in turns] for _ in range(rounds)], axis=0)


def main(arguments: Sequence[str] | None = None) -> int:
    options = command(__doc__, quick="two rounds instead of nine").parse_args(arguments)
    for name, (values, cases, sign) in LINES.items():
        with threadpool_limits(1, user_api="blas"):
            y = median_seconds(cases, 2 if options.quick else 9)
        unit = "seconds an epoch"
        if values is not IMAGES:
            y, unit = 1e6 * y / [case.images for case in cases], "µs an image"
        x = np.array(values, dtype=np.float64) ** (1 if sign == "·" else -1)
        a, b = np.linalg.lstsq(np.stack([1 / y, x / y], axis=1), np.ones_like(y))[0]  # relative deviations
        print(f"{unit} = {a:.4g} + {b:.4g} {sign} {name}")
        for value, found, on_line in zip(values, y, a + b * x, strict=True):
            deviation = found / on_line - 1
            print(f"{value:10,}  measured {found:9.4f}  line {on_line:9.4f}  {deviation:+6.1%}")
    say(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
