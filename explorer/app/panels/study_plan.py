"""The plan of a study in the app: the controls that ask for it, and the runs that they come to."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from explorer.app.layout import box, set_hidden
from explorer.app.views import OnLoop
from explorer.datasets import Dataset
from explorer.training import FIELDS, ConfigError, TrainingConfig
from explorer.training.config import fields_of
from explorer.training.fields import Whole
from explorer.training.studies import grid
from explorer.training.studies.configs import (
    BATCH_SIZES,
    NO_AXES,
    SAME_STEP,
    as_text,
    batch_size_grid,
    batch_size_rates,
    offered_values,
    parse_values,
)
from explorer.training.studies.summary import setting_values, varied
from explorer.widgets.controls import Dropdown, Segmented, StudyEntry
from explorer.widgets.rendered import Caption
from explorer.wording import grouped

MOST_TRIALS = 2000
"""Maximum number of runs of a study in the app."""

_BY_REDUCTION = frozenset({"batch_size", "learning_rate"})  # whose effect depends on the reduction
_SEEDS = Whole(name="seeds", label="Seeds", key="", help="", low=1, high=1000)
_OWN_QUESTION = "One run per combination of values and seed. All other settings come from the controls."
_HINT = "Values such as 8, 32, 128 or a range such as 0.001..1 ×4."


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The runs of a study, and the settings on its figures' axes."""

    settings: tuple[str, ...] = ("batch_size",)
    """The settings that vary, except the seed: one or two."""
    configs: tuple[TrainingConfig, ...] = field(default=(), repr=False)

    @classmethod
    def of_batch_sizes(cls, config: TrainingConfig, n_images: int, seeds: Sequence[int]) -> Self:
        """Return the exercise's question; no batch is larger than the training images that a run uses."""
        n_used = min(config.n_train or n_images, n_images)
        sizes = sorted({min(size, n_used) for size in BATCH_SIZES})
        return cls.of(config, {"batch_size": sizes}, seeds, by_reduction=True)

    @classmethod
    def of(
        cls,
        config: TrainingConfig,
        values: Mapping[str, Iterable[Any]],
        seeds: Sequence[int],
        *,
        by_reduction: bool = False,
    ) -> Self:
        """Return every combination of values and seeds, ordered so that the whole figure appears early.

        Raises `ConfigError` if there are more than `MOST_TRIALS`.
        """
        axes = {name: tuple(own) for name, own in values.items()}
        n_runs = math.prod(map(len, axes.values())) * len(seeds) * (2 if by_reduction else 1)
        if n_runs > MOST_TRIALS:
            raise ConfigError("runs", n_runs, f"at most {grouped(MOST_TRIALS)} runs")
        if by_reduction and "batch_size" in axes:
            configs = batch_size_grid(config, batch_sizes=axes["batch_size"], seeds=seeds)
        else:
            if by_reduction:
                axes |= {"reduction": ("sum", "mean")}
            configs = grid(config, **axes, seed=seeds)
        ordered = tuple(sorted(configs, key=lambda run: (run.seed, -run.batch_size)))
        return cls((*values, "reduction") if by_reduction else tuple(values), ordered)


class StudyForm:
    """The controls that ask for a study; `on_change` is called with whether the user asks another question."""

    def __init__(
        self, dataset: Dataset, config: TrainingConfig, on_loop: OnLoop, on_change: Callable[[bool], object]
    ) -> None:
        self.config, self._n_images = config, len(dataset.train_labels)
        self._on_change, self._is_filling = on_change, False
        self._fields = fields_of(self._n_images, dataset.n_classes)
        self._seeds: tuple[int, ...] = ()  # of the file that was opened
        names = {name: field.label for name, field in self._fields.items() if name not in NO_AXES}
        self.question = Segmented("Question", {"batch": "Batch size", "own": "Settings of your choice"})
        self.axes = (
            Dropdown("What varies", names, value="learning_rate"),
            Dropdown("and", {"": "nothing else", **names}),
        )
        offered = offered_values(self._fields["learning_rate"], config, self._n_images)
        self.values = StudyEntry(label="Values", hint=_HINT, text=offered), StudyEntry(label="Values")
        gradients = {"": "Gradient as in the controls", "both": "By sum and by mean"}
        self.gradient = Segmented("Batch gradient", gradients)
        self.epochs, self.seeds = StudyEntry(label="Epochs", text="3"), StudyEntry(label="Seeds", text="3")
        self.gradient.observe(on_loop(lambda _: self._changed()), "value")
        for control in (self.question, *self.axes):
            control.observe(on_loop(lambda _: self._changed(is_other=True)), "value")
        for entry in (self.epochs, self.seeds, *self.values):
            entry.observe(on_loop(lambda _: self._changed()), "text")
        for axis, entry in zip(self.axes, self.values, strict=True):
            axis.observe(on_loop(lambda change, entry=entry: self._offer(entry, change["new"])), "value")
        self.words = Caption()
        later = (self.values[1], self.gradient, self.epochs)
        self._second_values, self._gradient, self.epochs_box = (
            box("explorer-study-part", control) for control in later
        )
        first = box("explorer-column explorer-close", self.axes[0], self.values[0])
        second = box("explorer-column explorer-close", self.axes[1], self._second_values)
        self.axes_box = box("explorer-column explorer-two explorer-study-axes", first, second, self._gradient)

    def follow(self, config: TrainingConfig) -> bool:
        """Use these settings for all else; return whether they are new. Values that the user typed stay."""
        if config == self.config:
            return False
        before, self.config = self.config, config
        for axis, entry in zip(self.axes, self.values, strict=True):
            if axis.value and entry.text == self._offered(axis.value, before):
                entry.text = self._offered(axis.value, config)
        return True

    def read(self) -> StudyPlan:
        """Return the plan; if a control is invalid, show its error and return a plan without runs."""
        is_own, (first, second) = self.question.value == "own", (axis.value for axis in self.axes)
        varies_epochs = is_own and "epochs" in (first, second)
        set_hidden(self.axes_box, not is_own)
        set_hidden(self._second_values, not second)
        set_hidden(self._gradient, first not in _BY_REDUCTION or bool(second))
        set_hidden(self.epochs_box, varies_epochs)
        self.words.text = _OWN_QUESTION if is_own else _question(self.config)
        n_seeds = _read(self.seeds, _SEEDS.parse)
        epochs = self.config.epochs if varies_epochs else _read(self.epochs, FIELDS["epochs"].parse)
        axes: dict[str, Any] = {}
        for axis, entry in zip(self.axes, self.values, strict=True) if is_own else ():
            if axis.value in axes:
                entry.error = "This setting already varies: choose another."
                n_seeds = None
            elif axis.value:
                axes[axis.value] = _read(entry, partial(parse_values, self._fields[axis.value]))
        if None in (epochs, n_seeds, *axes.values()):
            return StudyPlan()
        config, low = self.config.replace(epochs=epochs), min(self._seeds, default=0)
        seeds = self._seeds if len(self._seeds) == n_seeds else range(low, min(low + n_seeds, 2**32))
        try:
            if not is_own:
                return StudyPlan.of_batch_sizes(config, self._n_images, seeds)
            both = self.gradient.value == "both" and len(axes) == 1 and axes.keys() <= _BY_REDUCTION
            return StudyPlan.of(config, axes, seeds, by_reduction=both)
        except ConfigError as error:
            self.seeds.error = f"Too many runs: expected {error.expected}."
            return StudyPlan()

    def fill(self, configs: Sequence[TrainingConfig]) -> None:
        """Ask for the study of a file, so that it can be continued."""
        first = min(configs, key=lambda config: (config.reduction != "sum", config.seed))
        seeds, is_asked = setting_values(configs, "seed"), False
        with suppress(ConfigError):  # too many runs
            asked = StudyPlan.of_batch_sizes(first, self._n_images, seeds)
            is_asked = {*configs} <= {*asked.configs}
        names = varied(configs) or ("batch_size",)
        rest = [setting for setting in names if setting != "reduction"]
        both = len(rest) == 1 and len(names) == 2 and rest[0] in _BY_REDUCTION
        self._is_filling = True
        try:
            self.question.value = "batch" if is_asked else "own"
            self.gradient.value = "both" if both else ""
            self.epochs.text, self.seeds.text = str(first.epochs), str(len(seeds))
            varying = [*(rest if both else names), ""][:2]
            for axis, entry, setting in zip(self.axes, self.values, varying, strict=True):
                axis.value = setting
                values = setting_values(configs, setting) if setting else ()
                entry.text = ", ".join(as_text(self._fields[setting], value) for value in values)
        finally:
            self._is_filling = False
        self.config, self._seeds = first, seeds

    def _changed(self, *, is_other: bool = False) -> None:
        if not self._is_filling:
            self._seeds = () if is_other else self._seeds
            self._on_change(is_other)

    def _offer(self, entry: StudyEntry, name: str) -> None:
        if not self._is_filling:
            entry.text = self._offered(name, self.config) if name else ""

    def _offered(self, name: str, config: TrainingConfig) -> str:
        return offered_values(self._fields[name], config, self._n_images)


def _read(entry: StudyEntry, parse: Callable[[str], Any]) -> Any:
    """Return the parsed text, or None after showing an error if it is invalid."""
    try:
        value, entry.error = parse(entry.text.strip()), ""
    except ConfigError as error:
        entry.error = f"“{str(error.value)[:40]}” can't be used: expected {error.expected}."
        return None
    return value


def _question(config: TrainingConfig) -> str:
    rates = batch_size_rates(config)
    gradient = " and ".join(f"by {name} at {rate:g}" for name, rate in rates.items())
    how = f"the gradient {gradient}. At these rates both take equal steps for a batch of {SAME_STEP} images"
    if len(rates) == 1:
        how = f"{config.text('optimizer')}, which takes the mean gradient in any case"
    return (
        f"What does the batch size do? One run for each batch size and seed, with {how}. "
        "All other settings come from the controls."
    )
