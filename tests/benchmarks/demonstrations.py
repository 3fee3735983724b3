"""All demonstrations with seeds 0 to 7, as the guide's tables: the papers, and the numbers of each claim.

    python tests/benchmarks/demonstrations.py

takes about five minutes on one core. Nothing else should run. The exit code is 0 if each claim holds in as many
seeds as ``demonstrations.toml`` says.
"""

import sys
from collections import Counter
from functools import partial
from time import process_time

import numpy as np
from report import command, machine, say

from explorer import load_mnist
from explorer.experiments import SEEDS
from explorer.extensions.demonstrations.all import DEMONSTRATIONS

positional = partial(np.format_float_positional, precision=3, fractional=False, trim="-")


def measured(one, data, seeds):
    """The numbers with each seed, and the CPU seconds of the median run."""
    numbers, times = [], []
    for seed in range(seeds):
        started = process_time()
        numbers.append(one.last(data, seed).numbers)
        times.append(process_time() - started)
    return numbers, sorted(times)[len(times) // 2]


def claim_rows(one, numbers):
    """A row of the guide's table for each claim, and whether it holds as often as the card says."""
    for claim in one.texts.claims:
        holds = sum(map(claim.holds, numbers))
        values = ", ".join(positional(its[claim.number]) for its in numbers)
        low, high = claim.range
        wanted = f"{low:g} to {high:g}" if high < np.inf else f"at least {low:g}"
        is_as_told = holds == claim.seeds or len(numbers) < SEEDS
        outcome = f"{holds} of {len(numbers)}" + ("" if is_as_told else f", MISSED: {claim.seeds} of {SEEDS}")
        yield f"| {one.texts.title} | {claim.says} | {values} | {wanted} | {outcome} |", is_as_told


def main() -> int:
    parser = command(__doc__, quick="one seed")
    parser.add_argument("names", nargs="*", help="some of them")
    options = parser.parse_args()
    say(machine("scipy", "plotly"))
    data, rows = load_mnist(), []
    print("| demonstration | paper | our answers | reproduced | CPU s |\n|---|---|---|---|---|")
    for one in DEMONSTRATIONS:
        if options.names and one.key not in options.names:
            continue
        numbers, seconds = measured(one, data, 1 if options.quick else SEEDS)
        rows += claim_rows(one, numbers)
        answers = sorted(map(one.answer, numbers))
        words = f"{answers[0]:.3g} to {answers[-1]:.3g} {one.texts.unit}".rstrip()
        verdicts = Counter(map(one.reproduces, numbers)).most_common()
        outcome = ", ".join(f"{verdict} in {times}" for verdict, times in verdicts)
        cells = one.texts.title, one.texts.paper.partition(":")[0], words, outcome, f"{seconds:.1f}"
        print(f"| {' | '.join(cells)} |", flush=True)
    print("\n| demonstration | claim | number with each seed | must be | holds in |\n|---|---|---|---|---|")
    print(*(row for row, _ in rows), sep="\n")
    return 0 if all(is_as_told for _, is_as_told in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
