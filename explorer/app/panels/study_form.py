"""The controls that ask for a study in the app, and the runs that they come to."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from explorer.app.layout import box
from explorer.datasets import Dataset
from explorer.training import FIELDS, ConfigError, TrainingConfig
from explorer.training.config import fields_of
from explorer.training.fields import Whole
from explorer.training.studies import grid
from explorer.training.studies.configs import (
    NO_AXES,
    SAME_STEP,
    batch_size_rates,
    offered_values,
    parse_values,
)
from explorer.widgets.controls import Dropdown, StudyEntry
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption
from explorer.wording import grouped, with_noun

MOST_TRIALS = 2000
"""Maximum number of runs of a study in the app."""

OnLoop = Callable[[Callable[..., object]], Callable[..., None]]  # runs it on the app's event loop

_SEEDS = Whole(name="seeds", label="Seeds", key="", help="", low=1, high=1000)
_REST = "All other settings come from the controls."
_HINT = "Values such as 8, 32, 128 or a range such as 0.001..1 ×4."


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The runs of a study, and the settings on its figures' axes."""

    settings: tuple[str, ...] = ("batch_size",)
    """The settings that vary, except the seed: one or two."""
    configs: tuple[TrainingConfig, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, config: TrainingConfig, values: Mapping[str, Iterable[Any]], seeds: Sequence[int]) -> Self:
        """Return every combination of values and seeds, ordered so that the whole figure appears early.

        Batch sizes by sum and by mean have a learning rate for each. Raises `ConfigError` if there are more than
        `MOST_TRIALS`.
        """
        axes, bases = {name: tuple(own) for name, own in values.items()}, [config]
        n_runs = math.prod(map(len, axes.values())) * len(seeds)
        if n_runs > MOST_TRIALS:
            raise ConfigError("runs", n_runs, f"at most {grouped(MOST_TRIALS)} runs")
        if "batch_size" in axes and len(axes.get("reduction", ())) == 2:
            del axes["reduction"]
            rates = batch_size_rates(config).items()
            bases = [config.replace(reduction=name, learning_rate=rate) for name, rate in rates]
        configs = [run for base in bases for run in grid(base, **axes, seed=seeds)]
        return cls(tuple(values), tuple(sorted(configs, key=lambda run: (run.seed, -run.batch_size))))


class StudyForm:
    """The controls that ask for a study; `on_change` is called after each change."""

    def __init__(
        self, dataset: Dataset, config: TrainingConfig, on_loop: OnLoop, on_change: Callable[[], object]
    ) -> None:
        self.config, self._n_images, self._noun = config, len(dataset.train_labels), dataset.noun
        self._fields = fields_of(self._n_images, dataset.n_classes)
        names = {n: with_noun(f.label, self._noun) for n, f in self._fields.items() if n not in NO_AXES}
        self.axes = (
            Dropdown("What varies", names, value="batch_size"),
            Dropdown("and", {"": "nothing else", **names}, value="reduction"),
        )
        self.values = StudyEntry(label="Values", hint=_HINT), StudyEntry(label="Values")
        self.epochs, self.seeds = StudyEntry(label="Epochs", text="3"), StudyEntry(label="Seeds", text="3")
        self.words = Caption()
        first = box("explorer-column explorer-close", self.axes[0], self.values[0])
        second = box("explorer-column explorer-close", self.axes[1], self.values[1])
        self.axes_box = box("explorer-column explorer-two explorer-study-axes", first, second)

        def offer(entry: StudyEntry, name: str) -> None:
            entry.text = self._offered(name, self.config)
            on_change()

        for axis, entry in zip(self.axes, self.values, strict=True):
            entry.text = self._offered(axis.value, config)
            axis.observe(on_loop(lambda change, entry=entry: offer(entry, change["new"])), "value")
        for entry in (*self.values, self.epochs, self.seeds):
            entry.observe(on_loop(lambda _: on_change()), "text")

    def follow(self, config: TrainingConfig) -> bool:
        """Use these settings for all else; return whether they are new. Values that the user typed stay."""
        before, self.config = self.config, config
        for axis, entry in zip(self.axes, self.values, strict=True):
            if entry.text == self._offered(axis.value, before):
                entry.text = self._offered(axis.value, config)
        return config != before

    def read(self) -> StudyPlan:
        """Return the plan; if a control is invalid, show its error and return a plan without runs."""
        names = [axis.value for axis in self.axes if axis.value]
        set_hidden(self.values[1], len(names) < 2)
        set_hidden(self.epochs, "epochs" in names)
        self.words.text = with_noun(_question(names, self.config), self._noun)
        parts = {"seeds": (self.seeds, _SEEDS.parse), "epochs": (self.epochs, FIELDS["epochs"].parse)}
        for name, entry in zip(names, self.values, strict=False):
            parts[name] = entry, partial(parse_values, self._fields[name])
        found = {name: _read(*part) for name, part in parts.items()}
        if len({*names}) < len(names):
            self.values[1].error = "This setting already varies: choose another."
        if None in found.values() or len({*names}) < len(names):
            return StudyPlan()
        config = self.config if "epochs" in names else self.config.replace(epochs=found["epochs"])
        try:
            return StudyPlan.of(config, {name: found[name] for name in names}, range(found["seeds"]))
        except ConfigError as error:
            self.seeds.error = f"Too many runs: expected {error.expected}."
            return StudyPlan()

    def _offered(self, name: str, config: TrainingConfig) -> str:
        return offered_values(self._fields[name], config, self._n_images) if name else ""


def _read(entry: StudyEntry, parse: Callable[[str], Any]) -> Any:
    """Return the parsed text, or None after showing an error if it is invalid."""
    try:
        value, entry.error = parse(entry.text.strip()), ""
    except ConfigError as error:
        entry.error = f"“{str(error.value)[:40]}” can't be used: expected {error.expected}."
        return None
    return value


def _question(names: Sequence[str], config: TrainingConfig) -> str:
    if {*names} != {"batch_size", "reduction"}:
        return f"One run per combination of values and seed. {_REST}"
    rates = batch_size_rates(config)
    gradient = " and ".join(f"by {name} at {rate:g}" for name, rate in rates.items())
    how = f"the gradient {gradient}. At these rates both take equal steps for a batch of {SAME_STEP} images"
    if len(rates) == 1:
        how = f"{config.text('optimizer')}, which takes the mean gradient in any case"
    return f"What does the batch size do? One run for each batch size and seed, with {how}. {_REST}"
