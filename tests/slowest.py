"""The slowest tests, in a tracked file: one that takes twice its share of the time is seen.

``pytest --write-slowest`` writes the file, on a quiet machine; a run of most of its tests is compared with it.
"""

from collections import Counter
from itertools import chain
from pathlib import Path
from statistics import median

FILE = Path(__file__).with_name("slowest.txt")
N_TESTS = 40
TIMES = 2
"""How much longer than in the file a test may take, next to the others."""
LEAST = 1.0
"""Seconds, as in the file: what is shorter is no matter."""


def durations(stats):
    """Seconds of setup and call of each test, from the terminal's reports."""
    seconds = Counter()
    for report in chain.from_iterable(stats.values()):
        if getattr(report, "when", None) in ("setup", "call"):
            seconds[report.nodeid] += report.duration
    return seconds


def written(seconds):
    """The text of the file."""
    of_all = f"{len(seconds)} tests, which took {sum(seconds.values()):.0f} s in all"
    about = f"# Seconds of the {N_TESTS} slowest, setup and call, of {of_all}."
    return "\n".join([about, *(f"{s:5.1f} {test}" for test, s in seconds.most_common(N_TESTS))]) + "\n"


def read(text):
    """The seconds of each test in the file."""
    lines = (line.split(maxsplit=1) for line in text.splitlines() if not line.startswith("#"))
    return {test: float(seconds) for seconds, test in lines}


def grown(seconds, tracked):
    """Sentences on tests that take too long, on a machine of any pace, if most of the tracked ones were run."""
    pace = [seconds[test] / before for test, before in tracked.items() if before and test in seconds]
    if len(pace) <= len(tracked) / 2:
        return []
    found = []
    for test, now in seconds.most_common():
        now, before = now / median(pace), tracked.get(test, min(tracked.values()))
        if now > TIMES * before and now > before + LEAST:
            found.append(f"{test}: {now:.1f} s, not {'at most ' * (test not in tracked)}{before:.1f} s")
    return found


def report(terminal, *, write):
    """Write the file, or say at the end of a run which tests have become slower."""
    seconds = durations(terminal.stats)
    if write:
        FILE.write_text(written(seconds), encoding="utf-8")
    elif FILE.exists() and (found := grown(seconds, read(FILE.read_text(encoding="utf-8")))):
        terminal.section("tests that take longer than in tests/slowest.txt, next to the others", "=")
        for line in found:
            terminal.line(line)
