"""What benchmarks share: the machine they ran on, and ratios next to those to reach."""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from explorer.training import TrainingConfig
from explorer.training.query import write_query
from explorer.training.studies import Trial, study


@dataclass(frozen=True)
class Result:
    """A figure, and the one to reach if there is one."""

    case: str
    ratio: str
    figure: float
    target: float | None
    at_least: bool

    @property
    def reached(self) -> bool | None:
        if self.target is None:
            return None
        return self.figure >= self.target if self.at_least else self.figure <= self.target

    def line(self) -> str:
        sign = "≥" if self.at_least else "≤"
        target = "" if self.target is None else f"{sign} {self.target:g}"
        verdict = {True: "reached", False: "MISSED", None: ""}[self.reached]
        return f"{self.case:32} {self.ratio:32} {target:7} {self.figure:7.3f}  {verdict}".rstrip()


def machine(*names: str) -> dict[str, str]:
    """What the figures were measured on, with the versions of packages."""
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    blas = [
        f"{library['internal_api']} {library.get('version')}, {library.get('architecture')} kernels"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        **{name: found.get(name, "not installed") for name in ("nn-explorer", "numpy", *names)},
        "BLAS": "; ".join(dict.fromkeys(blas)),
    }


def processor() -> str:
    """The processor's name, where the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def mebibytes(name: str) -> float:
    """Memory of this process, as Linux names it: VmRSS, its peak VmHWM, or RssAnon, which is of no file."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def forget_peak() -> None:
    """Let the peak begin at what this process has now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def command(text: str, quick: str = "") -> argparse.ArgumentParser:
    """A benchmark's options; `text` is what it says of itself, `quick` what ``--quick`` leaves out."""
    parser = argparse.ArgumentParser(description=text.partition("\n")[0])
    if quick:
        parser.add_argument("--quick", action="store_true", help=quick)
    return parser


def say(facts: dict[str, str]) -> None:
    print("\n".join(f"{name}: {value}" for name, value in facts.items()), flush=True)


def percent(trial: Trial) -> float:
    """Return the accuracy that a run reached after its last epoch, in %; 0 for a run that failed."""
    return 0.0 if trial.error or not trial.epochs else 100 * trial.epochs[-1].test_accuracy


def trained(configs: Iterable[TrainingConfig], **how: Any) -> dict[TrainingConfig, Trial]:
    """Train networks as `study` does, and say what each has reached."""
    found = {}
    for trial in study(tuple(configs), **how):
        found[trial.config] = trial
        reached = trial.error or f"{percent(trial):.2f} %"
        name = write_query(trial.config) or "Start"
        print(f"{len(found)}: {name}: {reached}, {trial.seconds:.0f} s", file=sys.stderr, flush=True)
    return found


def remember(path: Path, facts: dict[str, str], results: Sequence[Result]) -> None:
    """Append the figures as a line of JSON, with the commit and its day, the machine and its load."""
    git = ["git", "log", "-1", "--format=%h %cs"]
    commit, day = subprocess.run(git, capture_output=True, text=True, check=True).stdout.split()
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "explorer"], check=False).returncode
    row = {"commit": commit + "+" * bool(changed), "of": day, "measured": f"{datetime.date.today()}"}
    row |= {"machine": facts, "ratios": {f"{one.case}: {one.ratio}": round(one.figure, 3) for one in results}}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def exit_code(results: Sequence[Result]) -> int:
    return int(any(result.reached is False for result in results))
