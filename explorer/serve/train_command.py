"""``nn-explorer train``: one run in the terminal, without a browser, and in the end as files or as JSON."""

import json
import math
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from rich.console import Console

from explorer.datasets import Dataset
from explorer.exports.exported_run import ExportedRun
from explorer.exports.files import ExportError, export
from explorer.serve import run_options
from explorer.serve.run_options import FAILED, INTERRUPTED
from explorer.serve.train_screen import TrainScreen
from explorer.session.run_names import run_label
from explorer.training import (
    FIELDS,
    CompletedRun,
    DivergedError,
    EpochRecord,
    Evaluation,
    FinalTest,
    History,
    Moment,
    RunEnd,
    TrainingRun,
    complete,
    open_test_set,
)
from explorer.training.fields import Field
from explorer.training.hints import hints

__all__ = ["add_options", "run"]

DESCRIPTION = """\
Train one network in the terminal, and show loss and accuracy epoch by epoch.
Without options it is the exercise's task on the MNIST images of the package.
"""
EPILOG = """\
Ctrl-C stops within a mini-batch: what was learned is scored, shown and saved.

Exit codes: 0 finished; 1 the loss is no longer a number, or a file could not
be saved; 2 an option has an invalid value; 130 stopped by Ctrl-C.

Examples:
  nn-explorer train --preset modern --epochs 20 --save modern.npz
  nn-explorer train --hidden 128,64 --activation relu --init he --lr 0.003
  nn-explorer train --validation 10000 --optimizer adam --lr 0.001 --dropout 0.2
  nn-explorer train --epochs 20 --report run.html --script run.py --csv run.csv
  nn-explorer train --from-url "?hidden=128&lr=0.003" --json > run.json
"""

_FILES: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType(
    {
        "weights": (("--save", "--weights"), "write weights, settings and history to a .npz file"),
        "script": (("--script",), "write a Python script that trains this run again"),
        "csv": (("--csv",), "write the records as a table, one row an epoch"),
        "report": (("--report",), "write a report, one HTML file that opens without a network"),
    }
)
"""The options that write a file, by the kind of file, each with its help."""

_FIGURES = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``train`` to its parser."""
    run_options.add_settings(parser, "settings of the run")
    files = parser.add_argument_group("data and results")
    add = files.add_argument
    run_options.add_dataset(files)
    for kind, (options, words) in _FILES.items():
        add(*options, dest=kind, metavar="FILE", help=words)
    words = "with --validation, open the test set at the end: once, when all settings are chosen"
    add("--test", action="store_true", help=words)
    add("--force", action="store_true", help="let these options replace a file")
    add("--json", action="store_true", help="one JSON object on standard output, progress on standard error")


def run(args: Namespace) -> int:
    """Train as the options of `add_options` say, and return the exit code: 0, or one of `run_options`."""
    return run_options.exit_code(args, _run)


def _wanted(args: Namespace) -> list[tuple[str, str, str]]:
    """Return the kinds of file that are asked for, each with its option and its path."""
    asked = ((kind, options[0], getattr(args, kind)) for kind, (options, _) in _FILES.items())
    return [(kind, option, path) for kind, option, path in asked if path is not None]


def _run(args: Namespace, dataset: Dataset, fields: Mapping[str, Field], messages: Console) -> int:
    start, given = run_options.settings_of(args, fields, messages)
    config = start.replace(**{name: fields[name].parse(text) for name, text in given.items()})
    run_options.tell_what_does_nothing([config], messages)
    run_options.check_files((option, path, args.force) for _, option, path in _wanted(args))
    training = TrainingRun(config, dataset)
    screen = TrainScreen(training, run_options.terminal(stderr=args.json))
    with _interrupts() as interrupted, screen.begin():
        run = complete(training, screen.show, interrupted.is_set)
    if run.end.error is not None:
        run = replace(run, history=replace(run.history, end=_divergence(run)))
    code = {"finished": 0, "stopped": INTERRUPTED, "failed": FAILED}[run.end.status]
    if run.end.reason:
        messages.print(run.end.reason)
    is_split = training.dataset.held_out != "test" and run.end.final is not None
    test = open_test_set(run.network, training.dataset) if args.test and is_split else None
    for kind, option, path in _wanted(args):
        make = partial(_file, kind, run, dataset, test)
        code = run_options.save(args, option, path, make, messages) or code
    if run.end.final is not None:
        screen.show_end(run.end.final)
    if test is not None:
        screen.show_test(test)
    if args.json:
        sys.stdout.write(_as_json(run, training.dataset, test) + "\n")
        sys.stdout.flush()
    return code


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C sets; a second Ctrl-C ends the program as it always does.

    An exception could come between two arrays of one step. Where the signal is ignored, as in a shell's
    background job, it stays so.
    """
    pressed, before = threading.Event(), signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    listening = before is not signal.SIG_IGN and threading.current_thread() is threading.main_thread()
    if listening:
        signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        if listening:
            signal.signal(signal.SIGINT, before)


def _divergence(run: CompletedRun) -> RunEnd:
    """Return the end of a run that diverged, with what the page's hint would change, as options."""
    assert isinstance(run.end.error, DivergedError)
    found = hints(History(run.config, end=run.end), n_train=run.n_train)
    fix = [item for hint in found if hint.id == "not_a_number" for item in hint.fix.items()]
    options = " ".join(f"--{FIELDS[name].key} {FIELDS[name].format(value)}" for name, value in fix)
    advice = f": train again with {options}." if options else "."
    return replace(
        run.end, reason=f"The loss has not been a number since epoch {run.end.error.epoch}{advice}"
    )


def _file(kind: str, run: CompletedRun, dataset: Dataset, test: FinalTest | None) -> bytes:
    """Return a run on a data set, the whole of it, as a file of one kind."""
    record = run.end.final or run.history.last
    if record is None or run.snapshot is None:
        raise ExportError("nothing is saved, for no epoch has ended")
    moment, label = Moment(record, run.snapshot), run_label(run.config)
    title = label[:1].upper() + label[1:]
    return export(kind, ExportedRun(title, dataset, run.history, moment, moment, test=test)).content


def _as_json(run: CompletedRun, dataset: Dataset, test: FinalTest | None) -> str:
    """Return a run on the images that it used as one line of JSON; what is infinite or not a number is null.

    Where images are held out for validation, all figures of the test but those of `test` are theirs.
    """
    final = run.end.final
    content = {
        "config": asdict(run.config),
        "query": run.config.to_query(),
        "dataset": {
            "name": dataset.name,
            "n_train": len(dataset.train_labels),
            f"n_{dataset.held_out}": len(dataset.test_labels),
            "class_names": dataset.class_names,
        },
        "status": run.end.status,
        "reason": run.end.reason,
        "epochs": [_figures(record, "seconds", "learning_rate") for record in run.history],
        "test": test and {"loss": test.loss, "accuracy": test.accuracy, "n_images": test.n_images},
        "final": None if final is None else _figures(final, "step", "confusion"),
    }
    return json.dumps(content, allow_nan=False, default=lambda counts: counts.tolist())


def _figures(record: EpochRecord | Evaluation, *others: str) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in (*_FIGURES, *others)}
    return {n: None if isinstance(v, float) and not math.isfinite(v) else v for n, v in values.items()}
