"""All demonstrations with three seeds: the paper's finding, our answers, and seconds, as the guide's table.

    python tests/benchmarks/demonstrations.py

takes about three minutes on two cores. Nothing else should run. The exit code is 0 if every answer is in its
range. With ``--thumbnails`` it writes the curves on the cards instead, from the results with seed 0.
"""

import re
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from report import command, machine, say

from explorer import load_mnist
from explorer.demonstrations import DEMONSTRATIONS

SEEDS = (0, 1, 2)
TEXTS = Path(__file__).parents[2] / "explorer" / "demonstrations" / "demonstrations.toml"
POINTS = 16
CHOSEN = {"forgetting": 0, "sharpness": 0}
"""Which curve of a figure is the one in question, where another changes more."""


def thumbnail(one, data):
    """The heights, 0 to 1, of the curve that changes most in the figure, or else of the answers by the knob."""
    figure = one.last(data).figure("light")
    lines = (trace for trace in figure.data if trace.type == "scatter" and len(trace.y) > 3)
    curves = [np.asarray(trace.y, float) for trace in lines]
    longest = [y for y in curves if len(y) == max(map(len, curves))]
    low, high = figure.layout.yaxis.range or (None, None)
    if longest:
        changes = [np.nanstd(y) / np.nanmax(np.abs(y)) for y in longest]
        y = longest[CHOSEN.get(one.key, changes.index(max(changes)))]
        y = np.log10(y) if figure.layout.yaxis.type == "log" else y
    elif one.knob is not None:
        results = [one.last(data, **{one.knob.name: value}) for value in one.knob.values]
        y = np.array([one.answer(result.numbers) for result in results])
        low, high = 0, 100
    else:
        y = np.asarray(figure.data[0].z)[len(figure.data[0].z) // 2]
        low = y.min()
    low, high = (min(0, np.nanmin(y)), np.nanmax(y)) if high is None else (low, high)
    shares = np.clip((np.nan_to_num(y, nan=high) - low) / (high - low), 0, 1)
    at = np.unique(np.linspace(0, len(y) - 1, POINTS).round().astype(int))
    return [round(float(share), 2) for share in shares[at]]


def write_thumbnails(data, names):
    """Replace the curves in the texts."""
    for one in DEMONSTRATIONS:
        if not names or one.key in names:
            curve = thumbnail(one, data)
            before, at, after = TEXTS.read_text(encoding="utf-8").partition(f"[{one.key}]\n")
            after = re.sub("thumbnail = .*", f"thumbnail = {curve}", after, count=1)
            TEXTS.write_text(before + at + after, encoding="utf-8")
            print(one.key, curve, flush=True)


def main() -> int:
    parser = command(__doc__, quick="one seed")
    parser.add_argument("names", nargs="*", help="some of them")
    parser.add_argument("--thumbnails", action="store_true", help="write the curves on the cards")
    options = parser.parse_args()
    if options.thumbnails:
        write_thumbnails(load_mnist(), options.names)
        return 0
    say(machine("scipy", "plotly"))
    data, total, is_right = load_mnist(), 0.0, True
    print(
        "| demonstration | paper | our answers | must be | reproduced | seconds |\n|---|---|---|---|---|---|"
    )
    for one in DEMONSTRATIONS:
        if options.names and one.key not in options.names:
            continue
        answers, times = [], []
        for seed in SEEDS[:1] if options.quick else SEEDS:
            started = perf_counter()
            answers.append(one.answer(one.last(data, seed).numbers))
            times.append(perf_counter() - started)
        (low, high), total = one.texts.expected, total + sum(times)
        fits = all(low <= answer <= high for answer in answers)
        is_right &= fits
        seconds, paper = sorted(times)[len(times) // 2], one.texts.paper.partition(":")[0]
        words = f"{', '.join(f'{answer:.3g}' for answer in answers)} {one.texts.unit}".rstrip()
        outcome = one.texts.reproduces + ("" if fits else ", MISSED")
        cells = one.texts.title, paper, words, f"{low:g} to {high:g}", outcome, f"{seconds:.1f}"
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"{total:.0f} s in all")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
