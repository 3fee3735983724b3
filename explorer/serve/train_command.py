"""``nn-explorer train``: one run in the terminal, with its results as files or JSON."""

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
from time import perf_counter
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from explorer.datasets import Dataset
from explorer.exports.exported_run import ExportedRun
from explorer.exports.files import ExportError, export
from explorer.network import hardest_classes, most_confused, per_class
from explorer.serve import run_options
from explorer.serve.run_options import FAILED, INTERRUPTED
from explorer.session.run_names import run_label
from explorer.training import (
    FIELDS,
    BatchRecord,
    CompletedRun,
    DivergedError,
    EpochRecord,
    Evaluation,
    FinalTest,
    History,
    Moment,
    RunEnd,
    TrainingConfig,
    TrainingRun,
    complete,
    open_test_set,
)
from explorer.training.fields import Field
from explorer.training.hints import hints
from explorer.training.run import Event
from explorer.wording import duration, grouped

_INTERVAL_SECONDS = 0.1
_IN_HEAD = (
    "hidden_sizes", "hidden_activation", "output", "loss", "initializer", "batch_size", "epochs", "learning_rate",
    "reduction", "seed", "n_train", "n_validation",
)  # fmt: skip

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
"""The options that write a file, by kind of file, with their help."""

_FIGURES = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy")


class TrainScreen:
    """The output and progress bar of one run, which it only reads."""

    def __init__(self, training: TrainingRun, console: Console) -> None:
        self._training, self._console = training, console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[details]}"),
            console=console,
            auto_refresh=False,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(total=1.0, **self._fields(0.0))
        config = training.config
        self._shows_rate = config.schedule != "constant" or bool(config.warmup or config.changes)
        self._position = self._started = self._shown = 0.0

    def begin(self) -> Progress:
        """Print the configuration and the table's head, and return the bar, a context manager."""
        self._console.print(*self._head(), sep="\n")
        self._started = self._shown = perf_counter()
        return self._progress

    def show(self, event: Event) -> None:
        """Update the bar at most ten times a second, and print each epoch's line."""
        if isinstance(event, EpochRecord):
            w = len(self._training.config.held_out)
            losses = f"{event.epoch:5}  {event.train_loss:10.4f}  {event.test_loss:{w + 5}.4f}"
            accuracies = f"{event.train_accuracy:14.2%}  {event.test_accuracy:{w + 9}.2%}"
            rate = f"  {event.learning_rate:13.3g}" if self._shows_rate else ""
            self._console.print(f"{losses}  {accuracies}  {event.seconds:7.2f}{rate}")
        now = perf_counter()
        if isinstance(event, BatchRecord):
            self._position = event.epoch
        if now - self._shown < _INTERVAL_SECONDS:
            return
        self._shown = now
        position = max(self._position, self._training.epoch)
        share = position % 1 if position < self._training.config.epochs else 1.0
        self._progress.update(self._task, completed=share, **self._fields(position))
        self._progress.refresh()

    def show_end(self, final: Evaluation, test: FinalTest | None) -> None:
        """Print the exact final figures, the weakest classes, and the results on a test set that was opened."""
        self._console.print("", *self._summary(final), sep="\n")
        if test is not None:
            reached = f"{test.accuracy:.2%} of {grouped(test.n_images)} images, test loss {test.loss:.4f}"
            words = f"{reached}: whoever goes back to the settings now, chooses by them."
            self._console.print(self._line("Test accuracy", words))

    def _summary(self, final: Evaluation) -> Iterator[str]:
        data, scores = self._training.dataset, per_class(final.confusion)
        names = data.class_names
        kind = "digits" if all(name.isdigit() for name in names) else "classes"
        hardest = hardest_classes(final.confusion)[:4]
        shown = ", ".join(f"{names[i]} (recall {scores.recall[i]:.1%})" for i in hardest)
        confused = (
            f"{names[pair.true]} read as {names[pair.predicted]} ({pair.count}, {pair.share:.1%})"
            for pair in most_confused(final.confusion)
        )
        n_train, n_test = grouped(len(data.train_labels)), grouped(len(data.test_labels))
        yield self._line("Train accuracy", f"{final.train_accuracy:.2%} of {n_train} images")
        name = f"{data.held_out.capitalize()} accuracy"
        yield self._line(name, f"{final.test_accuracy:.2%} of {n_test} images")
        yield self._line(f"Hardest {kind}", shown)
        yield self._line("Most confused", ", ".join(confused) or "none")

    def _line(self, label: str, found: str) -> str:
        return f"{label:<{len(self._training.dataset.held_out) + 11}} {found}"

    def _head(self) -> Iterator[str]:
        data, config = self._training.dataset, self._training.config
        n_train, n_test = grouped(len(data.train_labels)), grouped(len(data.test_labels))
        yield f"{data.name}: {n_train} train and {n_test} {data.held_out} images"
        sizes = "-".join(str(size) for size in self._training.network.layer_sizes)
        yield (
            f"{sizes}, {config.hidden_activation}, {config.output} + {config.loss}, {config.initializer}; "
            f"batch size {config.batch_size}, learning rate {config.learning_rate:g}, "
            f"{config.reduction}, seed {config.seed}"
        )
        others = [FIELDS[name] for name in config.differences(TrainingConfig()) if name not in _IN_HEAD]
        if others:
            yield ", ".join(
                f"{one.key.replace('_', ' ')} {one.format(getattr(config, one.name))}" for one in others
            )
        yield ""
        held_out, rate = data.held_out, "  learning rate" * self._shows_rate
        yield f"epoch  train loss  {held_out} loss  train accuracy  {held_out} accuracy  seconds{rate}"

    def _fields(self, position: float) -> dict[str, Any]:
        training = self._training
        epochs, batches = training.config.epochs, training.steps_per_epoch
        epoch = min(math.floor(position) + 1, epochs)
        batch = f"mini-batch {training.step - (epoch - 1) * batches} of {batches}"
        batch = f"mini-batch {training.step}" if training.config.changes else batch
        if position:
            left = (perf_counter() - self._started) * (epochs - position) / position
            batch += f" {duration(left)} left"
        return {"description": f"epoch {epoch} of {epochs}", "details": batch}


def add_options(parser: ArgumentParser) -> None:
    """Add the options of ``train`` to its parser."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.set_defaults(run=partial(run_options.exit_code, work=_run))
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


def _wanted(args: Namespace) -> list[tuple[str, str, str]]:
    asked = ((kind, options[0], getattr(args, kind)) for kind, (options, _) in _FILES.items())
    return [(kind, option, path) for kind, option, path in asked if path is not None]


def _run(args: Namespace, dataset: Dataset, fields: Mapping[str, Field], messages: Console) -> int:
    start, given = run_options.settings_of(args, fields, messages)
    config = start.replace(**{name: fields[name].parse(text) for name, text in given.items()})
    run_options.report_unused_settings([config], messages)
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
        screen.show_end(run.end.final, test)
    if args.json:
        sys.stdout.write(_as_json(run, training.dataset, test) + "\n")
        sys.stdout.flush()
    return code


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets; a second Ctrl-C ends the program as usual.

    An exception could hit between two arrays of one step. If the signal is ignored, as in a shell's background
    job, it stays ignored.
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
    """Return the end of a run that diverged, with the fix that the page's hint proposes, as options."""
    assert isinstance(run.end.error, DivergedError)
    found = hints(History(run.config, end=run.end), n_train=run.n_train)
    fix = [item for hint in found if hint.id == "not_a_number" for item in hint.fix.items()]
    options = " ".join(f"--{FIELDS[name].key} {FIELDS[name].format(value)}" for name, value in fix)
    advice = f": train again with {options}." if options else "."
    return replace(
        run.end, reason=f"The loss has not been a number since epoch {run.end.error.epoch}{advice}"
    )


def _file(kind: str, run: CompletedRun, dataset: Dataset, test: FinalTest | None) -> bytes:
    record = run.end.final or run.history.last
    if record is None or run.snapshot is None:
        raise ExportError("nothing is saved, for no epoch has ended")
    moment, label = Moment(record, run.snapshot), run_label(run.config)
    title = label[:1].upper() + label[1:]
    return export(kind, ExportedRun(title, dataset, run.history, moment, moment, test=test)).content


def _as_json(run: CompletedRun, dataset: Dataset, test: FinalTest | None) -> str:
    """Return a run as one line of JSON; figures that are infinite or not a number are null."""
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
