"""All that an export needs to know of a run, and how the run came about."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from explorer.datasets import Dataset, load_mnist
from explorer.network import NeuralNetwork
from explorer.session.opening import OpenedWeights
from explorer.training import (
    EpochRecord,
    Evaluation,
    FinalTest,
    History,
    Moment,
    TrainingConfig,
    new_network,
)

__all__ = ["ExportedRun", "TrainingStage"]


@dataclass(frozen=True, slots=True)
class TrainingStage:
    """A stretch of training with one set of settings."""

    config: TrainingConfig
    end: float
    """Epochs that the network has trained at the stage's end, those before the stage included: a whole number
    where another stage follows."""
    history: History | None = field(default=None, compare=False)
    """Its records, none after its end; None where they aren't known."""


@dataclass(frozen=True, slots=True, eq=False)
class ExportedRun:
    """A run as the exports see it."""

    title: str
    """What it is called."""
    dataset: Dataset
    """The whole data set, whatever part of its training images the run uses or holds out."""
    history: History
    """Its settings and its records."""
    moment: Moment
    """The network that weights and report are about."""
    newest: Moment
    """The network that the run has come to: what the script must come to as well."""
    before: tuple[TrainingStage, ...] = ()
    """The stages of the runs that it was forked from, the first first; empty for a run of its own."""
    opened: OpenedWeights | None = None
    """The file that the first stage begins with; None where weights were drawn."""
    note: str = ""
    """The user's words about it; any text."""
    test: FinalTest | None = None
    """What the newest network comes to on the test set, where that was opened for it."""
    day: date = field(default_factory=date.today)
    """When it is exported."""

    @property
    def config(self) -> TrainingConfig:
        """The run's settings."""
        return self.history.config

    @property
    def first_epoch(self) -> int:
        """Epochs that the first stage's weights were trained for before it: those of the opened file, or 0."""
        return 0 if self.opened is None else self.opened.epoch

    @property
    def stages(self) -> tuple[TrainingStage, ...]:
        """All that the weights went through, the run's own stage last; those that changed nothing are left out.

        Where one stage ends and the next begins at the same epoch, the weights are handed on as they are.
        """
        begin, stages = float(self.first_epoch), []
        for number, stage in enumerate(self.before):
            draws_weights = number == 0 and self.opened is None
            if stage.end > begin or draws_weights:
                stages.append(stage)
            begin = stage.end
        return (*stages, TrainingStage(self.config, self.newest.epoch, self.history))

    @property
    def forks(self) -> tuple[float, ...]:
        """The epochs that it was forked after, those of its parents included; at 0 there is nothing to part."""
        return tuple(stage.end for stage in self.stages[:-1] if stage.end > 0)

    def whole(self, *, of_one_loss: bool = False) -> History:
        """Return the records of all stages as one history: up to each fork those of the run before it.

        With `of_one_loss`, the stages before the last change of the loss are left out: their losses can't be
        compared.
        """
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
        """Whether the moment is the end of an epoch that the run has gone on from."""
        return isinstance(self.moment.record, EpochRecord) and self.moment.epoch < self.newest.epoch

    @property
    def dataset_option(self) -> str | None:
        """The name of these images' file, for ``--dataset``; "" for MNIST, None where there is no file.

        Which folder it lies in is nobody's business: who reads an export may have got it from a server.
        """
        if self.dataset.source:
            return Path(self.dataset.source).name or None
        return "" if self.dataset is load_mnist() else None

    @property
    def n_train(self) -> int:
        """Training images in use."""
        return self.scored_on.n_train

    @property
    def scored_on(self) -> Dataset:
        """The images that the run used: its test images are those held out, which may be validation images."""
        config = self.config
        return self.dataset.head(config.n_train).hold_out(config.n_validation, config.seed)

    @property
    def architecture(self) -> str:
        """Units of each layer, inputs and outputs included: ``"784-32-10"``."""
        return f"{self.dataset.n_inputs}-{self.config.architecture}-{self.dataset.n_classes}"

    @property
    def exact(self) -> Evaluation | None:
        """The exact figures of the moment over all train and test images, where they are known."""
        return self.moment.record if isinstance(self.moment.record, Evaluation) else None

    def network(self) -> NeuralNetwork:
        """Return a network with the moment's weights."""
        network = new_network(self.config, self.dataset)
        network.set_weights(self.moment.weights)
        return network

    def file_name(self, suffix: str) -> str:
        """Return a name that says which run it is, and which moment if not its newest, with `suffix` at its end.

        As ``"explorer-784-32-10-seed0.csv"``, ``"explorer-784-32-10-seed0-epoch2.npz"``.
        """
        place = f"-epoch{self.moment.epoch:g}" if self.looks_back else ""
        return f"explorer-{self.architecture}-seed{self.config.seed}{place}{suffix}"
