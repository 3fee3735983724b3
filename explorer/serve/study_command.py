"""``nn-explorer study``: many runs in the terminal, on this machine or a cluster, each saved as it ends."""

import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from time import perf_counter
from types import MappingProxyType

from rich.console import Console

from explorer.serve import run_options
from explorer.serve.access import FAILED, INTERRUPTED, RefusedError, positive
from explorer.training import FIELDS, TrainingConfig
from explorer.training.fields import Field
from explorer.training.studies import StudyError, Trial, WorkerPool, grid, read_journal, study
from explorer.training.studies.configs import Cost, measured_cost, parse_values
from explorer.training.studies.journal import settled_trials
from explorer.training.studies.summary import level_rows, outcome, study_words, varied
from explorer.wording import counted, duration, grouped

_MOST_RUNS = 100_000  # of one study
_MOST_WORKERS = 256

OPTIONS = MappingProxyType({"--seeds": {"type": positive}, "--workers": {"type": positive}})


class StudyScreen:
    """The output and progress bar of one study: `n_kept` runs were saved earlier, and `cost` covers the others."""

    def __init__(self, cost: Cost, n_kept: int, axes: Sequence[str], console: Console) -> None:
        self._cost, self._n_ended, self._total = cost, n_kept, n_kept + len(cost.shares)
        self._axes, self._console = axes, console
        self._share, self._started = 0.0, perf_counter()
        self._end = self._started + cost.seconds
        self.bar = run_options.progress_bar(console, self._status)

    def show(self, trial: Trial) -> None:
        """Print the line of a finished run, and estimate the time left again."""
        self._n_ended += 1
        self._share += self._cost.shares[trial.config]
        now = perf_counter()
        self._end = now + self._cost.seconds_left(self._share, now - self._started)
        number = f"{self._n_ended:{len(str(self._total))}} of {self._total}"
        names = (*self._axes, "seed")
        settings = ", ".join(f"{FIELDS[name].label.lower()} {trial.config.text(name)}" for name in names)
        self._console.print(f"{number}  {settings}: {outcome(trial)} in {trial.seconds:.2f} s")

    def show_end(self, trials: Sequence[Trial]) -> None:
        """Print the table of all finished runs, and the conclusions."""
        rows = level_rows(trials, self._axes)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.rjust, row, widths)) for row in rows]
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
        seeds = range(first, first + (args.seeds or 3))
    n_runs = math.prod(map(len, axes.values())) * len(seeds)
    if n_runs > _MOST_RUNS:
        raise RefusedError(f"These are {counted(n_runs, 'run')}; expected at most {grouped(_MOST_RUNS)}.")
    return grid(start, **axes, seed=seeds)


def run(args: Namespace) -> int:
    """Run ``nn-explorer study``."""
    if (args.workers or 0) > _MOST_WORKERS:
        raise RefusedError(f"--workers is {args.workers}; expected at most {_MOST_WORKERS}.")
    dataset, fields = run_options.data_of(args)
    configs = _configs(args, fields)
    run_options.report_unused_settings(configs)
    if args.out is not None:
        run_options.check_files([("--out", args.out, True)])
    console, axes, trials, code = run_options.terminal(), varied(configs), list[Trial](), 0
    kept = settled_trials(args.out)
    missing = dict.fromkeys(config for config in configs if config not in kept)
    if n_kept := len(configs) - len(missing):
        run_options.report(f"{args.out} already has {grouped(n_kept)} of {counted(len(configs), 'run')}.")
    try:
        with nullcontext() if args.workers is None else WorkerPool(args.workers) as pool:
            cost = measured_cost(missing, dataset, n_workers=args.workers)
            confirm(cost, args)
            console.print(f"{dataset.name}: {cost}" if missing else "Every run is already in the journal.")
            screen = StudyScreen(cost, n_kept, axes, console)
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
        run_options.report(f"{str(error) or 'Stopped.'} {_go_on(trials, configs, args.out)}")
    screen.show_end(trials)
    return code


def confirm(cost: Cost, args: Namespace) -> None:
    """Ask before a large study starts, unless ``--yes`` is given."""
    if cost.is_large and not args.yes and not run_options.agrees(f"{cost}. Start?"):
        raise RefusedError(f"Nothing was started: {cost}; expected --yes for a study this large.")


def _go_on(trials: Sequence[Trial], configs: Sequence[TrainingConfig], out: str | None) -> str:
    runs = counted(len(configs), "run")
    if out is None:
        return f"{grouped(len(trials))} of {runs} ended and were not saved; use --out FILE to be able to continue."
    kept = {trial.config for trial in read_journal(out).trials}  # one may be saved that isn't shown yet
    n_kept = grouped(sum(config in kept for config in configs))
    return f"{n_kept} of {runs} are saved in {out}; run the same command again to continue."
