"""What ``nn-explorer train`` shows while it trains: a line for each epoch, and below them on a terminal a bar."""

import math
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from explorer.network import hardest_classes, most_confused, per_class
from explorer.training import (
    FIELDS,
    BatchRecord,
    EpochRecord,
    Evaluation,
    FinalTest,
    TrainingConfig,
    TrainingRun,
)
from explorer.training.run import Event

__all__ = ["TrainScreen"]

_INTERVAL_SECONDS = 0.1
_IN_HEAD = (
    "hidden_sizes", "hidden_activation", "output", "loss", "initializer", "batch_size", "epochs", "learning_rate",
    "reduction", "seed", "n_train", "n_validation",
)  # fmt: skip


class TrainScreen:
    """The lines and the bar of one run, which is only read."""

    def __init__(self, training: TrainingRun, console: Console) -> None:
        self._training, self._console = training, console
        self._progress = Progress(
            TextColumn("{task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.fields[batch]}"),
            TextColumn("{task.fields[left]}"),
            console=console,
            auto_refresh=False,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=1.0, **self._fields(0.0))
        config = training.config
        self._shows_rate = config.schedule != "constant" or bool(config.warmup or config.changes)
        self._position = 0.0
        self._started = self._shown = perf_counter()

    def begin(self) -> Progress:
        """Write what is trained and the table's head, and return the bar: a context, while which it is there."""
        self._console.print(*self._head(), sep="\n")
        self._started = self._shown = perf_counter()
        return self._progress

    def show(self, event: Event) -> None:
        """Show how far the run is, at most ten times a second, and each epoch's line."""
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

    def show_end(self, final: Evaluation) -> None:
        """Show the exact figures of the end, and where the network is weak."""
        self._console.print("", *self._summary(final), sep="\n")

    def show_test(self, found: FinalTest) -> None:
        """Show what the run came to on the test set, which was opened for it."""
        reached = f"{found.accuracy:.2%} of {_grouped(found.n_images)} images, test loss {found.loss:.4f}"
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
        n_train, n_test = _grouped(len(data.train_labels)), _grouped(len(data.test_labels))
        yield self._line("Train accuracy", f"{final.train_accuracy:.2%} of {n_train} images")
        name = f"{data.held_out.capitalize()} accuracy"
        yield self._line(name, f"{final.test_accuracy:.2%} of {n_test} images")
        yield self._line(f"Hardest {kind}", shown)
        yield self._line("Most confused", ", ".join(confused) or "none")

    def _line(self, label: str, found: str) -> str:
        """Return what was found after its label, below what was found before."""
        return f"{label:<{len(self._training.dataset.held_out) + 11}} {found}"

    def _head(self) -> Iterator[str]:
        data, config = self._training.dataset, self._training.config
        n_train, n_test = _grouped(len(data.train_labels)), _grouped(len(data.test_labels))
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
        return {"epoch": f"epoch {epoch} of {epochs}", "batch": batch, "left": self._left(position)}

    def _left(self, position: float) -> str:
        if position <= 0.0:
            return ""
        seconds = (perf_counter() - self._started) * (self._training.config.epochs - position) / position
        minutes, seconds = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02} left" if hours else f"{minutes}:{seconds:02} left"


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")
