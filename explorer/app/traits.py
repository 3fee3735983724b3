"""The app as traits: the settings, as in `app.batch_size = 128`, and the current run's results."""

from math import isfinite
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from explorer.app.views import ViewState
from explorer.datasets import Dataset
from explorer.network import NeuralNetwork
from explorer.session import Session, SessionState
from explorer.training import FIELDS, History, TrainingConfig
from explorer.training.fields import LayerSizes, Whole


class _Setting(traitlets.TraitType[Any, Any]):
    """A setting, validated by its row in the table of fields."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the value in its canonical type.

        Raises
        ------
        ConfigError
            If the value is invalid; nothing changes then.
        """
        assert self.name is not None
        checked = FIELDS[self.name].check(_as_whole(FIELDS[self.name], value))
        obj.check(obj.config.replace(**{self.name: checked}))
        return checked


def _as_whole(field: object, value: Any) -> Any:
    """Return 128 for 128.0 where integers are expected: sliders and pages only send floats."""
    if not isinstance(field, LayerSizes | Whole):
        return value
    if isinstance(value, list | tuple):
        return [_as_whole(field, size) for size in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _setting(name: str) -> Any:
    """Return a setting's trait; mid-run changes, which pages write in another form, are not synced."""
    return _Setting(getattr(TrainingConfig(), name)).tag(sync=name != "changes")


class SettingTraits(traitlets.HasTraits):
    """A trait for each setting, and one for all of them, which are always in sync.

    Assigning a setting, or `config`, does what releasing its slider does. An invalid value raises `ConfigError`,
    and changes nothing.

    Attributes
    ----------
    config : TrainingConfig
        All settings.
    hidden_sizes, batch_size, learning_rate, …
        One for each of `FIELDS`, as `TrainingConfig` describes them.
    """

    config = traitlets.Instance(TrainingConfig, ())
    vars().update({name: _setting(name) for name in FIELDS})

    def check(self, config: TrainingConfig) -> None:
        """Raise `ConfigError` if the settings can't be trained with; by default, accept all."""

    def apply(self, config: TrainingConfig) -> None:
        """Apply new settings."""

    def follow(self, config: TrainingConfig) -> None:
        """Show settings that are already in use."""
        before, self._followed = self._followed, config
        try:
            if config != self.config:
                self.config = config
        finally:
            self._followed = before

    _followed: TrainingConfig | None = (
        None  # these are not applied; others are, even if another thread sets them meanwhile
    )

    @traitlets.validate("config")
    def _checked(self, proposal: Any) -> TrainingConfig:
        config: TrainingConfig = proposal["value"]
        self.check(config)
        return config

    @traitlets.observe(*FIELDS)
    def _on_setting(self, change: Any) -> None:
        if getattr(self.config, change["name"]) != change["new"]:
            self.config = self.config.replace(**{change["name"]: change["new"]})

    @traitlets.observe("config")
    def _on_config(self, change: Any) -> None:
        config = change["new"]
        with self.hold_trait_notifications():
            for name in FIELDS:
                if getattr(self, name) != getattr(config, name):  # the others need no second check
                    setattr(self, name, getattr(config, name))
        if config is not self._followed:
            self.apply(config)


def _figure() -> Any:
    return traitlets.Float(None, allow_none=True, read_only=True).tag(sync=True)


class Readings(traitlets.HasTraits):
    """Figures of the selected epoch, None while there are none, and what they refer to.

    Attributes
    ----------
    status : {"idle", "running", "paused", "finished", "stopped", "failed"}
        What the current run is doing, or how it ended.
    epoch : float
        Epochs so far, including the fraction of the current one.
    train_accuracy, test_accuracy : float or None
        Share of the images classified correctly, 0 to 1.
    train_loss, test_loss : float or None
        Mean loss per image.
    held_out : {"test", "validation"}
        The images of test_accuracy and test_loss: validation images if the settings hold some out.
    selected_epoch : float or None
        The epoch that the user has gone back to; None while the newest is shown.
    selected_cell : tuple of int, or None
        The true and the predicted class of the selected cell of the confusion matrix.
    """

    session: Session

    status = traitlets.Unicode("idle", read_only=True).tag(sync=True)
    epoch = traitlets.Float(0.0, read_only=True).tag(sync=True)
    train_accuracy = _figure()
    test_accuracy = _figure()
    train_loss = _figure()
    test_loss = _figure()
    held_out = traitlets.Unicode("test", read_only=True).tag(sync=True)
    selected_epoch = _figure()
    selected_cell = traitlets.Tuple(default_value=None, allow_none=True, read_only=True).tag(sync=True)

    @property
    def dataset(self) -> Dataset:
        """The data set in use."""
        return self.session.dataset

    @property
    def history(self) -> History:
        """The records of the current run; empty before the first."""
        run = self.session.state.run
        return History(self.session.config) if run is None else run.history

    @property
    def confusion(self) -> NDArray[np.int64] | None:
        """Counts over the held-out images at the selected epoch: rows are the true class; None before any."""
        moment = self.session.state.moment
        return None if moment is None else moment.confusion

    @property
    def network(self) -> NeuralNetwork:
        """A copy of the trained network: the current one if the run is paused or over, else the last epoch's.

        Raises
        ------
        RuntimeError
            If nothing has been trained yet.
        """
        run = self.session.state.run
        if run is None:
            raise RuntimeError("no run yet: call train() first")
        if run.newest is None:
            raise RuntimeError("the first epoch has not ended yet: call wait() first")
        network = run.new_network()
        network.set_weights(run.newest.weights)
        return network

    def take_readings(self, state: SessionState) -> None:
        """Set the traits to a state's figures."""
        record = None if state.moment is None else state.moment.record
        figures = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
        with self.hold_trait_notifications():
            self.set_trait("status", state.status)
            self.set_trait("held_out", state.scored_on.held_out)
            self.set_trait("epoch", 0.0 if state.run is None else state.run.epoch)
            for name in figures:
                self.set_trait(name, None if record is None else _finite(getattr(record, name)))
            self.set_trait("selected_epoch", state.selected_epoch)

    def take_cell(self, state: ViewState) -> None:
        """Set the trait to the selected cell."""
        self.set_trait("selected_cell", state.cell)


def _finite(figure: float) -> float | None:
    """Return a figure that can be sent to a page: JSON has neither infinity nor NaN, so they become None."""
    return figure if isfinite(figure) else None
