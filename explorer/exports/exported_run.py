"""The data that exports need about a run, including how it was trained."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from explorer.datasets import Dataset, load_mnist
from explorer.network import NeuralNetwork
from explorer.training import EpochRecord, Evaluation, FinalTest, History, Moment, TrainingConfig, new_network


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
    """The file with the first stage's initial weights; empty if they were drawn."""
    first_epoch: int = 0
    """Epochs that these were trained for."""
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
        """All stages that shaped the weights, the run's own last; stages without any training are left out.

        If one stage ends and the next begins at the same epoch, the weights are passed on unchanged.
        """
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
        """Return the records of all stages as one history: up to each fork those of the earlier run.

        With `of_one_loss`, stages before the last change of the loss are left out: their losses aren't comparable.
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
        """Whether the moment is the end of an epoch that the run has continued from."""
        return isinstance(self.moment.record, EpochRecord) and self.moment.epoch < self.newest.epoch

    @property
    def dataset_option(self) -> str | None:
        """The name of these images' file, for ``--dataset``; "" for MNIST, None if there is no file.

        The folder is private and left out: the recipient of an export may not have access to this computer.
        """
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
