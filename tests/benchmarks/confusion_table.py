"""Which mistake the checks name, for each known mistake that is made.

    python tests/benchmarks/confusion_table.py

makes each of the mistakes in two right solutions, a matrix one and one in loops, by changing their text, and has
each diagnosed with three seeds, which also decide the sizes; then more than twenty right answers in other styles.
It prints what is named instead, and fails if anything but the mistake itself is, or a right answer is refused.
Under a minute on two cores.
"""

from __future__ import annotations

import sys
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from checks.injected import STYLES, right_answers, verdict_of

from explorer.checks import MISTAKES, diagnose

SEEDS = 0, 1, 2


def named(mistake: str) -> Counter[str]:
    """How often each mistake is named where this one is made; "right" where none is seen."""
    found = [verdict_of(mistake, style, seed) for style in STYLES for seed in SEEDS]
    return Counter(verdict.mistake or verdict.outcome for verdict in found)


def refused(answer: tuple[str, int]) -> str:
    """What is said of a right answer that is refused, or nothing."""
    task, number = answer
    found = [diagnose(task, right_answers()[task][number], seed=seed) for seed in SEEDS]
    return "\n".join(str(verdict) for verdict in found if verdict.outcome != "right")


def main() -> int:
    answers = [(task, number) for task, given in right_answers().items() for number in range(len(given))]
    with Pool() as pool:
        tables = dict(zip(MISTAKES, pool.map(named, MISTAKES, chunksize=1), strict=True))
        said = [words for words in pool.map(refused, answers) if words]
    due, wrong = len(SEEDS) * len(STYLES), 0
    print(f"{'mistake made':34} {'named':>5}  named instead")
    for mistake, counts in tables.items():
        others = ", ".join(f"{name} {count}" for name, count in counts.items() if name != mistake)
        wrong += due - counts[mistake]
        print(f"{mistake:34} {counts[mistake]:3}/{due} {others and ' ' + others}")
    print(
        f"{len(tables)} mistakes × {len(STYLES)} solutions × {len(SEEDS)} seeds and sizes: {wrong} not named"
    )
    print(
        f"{len(answers)} right answers in other styles × {len(SEEDS)} seeds: {len(said)} refused",
        *said,
        sep="\n",
    )
    return bool(wrong or said)


if __name__ == "__main__":
    sys.exit(main())
