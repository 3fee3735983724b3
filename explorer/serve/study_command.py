"""``nn-explorer study``: many runs in the terminal, on this machine or a cluster, each saved as it ends."""

import json
import math
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any

from rich.console import Console

from explorer.datasets import Dataset
from explorer.serve import run_options
from explorer.serve.access import FAILED, INTERRUPTED, RefusedError, positive
from explorer.training import FIELDS, TrainingConfig
from explorer.training.fields import Field
from explorer.training.studies import StudyError, Trial, WorkerPool, grid, read_journal, study
from explorer.training.studies.configs import BATCH_SIZES, Cost, batch_size_grid, measured_cost, parse_values
from explorer.training.studies.summary import level_rows, levels, outcome, study_words, varied
from explorer.wording import counted, duration, grouped

_MOST_RUNS = 100_000  # of one study
_MOST_WORKERS = 256
_USUAL_SEEDS = 3

OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "--seeds": {"type": positive},
        "--workers": {"type": positive},
        "--question": {"choices": ["batch-size"]},
    }
)


class StudyScreen:
    """The output and progress bar of one study: `n_kept` runs were saved earlier, and `cost` covers the others."""

    def __init__(self, cost: Cost, n_kept: int, axes: Sequence[str], console: Console) -> None:
        self._cost, self._n_ended, self._total = cost, n_kept, n_kept + cost.n_trials
        self._axes, self._console = axes, console
        self._share, self._started = 0.0, perf_counter()
        self._end = self._started + cost.seconds
        self.bar = run_options.progress_bar(console, self._status)

    def show(self, trial: Trial) -> None:
        """Print the line of a finished run, and estimate the time left again."""
        self._n_ended += 1
        self._share += self._cost.of(trial.config)
        now = perf_counter()
        self._end = now + self._cost.seconds_left(self._share, now - self._started)
        number = f"{self._n_ended:{len(str(self._total))}} of {self._total}"
        settings = ", ".join(
            f"{FIELDS[name].label.lower()} {trial.config.text(name)}" for name in (*self._axes, "seed")
        )
        self._console.print(f"{number}  {settings}: {outcome(trial)} in {trial.seconds:.2f} s")

    def show_end(self, trials: Sequence[Trial]) -> None:
        """Print the table of all finished runs, and the conclusions."""
        rows = level_rows(trials, self._axes)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows
        ]
        if words := study_words(trials, self._axes):
            lines += ["", words]
        if failed := [trial for trial in trials if not trial.is_settled]:
            lines += ["", f"{counted(len(failed), 'run')} failed; the first: {failed[0].error}"]
        self._console.print("", *lines, sep="\n")

    def _status(self) -> tuple[str, float, str]:
        ended = f"{self._n_ended} of {counted(self._total, 'run')}"
        return ended, self._share, f"{duration(self._end - perf_counter())} left"


def _configs(args: Namespace, fields: Mapping[str, Field]) -> tuple[TrainingConfig, ...]:
    start, given = run_options.settings_of(args, fields)
    axes = {name: parse_values(fields[name], text) for name, text in given.items()}
    seeds: Sequence[int] = axes.pop("seed", ())
    if args.seeds is not None and len(seeds) > 1:
        reason = "can't be combined with several values of --seed; expected one or the other"
        raise RefusedError(f"--seeds {reason}.")
    if args.seeds is not None or not seeds:
        first = seeds[0] if seeds else start.seed
        seeds = range(first, first + (args.seeds or _USUAL_SEEDS))
    sizes = axes.pop("batch_size", BATCH_SIZES) if args.question else ()
    n_runs = math.prod(map(len, axes.values())) * len(seeds) * max(1, 2 * len(sizes))
    if n_runs > _MOST_RUNS:
        raise RefusedError(f"These are {counted(n_runs, 'run')}; expected at most {grouped(_MOST_RUNS)}.")
    if not args.question:
        return grid(start, **axes, seed=seeds)
    asked = [batch_size_grid(each, batch_sizes=sizes, seeds=seeds) for each in grid(start, **axes)]
    return tuple(dict.fromkeys(config for configs in asked for config in configs))


def run(args: Namespace) -> int:
    """Run ``nn-explorer study``."""
    try:
        return _run(args)
    except StudyError as error:
        raise RefusedError(str(error)) from error


def _run(args: Namespace) -> int:
    if (args.workers or 0) > _MOST_WORKERS:
        raise RefusedError(f"--workers is {args.workers}; expected at most {_MOST_WORKERS}.")
    dataset, fields = run_options.data_of(args)
    configs = _configs(args, fields)
    run_options.report_unused_settings(configs)
    files = (("--out", args.out, True), ("--report", args.report, args.force))
    run_options.check_files(file for file in files if file[1] is not None)
    console, axes, trials, code = run_options.terminal(stderr=args.json), varied(configs), list[Trial](), 0
    missing = _missing(configs, args.out)
    try:
        with nullcontext() if args.workers is None else WorkerPool(args.workers) as pool:
            cost = measured_cost(missing, dataset, n_workers=args.workers) if missing else Cost({}, 1, 0.0)
            _confirm(cost, args)
            console.print(f"{dataset.name}: {cost}" if missing else "Every run is already in the journal.")
            screen = StudyScreen(cost, len(configs) - len(missing), axes, console)
            coming = study(configs, dataset, executor=pool, journal=args.out)
            with screen.bar, closing(coming):
                for trial in coming:
                    trials.append(trial)
                    if trial.config in missing:
                        screen.show(trial)
        code = 0 if all(trial.is_settled for trial in trials) else FAILED
    except (KeyboardInterrupt, StudyError) as error:
        if not trials:
            raise
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED
        run_options.report(f"{str(error) or 'Stopped.'} {_go_on(trials, len(configs), args.out)}")
    places = {config: place for place, config in enumerate(configs)}
    trials.sort(key=lambda trial: places[trial.config])
    screen.show_end(trials)
    if args.report is not None:
        make = partial(_report, trials, dataset)
        code = run_options.save(args, "--report", args.report, make) or code
    if args.json:
        print(_as_json(trials, dataset, axes), flush=True)
    return code


def _missing(configs: Sequence[TrainingConfig], out: str | None) -> dict[TrainingConfig, None]:
    missing = dict.fromkeys(configs)
    if out is not None and Path(out).expanduser().exists():
        kept = read_journal(out).settled
        missing = dict.fromkeys(config for config in configs if config not in kept)
        n_kept = len(configs) - len(missing)
        run_options.report(f"{out} already has {grouped(n_kept)} of {counted(len(configs), 'run')}.")
    return missing


def _confirm(cost: Cost, args: Namespace) -> None:
    if args.yes or not cost.is_large:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise RefusedError(f"{cost}; expected --yes for a study this large.")
    print(f"{cost}. Start? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RefusedError("Cancelled: nothing was started.")


def _go_on(trials: Sequence[Trial], n_runs: int, out: str | None) -> str:
    ended = f"{grouped(len(trials))} of {counted(n_runs, 'run')} ended"
    if out is None:
        return f"{ended} and were not saved; use --out FILE to be able to continue."
    kept = {trial.config for trial in read_journal(out).trials}
    n_kept = sum(trial.config in kept for trial in trials)
    saved = "and" if n_kept == len(trials) else f"and {grouped(n_kept)} of them"
    return f"{ended} {saved} are saved in {out}; run the same command again to continue."


def _report(trials: Sequence[Trial], dataset: Dataset) -> bytes:
    from explorer.exports.report import study_report  # needs all of Plotly

    return study_report(trials, dataset).encode()


def _as_json(trials: Sequence[Trial], dataset: Dataset, axes: Sequence[str]) -> str:
    """Return a study as one line of JSON; the figures of a level without a finished run are null."""
    figures = ("median", "lowest", "highest")
    found = [
        {
            "settings": dict(zip(axes, level.values, strict=True)),
            **{name: getattr(level, name) if level.accuracies else None for name in figures},
            "diverged": level.n_diverged,
            "runs": [
                {"query": trial.config.to_query(), **asdict(trial), "epochs": len(trial.epochs)}
                for trial in level.trials
            ],
        }
        for level in levels(trials, axes)
    ]
    return json.dumps({"dataset": dataset.name, "levels": found, "words": study_words(trials, axes)})
