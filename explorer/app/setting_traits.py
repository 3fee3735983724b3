"""The settings of the next run as traits: `app.batch_size = 128`, or linked to any widget."""

from __future__ import annotations

from typing import Any

import traitlets

from explorer.training import FIELDS, TrainingConfig
from explorer.training.fields import LayerSizes, Whole

__all__ = ["SettingTraits"]


class _Setting(traitlets.TraitType[Any, Any]):
    """A setting, checked by its row in the table of fields."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the value in its canonical type.

        Raises
        ------
        ConfigError
            If the setting can't hold it, which leaves all as it was.
        """
        assert self.name is not None
        checked = FIELDS[self.name].check(_as_whole(FIELDS[self.name], value))
        obj.check(obj.config.replace(**{self.name: checked}))
        return checked


def _as_whole(field: object, value: Any) -> Any:
    """Return 128 for 128.0 where whole numbers are expected: sliders and pages know floats only."""
    if isinstance(field, LayerSizes) and isinstance(value, list | tuple):
        return [_as_whole(Whole, size) for size in value]
    if isinstance(field, LayerSizes | Whole) or field is Whole:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    return value


def _setting(name: str) -> Any:
    """Return the trait of a setting; changes in mid-run, which a page writes in its own way, stay in Python."""
    return _Setting(getattr(TrainingConfig(), name)).tag(sync=name != "changes")


class SettingTraits(traitlets.HasTraits):
    """A trait for each setting, and one for all of them, which agree at any time.

    To assign a setting, or `config`, does what releasing its slider does. What a setting can't hold is a
    `ConfigError`, and changes nothing.

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
        """Raise `ConfigError` if settings can't be trained with: here there is nothing more to check."""

    def apply(self, config: TrainingConfig) -> None:
        """Do what new settings ask for."""

    def follow(self, config: TrainingConfig) -> None:
        """Show settings that are in use already."""
        if config != self.config:
            self._is_following = True
            try:
                self.config = config
            finally:
                self._is_following = False

    _is_following = False

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
                setattr(self, name, getattr(config, name))
        if not self._is_following:
            self.apply(config)
