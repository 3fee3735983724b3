"""Which mistake the checks name, for each known mistake that is made.

    python tests/benchmarks/confusion_table.py

makes the commonest mistakes in two right solutions, a matrix one and one in loops, by changing their text, and has
each diagnosed with three seeds, which also decide the sizes; then more than a hundred right answers in other
styles, and five hundred wrong and eighty right ones of students. It prints what is named instead, and fails if
anything but the mistake itself is, or a right answer is refused. About a minute on two cores.
"""

import sys
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from checks.injected import INJECTIONS, RIGHT, STYLES, WRONG, right_answers, verdict_of, verdict_on

from explorer.checks import diagnose

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


def judged(answer: tuple[int, dict[str, str]]) -> str:
    """How a student's answer is judged: "named", "no name" or "passed"; else what should not be said of it."""
    number, row = answer
    verdict = verdict_on(number, row)
    if "made" not in row:
        return "passed" if verdict.outcome == "right" else str(verdict)
    if (verdict.outcome, verdict.mistake) != ("wrong", row.get("mistake", "")):
        return f"{row['made']}: {verdict}"
    return "named" if verdict.mistake else "no name"


def main() -> int:
    answers = [(task, number) for task, given in right_answers().items() for number in range(len(given))]
    with Pool() as pool:
        tables = dict(zip(INJECTIONS, pool.map(named, INJECTIONS, chunksize=1), strict=True))
        said = [words for words in pool.map(refused, answers) if words]
        students = Counter(pool.map(judged, [*enumerate(WRONG), *enumerate(RIGHT)]))
    due, wrong = len(SEEDS) * len(STYLES), 0
    print(f"{'mistake made':34} {'named':>5}  named instead")
    for mistake, counts in tables.items():
        others = ", ".join(f"{name} {count}" for name, count in counts.items() if name != mistake)
        wrong += due - counts[mistake]
        print(f"{mistake:34} {counts[mistake]:3}/{due} {others and ' ' + others}")
    print(f"{len(tables)} mistakes × {len(STYLES)} solutions × {len(SEEDS)} seeds: {wrong} not named")
    words = f"{len(answers)} right answers in other styles × {len(SEEDS)} seeds: {len(said)} refused"
    print(words, *said, sep="\n")
    no_faults = {kind: students.pop(kind, 0) for kind in ("named", "no name", "passed")}
    print(f"{len(WRONG)} wrong and {len(RIGHT)} right answers of students: {no_faults}", *students, sep="\n")
    return bool(wrong or said or students)


if __name__ == "__main__":
    sys.exit(main())
