"""``nn-explorer train``: one run in the terminal, with its results as files or JSON."""

import json
import math
import signal
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from functools import partial
from time import perf_counter
from typing import Any

from rich.console import Console

from explorer.datasets import Dataset
from explorer.exports.files import ExportedRun, ExportError, export
from explorer.network import hardest_classes, most_confused, per_class
from explorer.serve import run_options
from explorer.serve.access import FAILED, INTERRUPTED
from explorer.session.run_names import run_label
from explorer.training import FIELDS, TrainingConfig, TrainingRun, complete, open_test_set
from explorer.training.hints import hints
from explorer.training.query import write_query
from explorer.training.records import EpochRecord, Evaluation, FinalTest, History, Moment, RunEnd, Snapshot
from explorer.training.run import Event
from explorer.wording import class_noun, duration, grouped

_IN_HEAD = (
    "hidden_sizes", "hidden_activation", "output", "loss", "initializer", "batch_size", "epochs", "learning_rate",
    "reduction", "seed", "n_train", "n_validation",
)  # fmt: skip

_FIGURES = ("epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy")


class TrainScreen:
    """The output and progress bar of one run, which it only reads."""

    def __init__(self, training: TrainingRun, console: Console) -> None:
        self._training, self._console, config = training, console, training.config
        self._shows_rate = config.schedule != "constant" or bool(config.warmup or config.changes)
        self._started = 0.0
        self.snapshot: Snapshot | None = None
        """The network at the end of the newest epoch; None before the first."""

    def begin(self) -> AbstractContextManager[object]:
        """Print the configuration and the table's head, and return the bar, a context manager."""
        self._console.print(*self._head(), sep="\n")
        self._started = perf_counter()
        return run_options.progress_bar(self._console, self._status)

    def show(self, event: Event) -> None:
        """Print each epoch's line."""
        if isinstance(event, Snapshot):
            self.snapshot = event
        if isinstance(event, EpochRecord):
            w = len(self._training.config.held_out)
            losses = f"{event.epoch:5}  {event.train_loss:10.4f}  {event.test_loss:{w + 5}.4f}"
            accuracies = f"{event.train_accuracy:14.2%}  {event.test_accuracy:{w + 9}.2%}"
            rate = f"  {event.learning_rate:13.3g}" if self._shows_rate else ""
            self._console.print(f"{losses}  {accuracies}  {event.seconds:7.2f}{rate}")

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
        kind = {"digit": "digits", "class": "classes"}[class_noun(names)]
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
            words = (f"{one.key.replace('_', ' ')} {one.format(getattr(config, one.name))}" for one in others)
            yield ", ".join(words)
        held_out, rate = data.held_out, "  learning rate" * self._shows_rate
        yield f"\nIn the table, train figures are means during the epoch, {held_out} figures those at its end."
        yield f"epoch  train loss  {held_out} loss  train accuracy  {held_out} accuracy  seconds{rate}"

    def _status(self) -> tuple[str, float, str]:
        training, position = self._training, self._training.epoch
        epochs, batches = training.config.epochs, training.steps_per_epoch
        epoch = min(math.floor(position) + 1, epochs)
        details = f"mini-batch {training.step - (epoch - 1) * batches} of {batches}"
        details = f"mini-batch {training.step}" if training.config.changes else details
        if position:
            left = (perf_counter() - self._started) * (epochs - position) / position
            details += f" {duration(left)} left"
        return f"epoch {epoch} of {epochs}", position % 1 if position < epochs else 1.0, details


def run(args: Namespace) -> int:
    """Run ``nn-explorer train``."""
    dataset, fields = run_options.data_of(args)
    start, given = run_options.settings_of(args, fields)
    config = start.replace(**{name: fields[name].parse(text) for name, text in given.items()})
    run_options.report_unused_settings([config])
    names = {"weights": "save", "script": "script", "csv": "csv", "report": "report"}  # of options, by kind
    files = [(kind, f"--{name}", path) for kind, name in names.items() if (path := getattr(args, name))]
    run_options.check_files((option, path, args.force) for _, option, path in files)
    training = TrainingRun(config, dataset)
    screen = TrainScreen(training, run_options.terminal(stderr=args.json))
    with _interrupts() as interrupted, screen.begin():
        history = complete(training, screen.show, interrupted.is_set)
    end = history.end
    assert end is not None
    if end.error is not None:
        end = replace(end, reason=_divergence(history, training.dataset.n_train))
        history = replace(history, end=end)
    code = {"finished": 0, "stopped": INTERRUPTED, "failed": FAILED}[end.status]
    if end.reason:
        run_options.report(end.reason)
    is_split = training.dataset.held_out != "test" and end.final is not None
    test = open_test_set(training.network, training.dataset) if args.test and is_split else None
    for kind, option, path in files:
        make = partial(_file, kind, history, screen.snapshot, dataset, test)
        code = run_options.save(args, option, path, make) or code
    if end.final is not None:
        screen.show_end(end.final, test)
    if args.json:
        print(_as_json(history, end, training.dataset, test), flush=True)
    return code


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets, since an exception could hit within a step; a second one ends the program.

    If the signal is ignored, as in a shell's background job, it stays ignored.
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


def _divergence(history: History, n_train: int) -> str:
    """Return why a run diverged, with the fix that the page's hint proposes, as options."""
    found = hints(History(history.config, end=history.end), n_train=n_train)
    fix = [item for hint in found if hint.id == "not_a_number" for item in hint.fix.items()]
    options = " ".join(f"--{FIELDS[name].key} {FIELDS[name].format(value)}" for name, value in fix)
    advice = f": train again with {options}." if options else "."
    assert history.end is not None
    return f"T{str(history.end.error)[1:]}{advice}"


def _file(
    kind: str, history: History, snapshot: Snapshot | None, dataset: Dataset, test: FinalTest | None
) -> bytes:
    final = history.end and history.end.final
    record, snapshot = final or history.last, final.snapshot if final else snapshot
    if record is None or snapshot is None:
        raise ExportError("nothing is saved, for no epoch has ended")
    moment, label = Moment(record, snapshot), run_label(history.config)
    title = label[:1].upper() + label[1:]
    return export(kind, ExportedRun(title, dataset, history, moment, moment, test=test)).content


def _as_json(history: History, end: RunEnd, dataset: Dataset, test: FinalTest | None) -> str:
    """Return a run as one line of JSON; figures that are infinite or not a number are null."""
    content = {
        "config": asdict(history.config),
        "query": write_query(history.config),
        "dataset": {
            "name": dataset.name,
            "n_train": len(dataset.train_labels),
            f"n_{dataset.held_out}": len(dataset.test_labels),
            "class_names": dataset.class_names,
        },
        "status": end.status,
        "reason": end.reason,
        "epochs": [_figures(record, "seconds", "learning_rate") for record in history],
        "test": test and {"loss": test.loss, "accuracy": test.accuracy, "n_images": test.n_images},
        "final": end.final and _figures(end.final, "step", "confusion"),
    }
    return json.dumps(content, allow_nan=False, default=lambda counts: counts.tolist())


def _figures(record: EpochRecord | Evaluation, *others: str) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in (*_FIGURES, *others)}
    return {n: None if isinstance(v, float) and not math.isfinite(v) else v for n, v in values.items()}
