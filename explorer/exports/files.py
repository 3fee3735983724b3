"""Runs as files: what they need to know, the table of records, the weights, templates, all formats by name."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from explorer.datasets import Dataset, load_mnist
from explorer.discovery import ExtensionError, Offer, offers
from explorer.network import NeuralNetwork
from explorer.network.weights_file import weights_bytes
from explorer.session import SessionRun
from explorer.session.saved_session import SUFFIX
from explorer.training import EpochRecord, Evaluation, FinalTest, History, Moment, TrainingConfig, new_network
from explorer.wording import counted, grouped, percent, times

_FIGURES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "seconds")
COLUMNS = (
    "epoch",
    "train_loss_per_image_during_epoch",
    "test_loss_per_image",
    "train_accuracy_share_during_epoch",
    "test_accuracy_share",
    "wall_seconds",
    "stage",
    "learning_rate",
)  # of the table; with validation images, ``validation`` replaces ``test``


class ExportError(ValueError):
    """Something can't be exported; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class TrainingStage:
    """A stretch of training with one set of settings."""

    config: TrainingConfig
    end: float
    """Epochs by its end, those before the stage included: an integer if another stage follows."""
    history: History | None = field(default=None, compare=False)
    """Its records up to its end; None if they are unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class ExportedRun:
    """A run as the exports see it."""

    title: str
    dataset: Dataset
    """The whole data set, even if the run uses only some of its training images, or holds some out."""
    history: History
    """Its settings and its records."""
    moment: Moment
    """The moment for weights and report."""
    newest: Moment
    """The run's last moment, which the script must reproduce."""
    before: tuple[TrainingStage, ...] = ()
    """The stages of the runs that it was forked from, oldest first; empty if it is not a fork."""
    file: str = ""
    first_epoch: int = 0
    """The file with the first stage's initial weights, empty if they were drawn, and the epochs that they had."""
    note: str = ""
    sections: Sequence[tuple[str, Sequence[tuple[str, Sequence[str]]]]] = ()
    """What extensions add to a report: headings, each with titles and their sentences."""
    test: FinalTest | None = None
    """The newest network's results on the test set, if it was opened for them."""
    day: date = field(default_factory=date.today)

    @property
    def config(self) -> TrainingConfig:
        """The run's settings."""
        return self.history.config

    @property
    def stages(self) -> tuple[TrainingStage, ...]:
        """All stages that shaped the weights, the run's own last; stages without any training are left out."""
        begin, stages = float(self.first_epoch), []
        for number, stage in enumerate(self.before):
            draws_weights = number == 0 and not self.file
            if stage.end > begin or draws_weights:
                stages.append(stage)
            begin = stage.end
        return (*stages, TrainingStage(self.config, self.newest.epoch, self.history))

    @property
    def forks(self) -> tuple[float, ...]:
        """The epochs at which it or its parents were forked; a fork at 0 separates nothing and is left out."""
        return tuple(stage.end for stage in self.stages[:-1] if stage.end > 0)

    def whole(self, *, of_one_loss: bool = False) -> History:
        """Return the records of all stages as one history; `of_one_loss`, of those since it last changed."""
        history = History(self.config)
        for stage in self.stages:
            if of_one_loss and stage.config.loss_terms != self.config.loss_terms:
                history = History(self.config)
            elif stage.history is not None:
                history = history.followed_by(*stage.history.batches, *stage.history)
        end = self.history.end
        return history if end is None else history.followed_by(end)

    @property
    def looks_back(self) -> bool:
        """Whether the moment is the end of an epoch that the run has continued from."""
        return isinstance(self.moment.record, EpochRecord) and self.moment.epoch < self.newest.epoch

    @property
    def dataset_option(self) -> str | None:
        """The name of these images' file, without its private folder; "" for MNIST, None if there is no file."""
        if self.dataset.source:
            return Path(self.dataset.source).name or None
        return "" if self.dataset is load_mnist() else None

    @property
    def scored_on(self) -> Dataset:
        """The images that the run used: its test images are the held-out ones, possibly validation images."""
        config = self.config
        return self.dataset.head(config.n_train).hold_out(config.n_validation, config.seed)

    @property
    def architecture(self) -> str:
        """Number of units per layer, including inputs and outputs: ``"784-32-10"``."""
        return f"{self.dataset.n_inputs}-{self.config.architecture}-{self.dataset.n_classes}"

    @property
    def exact(self) -> Evaluation | None:
        """The moment's exact figures over all train and test images, None if unknown."""
        return self.moment.record if isinstance(self.moment.record, Evaluation) else None

    def network(self) -> NeuralNetwork:
        """Return a network with the moment's weights."""
        network = new_network(self.config, self.dataset)
        network.set_weights(self.moment.weights)
        return network

    def file_name(self, suffix: str) -> str:
        """Return a file name, such as ``"explorer-784-32-10-seed0.csv"``, with the epoch of an earlier moment."""
        place = f"-epoch{self.moment.epoch:g}" if self.looks_back else ""
        return f"explorer-{self.architecture}-seed{self.config.seed}{place}{suffix}"


def exported(run: SessionRun | None, moment: Moment | None, dataset: Dataset) -> ExportedRun:
    """Return the data for an export of a run and of its network at a moment; raises `ExportError` if too early."""
    if run is None or run.status == "idle":
        raise ExportError("Nothing is trained yet: there is no run to export.")
    if run.own is not None:
        why = "no file can train it again. Its figures are in app.history, its weights in app.network"
        raise ExportError(f"This is a run of {run.own.name}, a class of your own: {why}.")
    if moment is None and run.newest is not None:
        raise ExportError("This network is from within the first epoch. Go to an epoch's end to export it.")
    if moment is None or run.newest is None:
        raise ExportError("The first epoch has not ended yet: there is nothing to export so far.")
    before = [
        TrainingStage(parent.config, float(fork.origin.epoch), parent.history.until(fork.origin.epoch))
        for fork, parent in pairwise(run.lineage)
    ]
    root = run.lineage[-1].origin
    return ExportedRun(
        title=run.title[:1].upper() + run.title[1:],
        dataset=dataset,
        history=run.history,
        moment=moment,
        newest=run.newest,
        before=tuple(reversed(before)),
        file=root.file,
        first_epoch=root.epoch,
        note=run.note,
        test=run.test,
    )


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that has not been written yet."""

    name: str
    """Its suggested name."""
    content: bytes
    """Its whole content; text is UTF-8."""
    media_type: str
    """Its MIME type: ``"text/csv"``."""


def records_table(run: ExportedRun) -> str:
    """Return the records as CSV (RFC 4180), one row per epoch, all numbers in full precision.

    The figures during an epoch are means over its own passes, each before its update; the test figures are exact
    at its end, and those of the validation images if some are held out. Unknown seconds are 0; the learning rate
    is that of the epoch's last mini-batch, or ``nan``. A fork's rows follow its parents' up to the fork, with the
    last ``stage``: where that increases, settings change, possibly the loss.
    """
    text = StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(column.replace("test", run.config.held_out) for column in COLUMNS)
    for number, stage in enumerate(run.stages, 1):
        for record in stage.history or ():
            figures = (repr(float(getattr(record, name))) for name in _FIGURES)
            rows.writerow([record.epoch, *figures, number, record.learning_rate])
    return text.getvalue()


def weights_archive(run: ExportedRun) -> bytes:
    """Return the moment's weights for `explorer.NeuralNetwork.load`: ``W1``, ``b1``, ``W2``, … without pickles.

    The ``.npz`` file also has ``config``, the settings as JSON; ``weights_epoch``, the epochs that the weights
    were trained for; and for each figure of `EpochRecord` a list over the run's own epochs. Raises `WeightsError`
    if a weight is infinite or not a number.
    """
    names = ("epoch", *_FIGURES, "learning_rate")
    figures = {name: [getattr(record, name) for record in run.history] for name in names}
    about: dict[str, Any] = {"config": json.dumps(asdict(run.config)), "weights_epoch": run.moment.epoch}
    network = run.network()
    return weights_bytes(network.named(), network.functions, **about, **figures)


def page(template: str | Path, **values: object) -> str:
    """Render a template, by its path or its name next to this file, with all of its values; HTML is escaped."""
    return str(template_of(Path(__file__).parent / template).render(values))


def template_of(path: Path) -> Any:
    """Return a file's template, which has an error where a value is missing; HTML is escaped."""
    # Imported on first use: the command starts faster, and rarely renders a template.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=select_autoescape(["html.j2"]),  # the user's words stay text in HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for one in (code, counted, grouped, percent, times):
        environment.filters[one.__name__] = one
    return environment.get_template(path.name)


def code(value: object) -> str:
    """Return a value as Python source, with text in double quotes if it is plain ASCII."""
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return json.dumps(value) if plain else repr(value)


def kinds() -> Mapping[str, Offer]:
    """Return the formats, each an `explorer.extension.Export`, by name, in the order of the menu."""
    return {offer.what.name: offer for offer in offers("exports")}


def export(kind: str, run: ExportedRun) -> ExportedFile:
    """Return the run as a file of one of `kinds`; else `ExportError`, or `WeightsError` for infinite weights."""
    if (offer := kinds().get(kind)) is None:
        raise ExportError(f"kind is {kind!r}; expected one of {', '.join(kinds())}")
    try:
        made: str | bytes = offer.call(offer.what.write, run)
        with offer.explaining_errors():
            content = made.encode() if isinstance(made, str) else bytes(memoryview(made))
    except ExtensionError as error:
        raise ExportError(str(error)) from error
    return ExportedFile(run.file_name(offer.what.suffix), content, offer.what.media_type)


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return the file format that a path's suffix selects; `ExportError` if no format has it."""
    known, suffix = [offer.what for offer in kinds().values()], Path(path).suffix.lower()
    if name := next((kind.name for kind in known if kind.suffix == suffix), ""):
        return str(name)
    expected = ", ".join([*(f"{kind.suffix} ({kind.label})" for kind in known), f"{SUFFIX} (all runs)"])
    raise ExportError(f"{Path(path).name} has an unknown ending; expected one of {expected}")
