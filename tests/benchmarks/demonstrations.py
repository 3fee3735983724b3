"""All demonstrations with seeds 0 to 7, as the guide's tables: the papers, and the numbers of each claim.

    python tests/benchmarks/demonstrations.py

takes about five minutes on one core. Nothing else should run. The exit code is 0 if each claim holds in as many
seeds as ``demonstrations.toml`` says. With ``--thumbnails`` it writes the cards' curves there instead, of seed 0.
"""

import re
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from report import command, machine, say

from explorer import load_mnist
from explorer.experiments import SEEDS
from explorer.extensions.demonstrations import all as demonstrations
from explorer.extensions.demonstrations.all import DEMONSTRATIONS

TEXTS, POINTS = Path(demonstrations.__file__).with_name("demonstrations.toml"), 16
CHOSEN = {"forgetting": 0, "sharpness": 0}  # the curve of a figure that matters, where another changes more
positional = partial(np.format_float_positional, precision=3, fractional=False, trim="-")


def thumbnail(one, data):
    """The heights, 0 to 1, of the curve that changes most in the figure, or else of the answers by the knob."""
    figure = one.last(data).figure("light")
    axis = figure.layout.yaxis
    curves = [np.asarray(line.y, float) for line in figure.data if line.type == "scatter" and len(line.y) > 3]
    longest = [y for y in curves if len(y) == max(map(len, curves))]
    low, high = axis.range or (None, None)
    if longest:
        changes = [np.nanstd(y) / np.nanmax(np.abs(y)) for y in longest]
        y = longest[CHOSEN.get(one.key, np.argmax(changes))]
        y = np.log10(y) if axis.type == "log" else y
    elif one.knob is not None:
        y = np.array([one.answer(one.last(data, **{one.knob.name: v}).numbers) for v in one.knob.values])
        low, high = 0, 100
    else:  # a matrix: its middle row
        y = np.asarray(figure.data[0].z)[len(figure.data[0].z) // 2]
        low = y.min()
    low, high = (min(0, np.nanmin(y)), np.nanmax(y)) if high is None else (low, high)
    shares = np.clip((np.nan_to_num(y, nan=high) - low) / (high - low), 0, 1)
    at = np.unique(np.linspace(0, len(y) - 1, POINTS).round().astype(int))
    return [round(float(share), 2) for share in shares[at]]


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
    parser.add_argument("--thumbnails", action="store_true", help="write the curves on the cards")
    options = parser.parse_args()
    data, rows = load_mnist(), []
    chosen = [one for one in DEMONSTRATIONS if not options.names or one.key in options.names]
    if options.thumbnails:
        for one in chosen:
            before, at, after = TEXTS.read_text(encoding="utf-8").partition(f"[{one.key}]\n")
            after = re.sub("thumbnail = .*", f"thumbnail = {thumbnail(one, data)}", after, count=1)
            TEXTS.write_text(before + at + after, encoding="utf-8")
        return 0
    say(machine("scipy", "plotly"))
    print("| demonstration | paper | our answers | reproduced | CPU s |\n|---|---|---|---|---|")
    for one in chosen:
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
