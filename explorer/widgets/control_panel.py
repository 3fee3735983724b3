"""The settings of the next run, as a person sets them.

The panel only makes a `TrainingConfig`. All settings are read at once and checked once; what is wrong is said
beside the control, and the last settings that were right stay in use.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import anywidget
import traitlets

from explorer.training.config import FIELDS, PRESETS, TrainingConfig
from explorer.training.fields import Choice, ConfigError, LayerSizes, Whole
from explorer.widgets.look import script, stylesheet
from explorer.wording import plain

__all__ = ["ControlPanel", "stops"]

_MAIN = ("hidden_sizes", "batch_size", "epochs", "learning_rate")
_DECADE = ("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8")
_PAIRS = (
    (("sigmoid", "squared_error"), "sigmoid + squared error (the exercise)"),
    (("softmax", "cross_entropy"), "softmax + cross-entropy"),
)
_PAIR_HELP = "What the output units compute and what training makes small: the two are chosen together."


def stops(name: str) -> list[float]:
    """Return the values that the slider of a setting stops at: about even on a log scale, and easy to name.

    Parameters
    ----------
    name : str
        ``"learning_rate"``: ten values of two digits a decade. ``"epochs"``: the same, in whole numbers.
        ``"batch_size"``: powers of two. ``"hidden_sizes"``: powers of two and the ones half-way between.

    Returns
    -------
    list of float or int
        Ascending, without repeats, from the lowest to the highest that the setting allows.
    """
    decades = [float(f"{step}e{power}") for power in range(-5, 3) for step in _DECADE]
    powers = [2**power for power in range(17)]
    found: list[float] = {
        "learning_rate": decades,
        "epochs": [*range(1, 11), *(int(stop) for stop in decades if stop > 10)],
        "batch_size": [*powers],
        "hidden_sizes": [*powers, *(3 * power for power in powers)],
    }[name]
    field: Any = FIELDS[name]
    return sorted({stop for stop in (field.low, *found, field.high) if field.low <= stop <= field.high})


def _spec(name: str, kind: str, **more: Any) -> dict[str, Any]:
    field = FIELDS[name]
    spec = {"name": name, "kind": kind, "label": field.label, "unit": field.unit, "help": field.help}
    return {**spec, "more": name not in _MAIN, **more}


def _scale(name: str) -> dict[str, Any]:
    field: Any = FIELDS[name]
    return _spec(
        name,
        "scale",
        stops=stops(name),
        layers=isinstance(field, LayerSizes),
        low=plain(field.low),
        high=plain(field.high),
    )


def _choice(name: str) -> dict[str, Any]:
    field = FIELDS[name]
    if not isinstance(field, Choice):
        raise AssertionError(f"{name} is no choice")
    return _spec(name, "choice", options=list(zip(field.choices, field.labels, strict=True)))


def _controls(n_images: int) -> list[dict[str, Any]]:
    layers: Any = FIELDS["hidden_sizes"]
    seed: Any = FIELDS["seed"]
    images: Any = FIELDS["n_train"]
    help_layers = (
        f"Units of each hidden layer, first to last, with commas between: up to {layers.most_layers}."
    )
    pairs = [(list(pair), label) for pair, label in _PAIRS]
    return [
        *(_scale(name) for name in _MAIN),
        _spec("hidden_sizes", "layers", label="Hidden layers", unit="units", more=True, help=help_layers),
        _choice("hidden_activation"),
        _spec("output", "pair", label="Output and loss", help=_PAIR_HELP, options=pairs),
        _choice("reduction"),
        _choice("initializer"),
        _spec("seed", "whole", low=plain(seed.low), high=plain(seed.high)),
        _spec("n_train", "count", unit="", low=plain(images.low), high=plain(n_images), all=n_images),
    ]


def _values(config: TrainingConfig) -> dict[str, Any]:
    return {**asdict(config), "hidden_sizes": list(config.hidden_sizes)}


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _canonical(name: str, value: object) -> Any:
    """Return `value` as Python would have it: the page knows no whole numbers, and lists come as text."""
    field = FIELDS[name]
    if isinstance(field, LayerSizes):
        if isinstance(value, str):
            try:
                return list(field.parse(value))
            except ConfigError:
                return value
        return [_whole(size) for size in value] if isinstance(value, list | tuple) else _whole(value)
    return _whole(value) if isinstance(field, Whole) else value


class ControlPanel(anywidget.AnyWidget):
    """The controls of one `TrainingConfig`.

    Parameters
    ----------
    config : TrainingConfig
        The settings to begin with.
    n_images : int
        How many training images there are, for the words on screen.
    shown : sequence of str or None
        Names of the only settings to show; None for all. A teacher can take the rest away.

    Attributes
    ----------
    values : dict
        What stands in the controls, right or wrong, by the names of the settings.
    errors : dict of str to str
        What is wrong, by setting: one sentence for a person. Empty when all is right.
    """

    _esm = script("control_panel")
    _css = stylesheet("control_panel")

    controls: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    presets = traitlets.Dict().tag(sync=True)
    preset = traitlets.Unicode().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    errors = traitlets.Dict().tag(sync=True)
    shown = traitlets.List(traitlets.Unicode(), default_value=None, allow_none=True).tag(sync=True)

    def __init__(
        self, config: TrainingConfig | None = None, *, n_images: int = 60_000, shown: list[str] | None = None
    ) -> None:
        self._config = config or TrainingConfig()
        self._n_images = n_images
        self._callbacks: list[Callable[[TrainingConfig], object]] = []
        self._setting = True  # our own assignments are no change by the user
        super().__init__(
            controls=_controls(n_images),
            presets={name: _values(preset) for name, preset in PRESETS.items()},
            preset=self._preset_name(),
            values=_values(self._config),
            shown=shown,
        )
        self._setting = False

    @property
    def config(self) -> TrainingConfig:
        """The newest settings that were right."""
        return self._config

    def set_config(self, config: TrainingConfig) -> None:
        """Show `config` in the controls, in one message to the page; no callback is called."""
        self._config = config
        self._show(_values(config), {})

    def on_config(self, callback: Callable[[TrainingConfig], object]) -> None:
        """Call ``callback(config)`` once after each change by the user that leaves all settings right."""
        self._callbacks.append(callback)

    def refuse(self, error: ConfigError) -> None:
        """Show beside its control what is wrong with a setting that only the data could tell."""
        self._show(dict(self.values), {error.field: f"Allowed is {error.allowed}."})

    @traitlets.observe("values")
    def _on_values(self, change: Mapping[str, Any]) -> None:
        if self._setting:
            return
        given = {**_values(self._config), **change["new"]}
        values = {name: _canonical(name, given[name]) for name in FIELDS}
        problems = TrainingConfig.problems(values) or self._missing_images(values)
        if problems:
            self._show(values, {name: self._sentence(error) for name, error in problems.items()})
            return
        before, self._config = self._config, TrainingConfig(**values)
        self._show(_values(self._config), {})
        if self._config != before:
            for callback in self._callbacks:
                callback(self._config)

    def _show(self, values: dict[str, Any], errors: dict[str, str]) -> None:
        self._setting = True
        try:
            with self.hold_sync():
                self.values, self.errors, self.preset = values, errors, self._preset_name()
        finally:
            self._setting = False

    def _missing_images(self, values: Mapping[str, Any]) -> dict[str, ConfigError]:
        field: Any = FIELDS["n_train"]
        asked, there_are = values["n_train"], self._n_images
        if asked is None or asked <= there_are:
            return {}
        allowed = f"a whole number from {plain(field.low)} to {plain(there_are)}"
        return {"n_train": ConfigError("n_train", asked, allowed)}

    def _preset_name(self) -> str:
        return next((name for name, preset in PRESETS.items() if preset == self._config), "")

    def _sentence(self, error: ConfigError) -> str:
        field = FIELDS[error.field]
        allowed = error.allowed
        if isinstance(field, Whole):
            allowed = allowed.removesuffix(f", or None for {field.none_means}")
        kept = field.format(getattr(self._config, error.field)).replace(",", ", ")
        return f"Allowed is {allowed}. {kept} stays in use."
