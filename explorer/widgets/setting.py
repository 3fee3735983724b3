"""One setting of a run as a widget: its value is always valid, whatever is typed into its control."""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import traitlets

from explorer.training.config import FIELDS, TrainingConfig, fields_of
from explorer.training.fields import Choice, ConfigError, LayerSizes, Whole
from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent
from explorer.wording import did_you_mean, plain, with_noun

SETTINGS = tuple(name for name in FIELDS if name != "changes")
"""Names of the settings that have a control; mid-run changes are made during a run."""

_DECADE = ("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8")
_PAIR = ("output", "loss")
_PAIRS = (
    (("sigmoid", "squared_error"), "sigmoid + squared error (the exercise)"),
    (("softmax", "cross_entropy"), "softmax + cross-entropy"),
)


def stops(name: str) -> list[float]:
    """Return a slider's stops, from minimum to maximum: round numbers, about even on a log scale."""
    decades = [float(f"{step}e{power}") for power in range(-5, 3) for step in _DECADE]
    powers = [2**power for power in range(17)]
    penalties = [float(f"{step}e{power}") for power in range(-6, 0) for step in (1, 3)]
    twentieths, halves = [step / 20 for step in range(19)], [step / 2 for step in range(21)]
    epochs = [*range(11), *(int(stop) for stop in decades if stop > 10)]
    found: Mapping[str, list[float]] = {
        "learning_rate": decades,
        **dict.fromkeys(("epochs", "warmup", "patience"), epochs),
        "batch_size": [*powers],
        "hidden_sizes": [*powers, *(3 * power for power in powers)],
        "n_validation": [step * 10**power for power in range(2, 7) for step in (1, 2, 5)],
        **dict.fromkeys(("l2", "l1"), penalties),
        **dict.fromkeys(("dropout", "input_dropout", "scale"), twentieths),
        **dict.fromkeys(("max_norm", "shift"), halves),
        "rotation": [*range(0, 31, 3), 45, 60, 90],
        "elastic": [step / 4 for step in range(21)],
    }
    field: Any = FIELDS[name]
    return sorted({stop for stop in (field.low, *found[name], field.high) if field.low <= stop <= field.high})


def _kinds(name: str) -> tuple[str, ...]:
    """Return the kinds of control that a setting can have, the default first."""
    field = FIELDS[name]
    if isinstance(field, LayerSizes):
        return ("scale", "layers")
    if isinstance(field, Choice):
        return ("choice", "pair") if name == _PAIR[0] else ("few" if name == "reduction" else "choice",)
    if isinstance(field, Whole) and field.none_means:
        return ("count",)
    return ("whole",) if isinstance(field, Whole) and not field.is_amount else ("scale",)


def _control(kind: str, field: Any) -> dict[str, Any]:
    """Return the page's data for a control, except its texts."""
    is_said = field.unit and field.label.endswith(field.unit)
    control = {"name": field.name, "kind": kind, "unit": "" if is_said else field.unit}
    if kind == "layers":
        return control | {"unit": "units"}
    if kind == "pair":
        return control | {"options": _PAIRS}
    if kind in ("choice", "few"):
        return control | {"options": list(zip(field.choices, field.labels, strict=True))}
    control |= {"low": plain(field.low), "high": plain(field.high)}
    if kind == "scale":
        control["stops"] = sorted({min(stop, field.high) for stop in stops(field.name)})
    return control | ({"all": field.high} if kind == "count" else {})


def _words(kind: str, field: Any) -> tuple[str, str]:
    """Return the name and the help text of a control."""
    if kind == "layers":
        whole = f"{field.n_inputs}-128-64-{field.n_outputs}"
        about = "Units of each hidden layer, first to last: 128, 64 or 128-64, with inputs and outputs"
        return "Hidden layers", f"{about} {whole}. At most {field.most_layers} layers."
    if kind == "pair":
        about = "The function of the output units and what training minimises: chosen together."
        return "Output and loss", about
    return field.label, field.help


def as_whole(value: Any) -> Any:
    """Return 128 for 128.0, or a list of such numbers: sliders and pages only send floats."""
    if isinstance(value, list | tuple):
        return [one if isinstance(one, list | tuple) else as_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Checked(traitlets.TraitType[Any, Any]):
    """A trait that its widget validates: at once, including None, even while notifications are deferred."""

    def validate(self, obj: Any, value: object) -> Any:
        return obj.check(value)


class Setting(PagePart, ipywidgets.ValueWidget):
    """The control of one setting, usable like any ipywidgets widget with a value.

    `name` is an attribute of `TrainingConfig`. For ``"hidden_sizes"`` the `kind` is ``"scale"``, a slider for the
    first layer, or ``"layers"``, a list of all; for ``"output"`` ``"choice"``, or ``"pair"``, which includes the
    loss; by default, the first of these. Options are the initial ``value``, ``description``, ``disabled``,
    ``tooltip``, ``layout``, ``tabbable``.

    Raises `ValueError` if there is no such setting, or no control of this kind for it; `TypeError` for an unknown
    option; `ConfigError` if an invalid value is assigned: the value stays unchanged.

    Examples
    --------
    >>> batch_size = Setting("batch_size")
    >>> batch_size.value = 0
    Traceback (most recent call last):
    explorer.training.fields.ConfigError: batch_size is 0; expected a whole number from 1 to 60 000
    """

    _esm = script("setting")

    name = kind = ""
    names: tuple[str, ...] = ()

    value = _Checked().tag(sync=True, page=True)
    """The setting, with its type in `TrainingConfig`; for a pair, ``(output, loss)``. Never invalid."""
    description = traitlets.Unicode().tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    """What is wrong with the typed text, shown below the control; empty if it is valid."""
    now = traitlets.Float(None, allow_none=True).tag(sync=True)
    """The current run's value, which can be changed during the run; None if there is nothing to change."""
    _control = traitlets.Dict().tag(sync=True)
    _answered = traitlets.Unicode().tag(sync=True)
    """Number of the page's newest change that has been processed, as a value or an error."""
    on_change_now = PartEvent[[Any]]("now")
    """Calls ``callback(value)`` when the user wants the current run to use another value than `now`."""

    def __init__(self, name: str, *, kind: str | None = None, **options: Any) -> None:
        if name not in SETTINGS:
            raise ValueError(f"there is no setting {name!r}{did_you_mean(name, SETTINGS)}")
        kinds = _kinds(name)
        if kind is not None and kind not in kinds:
            raise ValueError(f"the control of {name} cannot be {kind!r}; expected one of {', '.join(kinds)}")
        self.name, self.kind = name, kind or kinds[0]
        self.names = _PAIR if self.kind == "pair" else (name,)
        self._field: Any = fields_of(60_000, 10)[name]  # MNIST's, until it is fit to others
        description, tooltip = _words(self.kind, self._field)
        begun = {"value": self.value_in(TrainingConfig()), "description": description, "tooltip": tooltip}
        super().__init__(_control=_control(self.kind, self._field), **{**begun, **options})

    def fit_to(self, n_images: int, n_classes: int, noun: str = "image", n_inputs: int = 784) -> None:
        """Use the range and the words for a data set with this number of training images, classes and pixels."""
        self._field = fields_of(n_images, n_classes, n_inputs)[self.name]
        control, words = _control(self.kind, self._field), _words(self.kind, self._field)
        self._control = control | {"unit": with_noun(control["unit"], noun)}
        self.description, self.tooltip = (with_noun(text, noun) for text in words)

    def check(self, value: object) -> Any:
        """Return `value` in its `TrainingConfig` type, or raise `ConfigError`."""
        if self.kind != "pair":
            return self._field.check(value)
        if not isinstance(value, list | tuple) or len(value) != len(_PAIR):
            raise ConfigError(self.name, value, "an output with a loss, as ('softmax', 'cross_entropy')")
        return tuple(FIELDS[name].check(part) for name, part in zip(_PAIR, value, strict=True))

    def value_in(self, config: TrainingConfig) -> Any:
        """Return this setting's value in `config`."""
        values = tuple(getattr(config, name) for name in self.names)
        return values if self.kind == "pair" else values[0]

    @property
    def settings(self) -> dict[str, Any]:
        """The value by its names in `TrainingConfig`: one, or two for a pair."""
        return dict(zip(self.names, self.value if self.kind == "pair" else (self.value,), strict=True))

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Set a state from the page; a value in it, as ``jslink`` sends, is treated as typed."""
        state = dict(sync_data)
        if "value" in state:
            self._commit(state.pop("value"))
            if self.error:
                self.send_state("value")
        if state:
            super().set_state(state)

    @traitlets.observe("value")
    def _on_value(self, _change: Mapping[str, Any]) -> None:
        self.error = ""

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        factor = content.get("factor")
        if self.now is not None and isinstance(factor, int | float) and factor > 0:
            self._emit("now", self._field.clamp(f"{self.now * factor:.6g}"))
        if "typed" in content:
            try:
                self._commit(content["typed"])
            finally:
                self._answered = str(content.get("number", ""))

    def _commit(self, typed: object) -> None:
        """Use the typed value, a number or text, or show what is expected instead, and what stays in use."""
        try:
            is_text = isinstance(typed, str) and self.kind != "pair"
            value = self._field.parse(typed) if is_text else self.check(as_whole(typed))
        except ConfigError as error:
            expected = error.expected
            if self.kind == "count":  # a checkbox stands for None
                expected = expected.partition(", or ")[0]
            elif isinstance(self._field, LayerSizes) and self.kind == "scale":  # one slider
                expected = f"a whole number from {plain(self._field.low)} to {plain(self._field.high)}"
            kept = " + ".join(FIELDS[name].text(value) for name, value in self.settings.items())
            kept = "All stay" if self.value is None else f"{kept} stays"
            self.error = f"Expected {expected}. {kept} in use."
        else:
            self.error, self.value = "", value  # the owner may refuse it, and then sets `error`
