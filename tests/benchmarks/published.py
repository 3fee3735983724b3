"""The published error rates of fully connected networks on MNIST, reached from scratch.

    python tests/benchmarks/published.py [ROW …]

trains each row of the table with up to three seeds, a process for each core, and prints the best error on the
10 000 test images and the mean over the seeds next to the published figure (hours on two cores; `--list` names
the rows). The settings were chosen on 10 000 validation images, as `--validate` shows; the runs of the table then
train on all 60 000, and what counts is the network after the last epoch. With `--journal FILE` every run that has
ended is kept, and a later call goes on from there. The exit code is 0 if every row is reached.

Published: LeCun, Bottou, Bengio & Haffner 1998, and the table of LeCun, Cortes & Burges; Hinton 2005 (in the same
table); Simard, Steinkraus & Platt 2003; Srivastava et al. 2014.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from report import command, machine, percent, say, trained

from explorer.datasets import load_mnist
from explorer.training import TrainingConfig
from explorer.training.query import write_query
from explorer.training.studies import Trial, WorkerPool, grid

SEEDS = (0, 1, 2)

RELU = TrainingConfig(
    hidden_activation="relu", output="softmax", loss="cross_entropy", initializer="he", reduction="mean",
    batch_size=128, optimizer="momentum", learning_rate=0.03, schedule="cosine",
)  # fmt: skip
SQUARED = RELU.replace(output="sigmoid", loss="squared_error", learning_rate=0.1, epochs=20)
AFFINE = {"rotation": 10.0, "scale": 0.1, "shift": 1.0}
ELASTIC = {"rotation": 7.5, "scale": 0.1, "elastic": 1.4}


@dataclass(frozen=True)
class Row:
    """A network, the error that was published for it in %, and the settings that are to reach it."""

    name: str
    published: float
    source: str
    config: TrainingConfig


ROWS = {
    "300": Row("784-300-10, squared error", 4.7, "LeCun et al. 1998", SQUARED.replace(hidden_sizes=300)),
    "300-distorted": Row(
        "the same, distorted images", 3.6, "LeCun et al. 1998", SQUARED.replace(hidden_sizes=300, **AFFINE)
    ),
    "1000": Row("784-1000-10, squared error", 4.5, "LeCun et al. 1998", SQUARED.replace(hidden_sizes=1000)),
    "1000-distorted": Row(
        "the same, distorted images", 3.8, "LeCun et al. 1998", SQUARED.replace(hidden_sizes=1000, **AFFINE)
    ),
    "300-100": Row("784-300-100-10", 3.05, "LeCun et al. 1998", SQUARED.replace(hidden_sizes=(300, 100))),
    "300-100-distorted": Row(
        "the same, distorted images", 2.5, "LeCun et al. 1998",
        SQUARED.replace(hidden_sizes=(300, 100), learning_rate=0.05, **AFFINE),
    ),
    "500-150": Row("784-500-150-10", 2.95, "LeCun et al. 1998", SQUARED.replace(hidden_sizes=(500, 150))),
    "500-150-distorted": Row(
        "the same, distorted images", 2.45, "LeCun et al. 1998",
        SQUARED.replace(hidden_sizes=(500, 150), **AFFINE),
    ),
    "500-300": Row(
        "784-500-300-10, softmax, cross-entropy, weight decay", 1.53, "Hinton 2005",
        RELU.replace(hidden_sizes=(500, 300), optimizer="adamw", learning_rate=0.003, l2=1.0, epochs=25),
    ),
    "800": Row(
        "784-800-10, cross-entropy; here with dropout", 1.6, "Simard et al. 2003",
        RELU.replace(hidden_sizes=800, learning_rate=0.1, dropout=0.5, input_dropout=0.2, epochs=40),
    ),
    "800-affine": Row(
        "784-800-10, cross-entropy, affine distortions", 1.1, "Simard et al. 2003",
        RELU.replace(hidden_sizes=800, epochs=40, **AFFINE),
    ),
    "800-elastic": Row(
        "the same, elastic distortions", 0.7, "Simard et al. 2003",
        RELU.replace(hidden_sizes=800, learning_rate=0.05, epochs=300, **ELASTIC),
    ),
    "dropout": Row(
        "784-1024-1024-1024-10, relu, dropout, max-norm", 1.06, "Srivastava et al. 2014",
        RELU.replace(
            hidden_sizes=(1024, 1024, 1024), dropout=0.5, input_dropout=0.2, max_norm=3.0,
            optimizer="adamw", learning_rate=0.001, l2=0.1, epochs=270,
        ),
    ),
}  # fmt: skip
"""The rows by the names that the command line knows them by."""


def judged(row: Row, trials: Sequence[Trial]) -> tuple[bool, str]:
    """Return whether the best run reached the published error, and a line that says what each came to."""
    errors = [100 - percent(trial) for trial in trials]
    is_reached = round(min(errors), 2) <= row.published
    figures = f"{row.published:9.2f} {min(errors):6.2f} {mean(errors):6.2f}"
    each = " ".join(f"{error:.2f}" for error in errors)
    longest = max(trial.seconds for trial in trials) / 60
    verdict = "reached" if is_reached else "SHORT"
    return is_reached, f"{row.name:54}{figures}  {verdict:8} {each:16} {longest:5.1f} min"


def runs(name: str, n_seeds: int, validate: bool) -> tuple[TrainingConfig, ...]:
    config = ROWS[name].config.replace(n_validation=10_000 if validate else 0)
    return grid(config, seed=SEEDS[:n_seeds])


def parsed() -> argparse.Namespace:
    parser = command(__doc__)
    add = parser.add_argument
    add("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; without any, all")
    add("--seeds", type=int, choices=(1, 2, 3), default=3, help="runs of each row (default: 3)")
    add("--validate", action="store_true", help="errors on 10 000 validation images instead")
    add("--journal", type=Path, metavar="FILE", help="keep the runs there, and go on from there")
    add("--workers", type=int, metavar="N", help="processes, which share the cores (default: one a core)")
    add("--list", action="store_true", help="name the rows and their settings, and train nothing")
    options = parser.parse_args()
    if unknown := [name for name in options.rows if name not in ROWS]:
        parser.error(f"there is no row {unknown[0]!r}; expected some of {', '.join(ROWS)}")
    return options


def main() -> int:
    options = parsed()
    names = options.rows or [*ROWS]
    if options.list:
        for name in names:
            row = ROWS[name]
            print(f"{name:18} {row.published:5.2f} % {row.source:24} {write_query(row.config)}")
        return 0
    configs = {name: runs(name, options.seeds, options.validate) for name in names}
    started = time.monotonic()
    with WorkerPool(options.workers) as pool:
        asked = [config for each in configs.values() for config in each]
        found = trained(asked, dataset=load_mnist(), executor=pool, journal=options.journal)
    split = "validation" if options.validate else "test"
    print(f"{f'error on the {split} images, %':54}published   best   mean           each seed        longest")
    rows = [judged(ROWS[name], [found[config] for config in configs[name]]) for name in names]
    print(*(line for _, line in rows), sep="\n")
    n_reached = sum(is_reached for is_reached, _ in rows)
    print(f"{n_reached} of {len(rows)} reached, {(time.monotonic() - started) / 60:.0f} min")
    say(machine())
    return int(n_reached < len(rows))


if __name__ == "__main__":
    sys.exit(main())
