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
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from contestants import Case, Ours
from engine import turn_of
from report import command, machine, say
from threadpoolctl import threadpool_limits

from explorer.datasets import Dataset, load_mnist

IMAGES = (3_750, 7_500, 15_000, 30_000, 45_000, 60_000)
UNITS = (8, 16, 32, 64, 128, 256, 512, 1024)
BATCHES = (16, 32, 64, 128, 256, 512)  # tinier ones share their work on the first layer: another line


@dataclass(frozen=True)
class Line:
    """Times against a quantity, and the line through them."""

    title: str
    x_name: str
    y_name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    inverse: bool = False
    """Whether the line is in 1 / x."""

    def fit(self) -> tuple[float, float]:
        """Return a and b of y = a + b x, or a + b / x, with the least relative deviations."""
        y = np.array(self.y)
        terms = np.stack([np.ones_like(y), self.term()], axis=1) / y[:, np.newaxis]
        a, b = np.linalg.lstsq(terms, np.ones_like(y))[0]
        return float(a), float(b)

    def term(self) -> np.ndarray:
        x = np.array(self.x, dtype=np.float64)
        return 1 / x if self.inverse else x

    def text(self) -> str:
        a, b = self.fit()
        fitted = a + b * self.term()
        sign = "/" if self.inverse else "·"
        lines = [f"{self.title}: {self.y_name} = {a:.4g} + {b:.4g} {sign} {self.x_name}"]
        for x, y, on_line in zip(self.x, self.y, fitted, strict=True):
            lines.append(f"{x:10,.0f}  measured {y:9.4f}  line {on_line:9.4f}  {y / on_line - 1:+6.1%}")
        return "\n".join(lines)


def measured(
    cases: Sequence[Case], data: Dataset, rounds: int, figure: Callable[[Case, float], float]
) -> tuple[float, ...]:
    """Return a figure of the median CPU seconds of an epoch for each case; the cases take turns."""
    turns = [turn_of(Ours(case, data.head(case.images))) for case in cases]
    seconds = np.median([[turn() for turn in turns] for _ in range(rounds)], axis=0)
    return tuple(figure(case, float(value)) for case, value in zip(cases, seconds, strict=True))


def lines(data: Dataset, rounds: int) -> list[Line]:
    per_image: Callable[[Case, float], float] = lambda case, seconds: 1e6 * seconds / case.images  # noqa: E731
    by_images = [Case((32,), 512, images) for images in IMAGES]
    by_units = [Case((units,), 512, 15_360) for units in UNITS]
    by_batch = [Case((32,), batch, 30_000) for batch in BATCHES]
    return [
        Line(
            "Images (32 units, batch 512)", "images", "seconds an epoch", IMAGES,
            measured(by_images, data, rounds, lambda case, seconds: seconds),
        ),
        Line(
            "Hidden units (batch 512)", "units", "µs an image", UNITS,
            measured(by_units, data, rounds, per_image),
        ),
        Line(
            "Batch size (32 units)", "batch size", "µs an image", BATCHES,
            measured(by_batch, data, rounds, per_image), inverse=True,
        ),
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    options = command(__doc__, quick="two rounds instead of nine").parse_args(arguments)
    with threadpool_limits(1, user_api="blas"):
        fitted = lines(load_mnist(), 2 if options.quick else 9)
    print("\n\n".join(line.text() for line in fitted), end="\n\n")
    say(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
